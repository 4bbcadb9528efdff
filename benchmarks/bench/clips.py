# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Requests as Live Call Analytics sends them, no utterance twice.

The speech is that of the sample calls, or for stock weights real voices. Every utterance's first
samples carry its number, some 40 dB below speech, because audio that begins with the same samples
is the same utterance to the endpoint.
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
"""Lengths of live utterances: with a partial each whole second, four partials to one final."""

WITH_PARTIALS = ("partials", "live")

_RATE = 8_000
_PAUSE_SECONDS = 0.3
_STEP_SECONDS = 3.7
"""From one utterance's place in the speech to the next one's."""

_HEADER_BYTES = 44
_NUMBERED_SAMPLES = 4
_NUMBER_BITS = 7


@dataclass(frozen=True)
class RequestTemplate:
    """A request's body but for the utterance's number, which goes between `head` and `tail`."""

    head: bytes
    tail: bytes
    is_partial: bool
    seconds: float

    def body(self, number: int) -> bytes:
        """Return the body for an utterance of this number, 0 to 2^28 - 1."""
        mask = (1 << _NUMBER_BITS) - 1
        digits = ((number >> _NUMBER_BITS * place) & mask for place in range(_NUMBERED_SAMPLES))
        # Each sample is written twice, and a small one's second byte is 0.
        return self.head + b"".join(b"%d,0,%d,0," % (digit, digit) for digit in digits) + self.tail


def utterances(
    policy: str, parameters: Mapping[str, object], *, are_real: bool = False
) -> list[list[RequestTemplate]]:
    """Return the utterances of a policy, each as its requests in order.

    ``equal`` and ``finals`` are finals alone, ``partials`` a partial every second alone, ``live``
    these, then the final.
    `parameters` are in addition to LCA's own; `are_real` takes real voices, and raises CommandError
    where they are not installed.
    """
    speech = np.concatenate(list(_prompts() if are_real else _sentences()))
    made = []
    for place, seconds in enumerate(LIVE_SECONDS):
        begin = round(place * _STEP_SECONDS * _RATE)
        samples = np.take(speech, range(begin, begin + round(seconds * _RATE)), mode="wrap")
        partials = range(1, int(seconds) + 1) if policy in WITH_PARTIALS else range(0)
        requests = [_clip(samples[: second * _RATE], parameters, True) for second in partials]
        if policy == "partials":
            made.append(requests)
            continue
        # The frames before the last of the silence that ends an utterance are sent with it.
        silence = np.zeros((SILENT_FRAMES_TO_END - 1) * FRAME_SAMPLES, np.int16)
        final = np.concatenate([samples, silence])
        made.append([*requests, _clip(final, parameters, False)])
    return made


class Numbers:
    """Hands every utterance of a run a number of its own. Safe for threads."""

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
    """Cut a body around some of its array's numbers."""
    positions = [
        place for place, byte in enumerate(text[: 4 * (before + left_out) + 40]) if byte == ord(",")
    ]
    return text[: positions[before - 1] + 1], text[positions[before + left_out - 1] + 1 :]


def _prompts() -> Iterator[Samples]:
    """Yield prompts of a real speaker with short pauses between."""
    pause = np.zeros(round(_PAUSE_SECONDS * _RATE), np.int16)
    for prompt in read_prompts(str(lca.PARAMETERS["language"])):
        yield prompt.samples
        yield pause


def _sentences() -> Iterator[Samples]:
    """Yield what is said in the sample calls, on both channels, with short pauses between."""
    pause = np.zeros(round(_PAUSE_SECONDS * _RATE), np.int16)
    for call, reference in sample_calls():
        if reference.language != lca.PARAMETERS["language"]:
            continue
        for said in reference.utterances:
            begin, end = (round(time * call.sample_rate) for time in (said.start, said.end))
            yield call.samples[begin:end, said.channel]
            yield pause
