# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Read the tensors of a PyTorch checkpoint, a zip archive with a pickle, without PyTorch."""

import collections
import pickle
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scripts.publish.errors import CommandError

Tensors = dict[str, NDArray[Any]]

_KINDS = {
    "FloatStorage": np.float32,
    "DoubleStorage": np.float64,
    "LongStorage": np.int64,
    "IntStorage": np.int32,
    "BoolStorage": np.bool_,
}
# Older files nest their tensors under this key.
_WRAPPER = "state_dict"


def tensors(path: Path) -> Tensors:
    """Return the tensors of a checkpoint by name, without executing code from the file.

    Raises
    ------
    CommandError
        The file is not a checkpoint.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            (index,) = (name for name in archive.namelist() if name.endswith("/data.pkl"))
            with archive.open(index) as file:
                found = _Reader(file, archive, index.removesuffix("data.pkl")).load()
    except (ValueError, zipfile.BadZipFile, pickle.UnpicklingError) as error:
        raise CommandError(f"{path.name} is no checkpoint of tensors: {error}.") from error
    return {name: value for name, value in _flat(found) if isinstance(value, np.ndarray)}


def _flat(found: Any) -> Iterator[tuple[str, Any]]:
    yield from (found.get(_WRAPPER) or found).items()


class _Reader(pickle.Unpickler):
    """Unpickles tensors as numpy arrays, and every other class as a placeholder."""

    def __init__(self, file: Any, archive: zipfile.ZipFile, folder: str) -> None:
        super().__init__(file)
        self._archive = archive
        self._folder = folder

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("collections", "OrderedDict"):
            return collections.OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _tensor
        if module == "torch" and name in _KINDS:
            return _KINDS[name]
        return _Nothing

    def persistent_load(self, pid: Any) -> NDArray[Any]:
        _, kind, key, *_ = pid
        return np.frombuffer(self._archive.read(f"{self._folder}data/{key}"), kind)


class _Nothing:
    """Placeholder for everything but tensors, such as training settings."""

    def __init__(self, *_: Any, **__: Any) -> None: ...

    def __call__(self, *_: Any, **__: Any) -> "_Nothing":
        return self

    def __setstate__(self, state: Any) -> None: ...


def _tensor(
    storage: NDArray[Any], offset: int, shape: tuple[int, ...], strides: tuple[int, ...], *_: Any
) -> NDArray[Any]:
    steps = tuple(step * storage.itemsize for step in strides)
    return np.lib.stride_tricks.as_strided(storage[offset:], shape, steps).copy()
