# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Reads the weights in a ``model.bin`` without CTranslate2.

The format is that of CTranslate2's ``model_spec.py``: a header, each variable with its name,
shape, type and bytes, and aliases.
"""

import math
import mmap
import struct
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Weights = dict[str, NDArray[Any]]

# In the order of CTranslate2's type ids; numpy lacks bfloat16, the upper half of a float32.
_TYPES = (np.float32, np.int8, np.int16, np.int32, np.float16, np.uint16)
_BFLOAT16 = 5


def read_weights(path: Path, prefix: str = "") -> Weights:
    """Read the variables whose names begin with a prefix.

    Returns
    -------
    dict of str to ndarray
        Floats and dequantised weights as float32; other integers unchanged.

    Raises
    ------
    OSError, ValueError, struct.error
        The file cannot be read, or is not in this format.
    """
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        model = _ModelFile(data)
        model.number("I")  # format version
        model.string()  # specification name
        model.number("I")  # specification revision
        places = dict(model.place() for _ in range(model.number("I")))
        # Equal variables are stored once, even if they belong to different parts of the model.
        aliases = {model.string(): model.string() for _ in range(model.number("I"))}
        names = {name: name for name in places} | aliases
        return {
            name: _dequantised(model, places, stored)
            for name, stored in names.items()
            if name.startswith(prefix)
        }


class _Place(NamedTuple):
    """Offset, shape and type of a variable in the file."""

    begin: int
    shape: list[int]
    kind: int


def _dequantised(model: "_ModelFile", places: dict[str, _Place], name: str) -> NDArray[Any]:
    array = model.array(places[name])
    place = places.get(f"{name}_scale")
    if place is None:
        return array.astype(np.float32) if array.dtype == np.float16 else array
    scale = model.array(place)  # one per row, or one for all
    weights: NDArray[np.float32] = array / scale.reshape(-1, *[1] * (array.ndim - 1))
    return weights


class _ModelFile:
    """Reads the parts of the file sequentially."""

    def __init__(self, data: mmap.mmap) -> None:
        self._data = data
        self._at = 0

    def number(self, form: str) -> int:
        (value,) = struct.unpack_from(f"<{form}", self._data, self._at)
        self._at += struct.calcsize(form)
        return int(value)

    def string(self) -> str:
        begin = self._skip(self.number("H"))
        return self._data[begin : self._at].rstrip(b"\0").decode()

    def place(self) -> tuple[str, _Place]:
        name = self.string()
        shape = [self.number("I") for _ in range(self.number("B"))]
        kind = self.number("B")
        return name, _Place(self._skip(self.number("I")), shape, kind)

    def array(self, place: _Place) -> NDArray[Any]:
        kind = np.dtype(_TYPES[place.kind])
        end = place.begin + kind.itemsize * math.prod(place.shape)
        array = np.frombuffer(self._data[place.begin : end], kind).reshape(place.shape)
        if place.kind == _BFLOAT16:
            return (array.astype(np.uint32) << 16).view(np.float32)
        return array

    def _skip(self, count: int) -> int:
        begin = self._at
        self._at += count
        return begin
