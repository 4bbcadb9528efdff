// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the whisper-live-sagemaker authors
// A live call over a WebSocket: a recording in real time, or the microphone.
import { ofLost, ofResult } from "./entries.js";
import { RATE, interleaved, wav } from "./recordings.js";

const EVERY_MS = 100;

/** A live call; calls `changed` with what is new: "started", an entry, "counts" or "closed". */
class Live {
  constructor(call, channels, options, changed) {
    Object.assign(this, { call, channels, changed });
    call.forget();
    call.become("live");
    const query = new URLSearchParams([...options, ["channels", channels]]);
    const scheme = window.location.protocol === "https:" ? "wss" : "ws";
    this.socket = new WebSocket(`${scheme}://${window.location.host}/api/live?${query}`);
    this.socket.addEventListener("message", ({ data }) => this.take(JSON.parse(data)));
    this.socket.addEventListener("close", () => this.close());
  }

  get isOpen() {
    return this.socket.readyState === WebSocket.OPEN && this.call.session !== null;
  }

  take(message) {
    const { call } = this;
    if (message.type === "started") {
      call.session = message.session;
      if (call.state === "live") this.begin();
      else this.socket.send("stop"); // it was stopped before it began
      this.changed(call, "started");
    } else if (message.type === "result") {
      const [result] = message.TranscriptEvent.Transcript.Results;
      const entry = ofResult(result, this.channels === 1);
      call.results.push({ until: message.until, latency: 1000 * message.latency_s, isPartial: result.IsPartial });
      if (!result.IsPartial) call.events.push(message.TranscriptEvent);
      call.warnings = [...new Set([...call.warnings, ...message.warnings])];
      this.keep(entry);
    } else if (message.type === "lost") {
      this.keep(ofLost(message, this.channels === 1));
    } else if (message.type === "ended") {
      const { counts } = message;
      call.facts = [
        ["Utterances", `${counts.utterances}, ${counts.finals_lost} lost`],
        ["Partials", `${counts.partials_asked}, ${counts.partials_dropped} dropped`],
      ];
    } else if (message.type === "failed") {
      call.error = message.error;
    }
  }

  keep(entry) {
    this.call.entries.set(entry.id, entry);
    this.changed(this.call, entry);
  }

  /** Signal the end of the audio. */
  stop() {
    if (this.call.state === "finishing") return;
    this.end();
    this.call.become("finishing", this.call.error);
    if (this.isOpen) this.socket.send("stop");
    this.changed(this.call, "finishing");
  }

  close() {
    const { call } = this;
    this.end();
    const isWhole = call.facts.length > 0;
    if (!isWhole && !call.error) call.error = "The console’s connection broke; press Play live again.";
    call.become(call.error && !call.entries.size ? "failed" : "done", call.error);
    call.live = null;
    this.changed(call, "closed");
  }

  begin() {}

  end() {}
}

class LiveRecording extends Live {
  constructor(call, { samples, channels }, options, changed) {
    super(call, channels, options, changed);
    this.samples = samples;
    this.sent = 0;
  }

  begin() {
    this.began = performance.now();
    this.timer = setInterval(() => this.send(), EVERY_MS);
  }

  send() {
    if (!this.isOpen) return;
    const heard = Math.floor(((performance.now() - this.began) / 1000) * RATE) * this.channels;
    const until = Math.min(heard, this.samples.length);
    if (until > this.sent) this.socket.send(this.samples.slice(this.sent, until));
    this.sent = until;
    if (until === this.samples.length) this.stop();
  }

  get position() {
    return this.sent / this.channels / RATE;
  }

  end() {
    clearInterval(this.timer);
  }
}

class LiveMicrophone extends Live {
  constructor(call, microphone, options, changed) {
    super(call, 1, options, changed);
    this.microphone = microphone;
    this.frames = [];
    const frames = new AudioWorkletNode(microphone.context, "frames");
    microphone.context.createMediaStreamSource(microphone.stream).connect(frames);
    frames.port.onmessage = ({ data }) => {
      if (!this.isOpen || this.call.state !== "live") return;
      this.socket.send(data);
      this.frames.push(data);
    };
  }

  get position() {
    return (this.frames.length * EVERY_MS) / 1000;
  }

  end() {
    if (!this.microphone) return;
    release(this.microphone);
    this.microphone = null;
    const samples = new Int16Array(this.frames.reduce((sum, frame) => sum + frame.length, 0));
    let at = 0;
    for (const frame of this.frames) {
      samples.set(frame, at);
      at += frame.length;
    }
    this.call.file = wav(samples);
    this.call.bytes = this.call.file.size;
  }
}

/** Play a recording live; throws a sentence if the browser cannot decode it. */
export async function playLive(call, options, changed) {
  call.forget();
  call.become("starting");
  changed(call, "starting");
  let decoded;
  try {
    decoded = await interleaved(await call.blob(), call.outline?.hasParties);
  } catch {
    throw new Error("This browser cannot decode the file, so it cannot be played live; press Transcribe.");
  }
  call.live = new LiveRecording(call, decoded, options, changed);
}

/** Request the microphone; throws a sentence if refused. */
export async function openMicrophone() {
  const microphone = {};
  try {
    microphone.stream = await navigator.mediaDevices.getUserMedia({ audio: true });
    microphone.context = new AudioContext({ sampleRate: RATE });
    await microphone.context.audioWorklet.addModule("/static/microphone.js");
    return microphone;
  } catch (error) {
    release(microphone);
    const remedy = error.name === "NotFoundError" ? "connect one" : "allow it for this page";
    throw new Error(`The microphone cannot be used (${error.message}); ${remedy}.`);
  }
}

/** Transcribe the microphone as a call. */
export function speakInto(call, microphone, options, changed) {
  call.live = new LiveMicrophone(call, microphone, options, changed);
}

function release({ stream, context }) {
  for (const track of stream?.getTracks() ?? []) track.stop();
  context?.close();
}
