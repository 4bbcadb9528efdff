# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""A start on a CPU: the encoder is chosen first, and then the workers with it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import ctranslate2
import pytest

from tests.unit.endpoint.helpers import WEIGHTS
from whisper_endpoint.engine import model as models
from whisper_endpoint.engine.encoders import choice
from whisper_endpoint.engine.encoders.weights import read_weights
from whisper_endpoint.settings import EndpointSettings

pytest.importorskip("openvino", reason="is installed on Linux alone")

Seconds = dict[tuple[str, int], float]


class Machine:
    """Takes so many seconds, by program and workers; loads the demonstration model for it.

    Attributes
    ----------
    asked : list of (str, str, int)
        What was measured, in its order: a part, the program that encodes, and the workers.
    """

    def __init__(self, encode: Seconds, generate: dict[int, float]) -> None:
        self._encode, self._generate = encode, generate
        self.asked: list[tuple[str, str, int]] = []
        self.loads: list[int] = []

    def with_workers(self, count: int) -> Any:
        self.loads.append(count)
        options: dict[str, Any] = {"inter_threads": count, "intra_threads": 1}
        return ctranslate2.models.Whisper(str(WEIGHTS), compute_type="int8", **options)

    def seconds_to_encode(self, model: Any) -> float:
        return self._encode[self._note("encode", model)]

    def seconds(self, model: Any) -> float:
        key = self._note("all", model)
        return self._encode[key] + self._generate[key[1]]

    def _note(self, part: str, model: Any) -> tuple[str, int]:
        program = "openvino" if isinstance(model, choice.WithEncoder) else "ctranslate2"
        self.asked.append((part, program, model.num_workers))
        return program, model.num_workers

    def start(self, **settings: Any) -> tuple[str, int]:
        """Choose both, for four threads; returns the program that encodes, and the workers."""
        chosen = EndpointSettings.model_validate(settings)
        encoders = choice.Encoders(WEIGHTS, chosen, 4, self.seconds_to_encode)

        def load(count: int) -> Any:
            return encoders.given_to(self.with_workers(count))

        model = models.measured_best(load, self.seconds, 4)
        return self._note("chosen", model)


@pytest.fixture(autouse=True)
def _bfloat16(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    flags = tmp_path / "cpuinfo"
    flags.write_text("flags\t\t: fpu avx512_bf16\n")
    monkeypatch.setattr(choice, "_CPU_INFO", flags)
    monkeypatch.setattr(choice, "_LEAST_BYTES", 0)


# With CTranslate2's encoder four workers are the best, with OpenVINO's one.
ENCODE: Seconds = {
    ("ctranslate2", 4): 1.0,
    ("ctranslate2", 1): 0.9,
    ("openvino", 4): 0.5,
    ("openvino", 1): 0.1,
}
GENERATE = {4: 0.3, 1: 0.3}


def test_workers_are_chosen_with_the_encoder_that_is_used() -> None:
    machine = Machine(ENCODE, GENERATE)
    assert machine.start() == ("openvino", 1)
    assert machine.asked == [
        ("encode", "ctranslate2", 4),
        ("encode", "openvino", 4),
        ("all", "openvino", 4),
        ("all", "openvino", 1),
        ("chosen", "openvino", 1),
    ]
    assert machine.loads == [4, 1]


def test_with_a_slower_encoder_the_workers_are_chosen_without_it() -> None:
    machine = Machine(ENCODE | {("openvino", 4): 0.9}, GENERATE)
    assert machine.start() == ("ctranslate2", 4)
    assert machine.asked[2:] == [
        ("all", "ctranslate2", 4),
        ("all", "ctranslate2", 1),
        ("chosen", "ctranslate2", 4),
    ]


@pytest.mark.parametrize(("encoder", "chosen"), [("openvino", 1), ("ctranslate2", 4)])
def test_an_encoder_that_is_set_is_not_measured_and_the_workers_are(
    encoder: str, chosen: int
) -> None:
    machine = Machine(ENCODE, GENERATE)
    assert machine.start(encoder=encoder) == (encoder, chosen)
    assert [part for part, _, _ in machine.asked] == ["all", "all", "chosen"]


def test_an_encoder_that_fails_with_the_second_model_is_left(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    build = choice._with_openvino

    def once(model: Any, *rest: Any) -> Any:
        if model.num_workers == 1:
            raise RuntimeError("no memory")
        return build(model, *rest)

    monkeypatch.setattr(choice, "_with_openvino", once)
    slow_alone = ENCODE | {("ctranslate2", 1): 5.0}
    assert Machine(slow_alone, GENERATE).start() == ("openvino", 4)
    assert caplog.text.count("OpenVINO failed: RuntimeError('no memory')") == 1


def test_a_start_encodes_the_window_three_times_for_each_model_that_it_compares(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What the encoder's choice has measured is not measured again for the workers'."""
    count = {"ctranslate2": 0, "openvino": 0, "read": 0}

    def counting(program: str, encode: Callable[[Any], Any]) -> Callable[[Any], Any]:
        def counted(window: Any) -> Any:
            count[program] += 1
            return encode(window)

        return counted

    class Counted:
        def __init__(self, *where: Any, **how: Any) -> None:
            self._model = load(*where, **how)
            self.encode = counting("ctranslate2", self._model.encode)

        def __getattr__(self, name: str) -> Any:
            return getattr(self._model, name)

    def counted_openvino(model: Any, *rest: Any) -> Any:
        other = build(model, *rest)
        return choice.WithEncoder(model, counting("openvino", other._encode))

    def counted_read(*arguments: Any) -> Any:
        count["read"] += 1
        return read_weights(*arguments)

    load, build = ctranslate2.models.Whisper, choice._with_openvino
    monkeypatch.setattr(choice, "read_weights", counted_read)
    monkeypatch.setattr("ctranslate2.models.Whisper", Counted)
    monkeypatch.setattr(choice, "_with_openvino", counted_openvino)
    monkeypatch.setattr(choice, "_WORTH", 1e9)
    loaded = models.load_model(WEIGHTS, "cpu", EndpointSettings(cpu_threads=2))
    assert isinstance(loaded.model, choice.WithEncoder)
    assert count == {"ctranslate2": 3, "openvino": 6, "read": 1}
