# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""OpenVINO's encoder beside CTranslate2's, and which of the two is used."""

import logging
import os
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import ctranslate2
import numpy as np
import pytest

from tests.unit.endpoint.helpers import SENTENCE, WEIGHTS
from whisper_endpoint import selftest
from whisper_endpoint.engine.decoder import WhisperEngine
from whisper_endpoint.engine.encoders import choice
from whisper_endpoint.engine.encoders.weights import read_weights
from whisper_endpoint.engine.jobs import Job
from whisper_endpoint.errors import InvalidSetting
from whisper_endpoint.messages import Parameters
from whisper_endpoint.settings import EndpointSettings

pytest.importorskip("openvino", reason="is installed on Linux alone")
from whisper_endpoint.engine.encoders.openvino_encoder import PREFIX, OpenVinoEncoder

GREEDY = Parameters(language="en", temperature=(0.0,), beam_size=1)
ASKED_FOR = EndpointSettings(encoder="openvino", cpu_threads=1)


@pytest.fixture(scope="module")
def model() -> Any:
    return ctranslate2.models.Whisper(str(WEIGHTS), compute_type="float32", intra_threads=1)


@pytest.fixture(scope="module")
def encoder() -> OpenVinoEncoder:
    return OpenVinoEncoder(read_weights(WEIGHTS / "model.bin", PREFIX), "f32", 1, 1)


def features(frames: int, windows: int = 1) -> np.ndarray:
    return np.random.default_rng(frames).standard_normal((windows, 80, frames), np.float32)


@pytest.mark.parametrize(("frames", "windows"), [(100, 1), (999, 1), (1000, 2), (3000, 1)])
def test_it_encodes_what_ctranslate2_encodes(
    model: Any, encoder: OpenVinoEncoder, frames: int, windows: int
) -> None:
    heard = features(frames, windows)
    theirs = np.asarray(model.encode(ctranslate2.StorageView.from_array(heard)))
    ours = encoder.encode(heard)
    assert ours.shape == theirs.shape == (windows, (frames + 1) // 2, 192)
    np.testing.assert_allclose(ours, theirs, atol=1e-4 * np.abs(theirs).max())


def test_threads_and_windows_after_it_leave_a_result_as_it_is(encoder: OpenVinoEncoder) -> None:
    heard = [features(frames) for frames in (200, 300, 400, 500)]
    alone = [encoder.encode(one).copy() for one in heard]
    with ThreadPoolExecutor(4) as pool:
        at_once = list(pool.map(encoder.encode, heard * 3))
    for one, other in zip(at_once, alone * 3, strict=True):
        np.testing.assert_array_equal(one, other)


# In a process of its own: it would end.
FREED_BY_ANOTHER_THREAD = """
import pathlib, signal, sys, threading
from whisper_endpoint.engine.encoders.openvino_encoder import PREFIX, OpenVinoEncoder
from whisper_endpoint.engine.encoders.weights import read_weights

encoders = [OpenVinoEncoder(read_weights(pathlib.Path(sys.argv[1]), PREFIX), "f32", 1, 1)]
thread = threading.Thread(target=encoders.clear)
thread.start()
thread.join()
signal.signal(signal.SIGTERM, lambda *_: print("handled"))
signal.raise_signal(signal.SIGTERM)
"""


def test_signals_are_handled_after_another_thread_has_freed_it() -> None:
    ran = subprocess.run(
        [sys.executable, "-c", FREED_BY_ANOTHER_THREAD, str(WEIGHTS / "model.bin")],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ran.returncode, ran.stdout) == (0, "handled\n"), ran.stderr


@pytest.mark.parametrize("compute_type", ["float32", "int8"])
def test_the_engine_gives_the_same_text_with_it(compute_type: Any) -> None:
    settings = ASKED_FOR.model_copy(update={"compute_type": compute_type})
    engine = WhisperEngine.load(WEIGHTS, "cpu", settings)
    assert isinstance(engine._model, choice.WithEncoder)
    (result,) = engine.transcribe(Job((selftest.clip_window(80),), GREEDY, float("inf")))
    assert "".join(segment.text for segment in result.segments).strip() == SENTENCE


class Machine:
    """How fast the encoders are on it, in seconds a window."""

    def __init__(self, ctranslate2_s: float, openvino_s: float) -> None:
        self.ctranslate2_s, self.openvino_s = ctranslate2_s, openvino_s

    def seconds(self, model: Any) -> float:
        is_other = isinstance(model, choice.WithEncoder)
        return self.openvino_s if is_other else self.ctranslate2_s


@pytest.fixture
def with_bfloat16(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A processor that has it, for models of any size; returns the file that says so."""
    flags = tmp_path / "cpuinfo"
    flags.write_text("flags\t\t: fpu avx512_bf16 amx_tile\n")
    monkeypatch.setattr(choice, "_CPU_INFO", flags)
    monkeypatch.setattr(choice, "_LEAST_BYTES", 0)
    return flags


@pytest.fixture(scope="module")
def quantised() -> Any:
    return ctranslate2.models.Whisper(str(WEIGHTS), compute_type="int8", intra_threads=1)


def chosen(
    model: Any, seconds: Callable[[Any], float], settings: EndpointSettings | None = None
) -> bool:
    """Whether OpenVINO's encoder is."""
    best = choice.Encoders(WEIGHTS, settings or EndpointSettings(), 1, seconds).given_to(model)
    assert best is model or best.n_mels == model.n_mels
    return isinstance(best, choice.WithEncoder)


@pytest.mark.usefixtures("with_bfloat16")
@pytest.mark.parametrize(("openvino_s", "is_used"), [(0.5, True), (0.85, False), (2.0, False)])
def test_it_is_used_where_it_is_faster(quantised: Any, openvino_s: float, is_used: bool) -> None:
    assert chosen(quantised, Machine(1.0, openvino_s).seconds) is is_used


def never(_model: Any) -> float:
    raise AssertionError("nothing is to be measured")


def test_it_is_not_tried_without_bfloat16(quantised: Any, with_bfloat16: Path) -> None:
    with_bfloat16.write_text("flags\t\t: fpu avx2 avx512f avx512_vnni\n")
    assert not chosen(quantised, never)
    with_bfloat16.unlink()
    assert not chosen(quantised, never)


@pytest.mark.usefixtures("with_bfloat16")
def test_it_is_not_tried_in_float32_or_against_the_setting(model: Any, quantised: Any) -> None:
    assert not chosen(model, never)
    assert not chosen(quantised, never, EndpointSettings(encoder="ctranslate2"))


def test_it_is_not_tried_with_a_small_model(quantised: Any) -> None:
    assert not chosen(quantised, never)


@pytest.mark.usefixtures("with_bfloat16")
def test_what_fails_is_said_once_and_ctranslate2_encodes(
    quantised: Any, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(_model: Any) -> float:
        raise RuntimeError("no such instruction")

    with caplog.at_level(logging.INFO):
        assert not chosen(quantised, broken)
    assert len(caplog.messages) == 1
    assert "CTranslate2 encodes" in caplog.text
    assert "no such instruction" in caplog.text


@pytest.mark.usefixtures("with_bfloat16")
def test_where_it_is_not_installed(quantised: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    name = "whisper_endpoint.engine.encoders.openvino_encoder"
    monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    assert not chosen(quantised, never)
    with pytest.raises(InvalidSetting, match=r"not installed: .*scripts/image\.sh.*use auto"):
        chosen(quantised, never, ASKED_FOR)


def test_a_model_that_it_cannot_encode_is_refused_where_it_is_asked_for(
    quantised: Any, tmp_path: Path
) -> None:
    (tmp_path / "model.bin").write_bytes((WEIGHTS / "model.bin").read_bytes()[:10_000])
    with pytest.raises(InvalidSetting, match=r"cannot run this model \(.*\): use auto"):
        choice.Encoders(tmp_path, ASKED_FOR, 1, never).given_to(quantised)
