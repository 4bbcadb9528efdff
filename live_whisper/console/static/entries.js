// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the whisper-live-sagemaker authors
// Entries, from a live call's events or the endpoint's whole answer, in one shape:
// { id, start, end, who, label, isFinal, words: [{ before, text, start, end, confidence, isStable }] }

const title = (role) => role[0] + role.slice(1).toLowerCase();

/** An entry from a result in Amazon Transcribe's format. */
export function ofResult({ ResultId, ChannelId, ParticipantRole, ...result }, isOneParty) {
  const who = Number(ChannelId.slice(-1));
  return {
    id: ResultId, who, start: result.StartTime, end: result.EndTime, isFinal: !result.IsPartial,
    label: isOneParty ? "Speaker" : title(ParticipantRole), words: wordsOf(result.Alternatives[0]),
  };
}

/** An entry for a lost utterance. */
export function ofLost(lost, isOneParty) {
  return {
    id: lost.result_id, who: lost.channel, start: lost.start, end: lost.end, isFinal: true,
    label: isOneParty ? "Speaker" : title(lost.role), words: [], lost: lost.reason,
  };
}

// Items lack spaces: the text between two items is taken from the transcript.
function wordsOf({ Items, Transcript }) {
  const words = [];
  let heard = 0;
  for (const item of Items) {
    const at = Math.max(heard, Transcript.indexOf(item.Content, heard));
    const before = Transcript.slice(heard, at);
    heard = at + item.Content.length;
    if (item.Type === "punctuation" && words.length) words.at(-1).text += before + item.Content;
    else {
      words.push({
        before, text: item.Content, start: item.StartTime, end: item.EndTime,
        confidence: item.Confidence, isStable: item.Stable,
      });
    }
  }
  return words;
}

/** The entries of a whole answer, and its speakers' names. */
export function ofAnswer({ segments = [] }) {
  const hasParties = segments.some((one) => one.channel > 0);
  const speakers = [];
  const entries = [];
  for (const segment of segments) {
    for (const [place, words] of turns(segment).entries()) {
      const key = words[0].speaker ?? segment.speaker ?? (hasParties ? segment.channel : null);
      if (key !== null && !speakers.includes(key)) speakers.push(key);
      entries.push({ key, id: `${segment.id}-${place}`, isFinal: true, words,
        start: words[0].start, end: words.at(-1).end, channel: segment.channel });
    }
  }
  if (hasParties && speakers.every((key) => typeof key === "number")) speakers.sort((a, b) => a - b);
  const isByChannel = typeof speakers[0] === "number";
  for (const entry of entries) {
    const number = speakers.indexOf(entry.key);
    entry.who = isByChannel ? entry.key : number;
    const of = isByChannel ? `Channel ${entry.key + 1}` : `Speaker ${number + 1}`;
    entry.label = entry.key === null ? "" : of;
  }
  return { entries, speakers };
}

// The words of a segment, split where the speaker changes.
function turns(segment) {
  const words = segment.words?.length
    ? segment.words.map(({ word, probability, ...rest }) => ({ ...rest, ...apart(word), confidence: probability, isStable: true }))
    : [{ ...apart(segment.text), start: segment.start, end: segment.end, isStable: true }];
  const all = [];
  for (const word of words) {
    if (all.length && all.at(-1)[0].speaker === word.speaker) all.at(-1).push(word);
    else all.push([word]);
  }
  return all;
}

function apart(word) {
  const text = word.trimStart();
  return { before: word.slice(0, word.length - text.length), text };
}
