// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the whisper-live-sagemaker authors
// Captions: entries in chronological order, with words selectable by mouse and keyboard.
import { clock } from "./calls.js";

const UNSURE = 0.5, DOUBTFUL = 0.8;
const COLOURS = 6;
const SPOKEN = 4;
const EMPTY = "Captions appear here: Transcribe hears the recording whole, Play live as it is spoken.";
const NOTHING = "No speech was found in this recording.";
const WAITING = "Nothing has been heard yet.";
const REFUSED = "Nothing was transcribed; the reason is above.";
const NO_CALL = "Drop a recording here, or press Upload.";

export class Captions {
  /** `spoken`: element that announces finals to screen readers; `seek` takes seconds. */
  constructor(box, spoken, seek) {
    Object.assign(this, { box, spoken, seek, words: [] });
    box.addEventListener("click", ({ target }) => this.choose(target.closest(".final .word")));
    box.addEventListener("keydown", (event) => this.key(event));
  }

  /** Show a call; null for none. */
  show(call) {
    this.words = [];
    this.spoken.replaceChildren();
    this.box.replaceChildren();
    for (const entry of call?.entries.values() ?? []) this.put(call, entry);
    if (!this.box.children.length) this.box.append(this.empty(call));
  }

  empty(call) {
    const said = document.createElement("p");
    said.className = "empty";
    if (!call) said.textContent = NO_CALL;
    else if (call.isBusy) said.textContent = WAITING;
    else said.textContent = { done: NOTHING, failed: REFUSED }[call.state] ?? EMPTY;
    return said;
  }

  /** Show a new state of an entry. */
  put(call, entry) {
    this.box.querySelector(".empty")?.remove();
    const old = this.box.querySelector(`[data-result="${CSS.escape(entry.id)}"]`);
    if (old) this.words = this.words.filter((word) => !old.contains(word.element));
    if (entry.isFinal && !entry.words.length && !entry.lost) {
      old?.remove();
      return;
    }
    const article = this.article(call, entry);
    if (old) old.replaceWith(article);
    else {
      const later = [...this.box.children].find((one) => Number(one.dataset.start) > entry.start);
      this.box.insertBefore(article, later ?? null);
    }
    this.join(article);
    if (article.nextElementSibling) this.join(article.nextElementSibling);
  }

  /** Scroll to the end, and announce a final to screen readers. */
  follow(entry) {
    this.box.scrollTop = this.box.scrollHeight;
    if (!entry.isFinal) return;
    const said = document.createElement("span");
    said.textContent = `${entry.label}: ${entry.words.map((word) => word.before + word.text).join("")} `;
    this.spoken.append(said);
    while (this.spoken.children.length > SPOKEN) this.spoken.firstChild.remove();
  }

  article(call, entry) {
    const article = document.createElement("article");
    article.dataset.result = entry.id;
    article.dataset.start = entry.start;
    article.dataset.label = entry.label;
    article.className = "said";
    if (entry.who >= 0) article.classList.add(`who-${entry.who % COLOURS}`);
    if (entry.who === 1 && call.speakers.length < 3) article.classList.add("right");
    article.classList.toggle("final", entry.isFinal);
    article.classList.toggle("lost", Boolean(entry.lost));
    const heading = document.createElement("h3"), time = document.createElement("time");
    time.textContent = entry.isFinal ? `${clock(entry.start)} – ${clock(entry.end)}` : `${clock(entry.start)} –`;
    const label = document.createElement("b");
    label.textContent = entry.label ? `${entry.label} ` : "";
    heading.append(label, time);
    const text = document.createElement("p");
    if (entry.lost) text.textContent = `No transcript: ${entry.lost}`;
    entry.words.forEach((word, place) => {
      if (place && word.before) text.append(word.before);
      text.append(this.word(word, entry.isFinal));
    });
    article.append(heading, text);
    return article;
  }

  word({ text, start, end, confidence, isStable }, isFinal) {
    const element = document.createElement("span");
    element.className = isStable ? "word stable" : "word";
    element.textContent = text;
    if (confidence !== undefined) {
      element.title = `confidence ${confidence.toFixed(2)}, ${clock(start)}`;
      if (confidence < UNSURE) element.classList.add("unsure");
      else if (confidence < DOUBTFUL) element.classList.add("doubtful");
    }
    if (isFinal) {
      element.setAttribute("role", "button");
      element.tabIndex = this.words.length ? -1 : 0;
      this.words.push({ start, end, element });
    }
    return element;
  }

  /** Do not repeat the label of the same speaker. */
  join(article) {
    const before = article.previousElementSibling;
    const isSame = Boolean(before) && before.dataset.label === article.dataset.label;
    article.classList.toggle("same", isSame && Boolean(article.dataset.label));
  }

  choose(element) {
    const word = this.words.find((one) => one.element === element);
    if (word) this.seek(word.start);
  }

  /** Keyboard navigation between words; Enter acts like a click. */
  key(event) {
    const element = event.target.closest(".final .word");
    if (!element || event.ctrlKey || event.metaKey || event.altKey) return;
    const all = [...this.box.querySelectorAll(".final .word")];
    const at = all.indexOf(element);
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: all.length - 1 }[event.key];
    if (to !== undefined) this.focus(all[Math.max(0, Math.min(all.length - 1, to))]);
    else if (event.key === "Enter") this.choose(element);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  focus(element) {
    for (const one of this.box.querySelectorAll('.word[tabindex="0"]')) one.tabIndex = -1;
    element.tabIndex = 0;
    element.focus();
  }

  /** Highlight the word being played; null for none. */
  highlight(now) {
    for (const { start, end, element } of this.words) {
      element.classList.toggle("now", now !== null && start <= now && now < end);
    }
  }
}
