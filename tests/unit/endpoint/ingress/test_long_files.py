# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
import asyncio
import functools
import json
import os
import subprocess
import sys
import wave
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import jiwer
import numpy as np
import pytest
from faster_whisper import WhisperModel
from faster_whisper.transcribe import Segment as TheirSegment

from tests.unit.endpoint.helpers import WEIGHTS, clip_samples, silence, wav
from whisper_endpoint import errors
from whisper_endpoint.audio.decode import Audio, Limits, decode
from whisper_endpoint.audio.features import Features
from whisper_endpoint.engine.decoder import WhisperEngine
from whisper_endpoint.engine.service import EngineService
from whisper_endpoint.ingress import long_recordings
from whisper_endpoint.ingress.preparation import PIECE_WINDOWS, Recording, record
from whisper_endpoint.messages import Parameters, Prepared, Span, Window
from whisper_endpoint.settings import EndpointSettings
from whisper_endpoint.transcript import Segment, Transcript

CALLS = WEIGHTS.parent / "calls"
PARAMETERS = Parameters(language="en", temperature=(0.0,), beam_size=5)
FEATURES = Features(80)
SLOT = 30 * 16_000


def run_now(work: Callable[[], Prepared]) -> Awaitable[Prepared]:
    async def answer() -> Prepared:
        return work()

    return answer()


def many_windows(count: int) -> Recording:
    spans = [Span(number * 1600, (number + 1) * 1600) for number in range(count)]
    windows = tuple(Window((span,)) for span in spans)
    return Recording(np.zeros(1600 * count, np.float32), windows, FEATURES, 0.1 * count, None)


def said(piece: Prepared, language: str) -> Transcript:
    segments = tuple(
        Segment(
            id=number,
            seek=0,
            start=window.window.spans[0].start / 16_000,
            end=window.window.spans[0].end / 16_000,
            text=f" {window.window.spans[0].start // 1600}",
            tokens=(1,),
            temperature=0.0,
            avg_logprob=-0.1,
            compression_ratio=1.0,
            no_speech_prob=0.0,
        )
        for number, window in enumerate(piece.windows, start=1)
    )
    return Transcript(language, segments)


class Answers:
    """An engine that says each window's number."""

    def __init__(self, fails_at: int = -1) -> None:
        self.seen: list[tuple[Prepared, Parameters]] = []
        self.fails_at = fails_at
        self.at_once = 0
        self.most_at_once = 0

    async def __call__(self, piece: Prepared, parameters: Parameters) -> Transcript:
        self.seen.append((piece, parameters))
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            if len(self.seen) - 1 == self.fails_at:
                raise errors.Overloaded("full")
            await asyncio.sleep(0)
        finally:
            self.at_once -= 1
        return said(piece, "es")


def transcribe(recording: Recording, answers: Answers, **parameters: Any) -> Transcript:
    how = replace(PARAMETERS, **parameters)
    return asyncio.run(_transcribe(recording, how, answers))


async def _transcribe(recording: Recording, how: Parameters, answers: Answers) -> Transcript:
    return await long_recordings.transcribe(recording, how, run_now, answers)


@pytest.mark.parametrize("count", [0, 1, PIECE_WINDOWS, PIECE_WINDOWS + 1, 5 * PIECE_WINDOWS + 3])
def test_pieces_are_put_together_in_order(count: int) -> None:
    answers = Answers()
    transcript = transcribe(many_windows(count), answers)
    assert transcript.text.split() == [str(number) for number in range(count)]
    assert [segment.id for segment in transcript.segments] == list(range(1, count + 1))
    assert max(len(piece.windows) for piece, _ in answers.seen) <= PIECE_WINDOWS
    assert {piece.windows_in_all for piece, _ in answers.seen} == {count}
    assert [piece.windows_before for piece, _ in answers.seen] == [
        number * PIECE_WINDOWS for number in range(max(1, -(-count // PIECE_WINDOWS)))
    ]


def test_the_first_piece_finds_the_language_and_gets_the_prompt() -> None:
    answers = Answers()
    transcribe(many_windows(40), answers, language=None, initial_prompt="hello")
    given = [(piece.language, how.language, how.initial_prompt) for piece, how in answers.seen]
    assert given == [(None, None, "hello"), ("es", None, None), ("es", None, None)]


def test_conditioned_pieces_follow_one_another_with_the_text_before() -> None:
    answers = Answers()
    count = 2 * PIECE_WINDOWS + 1
    transcribe(
        many_windows(count),
        answers,
        initial_prompt="hello",
        prefix="well",
        terms=("Acme",),
        condition_on_previous_text=True,
    )
    assert answers.most_at_once == 1
    first, second, third = (how for _, how in answers.seen)
    numbers = " ".join(str(number) for number in range(2 * PIECE_WINDOWS))
    assert (first.initial_prompt, first.prefix) == ("hello", "well")
    assert second.initial_prompt == f"hello {numbers[: numbers.index(' 16')]}"
    assert (third.initial_prompt, third.prefix) == (f"hello {numbers}", None)
    assert {how.terms for _, how in answers.seen} == {("Acme",)}


def test_few_pieces_are_under_way_at_once() -> None:
    answers = Answers()
    transcribe(many_windows(20 * PIECE_WINDOWS), answers)
    assert answers.most_at_once <= 2


@pytest.mark.parametrize("fails_at", [0, 1, 2])
def test_a_refused_piece_refuses_the_recording(fails_at: int) -> None:
    answers = Answers(fails_at)
    with pytest.raises(errors.Overloaded):
        transcribe(many_windows(10 * PIECE_WINDOWS), answers)
    assert len(answers.seen) <= fails_at + 2


def test_pauses_end_windows_where_the_model_wants_it() -> None:
    clip = clip_samples()
    data = wav(np.concatenate([clip, silence(1.2), clip, silence(3), clip]))
    decoded = decode(data, Limits(seconds=60))
    by_pause = record(decoded, FEATURES, PARAMETERS, pause_s=0.6)
    assert len(by_pause.windows) == 3
    assert len(record(decoded, FEATURES, PARAMETERS).windows) == 1


def samples_of(call: Path) -> list[tuple[np.ndarray, str]]:
    """The utterances of a sample call at 16 kHz, each with its text."""
    reference = json.loads(call.with_suffix(".json").read_text())
    with wave.open(str(call)) as file:
        both = np.frombuffer(file.readframes(file.getnframes()), np.int16).reshape(-1, 2)
        rate = file.getframerate()
    heard = []
    for utterance in reference["utterances"]:
        begin, end = (
            round((utterance[key] + margin) * rate)
            for key, margin in (("start", -0.1), ("end", 0.1))
        )
        channel = both[max(0, begin) : end, utterance["channel"]]
        heard.append((decode(wav(channel, rate), Limits(seconds=60)).samples, utterance["text"]))
    return heard


def spaced_calls() -> tuple[np.ndarray, str]:
    """Every other utterance of the English sample calls, one beginning every 30 s, and their text.

    faster-whisper cuts windows every 30 s where it is not told where somebody speaks: so laid
    out, it hears one sentence at a time, as the demonstration model was trained.
    """
    calls = [path for path in sorted(CALLS.glob("*.wav")) if "spanish" not in path.stem]
    utterances = [one for call in calls for one in samples_of(call)][1::2]
    noise = np.random.default_rng(5).normal(0, 10 ** (-70 / 20), SLOT * len(utterances))
    samples = noise.astype(np.float32)
    for number, (heard, _) in enumerate(utterances):
        begin = number * SLOT + 16_000
        samples[begin : begin + len(heard)] += heard
    return samples, " ".join(spoken for _, spoken in utterances)


@functools.cache
def reference_model() -> WhisperModel:
    return WhisperModel(str(WEIGHTS), device="cpu", compute_type="default", cpu_threads=1)


def reference_segments(samples: np.ndarray, **where: object) -> list[TheirSegment]:
    """What ``WhisperModel.transcribe`` makes of the file with the settings that ours has."""
    segments, _ = reference_model().transcribe(
        samples,
        language="en",
        beam_size=5,
        temperature=0.0,
        condition_on_previous_text=False,
        **where,
    )
    return list(segments)


def text_of(segments: Iterable[Segment | TheirSegment]) -> str:
    return " ".join(segment.text.strip() for segment in segments)


def said_between(segments: Iterable[Segment | TheirSegment]) -> dict[int, tuple[float, float]]:
    """By number of the 30 s: where in the file speech begins and where it ends."""
    between: dict[int, tuple[float, float]] = {}
    for one in segments:
        number = round(one.start) * 16_000 // SLOT
        between[number] = (between.get(number, (one.start, 0.0))[0], one.end)
    return between


@pytest.mark.slow
def test_a_long_file_reads_like_faster_whispers(engine: WhisperEngine) -> None:
    samples, truth = spaced_calls()
    assert len(truth.split()) > 150
    full = WhisperEngine.load(WEIGHTS, "cpu", EndpointSettings(final_windows="full", cpu_threads=1))
    ours = long_transcript(full, samples).segments

    # It normalises features by the whole file, ours by the window: so it is given each alone.
    speech = long_recording(full, samples).windows
    alone = [
        segment
        for window in speech
        for segment in reference_segments(
            np.concatenate([samples[span.start : span.end] for span in window.spans])
        )
    ]
    # One word of these 190 is 0.5 %; which of two nearly equal texts wins is the CPU's rounding.
    assert jiwer.wer(text_of(alone), text_of(ours)) <= 0.015

    # Told where somebody speaks, which is where our windows begin and end.
    edges = [edge / 16_000 for window in speech for span in window.spans for edge in span]
    theirs = reference_segments(samples, clip_timestamps=edges)
    mine, other = said_between(ours), said_between(theirs)
    assert mine.keys() == other.keys() == set(range(len(samples) // SLOT))
    for number, (start, end) in mine.items():
        # Ours begins where speech is heard, theirs where its timestamp says.
        assert start == pytest.approx(other[number][0], abs=0.5)
        # Ours ends with the window, theirs may reach beyond.
        assert end == pytest.approx(other[number][1], abs=0.5)

    # Not told, it begins elsewhere and errs elsewhere, but no less; nor does ours where a
    # sentence gets a window as short as the model declares.
    expected = jiwer.wer(truth, text_of(reference_segments(samples))) + 0.01
    short = long_transcript(engine, samples).segments
    for heard in (ours, short):
        assert jiwer.wer(truth, text_of(heard)) <= expected
        assert said_between(heard).keys() == mine.keys()


def long_recording(engine: WhisperEngine, samples: np.ndarray) -> Recording:
    return record(Audio(samples), FEATURES, PARAMETERS, pause_s=engine.facts.pause_s)


def long_transcript(engine: WhisperEngine, samples: np.ndarray) -> Transcript:
    async def scenario() -> Transcript:
        service = EngineService(engine, EndpointSettings(max_batch_size=8))
        recording = long_recording(engine, samples)

        async def ask(piece: Prepared, how: Parameters) -> Transcript:
            answer = await service.transcribe(piece, how, 500)
            assert isinstance(answer, Transcript)
            return answer

        try:
            return await long_recordings.transcribe(recording, PARAMETERS, run_now, ask)
        finally:
            service.stop()

    return asyncio.run(scenario())


MEASURE = """
import os, sys
import numpy as np
from whisper_endpoint.audio.content import BytesElsewhere
from whisper_endpoint.audio.disk import Disk
from whisper_endpoint.audio.decode import Limits, decode
from whisper_endpoint.audio.features import Features
from whisper_endpoint.ingress.preparation import record
from whisper_endpoint.messages import Parameters
def peak():
    # Of this program alone: getrusage's begins with that of whoever started it.
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) // 1024 for line in status if line.startswith("VmHWM"))
def fetch(start, end):
    with open(sys.argv[1], "rb") as file:
        file.seek(start)
        return file.read(end - start)
data = BytesElsewhere(os.path.getsize(sys.argv[1]), fetch)
before = peak()
audio = decode(data, Limits(seconds=3600), disk=Disk(2**30))
recording = record(audio, Features(80), Parameters())
for number in range(recording.pieces):
    recording.piece(number)
print(before, peak(), len(recording.windows))
"""


@pytest.mark.slow
def test_a_long_file_takes_bounded_memory(tmp_path: Path) -> None:
    part = np.concatenate([clip_samples(), silence(0.4)])
    long = np.tile(part, -(-900 * 16_000 // len(part)))[: 900 * 16_000]
    path = tmp_path / "long.wav"
    path.write_bytes(wav(long))
    answer = subprocess.run(
        [sys.executable, "-c", MEASURE, str(path)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        check=True,
        capture_output=True,
        text=True,
    )
    before, peak, windows = map(int, answer.stdout.split())
    assert windows > 30
    # It takes 72 MB, as 5 minutes and half an hour do; its samples would take 58 MB more.
    assert peak - before < 100
