# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Write ONNX files by the field numbers of onnx.proto3, since few messages are needed."""

import struct
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

_IR_VERSION, _OPSET = 8, 15
_FLOAT, _INT64 = 1, 7  # TensorProto.DataType
_ATTRIBUTE_FLOAT, _ATTRIBUTE_INT, _ATTRIBUTE_TEXT, _ATTRIBUTE_INTS = 1, 2, 3, 7
_VARINT, _BYTES, _FIXED_32 = 0, 2, 5


class Graph:
    """Builds a graph: each operation returns its output's name."""

    def __init__(self) -> None:
        self._nodes: list[bytes] = []
        self._constants: list[bytes] = []

    def constant(self, value: NDArray[Any] | Sequence[int]) -> str:
        """Add a constant tensor, float32 or int64."""
        array = np.ascontiguousarray(value)
        kind = _FLOAT if array.dtype.kind == "f" else _INT64
        data = array.astype("<f4" if kind == _FLOAT else "<i8")
        name = f"c{len(self._constants)}"
        shape = b"".join(_number(1, size) for size in data.shape)
        raw = _text(8, name) + _message(9, data.tobytes())
        self._constants.append(shape + _number(2, kind) + raw)
        return name

    def add(self, operation: str, *inputs: str, **attributes: Any) -> str:
        """Add a node with one output."""
        name = f"v{len(self._nodes)}"
        self._nodes.append(
            b"".join(_text(1, one) for one in inputs)
            + _text(2, name)
            + _text(4, operation)
            + b"".join(_message(5, _attribute(*one)) for one in attributes.items())
        )
        return name

    def write(
        self,
        path: Path,
        takes: tuple[str, Sequence[str | int]],
        gives: tuple[str, str, Sequence[str | int]],
        metadata: Mapping[str, object],
    ) -> None:
        """Write a model.

        Parameters
        ----------
        takes : (str, sequence)
            Name and shape of the input; a string names an open size.
        gives : (str, str, sequence)
            The output's name, its name in the graph, and its shape.
        """
        name, inner, shape = gives
        self._nodes.append(_text(1, inner) + _text(2, name) + _text(4, "Identity"))
        graph = (
            b"".join(_message(1, node) for node in self._nodes)
            + _text(2, "graph")
            + b"".join(_message(5, one) for one in self._constants)
            + _message(11, _value(*takes))
            + _message(12, _value(name, shape))
        )
        said = (_text(1, key) + _text(2, str(value)) for key, value in metadata.items())
        model = (
            _number(1, _IR_VERSION)
            + _message(7, graph)
            + _message(8, _text(1, "") + _number(2, _OPSET))
            + b"".join(_message(14, one) for one in said)
        )
        path.write_bytes(model)


def _value(name: str, shape: Iterable[str | int]) -> bytes:
    sizes = (_number(1, one) if isinstance(one, int) else _text(2, one) for one in shape)
    tensor = _number(1, _FLOAT) + _message(2, b"".join(_message(1, one) for one in sizes))
    return _text(1, name) + _message(2, _message(1, tensor))


def _attribute(name: str, value: Any) -> bytes:
    if isinstance(value, float):
        content = _key(2, _FIXED_32) + struct.pack("<f", value) + _number(20, _ATTRIBUTE_FLOAT)
    elif isinstance(value, int):
        content = _number(3, value) + _number(20, _ATTRIBUTE_INT)
    elif isinstance(value, str):
        content = _text(4, value) + _number(20, _ATTRIBUTE_TEXT)
    else:
        content = b"".join(_number(8, one) for one in value) + _number(20, _ATTRIBUTE_INTS)
    return _text(1, name) + content


def _text(field: int, text: str) -> bytes:
    return _message(field, text.encode())


def _message(field: int, content: bytes) -> bytes:
    return _key(field, _BYTES) + _varint(len(content)) + content


def _number(field: int, value: int) -> bytes:
    return _key(field, _VARINT) + _varint(value)


def _key(field: int, wire: int) -> bytes:
    return _varint(field << 3 | wire)


def _varint(value: int) -> bytes:
    value &= (1 << 64) - 1  # negative numbers take all ten bytes
    parts = bytearray()
    while value > 0x7F:
        parts.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*parts, value])
