# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Requests as sent by Live Call Analytics, each utterance unique.

The speech is from the sample calls, or from real voices for stock weights. Each utterance's first
samples encode its number, some 40 dB below speech, because to the endpoint audio with the same
beginning is the same utterance.
"""

import itertools
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import orjson

from benchmarks.lca_client import client as lca
from benchmarks.lca_client.segmenter import FRAME_SAMPLES, SILENT_FRAMES_TO_END
from benchmarks.real_calls.prompts import read_prompts
from benchmarks.references import sample_calls
from whisper_stream.audio.samples import Samples

LIVE_SECONDS = (4.1, 1.1, 6.8, 2.2, 3.3, 12.0, 1.4, 4.5, 2.6, 5.2)
"""Lengths of live utterances in seconds: with a partial every second, four partials per final."""

WITH_PARTIALS = ("partials", "live")

_RATE = 8_000
_MOST_EQUAL_SECONDS = 7.0
"""Of ``equal``: where a text ends 2 s before the speech, only the endpoint decodes again."""

_PAUSE_SECONDS = 0.3
_STEP_SECONDS = 3.7
"""Distance between the starts of two utterances in the speech."""

_HEADER_BYTES = 44
_NUMBERED_SAMPLES = 4
_NUMBER_BITS = 7


@dataclass(frozen=True)
class RequestTemplate:
    """A request's body without the utterance's number, which goes between `head` and `tail`."""

    head: bytes
    tail: bytes
    is_partial: bool
    seconds: float

    def body(self, number: int) -> bytes:
        """Return the body for an utterance number from 0 to 2^28 - 1."""
        mask = (1 << _NUMBER_BITS) - 1
        digits = ((number >> _NUMBER_BITS * place) & mask for place in range(_NUMBERED_SAMPLES))
        # Each sample is sent twice, and the high byte of a small one is 0.
        return self.head + b"".join(b"%d,0,%d,0," % (digit, digit) for digit in digits) + self.tail


def utterances(
    policy: str, parameters: Mapping[str, object], *, are_real: bool = False
) -> list[list[RequestTemplate]]:
    """Return the utterances of a policy, each as its requests in order.

    ``equal`` and ``finals`` have only finals, ``partials`` only a partial every second, ``live``
    both.
    `parameters` are added to LCA's own; `are_real` uses real voices, and raises CommandError if
    they are not installed.
    """
    speech = np.concatenate(list(_prompts() if are_real else _sentences()))
    made = []
    longest = _MOST_EQUAL_SECONDS if policy == "equal" else max(LIVE_SECONDS)
    for place, seconds in enumerate(min(length, longest) for length in LIVE_SECONDS):
        begin = round(place * _STEP_SECONDS * _RATE)
        samples = np.take(speech, range(begin, begin + round(seconds * _RATE)), mode="wrap")
        partials = range(1, int(seconds) + 1) if policy in WITH_PARTIALS else range(0)
        requests = [_clip(samples[: second * _RATE], parameters, True) for second in partials]
        if policy == "partials":
            made.append(requests)
            continue
        # LCA also sends the closing silence, except its last frame.
        silence = np.zeros((SILENT_FRAMES_TO_END - 1) * FRAME_SAMPLES, np.int16)
        final = np.concatenate([samples, silence])
        made.append([*requests, _clip(final, parameters, False)])
    return made


class Numbers:
    """Issues a unique number per utterance. Thread-safe."""

    def __init__(self) -> None:
        self._count = itertools.count(1)
        self._lock = threading.Lock()

    def next(self) -> int:
        """Return the next number."""
        with self._lock:
            return next(self._count)


def _clip(samples: Samples, parameters: Mapping[str, object], is_partial: bool) -> RequestTemplate:
    wav = lca.wav_file(samples, _RATE)
    numbered = 2 * 2 * _NUMBERED_SAMPLES
    document = orjson.loads(lca.request_body(wav))
    document["parameters"] |= parameters
    text = orjson.dumps(document)
    head, tail = _split(text, _HEADER_BYTES, numbered)
    return RequestTemplate(head, tail, is_partial, len(samples) / _RATE)


def _split(text: bytes, before: int, left_out: int) -> tuple[bytes, bytes]:
    """Split a body around some numbers of its array."""
    positions = [
        place for place, byte in enumerate(text[: 4 * (before + left_out) + 40]) if byte == ord(",")
    ]
    return text[: positions[before - 1] + 1], text[positions[before + left_out - 1] + 1 :]


def _prompts() -> Iterator[Samples]:
    """Yield prompts of a real speaker, separated by short pauses."""
    pause = np.zeros(round(_PAUSE_SECONDS * _RATE), np.int16)
    for prompt in read_prompts(str(lca.PARAMETERS["language"])):
        yield prompt.samples
        yield pause


def _sentences() -> Iterator[Samples]:
    """Yield the utterances of the sample calls, both channels, separated by short pauses."""
    pause = np.zeros(round(_PAUSE_SECONDS * _RATE), np.int16)
    for call, reference in sample_calls():
        if reference.language != lca.PARAMETERS["language"]:
            continue
        for said in reference.utterances:
            begin, end = (round(time * call.sample_rate) for time in (said.start, said.end))
            yield call.samples[begin:end, said.channel]
            yield pause
