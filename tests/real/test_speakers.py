# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Speakers told apart in one channel, by the real models and real voices."""

import asyncio
import base64
from pathlib import Path

import av
import numpy as np
import pytest
from openai.types.audio import TranscriptionDiarized

from benchmarks.real_calls import prompts
from benchmarks.speakers import errors, mixes
from benchmarks.speakers.mixes import MixRecipe
from benchmarks.speakers.voices import CHOSEN_ON, Person, utterances
from demo_model.tts.line import LINE_RATE, from_line
from scripts.publish.errors import CommandError
from scripts.speaker_models.fetching import speaker_models
from tests.real.conftest import without
from tests.unit.endpoint.helpers import wav
from tests.unit.endpoint.http_requests import DirectEngine, openai_client_of
from whisper_endpoint.audio.vad import find_speech
from whisper_endpoint.engine.decoder import WhisperEngine
from whisper_endpoint.engine.service import EngineService
from whisper_endpoint.ingress.handler import RequestHandler
from whisper_endpoint.messages import SAMPLE_RATE, Parameters, Samples
from whisper_endpoint.settings import EndpointSettings
from whisper_endpoint.speakers.processes import SpeakerProcesses, diarizer
from whisper_endpoint.speakers.turns import Diarization, Turn

ALLISON, CARLO, RMS, *_ = CHOSEN_ON
RECORDED = Path(__file__).parents[3] / "shared/real/two-channel-call.flac"


@pytest.fixture(scope="module")
def real(voices: None) -> SpeakerProcesses:
    try:
        found = diarizer(speaker_models())
    except CommandError as error:
        without(str(error))
    assert found is not None
    return found


def heard(diarizer: SpeakerProcesses, samples: Samples) -> Diarization:
    return asyncio.run(diarizer.diarize(samples, Parameters(diarize=True), 600))


def test_two_people_on_the_telephone(real: SpeakerProcesses) -> None:
    mix = mixes.make(MixRecipe(1, (ALLISON, CARLO), 25))
    found = heard(real, mix.samples)
    seconds = len(mix.samples) / SAMPLE_RATE
    for turns in (found.turns, found.exclusive):
        assert len({one.speaker for one in turns}) == 2
        assert errors.errors(mix.turns, turns, seconds, collar_s=0.25).rate < 0.05


def reference(person: Person, seconds: float) -> str:
    """What somebody says elsewhere, as a data URL."""
    said = np.concatenate(utterances(person)[::-1][:20])[: round(seconds * LINE_RATE)]
    whole = wav((from_line(said) * 32767).astype(np.int16))
    return f"data:audio/wav;base64,{base64.b64encode(whole).decode()}"


def test_openais_client_names_who_is_known(real: SpeakerProcesses, tiny_weights: Path) -> None:
    mix = mixes.make(MixRecipe(1, (ALLISON, CARLO), 25))
    settings = EndpointSettings(deadline_s=600)
    engine = WhisperEngine.load(tiny_weights, "cpu", settings)
    service = EngineService(engine, settings)
    handler = RequestHandler(settings, engine.facts, DirectEngine(service), diarizer=real)
    try:
        heard = openai_client_of(handler).audio.transcriptions.create(
            model="whisper-1",
            file=("call.wav", wav((mix.samples * 32767).astype(np.int16))),
            response_format="diarized_json",
            known_speaker_names=["rms", "Carlo"],
            known_speaker_references=[reference(RMS, 3), reference(CARLO, 5)],
        )
    finally:
        service.stop()
    # Carlo is known, Allison is not, and rms says nothing.
    assert isinstance(heard, TranscriptionDiarized)
    names = {0: "A", 1: "Carlo"}
    assert {one.speaker for one in heard.segments} == {*names.values()}
    for one in heard.segments:
        said = [0.0, 0.0]
        for turn in mix.turns:
            said[turn.speaker] += max(0.0, min(one.end, turn.end) - max(one.start, turn.start))
        assert names[int(np.argmax(said))] == one.speaker


@pytest.mark.skipif(not RECORDED.exists(), reason="The recorded call is not beside the checkout.")
def test_a_real_call_has_two_people_whose_manners_to_speak_differ(real: SpeakerProcesses) -> None:
    start, end = 80 * SAMPLE_RATE, 160 * SAMPLE_RATE  # where a third one was found
    with av.open(RECORDED) as file:
        blocks = [frame.to_ndarray().reshape(-1, 2) for frame in file.decode(audio=0)]
    sides = np.concatenate(blocks).T.astype(np.float32) / np.float32(32768)
    channels = [from_line(side)[start:end] for side in sides]
    found = heard(real, np.mean(channels, axis=0, dtype=np.float32))
    said = [
        Turn(first / SAMPLE_RATE, last / SAMPLE_RATE, speaker)
        for speaker, channel in enumerate(channels)
        for first, last in find_speech(channel)
    ]
    for turns in (found.turns, found.exclusive):
        assert len({one.speaker for one in turns}) == 2
        # Voice detection hears pauses as speech: nobody is mistaken there.
        counted = errors.errors(sorted(said), turns, 80, collar_s=0.25)
        assert counted.confused < 0.05 * counted.speech


def test_silence_has_no_speakers(real: SpeakerProcesses) -> None:
    assert heard(real, np.zeros(SAMPLE_RATE, np.float32)) == Diarization((), ())


@pytest.mark.parametrize("piece", [0, -1], ids=["played", "sung"])
def test_hold_music_is_nobody_or_the_one_who_sings(real: SpeakerProcesses, piece: int) -> None:
    music = prompts.hold_music()[piece][10 * LINE_RATE : 30 * LINE_RATE]
    found = heard(real, from_line((music / 32768).astype(np.float32))).turns
    assert len({one.speaker for one in found}) <= 1
    assert all(0 <= one.start < one.end <= 20 for one in found)


def test_the_models_are_kept(real: SpeakerProcesses, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    folder = speaker_models()
    assert {path.name for path in Path(folder).iterdir()} == {
        "segmentation.onnx",
        "embedding.onnx",
    }
