// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the whisper-live-sagemaker authors
// The request as code and the answer as JSON, below the captions.
import { ask } from "./whole.js";

const find = (id) => document.getElementById(id);

export class Panels {
  /** `options`: returns a call's current options. */
  constructor(options) {
    Object.assign(this, { options, call: null });
    for (const id of ["code", "raw"]) find(id).addEventListener("toggle", () => this.fill());
    for (const button of document.querySelectorAll(".copy")) {
      button.addEventListener("click", () => copy(button));
    }
  }

  show(call) {
    this.call = call;
    find("code").hidden = !call?.id;
    find("raw").hidden = !(call?.answer || call?.events.length);
    this.fill();
  }

  async fill() {
    const { call } = this;
    if (!find("raw").hidden && find("raw").open) {
      find("raw-kind").textContent = call.answer ? "The endpoint’s answer" : "Finals, as Amazon Transcribe streams them";
      find("json").textContent = written(call.answer ?? call.events);
    }
    if (find("code").hidden || !find("code").open) return;
    try {
      const code = await ask(`/api/calls/${encodeURIComponent(call.id)}/request?${this.options(call)}`);
      if (call !== this.call) return;
      for (const kind of ["curl", "python"]) find(kind).textContent = code[kind];
    } catch (error) {
      find("curl").textContent = find("python").textContent = error.message;
    }
  }
}

// Put lists of numbers, such as tokens, on one line.
function written(content) {
  return JSON.stringify(content, null, 2).replace(/\[\s+([-\d.,\se]+?)\s+\]/g, (_, list) => `[${list.replace(/\s+/g, " ")}]`);
}

async function copy(button) {
  const pre = find(button.dataset.of);
  try {
    await navigator.clipboard.writeText(pre.textContent);
    button.textContent = "Copied";
  } catch {
    getSelection().selectAllChildren(pre);
    button.textContent = "Selected";
  }
  setTimeout(() => (button.textContent = "Copy"), 1500);
}
