# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Whisper's encoder as an OpenVINO graph, with the weights of a CTranslate2 model.

The graph follows the Whisper paper (Radford et al., 2022): two convolutions over time, the second
with a stride of two, sinusoidal positions, and pre-norm attention and feed-forward layers. Names
and layout are CTranslate2's: query, key and value are one matrix, ``linear_0``.
"""

import threading
from functools import cache
from typing import Any

import numpy as np
import openvino
from numpy.typing import NDArray
from openvino import opset13 as op

from whisper_endpoint.engine.encoders.weights import Weights

PREFIX = "encoder/"
"""Prefix of the names of the encoder's variables."""

_EPSILON = 1e-5  # of CTranslate2's layer norm
_DYNAMIC = -1


class OpenVinoEncoder:
    """A compiled encoder. Thread-safe: encodes up to ``workers`` windows at once.

    Parameters
    ----------
    weights : dict of str to ndarray
        The encoder's variables.
    precision : {"bf16", "f32"}
        Precision of the multiplications.
    threads, workers : int
        Total number of threads, and number of windows at once, which share them.
    """

    def __init__(self, weights: Weights, precision: str, threads: int, workers: int) -> None:
        options = {
            "INFERENCE_PRECISION_HINT": precision,
            "INFERENCE_NUM_THREADS": threads,
            "NUM_STREAMS": workers,
            # Pinned threads would compete with CTranslate2's for a core while others are idle.
            "ENABLE_CPU_PINNING": False,
        }
        self._compiled = _core().compile_model(_graph(weights), "CPU", options)
        self._requests = threading.local()

    def encode(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """Encode windows of one length.

        Parameters
        ----------
        features : ndarray, shape (windows, mels, frames), float32

        Returns
        -------
        ndarray, shape (windows, (frames + 1) // 2, width), float32

        Raises
        ------
        RuntimeError
            OpenVINO failed.
        """
        request = getattr(self._requests, "request", None)
        if request is None:
            request = self._requests.request = self._compiled.create_infer_request()
        request.infer([features], share_inputs=True)
        # Copy: the next inference overwrites the output tensor.
        encoded: NDArray[np.float32] = np.array(request.get_output_tensor().data)
        return encoded


@cache
def _core() -> Any:
    """Return the runtime, of which each process keeps one.

    It gives the thread that loads it a stack for signals. Freed in another thread, it leaves the
    first one with a stack that is gone: the next signal handled there would end the process.
    """
    return openvino.Core()


def _graph(weights: Weights) -> Any:
    layers = _Layers(weights)
    mels = weights["encoder/conv1/weight"].shape[1]
    features = op.parameter([_DYNAMIC, mels, _DYNAMIC], np.float32, "features")
    hidden = layers.convolution("encoder/conv1", features, stride=1)
    hidden = layers.convolution("encoder/conv2", hidden, stride=2)
    hidden = layers.with_positions(op.transpose(hidden, [0, 2, 1]))
    number = 0
    while f"encoder/layer_{number}/ffn/linear_0/weight" in weights:
        hidden = layers.attention(f"encoder/layer_{number}/self_attention", hidden)
        hidden = layers.feed_forward(f"encoder/layer_{number}/ffn", hidden)
        number += 1
    return openvino.Model([layers.norm("encoder/layer_norm", hidden)], [features], "encoder")


class _Layers:
    """Builds the parts of the graph from the variables of the given name."""

    def __init__(self, weights: Weights) -> None:
        self._weights = weights
        self._heads = int(weights["encoder/num_heads"])
        self._width = len(weights["encoder/conv1/bias"])

    def convolution(self, name: str, hidden: Any, stride: int) -> Any:
        weight, bias = self._weights[f"{name}/weight"], self._weights[f"{name}/bias"]
        made = op.convolution(hidden, op.constant(weight), [stride], [1], [1], [1])
        return op.gelu(op.add(made, op.constant(bias.reshape(1, -1, 1))), "erf")

    def with_positions(self, hidden: Any) -> Any:
        positions = op.constant(self._weights["encoder/position_encodings/encodings"])
        length = op.gather(op.shape_of(hidden), op.constant([1]), op.constant(0))
        return op.add(hidden, op.slice(positions, [0], length, [1], [0]))

    def attention(self, name: str, hidden: Any) -> Any:
        mixed = self._linear(f"{name}/linear_0", self.norm(f"{name}/layer_norm", hidden))
        split = op.reshape(mixed, [0, 0, 3, self._heads, self._width // self._heads], True)
        by_part = op.transpose(split, [2, 0, 3, 1, 4])
        query, key, value = (op.gather(by_part, op.constant(i), op.constant(0)) for i in range(3))
        heard = op.scaled_dot_product_attention(query, key, value)
        joined = op.reshape(op.transpose(heard, [0, 2, 1, 3]), [0, 0, self._width], True)
        return op.add(hidden, self._linear(f"{name}/linear_1", joined))

    def feed_forward(self, name: str, hidden: Any) -> Any:
        wide = self._linear(f"{name}/linear_0", self.norm(f"{name}/layer_norm", hidden))
        return op.add(hidden, self._linear(f"{name}/linear_1", op.gelu(wide, "erf")))

    def norm(self, name: str, hidden: Any) -> Any:
        normed = op.mvn(hidden, op.constant([-1]), True, _EPSILON, "inside_sqrt")
        gamma, beta = (op.constant(self._weights[f"{name}/{part}"]) for part in ("gamma", "beta"))
        return op.add(op.multiply(normed, gamma), beta)

    def _linear(self, name: str, hidden: Any) -> Any:
        weight = op.constant(self._weights[f"{name}/weight"])
        made = op.matmul(hidden, weight, False, True)
        return op.add(made, op.constant(self._weights[f"{name}/bias"]))
