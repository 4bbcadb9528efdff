# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Models for speakers, out of checkpoints without PyTorch and into ONNX files without onnx."""

import io
import pickle
import sys
import types
import zipfile
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
from numpy.typing import NDArray

from scripts.publish.errors import CommandError
from scripts.speaker_models.checkpoint import tensors
from scripts.speaker_models.onnx_file import Graph


class Evil:
    def __reduce__(self) -> tuple[Any, ...]:
        return print, ("run",)


def checkpoint(path: Path, monkeypatch: pytest.MonkeyPatch, content: dict[str, Any]) -> Path:
    """Write tensors as PyTorch does; in the pickle each is a call of its function."""
    torch, utils = types.ModuleType("torch"), types.ModuleType("torch._utils")

    class FloatStorage: ...

    class LongStorage: ...

    def _rebuild_tensor_v2(*_: Any) -> None: ...

    for module, one in (
        (torch, FloatStorage),
        (torch, LongStorage),
        (utils, _rebuild_tensor_v2),
    ):
        one.__module__, one.__qualname__ = module.__name__, one.__name__
        setattr(module, one.__name__, one)
    monkeypatch.setitem(sys.modules, "torch", torch)
    monkeypatch.setitem(sys.modules, "torch._utils", utils)
    storages: list[bytes] = []

    class Stored:
        def __init__(self, array: NDArray[Any]) -> None:
            self.array = array

    class Tensor:
        def __init__(self, array: NDArray[Any]) -> None:
            self.array = array

        def __reduce__(self) -> tuple[Any, ...]:
            strides = tuple(step // self.array.itemsize for step in self.array.strides)
            where = Stored(self.array), 1, self.array.shape, strides
            return _rebuild_tensor_v2, (*where, False, OrderedDict[str, Any]())

    class Pickler(pickle.Pickler):
        def persistent_id(self, thing: Any) -> Any:
            if not isinstance(thing, Stored):
                return None
            # One number before it, as tensors may begin anywhere in their storage.
            first = np.zeros(1, thing.array.dtype).tobytes()
            storages.append(first + thing.array.tobytes())
            kind = FloatStorage if thing.array.dtype.kind == "f" else LongStorage
            return "storage", kind, str(len(storages) - 1), "cpu", thing.array.size + 1

    buffer = io.BytesIO()
    Pickler(buffer).dump(
        {
            name: Tensor(value) if isinstance(value, np.ndarray) else value
            for name, value in content.items()
        }
    )
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("model/data.pkl", buffer.getvalue())
        for number, data in enumerate(storages):
            archive.writestr(f"model/data/{number}", data)
    return path


def test_tensors_of_a_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = {
        "weight": np.arange(6, dtype=np.float32).reshape(2, 3),
        "counts": np.array([3, 4], np.int64),
        "how": 5,
    }
    found = tensors(checkpoint(tmp_path / "a.bin", monkeypatch, content))
    assert found.keys() == {"weight", "counts"}
    for name, value in found.items():
        np.testing.assert_array_equal(value, content[name])


def test_no_code_of_a_checkpoint_is_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    content = {"weight": np.ones(1, np.float32), "evil": Evil()}
    assert tensors(checkpoint(tmp_path / "a.bin", monkeypatch, content)).keys() == {"weight"}
    assert capsys.readouterr().out == ""


def test_what_is_no_checkpoint(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(b"no archive")
    with pytest.raises(CommandError, match=r"a\.bin is no checkpoint of tensors"):
        tensors(path)


def test_a_written_graph_computes(tmp_path: Path) -> None:
    graph = Graph()
    weight = np.random.default_rng(1).normal(size=(3, 2)).astype(np.float32)
    last = graph.add("MatMul", "x", graph.constant(weight))
    last = graph.add("LeakyRelu", last, alpha=0.5)
    last = graph.add("Concat", last, last, axis=-1)
    last = graph.add("Transpose", last, perm=[1, 0])
    last = graph.add("Reshape", last, graph.constant([-1]))
    path = tmp_path / "a.onnx"
    graph.write(path, ("x", ("N", 3)), ("y", last, ("M",)), {"sample_rate": 16_000})
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    assert session.get_modelmeta().custom_metadata_map == {"sample_rate": "16000"}
    x = np.random.default_rng(2).normal(size=(4, 3)).astype(np.float32)
    product = x @ weight
    wanted = np.where(product > 0, product, product / 2)
    (found,) = session.run(None, {"x": x})
    np.testing.assert_allclose(found, np.concatenate([wanted, wanted], 1).T.ravel(), rtol=1e-5)
