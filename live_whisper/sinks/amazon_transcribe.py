# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Results in the shape of Amazon Transcribe's streaming events, which LCA's consumers read.

Fields and their meaning are those of ``TranscriptEvent`` in Amazon Transcribe's API reference.
``ParticipantRole`` is the term of its Call Analytics. A confidence is the mean probability of a
word's tokens.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from live_whisper.events import TranscriptResult
    from live_whisper.transport.requests import Word

_PUNCTUATED = re.compile(r"^(?P<word>.*?)(?P<mark>[.,!?;:。，！？：]+)$")  # noqa: RUF001


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
                    item for word in result.words for item in _items(word, result.is_partial)
                ],
            }
        ],
    }
    if result.language:
        found["LanguageCode"] = result.language
    return {"TranscriptEvent": {"Transcript": {"Results": [found]}}}


def _items(word: Word, is_partial: bool) -> list[dict[str, Any]]:
    found = _PUNCTUATED.match(word.text)
    said, mark = (found["word"], found["mark"]) if found else (word.text, "")
    is_stable = word.is_stable or not is_partial
    items: list[dict[str, Any]] = []
    if said:
        items.append(
            {
                "Content": said,
                "StartTime": round(word.start, 3),
                "EndTime": round(word.end, 3),
                "Type": "pronunciation",
                "Confidence": round(word.confidence, 4),
                "Stable": is_stable,
            }
        )
    if mark:
        end = round(word.end, 3)
        items.append(
            {
                "Content": mark,
                "StartTime": end,
                "EndTime": end,
                "Type": "punctuation",
                "Stable": is_stable,
            }
        )
    return items
