# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Results in the format of Amazon Transcribe's streaming events, which LCA's consumers read.

The fields are those of ``TranscriptEvent`` in Amazon Transcribe's API reference, with
``ParticipantRole`` from its Call Analytics. A word's confidence is the mean probability of its
tokens.
"""

from collections.abc import Iterator, Sequence
from statistics import fmean
from typing import Any

from whisper_contract.amazon_items import PRONUNCIATION, items
from whisper_contract.text import together
from whisper_stream.events import TranscriptResult
from whisper_stream.requests import LiveWord


def transcript_event(result: TranscriptResult) -> dict[str, Any]:
    """Return ``{"TranscriptEvent": {"Transcript": {"Results": [...]}}}``."""
    found: dict[str, Any] = {
        "ResultId": result.result_id,
        "ChannelId": f"ch_{result.channel}",
        "ParticipantRole": result.role,
        "StartTime": round(result.start, 3),
        "EndTime": round(result.end, 3),
        "IsPartial": result.is_partial,
        "Alternatives": [
            {
                "Transcript": result.text,
                "Items": [
                    item
                    for word in _readable(result.words)
                    for item in _items(word, result.is_partial)
                ],
            }
        ],
    }
    if result.language:
        found["LanguageCode"] = result.language
    return {"TranscriptEvent": {"Transcript": {"Results": [found]}}}


def _readable(words: Sequence[LiveWord]) -> Iterator[LiveWord]:
    """Yield words grouped as `whisper_contract.transcript.readable` does."""
    for part in together([word.before + word.text for word in words]):
        one = words[part]
        yield LiveWord(
            "".join(word.text for word in one),
            one[0].start,
            one[-1].end,
            fmean(word.confidence for word in one),
            all(word.is_stable for word in one),
            one[0].before,
        )


def _items(word: LiveWord, is_partial: bool) -> Iterator[dict[str, Any]]:
    start, end = round(word.start, 3), round(word.end, 3)
    is_stable = word.is_stable or not is_partial
    is_said = False
    for kind, content in items(word.text):
        item: dict[str, Any] = {
            "Content": content,
            "StartTime": start,
            "EndTime": end,
            "Type": kind,
        }
        if kind == PRONUNCIATION:
            is_said = True
            item["Confidence"] = round(word.confidence, 4)
        else:
            item["StartTime"] = item["EndTime"] = end if is_said else start
        yield {**item, "Stable": is_stable}
