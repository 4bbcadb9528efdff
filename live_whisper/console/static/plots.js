// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the whisper-live-sagemaker authors
// Plots on canvases, in the page's colours.

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name);

function begin(canvas) {
  const scale = window.devicePixelRatio || 1;
  const { clientWidth: width, clientHeight: height } = canvas;
  canvas.width = width * scale;
  canvas.height = height * scale;
  const pen = canvas.getContext("2d");
  pen.scale(scale, scale);
  pen.font = "11px system-ui, sans-serif";
  return { pen, width, height };
}

/** Draw the waveform of a channel's peaks; the played part in the speaker's colour. */
export function waveform(canvas, peaks, heard, name) {
  const { pen, width, height } = begin(canvas);
  if (!peaks.length) return;
  const top = Math.max(0.05, ...peaks);
  const step = peaks.length / width;
  for (let x = 0; x < width; x += 1) {
    const columns = peaks.subarray(Math.floor(x * step), Math.max(1, Math.ceil((x + 1) * step)));
    const half = Math.max(0.5, (Math.max(...columns) / top) * (height / 2 - 3));
    pen.fillStyle = colour(x < heard * width ? name : "--wave");
    pen.fillRect(x, height / 2 - half, 1, 2 * half);
  }
  pen.fillStyle = colour("--ink");
  pen.fillRect(Math.min(heard * width, width - 1), 0, 1, height);
}

function axes(pen, width, height, top, unit, last) {
  const left = 58, foot = height - 16;
  pen.strokeStyle = colour("--line");
  pen.fillStyle = colour("--quiet");
  for (const share of [0, 0.5, 1]) {
    const y = foot - share * (foot - 8);
    pen.beginPath();
    pen.moveTo(left, y);
    pen.lineTo(width, y);
    pen.stroke();
    pen.fillText(`${Math.round(share * top * 10) / 10}${unit}`, 4, y + 4);
  }
  pen.textAlign = "right";
  pen.fillText(last, width - 4, height - 3);
  pen.textAlign = "left";
  return { left, foot, high: foot - 8 };
}

/** Plot latency in ms over the call's time, one dot per result. */
export function latencies(canvas, results, seconds) {
  const { pen, width, height } = begin(canvas);
  const most = Math.max(200, ...results.map((one) => one.latency));
  const top = Math.ceil(most / 100) * 100;
  const span = Math.max(10, seconds);
  const { left, foot, high } = axes(pen, width, height, top, " ms", `${Math.round(span)} s`);
  for (const { until, latency, isPartial } of results) {
    const x = left + (until / span) * (width - left - 6), y = foot - (latency / top) * high;
    pen.beginPath();
    pen.arc(x, y, 3, 0, 7);
    if (isPartial) {
      pen.strokeStyle = colour("--who-0");
      pen.lineWidth = 1.5;
      pen.stroke();
    } else {
      pen.fillStyle = colour("--who-1");
      pen.fill();
    }
  }
}

/** Plot requests per second as bars and the largest batch as dots, for the last minute. */
export function load(canvas, readings) {
  const { pen, width, height } = begin(canvas);
  const now = readings.length ? readings.at(-1).time : 0;
  const span = readings.length && now - readings[0].time > 60 ? 300 : 60;
  const rows = readings.slice(1).map((one, place) => ({
    age: now - one.time,
    rate: one.requests / Math.max(1, one.time - readings[place].time),
    batch: one.batch_max,
  }));
  const top = Math.max(4, ...rows.map((one) => Math.max(one.rate, one.batch)));
  const { left, foot, high } = axes(pen, width, height, Math.ceil(top), "", "now");
  const room = width - left - 6;
  for (const { age, rate, batch } of rows.filter((one) => one.age <= span)) {
    const x = left + (1 - age / span) * room;
    pen.fillStyle = colour("--who-0");
    pen.fillRect(x - 2, foot - (rate / Math.ceil(top)) * high, 4, (rate / Math.ceil(top)) * high);
    if (batch) {
      pen.fillStyle = colour("--who-1");
      pen.beginPath();
      pen.arc(x, foot - (batch / Math.ceil(top)) * high, 3, 0, 7);
      pen.fill();
    }
  }
}
