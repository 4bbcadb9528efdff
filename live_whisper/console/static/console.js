// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the whisper-live-sagemaker authors
// The page: the chosen recording, buttons and keys.
import { Call, CallList } from "./calls.js";
import { Captions } from "./captions.js";
import { openMicrophone, playLive, speakInto } from "./live.js";
import { Panels } from "./panels.js";
import { latencies, load, waveform } from "./plots.js";
import { outline } from "./recordings.js";
import { ask, makeSmaller, transcribe, upload } from "./whole.js";

const find = (id) => document.getElementById(id);
const audio = find("audio");
const UNDRAWN = "This browser can neither draw nor play this kind of file; the endpoint may still transcribe it.";

const page = { chosen: null, isAsking: false, isUnplayable: false, mostBytes: Infinity };
const list = new CallList(find("calls"), choose);
const captions = new Captions(find("captions"), find("spoken"), seek);
const panels = new Panels(optionsOf);

// Options

function optionsOf(call) {
  const given = new URLSearchParams();
  for (const id of ["language", "languages", "terms"]) {
    if (find(id).value.trim()) given.set(id, find(id).value.trim());
  }
  if (find("redaction").checked) given.set("redaction", "true");
  // An undecodable file may have one party per channel; with one channel it makes no difference.
  const asRecorded = call.outline && !call.outline.hasParties ? "together" : "channels";
  given.set("speakers", find("speakers").value || asRecorded);
  return given;
}

// The chosen recording

async function choose(call) {
  audio.pause();
  audio.removeAttribute("src");
  page.chosen = call;
  page.isUnplayable = false;
  list.mark(call);
  show();
  captions.show(call);
  await prepare(call);
}

/** Load a chosen recording's audio and outline. */
async function prepare(call) {
  const isSound = call.bytes > 0;
  if (isSound && page.chosen === call) {
    audio.src = call.address;
    if (call.live) audio.currentTime = call.live.position;
    if (call.state === "live") audio.play().catch(() => {});
  }
  if (isSound && call.outline === undefined) {
    try {
      call.outline = await outline(await call.blob());
    } catch (error) {
      call.error = error.message;
    }
  }
  refresh(call);
}

function refresh(call) {
  list.refresh(call);
  if (call === page.chosen) show();
}

/** Show the chosen recording, except its captions. */
function show() {
  const call = page.chosen;
  find("title").textContent = call?.title ?? "No recording chosen";
  find("state").textContent = call?.doing ?? "";
  find("error").textContent = call?.error ?? "";
  find("error").hidden = !call?.error;
  const warnings = [...(call?.warnings ?? [])];
  if (!call?.error && (call?.outline === null || page.isUnplayable)) warnings.push(UNDRAWN);
  find("warnings").textContent = warnings.join("\n");
  find("warnings").hidden = !warnings.length;
  find("transcribe").disabled = !call || call.isBusy;
  find("play").textContent = call?.isLive ? "Stop" : "Play live";
  find("play").disabled = !call || call.state === "finishing" || (call.isBusy && !call.isLive);
  audio.hidden = !call || call.isLive || page.isUnplayable || !audio.hasAttribute("src");
  showFacts(call);
  panels.show(call);
  draw();
}

function showFacts(call) {
  find("facts").replaceChildren(
    ...(call?.facts ?? []).flatMap(([name, value]) => {
      const parts = [document.createElement("dt"), document.createElement("dd")];
      [parts[0].textContent, parts[1].textContent] = [name, value];
      return parts;
    }),
  );
  find("latency-figure").hidden = !call?.results.length;
  find("downloads").hidden = !call?.session || call.isBusy || !call.entries.size;
  for (const link of find("downloads").querySelectorAll("a")) {
    if (call?.session) link.href = `/api/sessions/${call.session}/transcript.${link.dataset.as}`;
  }
}

// Actions

async function act(call, work) {
  try {
    await work();
  } catch (error) {
    call.become("failed", error.message);
  }
  refresh(call);
  if (call === page.chosen) captions.show(call);
}

function transcribeWhole(call) {
  if (!call || call.isBusy) return undefined;
  call.forget();
  call.become("starting");
  return act(call, async () => {
    // The outline tells whether the channels are two parties.
    const drawn = call.outline === undefined ? prepare(call) : null;
    if (call.bytes > page.mostBytes) {
      await drawn;
      await makeSmaller(call, page.mostBytes);
    }
    if (!call.id) await shown(call, upload(call, refresh));
    await drawn;
    await shown(call, transcribe(call, optionsOf(call)));
  });
}

/** Show a call while work on it is in progress. */
function shown(call, work) {
  refresh(call);
  if (call === page.chosen) captions.show(call);
  return work;
}

function take(files) {
  const calls = [...files].map((file) => new Call({ title: file.name, bytes: file.size, file }));
  for (const call of calls) list.add(call, { isNew: true });
  if (calls.length) choose(calls[0]);
  return Promise.all(calls.map(transcribeWhole));
}

async function togglePlay() {
  const call = page.chosen;
  if (!call) return;
  if (call.isLive) stop(call);
  else if (!call.isBusy) await act(call, () => playLive(call, optionsOf(call), changed));
}

function stop(call) {
  audio.pause();
  call.live?.stop();
}

/** Handle a live call's changes. */
function changed(call, what) {
  list.refresh(call);
  if (what === "closed" && call.outline === undefined) prepare(call);
  if (call !== page.chosen) return;
  if (what === "started" && call.id !== null) {
    audio.currentTime = 0;
    // If the browser blocks playback, captions continue.
    audio.play().catch(() => {});
  }
  if (typeof what === "object") {
    captions.put(call, what);
    captions.follow(what);
    showLatency(call);
  } else {
    show();
    if (what === "starting" || (what === "closed" && !call.entries.size)) captions.show(call);
  }
  draw();
}

function showLatency({ results }) {
  const newest = results.at(-1);
  if (!newest) return;
  find("latency-figure").hidden = false;
  const same = results.filter((one) => one.isPartial === newest.isPartial).map((one) => one.latency);
  const middle = same.sort((a, b) => a - b)[same.length >> 1];
  find("latency").textContent =
    `${Math.round(newest.latency)} ms; median ${newest.isPartial ? "partial" : "final"} ${Math.round(middle)} ms`;
}

async function speak() {
  if (page.isAsking) return;
  page.isAsking = true;
  try {
    const microphone = await openMicrophone();
    const call = new Call({ title: `Microphone ${new Date().toLocaleTimeString()}` });
    speakInto(call, microphone, optionsOf(call), changed);
    list.add(call, { isNew: true });
    choose(call);
  } catch (error) {
    find("error").textContent = error.message;
    find("error").hidden = false;
  } finally {
    page.isAsking = false;
  }
}

// Sound and pictures

function seek(seconds) {
  if (audio.hidden) return;
  audio.currentTime = Math.max(0, Math.min(audio.duration || seconds, seconds));
  highlight();
}

function highlight() {
  captions.highlight(audio.hidden ? null : audio.currentTime);
  draw();
}

function heardOf(call) {
  const now = call.isLive ? call.live.position : audio.currentTime;
  return call.seconds ? now / call.seconds : 0;
}

let isDrawing = false;

function draw() {
  if (isDrawing) return;
  isDrawing = true;
  requestAnimationFrame(() => {
    isDrawing = false;
    const call = page.chosen;
    const waves = canvases(call?.outline?.peaks.length ?? 0);
    waves.forEach((canvas, at) => waveform(canvas, call.outline.peaks[at], heardOf(call), `--who-${at}`));
    if (call?.results.length) latencies(find("latency-plot"), call.results, call.seconds);
  });
}

/** Create a canvas per channel, for up to four. */
function canvases(count) {
  const number = Math.min(count, 4);
  const waves = find("waves");
  if (waves.children.length !== number) {
    waves.replaceChildren(...Array.from({ length: number }, (_, at) => {
      const figure = document.createElement("figure"), canvas = document.createElement("canvas");
      canvas.setAttribute("role", "img");
      canvas.setAttribute("aria-label", `Waveform of channel ${at + 1}`);
      canvas.addEventListener("click", (event) =>
        seek((event.offsetX / canvas.clientWidth) * (page.chosen?.seconds ?? 0)));
      figure.append(canvas);
      return figure;
    }));
  }
  return [...waves.querySelectorAll("canvas")];
}

async function watchEndpoint() {
  try {
    if (document.hidden) return;
    const { readings, note } = await ask("/api/signals");
    const newest = readings.findLast((one) => one.batches);
    find("load-plot").hidden = find("load-key").hidden = !readings.some((one) => one.requests);
    if (!find("load-plot").hidden) load(find("load-plot"), readings);
    find("load").textContent = newest
      ? `batches of ${newest.batch_mean}, ${newest.batch_max} at most`
      : note || "no figures in 5 minutes";
  } catch (error) {
    find("load").textContent = error.message;
  } finally {
    setTimeout(watchEndpoint, 1000);
  }
}

// Keyboard, buttons, files

/** Play a transcribed recording; otherwise start it live. */
function space() {
  if (page.chosen?.entries.size && !page.chosen.isLive && !audio.hidden) {
    if (audio.paused) audio.play().catch(() => {});
    else audio.pause();
  } else togglePlay();
}

const KEYS = {
  " ": space,
  t: () => transcribeWhole(page.chosen),
  u: () => find("file").click(),
  m: () => (page.chosen?.isLive ? stop(page.chosen) : speak()),
  ArrowLeft: () => seek(audio.currentTime - 5),
  ArrowRight: () => seek(audio.currentTime + 5),
};

document.addEventListener("keydown", (event) => {
  const isTyping = event.target.closest("input:not([type=checkbox]), select, audio, pre");
  const isPressing = event.key === " " && event.target.closest("button, a, summary, input");
  if (isTyping || isPressing || event.ctrlKey || event.metaKey || event.altKey) return;
  const act = KEYS[event.key.length === 1 ? event.key.toLowerCase() : event.key];
  if (!act) return;
  event.preventDefault();
  act();
});

find("play").addEventListener("click", togglePlay);
find("transcribe").addEventListener("click", () => transcribeWhole(page.chosen));
find("speak").addEventListener("click", speak);
find("file").addEventListener("change", ({ target }) => {
  take(target.files);
  target.value = "";
});
find("options").addEventListener("change", () => panels.fill());
find("confidence").addEventListener("change", ({ target }) =>
  find("captions").classList.toggle("confidence", target.checked));
audio.addEventListener("timeupdate", highlight);
audio.addEventListener("seeked", highlight);
audio.addEventListener("error", () => {
  page.isUnplayable = Boolean(audio.getAttribute("src"));
  show();
});
for (const [name, isOver] of [["dragover", true], ["dragleave", false], ["drop", false]]) {
  document.addEventListener(name, (event) => {
    event.preventDefault();
    document.body.classList.toggle("dropping", isOver);
    if (name === "drop") take(event.dataTransfer.files);
  });
}
window.addEventListener("resize", draw);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
setInterval(() => {
  for (const call of list.calls) if (call.isBusy) list.refresh(call);
  if (page.chosen?.isBusy) find("state").textContent = page.chosen.doing;
  if (page.chosen?.isLive) draw();
}, 250);

// Start

function showModel({ endpoint, model, speakers, most_bytes: mostBytes }) {
  page.mostBytes = mostBytes;
  const name = document.createElement("strong"), said = document.createElement("span");
  name.textContent = model.name;
  said.className = "quiet";
  said.textContent = ` – ${model.good_for}`;
  find("model").replaceChildren(name, said);
  find("endpoint").textContent = endpoint;
  find("language").append(...model.languages.map(([code, text]) => new Option(text, code)));
  for (const option of [...find("speakers").options]) {
    if (option.value && !speakers.includes(option.value)) option.remove();
  }
}

find("captions").classList.add("confidence");
find("options").open = matchMedia("(min-width: 50rem)").matches;
captions.show(null);
try {
  for (const row of await ask("/api/calls")) list.add(new Call(row));
  if (list.calls.length) choose(list.calls[0]);
  watchEndpoint();
  showModel(await ask("/api/about"));
} catch (error) {
  find("error").textContent = error.message;
  find("error").hidden = false;
}
