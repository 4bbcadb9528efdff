# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
import json
from dataclasses import replace
from typing import Any

from tests.unit.endpoint.helpers import lca_body
from whisper_endpoint import parsing
from whisper_endpoint.messages import Parameters
from whisper_endpoint.parsing.request import Request


def from_json(document: dict[str, Any]) -> Request:
    return parsing.parse(json.dumps(document).encode(), "application/json")


def test_what_is_wrapped_is_not_taken_for_live_call_analytics() -> None:
    body = json.loads(lca_body())
    assert from_json(body).is_lca_form
    assert not from_json({"model_input": body}).is_lca_form
    wrapped = from_json({"model_input": body}).parameters
    assert wrapped == replace(from_json(body).parameters, temperature=(0.0,))


def test_live_call_analytics_gets_the_default_temperatures_as_openais_clients_do() -> None:
    assert from_json(json.loads(lca_body())).parameters.temperature == Parameters().temperature
    warmer = json.loads(lca_body(temperature=0.2))
    assert from_json(warmer).parameters.temperature == (0.2,)
    ours = {"audio_input": [1], "parameters": {"temperature": 0.0}}
    assert from_json(ours).parameters.temperature == (0.0,)
