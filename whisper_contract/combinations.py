# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Parameters that are valid each on its own, but not together, which no schema can say."""

import itertools
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from whisper_contract import request_schema


class Contradiction(NamedTuple):
    """A field, relative to the parameters, and one sentence with the remedy."""

    field: str
    sentence: str


def contradictions(parameters: Mapping[str, Any]) -> Iterator[Contradiction]:
    """Yield what is not allowed together in parameters that the schema allows."""
    yield from _of_speakers(parameters)
    clips = parameters.get("clip_timestamps") or ()
    if any(later <= earlier for earlier, later in itertools.pairwise(clips)):
        yield Contradiction(
            "clip_timestamps",
            "parameters.clip_timestamps is not in ascending order: use start, end, start, "
            "end, ... in seconds, each later than the one before.",
        )
    yield from _of_vad(parameters.get("vad_parameters") or {})


def _of_speakers(parameters: Mapping[str, Any]) -> Iterator[Contradiction]:
    numbers = "min_speakers", "num_speakers", "max_speakers"
    given = {name: parameters[name] for name in numbers if parameters.get(name) is not None}
    if not given:
        return
    first, *_ = given
    if not parameters.get("diarize"):
        yield Contradiction(
            first,
            f"parameters.{first} is {given[first]}, but diarize is not set: set diarize to true, "
            f"or leave {first} out.",
        )
    if list(given.values()) != sorted(given.values()):
        said = ", ".join(f"{name} {value}" for name, value in given.items())
        yield Contradiction(
            first,
            f"parameters has {said}: use min_speakers, num_speakers and max_speakers in "
            "ascending order.",
        )


def _of_vad(vad: Mapping[str, Any]) -> Iterator[Contradiction]:
    known = request_schema()["$defs"]["vad_parameters"]["properties"]
    padding_ms = vad.get("speech_pad_ms", known["speech_pad_ms"]["default"])
    longest, shortest = vad.get("max_speech_duration_s"), 2 * padding_ms / 1000 + 0.1
    if longest is not None and longest <= shortest:
        yield Contradiction(
            "vad_parameters.max_speech_duration_s",
            f"parameters.vad_parameters.max_speech_duration_s is {longest:g}: use more than "
            f"{shortest:g}, as speech_pad_ms is {padding_ms:g}.",
        )
