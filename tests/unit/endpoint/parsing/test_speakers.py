# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Requests for speakers, as other APIs ask for them too."""

from tests.unit.endpoint.parsing.test_wire_forms import URL, from_form, from_json
from whisper_endpoint.messages import Parameters


def test_insanely_fast_whispers_flat_body() -> None:
    assert not from_json({"url": URL, "diarise_audio": False}).parameters.diarize
    flat = {"url": URL, "diarise_audio": True, "num_speakers": 2}
    assert from_json(flat).parameters == Parameters(diarize=True, num_speakers=2)
    assert from_json({"url": URL, "diarise_audio": False, "diarize": True}).parameters.diarize


def test_openais_form() -> None:
    assert from_form(("response_format", "diarized_json")).parameters.diarize
    assert not from_form(("response_format", "verbose_json")).parameters.diarize
    assert from_form(("diarize", "true"), ("max_speakers", "4")).parameters == Parameters(
        diarize=True, max_speakers=4
    )
