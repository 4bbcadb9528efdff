# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
from dataclasses import replace

import numpy as np
import pytest

from whisper_endpoint.audio.decode import Audio
from whisper_endpoint.audio.features import Features
from whisper_endpoint.audio.sources import InlineAudio
from whisper_endpoint.ingress.planning.request_plan import make_plan
from whisper_endpoint.ingress.preparation import record
from whisper_endpoint.messages import Parameters, Priority
from whisper_endpoint.model_info import ModelInfo
from whisper_endpoint.parsing.request import LiveFields, Request
from whisper_endpoint.settings import EndpointSettings

ASKED = Parameters(language="en", beam_size=5, temperature=(0.0, 0.4))
FACTS = ModelInfo(80, ("en", "es"), multilingual=True)


@pytest.mark.parametrize(
    ("asked", "progress", "channels", "pause_s", "given"),
    [
        (None, "s3://b/progress/1", False, None, True),
        (None, "s3://b/progress/1", True, None, False),
        (None, "s3://b/progress/1", False, 0.9, False),
        (None, None, False, None, False),
        (True, None, True, 0.9, True),
        (False, "s3://b/progress/1", False, None, False),
    ],
)
def test_a_jobs_windows_are_given_the_text_before_where_that_helps(
    *, asked: bool | None, progress: str | None, channels: bool, pause_s: float | None, given: bool
) -> None:
    request = Request(
        source=InlineAudio(b""),
        parameters=replace(
            ASKED, condition_on_previous_text=asked, channel_identification=channels
        ),
        progress_s3_uri=progress,
    )
    plan = make_plan(request, "id", EndpointSettings(), replace(FACTS, pause_s=pause_s))
    assert plan.parameters.condition_on_previous_text is given
    assert plan.partial_parameters.condition_on_previous_text is given


@pytest.mark.parametrize("is_partial", [True, False])
@pytest.mark.parametrize("seconds", [50, 70])
def test_what_is_longer_than_an_utterance_is_a_file_whatever_it_says(
    seconds: int, *, is_partial: bool
) -> None:
    said = LiveFields(partial=is_partial, call_id="c", utterance_id="u")
    request = Request(InlineAudio(b""), replace(ASKED, vad_filter=False), said)
    plan = make_plan(request, "0" * 32, EndpointSettings(), FACTS)
    audio = Audio(np.zeros(seconds * 16_000, np.float32))
    utterance = plan.utterance(audio)
    recording = record(audio, Features(80), plan.parameters, utterance=utterance)
    assert {recording.piece(0).priority} == {recording.priority}
    if seconds == 70:
        assert (utterance, recording.priority) == (None, Priority.FILE)
    else:
        assert utterance is not None
        assert recording.priority == (Priority.PARTIAL if is_partial else Priority.FINAL)
