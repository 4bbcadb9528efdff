# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Utterances detected in what the client of Live Call Analytics sends."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soxr
from numpy.typing import NDArray

from benchmarks.lca_client.client import LcaClient, request_body, wav_file
from live_whisper.audio.call_file import Call, read_call
from tests.unit.endpoint.helpers import CLIP, WEIGHTS, clip_samples, lca_body, silence, wav
from whisper_endpoint.audio.decode import Limits, decode
from whisper_endpoint.audio.sources import InlineAudio
from whisper_endpoint.audio.vad import trailing_silence
from whisper_endpoint.ingress import fingerprint
from whisper_endpoint.ingress.planning.partial_detection import detect
from whisper_endpoint.parsing import parse
from whisper_endpoint.parsing.request import NOTHING_SAID, LiveFields

CALLS = sorted((WEIGHTS.parent / "calls").glob("*.wav"))


def floats(samples: NDArray[np.int16]) -> NDArray[np.float32]:
    return samples.astype(np.float32) / np.float32(32768)


def bodies(call: Call) -> Iterator[tuple[bytes, bool]]:
    """What the client sends for a call, and whether it was a partial."""
    sent: list[bytes] = []

    def keep(body: bytes) -> bytes:
        sent.append(body)
        return b'{"text": "something"}'

    for result in LcaClient(keep).transcribe(call):
        yield sent.pop(), result.is_partial


def at_16_khz(call: Call) -> Call:
    samples = soxr.resample(call.samples.astype(np.float32), call.sample_rate, 16_000)
    return Call(16_000, np.clip(samples, -32768, 32767).astype(np.int16))


@pytest.mark.parametrize("path", CALLS, ids=lambda path: path.stem)
@pytest.mark.parametrize("rate", [8_000, 16_000])
def test_no_final_is_taken_for_a_partial_and_few_partials_for_finals(path: Path, rate: int) -> None:
    call = read_call(path)
    right = wrong = 0
    for body, is_partial in bodies(call if rate == 8_000 else at_16_khz(call)):
        request = parse(body, "application/json")
        assert request.is_lca_form
        assert isinstance(request.source, InlineAudio)
        samples = decode(request.source.data, Limits(seconds=60)).samples
        state = detect(samples, request.live, guess=True)
        assert state is not None
        if not is_partial:
            assert not state.is_partial
        elif state.is_partial:
            right += 1
        else:
            wrong += 1
    # Hold music sounds on at the client, and is silence to a speech detector.
    assert right > (1 if "hold" in path.stem else 3) * wrong


def test_speech_is_told_from_silence_at_the_end_only() -> None:
    clip = clip_samples()
    assert trailing_silence(floats(np.concatenate([silence(3), clip[:20_000]]))) < 0.1
    paused = np.concatenate([clip, silence(0.5)])
    assert 0.45 < trailing_silence(floats(paused)) < 1.2
    assert trailing_silence(floats(silence(1))) > 0.9
    assert trailing_silence(floats(silence(0.01))) == 0


def test_audio_begins_with_audio_whatever_the_header_says() -> None:
    clip = clip_samples()
    whole = decode(wav(clip), Limits(seconds=60)).samples
    header = wav_file(clip[:16_000], 16_000)[:44]
    cut = decode(header + clip[:16_000].tobytes(), Limits(seconds=60)).samples
    assert fingerprint.of(cut)[-1] in fingerprint.of(whole)
    other = clip.copy()
    other[200] += 1
    assert fingerprint.of(cut)[-1] not in fingerprint.of(floats(other))


def test_resampled_audio_begins_with_resampled_audio() -> None:
    clip = clip_samples()[::2]
    whole = decode(wav(clip, 8_000), Limits(seconds=60)).samples
    for length in (2_400, 4_000, 12_345, 16_001):
        cut = decode(wav(clip[:length], 8_000), Limits(seconds=60)).samples
        assert fingerprint.of(cut)[-1] in fingerprint.of(whole), length


def test_fingerprints_are_of_utterances_only() -> None:
    block = fingerprint.BLOCK_SAMPLES
    assert fingerprint.of(floats(clip_samples()[: block - 1])) == ()
    assert len(fingerprint.of(floats(clip_samples()[:block]))) == 1
    assert len(fingerprint.of(floats(clip_samples()[: 2 * block]))) == 1
    assert len(fingerprint.of(floats(clip_samples()[: 10 * block]))) == 9
    assert fingerprint.of(np.zeros(61 * 16_000, np.float32)) == ()


def test_what_the_request_says_wins() -> None:
    ends_in_speech = floats(clip_samples()[:20_000])
    ends_in_silence = floats(np.concatenate([clip_samples(), silence(1)]))
    for samples in (ends_in_speech, ends_in_silence):
        for partial in (True, False):
            said = LiveFields(partial=partial, utterance_id="u")
            state = detect(samples, said, guess=True)
            assert state is not None
            assert state.is_partial is partial
    named = detect(ends_in_speech, LiveFields(utterance_id="u", channel=1), guess=False)
    assert named is not None
    assert not named.is_partial
    assert named.scope == ("", "1")
    of_call = detect(ends_in_speech, LiveFields(call_id="c"), guess=False)
    assert of_call is not None
    assert of_call.scope == ("c", "")


def test_other_recordings_are_not_taken_for_utterances() -> None:
    assert detect(floats(clip_samples()[:20_000]), NOTHING_SAID, guess=False) is None
    assert detect(floats(clip_samples()), LiveFields(partial=False), guess=False) is None


@pytest.mark.parametrize(
    "change",
    [
        {"partial": False},
        {"call_id": "c"},
        {"parameters": {"language": "en"}},
        {"parameters": {"best_of": 1}},
    ],
)
def test_only_the_clients_own_form_is_guessed_at(change: dict[str, object]) -> None:
    document = json.loads(lca_body())
    assert parse(json.dumps(document).encode(), "application/json").is_lca_form
    assert parse(request_body(CLIP), "application/json").is_lca_form
    parameters = change.get("parameters")
    if isinstance(parameters, dict) and "best_of" in parameters:
        change = {"parameters": document["parameters"] | parameters}
    changed = json.dumps(document | change).encode()
    assert not parse(changed, "application/json").is_lca_form
