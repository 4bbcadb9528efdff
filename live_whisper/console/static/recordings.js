// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the whisper-live-sagemaker authors
// Decode recordings in the browser: their outline, and audio for live calls.

/** Sample rate of sent audio, in Hz. */
export const RATE = 16000;
const OUTLINE_RATE = 8000;
const COLUMNS = 2400;
const LARGEST = 100 * 2 ** 20;
const DOUBLED = 0.1;

async function decode(bytes, rate) {
  return new OfflineAudioContext(1, 1, rate).decodeAudioData(bytes);
}

function channelsOf(buffer) {
  return Array.from({ length: buffer.numberOfChannels }, (_, at) => buffer.getChannelData(at));
}

/** The peak of each column. */
export function peaks(samples, columns = COLUMNS) {
  const step = samples.length / columns;
  return Float32Array.from({ length: columns }, (_, column) => {
    let loudest = 0;
    const end = Math.min(samples.length, Math.floor((column + 1) * step));
    for (let at = Math.floor(column * step); at < end; at += 1) {
      loudest = Math.max(loudest, Math.abs(samples[at]));
    }
    return loudest;
  });
}

/** Whether both channels are the same signal, so that they do not separate speakers. */
function isDoubled([left, right]) {
  let apart = 0, together = 0;
  for (let at = 0; at < left.length; at += 7) {
    apart += Math.abs(left[at] - right[at]);
    together += Math.abs(left[at]) + Math.abs(right[at]);
  }
  return apart <= DOUBLED * together;
}

/** The drawable outline of a recording; null if the browser cannot decode it. */
export async function outline(blob) {
  if (blob.size > LARGEST) return null;
  try {
    const buffer = await decode(await blob.arrayBuffer(), OUTLINE_RATE);
    const channels = channelsOf(buffer);
    return {
      seconds: buffer.duration,
      peaks: channels.map((samples) => peaks(samples)),
      hasParties: channels.length > 1 && !isDoubled(channels),
    };
  } catch {
    return null;
  }
}

/** A recording's 16-bit samples, one or two channels, interleaved. */
export async function interleaved(blob, hasParties) {
  const all = channelsOf(await decode(await blob.arrayBuffer(), RATE));
  const channels = hasParties ? all.slice(0, 2) : all.slice(0, 1);
  const samples = new Int16Array(channels[0].length * channels.length);
  channels.forEach((channel, place) => {
    for (let at = 0; at < channel.length; at += 1) {
      samples[at * channels.length + place] = Math.max(-32768, Math.min(32767, Math.round(channel[at] * 32768)));
    }
  });
  return { samples, channels: channels.length };
}

/** A WAV file from interleaved 16-bit samples. */
export function wav(samples, channels = 1) {
  const head = new DataView(new ArrayBuffer(44));
  const write = (at, text) => [...text].forEach((c, i) => head.setUint8(at + i, c.charCodeAt(0)));
  const bytes = samples.length * 2;
  write(0, "RIFF");
  head.setUint32(4, 36 + bytes, true);
  write(8, "WAVEfmt ");
  [[16, 16, 4], [20, 1, 2], [22, channels, 2], [24, RATE, 4], [28, 2 * channels * RATE, 4],
    [32, 2 * channels, 2], [34, 16, 2]].forEach(([at, value, size]) =>
    size === 4 ? head.setUint32(at, value, true) : head.setUint16(at, value, true));
  write(36, "data");
  head.setUint32(40, bytes, true);
  return new Blob([head, samples], { type: "audio/wav" });
}
