// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the whisper-live-sagemaker authors
// Whole recordings: uploaded to the console, transcribed by the endpoint.
import { ofAnswer } from "./entries.js";
import { interleaved, wav } from "./recordings.js";

const AWAY = "The console does not answer; see whether it still runs, and try again.";

let uploads = Promise.resolve(); // sequential: each is limited by the disk

/** Upload a call's file to the console; throws a sentence if refused. */
export function upload(call, changed) {
  if (call.id) return Promise.resolve();
  call.become("uploading");
  call.share = 0;
  const turn = uploads.then(() => send(call, changed));
  uploads = turn.catch(() => {});
  return turn;
}

/** Resample a call to fit the size limit: Whisper uses 16 kHz anyway. */
export async function makeSmaller(call, mostBytes) {
  if (call.sent || !call.outline) return;
  const { samples, channels } = await interleaved(await call.blob(), call.outline.hasParties);
  const smaller = wav(samples, channels);
  // If it is still too large, the server refuses it with the remedy.
  if (smaller.size <= mostBytes) Object.assign(call, { sent: smaller, id: null, file: await call.blob() });
}

// fetch reports no upload progress.
function send(call, changed) {
  return new Promise((done, fail) => {
    const asking = new XMLHttpRequest();
    asking.open("POST", `/api/calls?name=${encodeURIComponent(call.title)}`);
    asking.responseType = "json";
    asking.upload.addEventListener("progress", ({ loaded, total }) => {
      call.share = total ? loaded / total : 1;
      changed(call);
    });
    asking.addEventListener("error", () => fail(new Error(AWAY)));
    asking.addEventListener("load", () => {
      if (asking.status !== 201) {
        fail(new Error(asking.response?.error ?? AWAY));
        return;
      }
      call.id = asking.response.id;
      call.title = asking.response.title;
      done();
    });
    asking.send(call.sent ?? call.file);
  });
}

/** Transcribe a whole call; throws a sentence if refused. */
export async function transcribe(call, options) {
  call.forget();
  call.become("transcribing");
  const heard = await ask(`/api/calls/${encodeURIComponent(call.id)}/transcript?${options}`, { method: "POST" });
  const { answer, session, took, duration } = heard;
  const { entries, speakers } = ofAnswer(answer);
  Object.assign(call, {
    answer, session, speakers, entries: new Map(entries.map((entry) => [entry.id, entry])),
    warnings: answer.warnings ?? [], facts: factsOf(answer, heard),
  });
  const isFast = took > 0 && duration > took;
  call.facts.push(["Took", `${took.toFixed(1)} s${isFast ? `, ${Math.round(duration / took)} × real time` : ""}`]);
  if (call.sent) call.facts.push(["Sent as", `WAV at 16 kHz, ${(call.sent.size / 1e6).toFixed(1)} MB`]);
  call.become("done");
}

function factsOf(answer, { duration, language_probability: probability }) {
  const words = (answer.segments ?? []).flatMap((segment) => segment.words ?? []);
  const mean = words.reduce((sum, word) => sum + word.probability, 0) / words.length;
  const facts = [["Length", `${duration.toFixed(1)} s`]];
  if (answer.language) facts.push(["Language", languageOf(answer.language, probability)]);
  if (words.length) facts.push(["Words", String(words.length)], ["Mean confidence", mean.toFixed(2)]);
  return facts;
}

function languageOf(code, probability) {
  const name = new Intl.DisplayNames(["en"], { type: "language" }).of(code) ?? code;
  return probability > 0 && probability < 1 ? `${name} (${Math.round(100 * probability)} %)` : name;
}

/** Request from the console; returns its answer, or throws the sentence of its refusal. */
export async function ask(address, how) {
  let answer;
  try {
    answer = await fetch(address, how);
  } catch {
    throw new Error(AWAY);
  }
  const said = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Error(said.error ?? AWAY);
  return said;
}
