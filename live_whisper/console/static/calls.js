// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the whisper-live-sagemaker authors
// The recordings, each with its state and captions, and their list.

export const clock = (seconds) => {
  const tenths = Math.round(seconds * 10);
  const pad = (number) => String(number).padStart(2, "0");
  return `${pad(Math.floor(tenths / 600))}:${pad(Math.floor(tenths / 10) % 60)}.${tenths % 10}`;
};

const BUSY = ["starting", "uploading", "transcribing", "live", "finishing"];

/** A recording: on the server, a file being uploaded, or from the microphone. */
export class Call {
  constructor({ id = null, title, bytes = 0, file = null }) {
    Object.assign(this, { id, title, bytes, file });
    this.state = "new";
    this.since = 0; // start of the state, performance.now()
    this.share = 0; // uploaded share, 0 to 1
    this.sent = null; // replaces a file that is too large
    this.outline = undefined; // null: the browser cannot decode it
    this.forget();
  }

  /** Discard all results. */
  forget() {
    Object.assign(this, {
      entries: new Map(), results: [], events: [], answer: null, session: null, facts: [], error: "",
      warnings: [], speakers: [],
    });
  }

  become(state, error = "") {
    Object.assign(this, { state, error, since: performance.now() });
  }

  get isBusy() {
    return BUSY.includes(this.state);
  }

  get isLive() {
    return this.state === "live" || this.state === "finishing";
  }

  get seconds() {
    return this.outline?.seconds ?? 0;
  }

  /** The audio, from the file or the server. */
  async blob() {
    if (this.file) return this.file;
    const answer = await fetch(this.address);
    if (!answer.ok) throw new Error((await answer.json()).error);
    return answer.blob();
  }

  get address() {
    if (!this.file) return `/api/calls/${encodeURIComponent(this.id)}/audio`;
    this.url ??= URL.createObjectURL(this.file);
    return this.url;
  }

  get doing() {
    const length = this.seconds ? clock(this.seconds) : `${(this.bytes / 1e6).toFixed(1)} MB`;
    const past = Math.round((performance.now() - this.since) / 1000);
    return {
      new: length,
      uploading: `uploading ${Math.round(100 * this.share)} %`,
      transcribing: `transcribing, ${past} s`,
      starting: "getting ready",
      live: `live, ${past} s`,
      finishing: "waiting for the last words",
      done: `${length}, transcribed`,
      failed: "failed",
    }[this.state];
  }
}

/** The list of recordings; calls back with the chosen one. */
export class CallList {
  constructor(element, choose) {
    this.element = element;
    this.choose = choose;
    this.rows = new Map();
  }

  add(call, { isNew = false } = {}) {
    const row = document.createElement("li");
    const button = document.createElement("button");
    for (const name of ["name", "doing"]) {
      const part = document.createElement("span");
      part.className = name;
      button.append(part);
    }
    button.addEventListener("click", () => this.choose(call));
    row.append(button);
    this.rows.set(call, row);
    if (isNew) this.element.prepend(row);
    else this.element.append(row);
    this.refresh(call);
  }

  refresh(call) {
    const row = this.rows.get(call);
    row.className = call.isBusy ? "busy" : call.state;
    row.querySelector(".name").textContent = row.title = call.title;
    row.querySelector(".doing").textContent = call.doing;
  }

  mark(chosen) {
    for (const [call, row] of this.rows) {
      row.firstChild.setAttribute("aria-current", String(call === chosen));
    }
    this.rows.get(chosen)?.scrollIntoView({ block: "nearest" });
  }

  get calls() {
    return [...this.rows.keys()];
  }
}
