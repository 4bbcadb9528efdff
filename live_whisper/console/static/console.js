// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the whisper-live-sagemaker authors
import { latencies, load, waveform } from "./plots.js";

const find = (id) => document.getElementById(id);
const RATE = 16000;

const page = {
  socket: null, // open while a call is being transcribed
  microphone: null,
  isAsking: false, // for the microphone, which the browser asks the user for
  session: null,
  results: [], // { until, latency, isPartial }
  words: [], // of finals: { start, end, element }
  channels: [new Float32Array(), new Float32Array()],
  seconds: 0,
  recorded: [],
};

function say(state) {
  find("state").textContent = state;
}

function complain(sentence) {
  find("error").textContent = sentence;
  find("error").hidden = !sentence;
}

const clock = (seconds) => {
  const tenths = Math.round(seconds * 10);
  const pad = (number) => String(number).padStart(2, "0");
  return `${pad(Math.floor(tenths / 600))}:${pad(Math.floor(tenths / 10) % 60)}.${tenths % 10}`;
};

// Calls

async function listCalls(chosen) {
  const calls = await (await fetch("/api/calls")).json();
  find("call").replaceChildren(
    ...calls.map(({ id, title, seconds }) => new Option(`${title} (${Math.round(seconds)} s)`, id)),
  );
  if (chosen) find("call").value = chosen;
  await showCall();
}

async function showCall() {
  const key = find("call").value;
  if (!key) return;
  const bytes = await (await fetch(`/api/calls/${encodeURIComponent(key)}/audio`)).arrayBuffer();
  listenTo(new Blob([bytes], { type: "audio/wav" }));
  // Any rate will do: this is for the picture.
  const decoded = await new OfflineAudioContext(2, 1, RATE).decodeAudioData(bytes);
  if (key !== find("call").value) return;
  page.channels = [decoded.getChannelData(0), decoded.getChannelData(1)];
  page.seconds = decoded.duration;
  draw();
}

function listenTo(recording) {
  URL.revokeObjectURL(find("audio").src);
  // The whole of it is here, so that it can be played from anywhere.
  find("audio").src = URL.createObjectURL(recording);
}

async function upload(file) {
  complain("");
  const answer = await fetch(`/api/calls?name=${encodeURIComponent(file.name)}`, {
    method: "POST",
    body: file,
  });
  const said = await answer.json();
  if (!answer.ok) {
    complain(said.error);
    return;
  }
  await listCalls(said.id);
  say(`${file.name} is ready`);
}

// A call

function clear() {
  complain("");
  find("captions").replaceChildren();
  Object.assign(page, { results: [], words: [], session: null, recorded: [] });
  find("latency").textContent = "no results yet";
  find("counts").textContent = "";
  find("downloads").hidden = true;
}

function open(parameters) {
  clear();
  const language = find("language").value;
  const terms = find("terms").value;
  const query = new URLSearchParams({ ...parameters, ...(language && { language }), ...(terms && { terms }) });
  const scheme = window.location.protocol === "https:" ? "wss" : "ws";
  const socket = new WebSocket(`${scheme}://${window.location.host}/api/live?${query}`);
  page.socket = socket;
  socket.addEventListener("message", ({ data }) => {
    if (page.socket === socket) take(JSON.parse(data));
  });
  socket.addEventListener("close", () => closed(socket));
  buttons();
}

function take(message) {
  if (message.type === "started") {
    page.session = message.session;
    say("live");
    if (!page.microphone) {
      find("audio").currentTime = 0;
      // The captions go on where a browser does not let us play.
      find("audio").play().catch(() => say("live, without sound"));
    }
  } else if (message.type === "result") {
    showResult(message);
  } else if (message.type === "lost") {
    showLost(message);
  } else if (message.type === "ended") {
    showCounts(message.counts);
  } else if (message.type === "failed") {
    complain(message.error);
  }
}

function closed(socket) {
  if (page.socket !== socket) return;
  page.socket = null;
  stopMicrophone();
  find("audio").hidden = !page.seconds;
  say(page.words.length ? "transcribed" : "ended");
  buttons();
}

function stop() {
  find("audio").pause();
  stopMicrophone();
  say("finishing");
  if (page.socket?.readyState === WebSocket.OPEN) page.socket.send("stop");
}

function togglePlay() {
  if (page.socket) stop();
  else open({ call: find("call").value });
}

function buttons() {
  const isLive = Boolean(page.socket);
  find("play").textContent = isLive ? "Stop" : "Play";
  find("audio").hidden = isLive || !page.words.length;
  for (const id of ["speak", "call", "language", "terms", "file"]) find(id).disabled = isLive;
}

// Captions

function entryOf(id, start, role, heading) {
  let entry = document.querySelector(`[data-result="${id}"]`);
  if (!entry) {
    entry = document.createElement("article");
    entry.dataset.result = id;
    entry.dataset.start = start;
    entry.className = `said ${role.toLowerCase()}`;
    entry.append(document.createElement("h2"), document.createElement("p"));
    const later = [...find("captions").children].find((one) => Number(one.dataset.start) > start);
    find("captions").insertBefore(entry, later ?? null);
  }
  entry.querySelector("h2").textContent = heading;
  return entry;
}

function showResult(message) {
  const [result] = message.TranscriptEvent.Transcript.Results;
  const { ResultId, StartTime, EndTime, IsPartial, ParticipantRole, Alternatives } = result;
  const times = IsPartial ? `${clock(StartTime)}–` : `${clock(StartTime)}–${clock(EndTime)}`;
  const entry = entryOf(ResultId, StartTime, ParticipantRole, `${ParticipantRole} ${times}`);
  entry.classList.toggle("final", !IsPartial);
  entry.querySelector("p").replaceChildren(...spans(Alternatives[0], !IsPartial));
  if (!IsPartial && !Alternatives[0].Items.length) entry.remove();
  const latency = 1000 * message.latency_s;
  page.results.push({ until: message.until, latency, isPartial: IsPartial });
  find("captions").scrollTop = find("captions").scrollHeight;
  const partials = page.results.filter((one) => one.isPartial === IsPartial);
  const middle = partials.map((one) => one.latency).sort((a, b) => a - b)[partials.length >> 1];
  find("latency").textContent =
    `${Math.round(latency)} ms; median ${IsPartial ? "partial" : "final"} ${Math.round(middle)} ms`;
  draw();
}

// Items say nothing of blanks: what stands between two of them is taken from the transcript.
function spans({ Items, Transcript }, isFinal) {
  const made = [];
  let heard = 0;
  for (const item of Items) {
    const at = Math.max(heard, Transcript.indexOf(item.Content, heard));
    const between = Transcript.slice(heard, at);
    heard = at + item.Content.length;
    if (between) made.push(between);
    if (item.Type === "punctuation") {
      const last = made.at(-1);
      if (last?.append) last.append(item.Content);
      else made.push(item.Content);
      continue;
    }
    const word = document.createElement("span");
    word.className = item.Stable ? "word stable" : "word";
    word.textContent = item.Content;
    word.title = `confidence ${item.Confidence.toFixed(2)}, ${clock(item.StartTime)}`;
    if (isFinal) {
      page.words.push({ start: item.StartTime, end: item.EndTime, element: word });
      word.addEventListener("click", () => seek(item.StartTime));
    }
    made.push(word);
  }
  return made;
}

function showLost(lost) {
  const heading = `${lost.role} ${clock(lost.start)}–${clock(lost.end)}`;
  const entry = entryOf(lost.result_id, lost.start, lost.role, heading);
  entry.classList.add("lost");
  entry.querySelector("p").textContent = `No transcript: ${lost.reason}`;
}

function showCounts(counts) {
  find("counts").textContent =
    `${counts.utterances} utterances, ${counts.finals_lost} lost; ` +
    `${counts.partials_asked} partials, ${counts.partials_dropped} dropped`;
  find("downloads").hidden = false;
  for (const link of find("downloads").querySelectorAll("a")) {
    link.href = `/api/sessions/${page.session}/transcript.${link.dataset.as}`;
  }
}

// Play-back

function seek(seconds) {
  if (page.socket || !page.seconds) return;
  find("audio").currentTime = Math.max(0, Math.min(page.seconds, seconds));
  highlight();
}

function highlight() {
  const now = find("audio").currentTime;
  for (const { start, end, element } of page.words) {
    element.classList.toggle("now", !page.socket && start <= now && now < end);
  }
  draw();
}

// Microphone

async function speak() {
  if (page.socket || page.isAsking) return;
  page.isAsking = true;
  const microphone = {};
  try {
    microphone.stream = await navigator.mediaDevices.getUserMedia({ audio: true });
    microphone.context = new AudioContext({ sampleRate: RATE });
    await microphone.context.audioWorklet.addModule("/static/microphone.js");
  } catch (error) {
    release(microphone);
    complain(`The microphone cannot be used (${error.message}); allow it for this page.`);
    return;
  } finally {
    page.isAsking = false;
  }
  // Another call may have been begun in the meantime.
  if (page.socket) release(microphone);
  else speakInto(microphone);
}

function speakInto(microphone) {
  const { stream, context } = microphone;
  const frames = new AudioWorkletNode(context, "frames");
  context.createMediaStreamSource(stream).connect(frames);
  page.microphone = microphone;
  page.channels = [new Float32Array(), new Float32Array()];
  page.seconds = 0;
  open({});
  frames.port.onmessage = ({ data }) => {
    if (page.microphone !== microphone) return;
    if (page.socket?.readyState !== WebSocket.OPEN || !page.session) return;
    page.socket.send(data.buffer);
    page.recorded.push(data);
    page.seconds += data.length / RATE;
    draw();
  };
}

function release({ stream, context }) {
  for (const track of stream?.getTracks() ?? []) track.stop();
  context?.close();
}

function stopMicrophone() {
  if (!page.microphone) return;
  release(page.microphone);
  page.microphone = null;
  const samples = new Int16Array(page.recorded.flatMap((frame) => [...frame]));
  page.channels = [Float32Array.from(samples, (sample) => sample / 32768), new Float32Array()];
  listenTo(wav(samples));
}

function wav(samples) {
  const head = new DataView(new ArrayBuffer(44));
  const write = (at, text) => [...text].forEach((c, i) => head.setUint8(at + i, c.charCodeAt(0)));
  const bytes = samples.length * 2;
  write(0, "RIFF");
  head.setUint32(4, 36 + bytes, true);
  write(8, "WAVEfmt ");
  [[16, 16, 4], [20, 1, 2], [22, 1, 2], [24, RATE, 4], [28, 2 * RATE, 4], [32, 2, 2], [34, 16, 2]]
    .forEach(([at, value, size]) =>
      size === 4 ? head.setUint32(at, value, true) : head.setUint16(at, value, true));
  write(36, "data");
  head.setUint32(40, bytes, true);
  return new Blob([head, samples], { type: "audio/wav" });
}

// Pictures

let isDrawing = false;

function draw() {
  if (isDrawing) return;
  isDrawing = true;
  requestAnimationFrame(() => {
    isDrawing = false;
    const now = page.microphone ? page.seconds : find("audio").currentTime;
    const heard = page.seconds ? now / page.seconds : 0;
    waveform(find("wave-0"), page.channels[0], heard, "--agent");
    waveform(find("wave-1"), page.channels[1], heard, "--customer");
    latencies(find("latency-plot"), page.results, page.seconds);
  });
}

async function watchEndpoint() {
  try {
    const readings = await (await fetch("/api/signals")).json();
    load(find("load-plot"), readings);
    const newest = readings.findLast((one) => one.batches);
    if (newest) {
      find("load").textContent =
        `batches of ${newest.batch_mean} on average, ${newest.batch_max} at most`;
    }
  } finally {
    setTimeout(watchEndpoint, 1000);
  }
}

// Keyboard

const KEYS = {
  " ": togglePlay,
  u: () => find("file").disabled || find("file").click(),
  m: () => (page.socket ? stop() : speak()),
  ArrowLeft: () => seek(find("audio").currentTime - 5),
  ArrowRight: () => seek(find("audio").currentTime + 5),
};

document.addEventListener("keydown", (event) => {
  const isTyping = event.target.closest("select, input, button, a, audio");
  if (event.target.id === "terms") return;
  if (event.ctrlKey || event.metaKey || event.altKey || (isTyping && event.key !== "u")) return;
  const act = KEYS[event.key.length === 1 ? event.key.toLowerCase() : event.key];
  if (!act) return;
  event.preventDefault();
  act();
});

find("play").addEventListener("click", togglePlay);
find("speak").addEventListener("click", speak);
find("call").addEventListener("change", () => {
  clear();
  buttons();
  showCall();
});
find("file").addEventListener("change", ({ target }) => {
  if (target.files.length) upload(target.files[0]);
  target.value = "";
});
find("audio").addEventListener("timeupdate", highlight);
window.addEventListener("resize", draw);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);

find("endpoint").textContent = (await (await fetch("/api/about")).json()).endpoint;
await listCalls();
watchEndpoint();
