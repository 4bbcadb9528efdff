# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""What a partial begins with by what is known of its utterance: segments and words."""

from collections.abc import Sequence

import numpy as np
import pytest

from tests.unit.endpoint.helpers import SENTENCE, clip_samples
from whisper_endpoint.audio.features import Features
from whisper_endpoint.engine.decoder import WhisperEngine
from whisper_endpoint.engine.jobs import Beginning, Job, Scheduling
from whisper_endpoint.engine.utterance_states import LiveCalls
from whisper_endpoint.ingress import fingerprint
from whisper_endpoint.messages import (
    Parameters,
    Prepared,
    PreparedWindow,
    Priority,
    Span,
    UtteranceState,
    Window,
)
from whisper_endpoint.transcript import Segment, Transcript, assemble

_END = 1000
_RATE = 16_000
_TIME = _END + 1
PARAMETERS = Parameters()


def segment(start: float, end: float, tokens: Sequence[int], text: str = "text") -> Segment:
    return Segment(
        seek=0,
        start=start,
        end=end,
        text=text,
        tokens=tuple(tokens),
        temperature=0.0,
        avg_logprob=-0.1,
        compression_ratio=1.0,
        no_speech_prob=0.0,
    )


def state(seconds: float, spans: tuple[Span, ...] = (), *, is_partial: bool = True) -> Prepared:
    samples = np.random.default_rng(3).standard_normal(30 * _RATE).astype(np.float32)
    samples = samples[: round(seconds * _RATE)]
    window = Window(spans or (Span(0, len(samples)),))
    frames = sum(span.end - span.start for span in window.spans) // 160
    return Prepared(
        (PreparedWindow(window, np.zeros((80, frames), np.float32)),),
        seconds,
        Priority.PARTIAL if is_partial else Priority.FINAL,
        UtteranceState(
            is_partial=is_partial,
            scope=("call", "0"),
            utterance_id="u",
            sequence=round(1000 * seconds),
            fingerprint=fingerprint.of(samples),
        ),
    )


FIRST = segment(0.0, 2.5, [_TIME, 1, 2, 3, _TIME])
SECOND = segment(2.8, 4.0, [_TIME, 4, 5, _TIME])
LAST = segment(4.2, 8.0, [_TIME, *range(10, 20), _TIME])


def arranged(
    segments: Sequence[Segment],
    newest: Prepared,
    parameters: Parameters = PARAMETERS,
    how: Parameters = PARAMETERS,
) -> Scheduling:
    """Let two states be heard alike; returns how the newest one is scheduled."""
    calls = LiveCalls(_END, force_prefix=True)
    for seconds in (8.2, 9.1):
        earlier = state(seconds)
        _, ref = calls.arrange(earlier, parameters)
        assert ref is not None
        calls.learn(
            ref, earlier, parameters, Transcript("es", tuple(segments), language_probability=0.7)
        )
    return calls.arrange(newest, how)[0]


def test_segments_heard_alike_twice_are_not_heard_again() -> None:
    scheduling = arranged((FIRST, SECOND, LAST), state(10.0))
    assert scheduling.beginning == Beginning(
        segments=(FIRST, SECOND), seek=400, language="es", language_probability=0.7
    )
    assert scheduling.forced_prefix == tuple(range(10, 15))
    assert scheduling.prefix_language == "es"


def test_a_segment_is_heard_again_while_what_follows_it_is_not_sure() -> None:
    short = segment(4.2, 8.0, [_TIME, *range(10, 15), _TIME])
    scheduling = arranged((FIRST, SECOND, short), state(10.0))
    assert scheduling.beginning is not None
    assert scheduling.beginning.segments == (FIRST,)
    assert scheduling.forced_prefix == (4, 5)


def test_where_silence_is_left_out_the_rest_begins_in_the_windows_own_time() -> None:
    spans = (Span(0, 3 * _RATE), Span(round(3.5 * _RATE), 10 * _RATE))
    scheduling = arranged((FIRST, SECOND, LAST), state(10.0, spans))
    assert scheduling.beginning is not None
    assert scheduling.beginning.seek == 350


@pytest.mark.parametrize(
    ("segments", "newest", "how"),
    [
        ((LAST,), state(10.0), PARAMETERS),
        ((FIRST, LAST), state(10.0, is_partial=False), PARAMETERS),
        ((FIRST, LAST), state(10.0), Parameters(word_timestamps=True)),
        ((segment(0.0, 9.4, FIRST.tokens), LAST), state(10.0), PARAMETERS),
    ],
    ids=["one segment", "a final", "asked for otherwise", "less than a second is left"],
)
def test_otherwise_all_of_it_is_heard(
    segments: tuple[Segment, ...], newest: Prepared, how: Parameters
) -> None:
    assert arranged(segments, newest, how=how).beginning is None


def test_what_is_known_is_told_with_what_follows_it_from_a_shorter_window(
    engine: WhisperEngine,
) -> None:
    clip = clip_samples()
    before = np.zeros(5 * _RATE, np.float32)
    audio = np.concatenate([before, clip.astype(np.float32) / np.float32(32768)])
    window = PreparedWindow(Window((Span(0, len(audio)),)), Features(80).of(audio))
    known = segment(0.0, 5.0, [1, 2], " Known.")
    beginning = Beginning(segments=(known,), seek=500, language="en", language_probability=1.0)
    job = Job(
        (window,),
        Parameters(beam_size=1, temperature=(0.0,)),
        float("inf"),
        Scheduling(priority=Priority.PARTIAL, beginning=beginning),
    )
    (task,) = engine.tasks(job)
    whole = Job((window,), job.parameters, float("inf"), Scheduling(priority=Priority.PARTIAL))
    assert task.frames < engine.tasks(whole)[0].frames
    transcript = assemble("en", engine.transcribe(job))
    assert transcript.segments[0].text == known.text
    assert transcript.text == f"Known. {SENTENCE}"
    assert transcript.segments[1].start == pytest.approx(5.0, abs=0.5)
