# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Convert segmentation-3.0 and CAM++ to ONNX, from their checkpoints' tensors.

The layers are those of pyannote.audio's PyanNet (SincNet, four LSTMs, two linear layers) and of
3D-Speaker's CAM++; the metadata follows sherpa-onnx.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from scripts.speaker_models.checkpoint import Tensors
from scripts.speaker_models.onnx_file import Graph

_RATE = 16_000
_EPSILON = 1e-5
# SincNet: filter taps, and the minimum edge and width of a band, in hertz.
_TAPS, _LEAST_HZ = 251, 50.0
_HIDDEN = 128
# CAM++: layers and dilation of each dense block; frames per pooled segment.
_BLOCKS = ((12, 1), (24, 2), (16, 2))
_SEGMENT = 100


def write_segmentation(tensors: Tensors, path: Path) -> None:
    """Write pyannote's segmentation: ``x``, shape (N, 1, T), becomes ``y``, shape (N, F, 7)."""
    graph = Graph()
    last = _sincnet(graph, tensors)
    last = graph.add("Transpose", last, perm=[2, 0, 1])  # time, batch, features
    for layer in range(4):
        last = _lstm(graph, tensors, layer, last)
    last = graph.add("Transpose", last, perm=[1, 0, 2])
    for layer in range(2):
        last = graph.add("LeakyRelu", _linear(graph, tensors, f"linear.{layer}", last), alpha=0.01)
    last = graph.add("LogSoftmax", _linear(graph, tensors, "classifier", last), axis=-1)
    metadata = {
        "model_type": "pyannote-segmentation-3.0",
        "sample_rate": _RATE,
        "window_size": 10 * _RATE,
        "receptive_field_size": 991,
        "receptive_field_shift": 270,
        "num_speakers": 3,
        "powerset_max_classes": 2,
        "num_classes": 7,
    }
    graph.write(path, ("x", ("N", 1, "T")), ("y", last, ("N", "F", 7)), metadata)


def _sincnet(graph: Graph, tensors: Tensors) -> str:
    last = _instance_norm(graph, tensors, "sincnet.wav_norm1d", "x")
    for layer in range(3):
        if layer == 0:
            filters = graph.constant(_band_passes(tensors))
            last = graph.add("Conv", last, filters, kernel_shape=[_TAPS], strides=[10])
            last = graph.add("Abs", last)
        else:
            weight, bias = (
                graph.constant(tensors[f"sincnet.conv1d.{layer}.{part}"])
                for part in ("weight", "bias")
            )
            last = graph.add("Conv", last, weight, bias, kernel_shape=[5])
        last = graph.add("MaxPool", last, kernel_shape=[3], strides=[3])
        last = _instance_norm(graph, tensors, f"sincnet.norm1d.{layer}", last)
        last = graph.add("LeakyRelu", last, alpha=0.01)
    return last


def _band_passes(tensors: Tensors) -> NDArray[np.float32]:
    """Return the learnt band-pass filters, even then odd, shape (80, 1, 251)."""
    name = "sincnet.conv1d.0.filterbank."
    low = _LEAST_HZ + np.abs(tensors[name + "low_hz_"])
    high = np.clip(low + _LEAST_HZ + np.abs(tensors[name + "band_hz_"]), _LEAST_HZ, _RATE / 2)
    middle = _TAPS // 2
    time = 2 * np.pi * np.arange(-middle, 0) / _RATE
    window = np.hamming(_TAPS)[:middle]
    width = high - low
    even = (np.sin(high * time) - np.sin(low * time)) / (time / 2) * window
    odd = (np.cos(low * time) - np.cos(high * time)) / (time / 2) * window
    kernels = np.concatenate(
        [
            np.concatenate([even, 2 * width, even[:, ::-1]], axis=1) / (2 * width),
            np.concatenate([odd, np.zeros_like(width), -odd[:, ::-1]], axis=1) / (2 * width),
        ]
    )
    return kernels[:, None].astype(np.float32)


def _instance_norm(graph: Graph, tensors: Tensors, name: str, last: str) -> str:
    scale, bias = (graph.constant(tensors[f"{name}.{part}"]) for part in ("weight", "bias"))
    return graph.add("InstanceNormalization", last, scale, bias, epsilon=_EPSILON)


def _lstm(graph: Graph, tensors: Tensors, layer: int, last: str) -> str:
    def both_ways(part: str) -> NDArray[np.float32]:
        names = (f"lstm.{part}_l{layer}{way}" for way in ("", "_reverse"))
        return np.stack([_onnx_gates(tensors[name]) for name in names])

    biases = np.concatenate([both_ways("bias_ih"), both_ways("bias_hh")], axis=1)
    given = [both_ways("weight_ih"), both_ways("weight_hh"), biases]
    last = graph.add(
        "LSTM",
        last,
        *(graph.constant(one) for one in given),
        hidden_size=_HIDDEN,
        direction="bidirectional",
    )
    last = graph.add("Transpose", last, perm=[0, 2, 1, 3])
    return graph.add("Reshape", last, graph.constant([0, 0, -1]))


def _onnx_gates(weight: NDArray[np.float32]) -> NDArray[np.float32]:
    """Reorder PyTorch's gates (input, forget, cell, output) for ONNX."""
    taken, forget, cell, output = np.split(weight, 4)
    return np.concatenate([taken, output, forget, cell])


def _linear(graph: Graph, tensors: Tensors, name: str, last: str) -> str:
    product = graph.add("MatMul", last, graph.constant(tensors[f"{name}.weight"].T))
    return graph.add("Add", product, graph.constant(tensors[f"{name}.bias"]))


def write_embedding(tensors: Tensors, path: Path) -> None:
    """Write CAM++: ``x``, shape (N, T, 80), becomes ``embedding``, shape (N, 192)."""
    layers = _CamLayers(tensors)
    graph = layers.graph
    last = layers.statistics(layers.dense(layers.head("x")))
    last = layers.norm(layers.conv1d(last, "xvector.dense.linear"), "xvector.dense.nonlinear")
    last = graph.add("Squeeze", last, graph.constant([2]))
    metadata = {
        "framework": "3d-speaker",
        "language": "Chinese-English",
        "sample_rate": _RATE,
        "output_dim": 192,
        "normalize_samples": 1,
        "feature_normalize_type": "global-mean",
    }
    graph.write(path, ("x", ("N", "T", 80)), ("embedding", last, ("N", 192)), metadata)


class _CamLayers:
    """Layers of CAM++, by their names in the checkpoint."""

    def __init__(self, tensors: Tensors) -> None:
        self.graph = Graph()
        self._tensors = tensors

    def head(self, last: str) -> str:
        """Add a small residual network over time and frequency."""
        add = self.graph.add
        last = add("Transpose", last, perm=[0, 2, 1])
        last = add("Unsqueeze", last, self.graph.constant([1]))
        last = add("Relu", self.norm(self._conv2d(last, "head.conv1"), "head.bn1", ""))
        for block in ("head.layer1", "head.layer2"):
            for number, stride in ((0, 2), (1, 1)):
                last = self._residual(last, f"{block}.{number}", stride)
        last = add("Relu", self.norm(self._conv2d(last, "head.conv2", 2), "head.bn2", ""))
        return add("Reshape", last, self.graph.constant([0, 320, -1]))

    def _residual(self, last: str, name: str, stride: int) -> str:
        add = self.graph.add
        inner = self._conv2d(last, f"{name}.conv1", stride)
        inner = add("Relu", self.norm(inner, f"{name}.bn1", ""))
        inner = self.norm(self._conv2d(inner, f"{name}.conv2"), f"{name}.bn2", "")
        if f"{name}.shortcut.0.weight" in self._tensors:
            last = self._conv2d(last, f"{name}.shortcut.0", stride)
            last = self.norm(last, f"{name}.shortcut.1", "")
        return add("Relu", add("Add", inner, last))

    def dense(self, last: str) -> str:
        """Add three blocks whose layers see all earlier ones."""
        add = self.graph.add
        last = self.conv1d(last, "xvector.tdnn.linear", strides=[2], pads=[2, 2])
        last = add("Relu", self.norm(last, "xvector.tdnn.nonlinear"))
        for block, (layers, dilation) in enumerate(_BLOCKS, start=1):
            for number in range(1, layers + 1):
                name = f"xvector.block{block}.tdnnd{number}"
                inner = add("Relu", self.norm(last, f"{name}.nonlinear1"))
                inner = add(
                    "Relu", self.norm(self.conv1d(inner, f"{name}.linear1"), f"{name}.nonlinear2")
                )
                masked = self._masked(inner, f"{name}.cam_layer", dilation)
                last = add("Concat", last, masked, axis=1)
            name = f"xvector.transit{block}"
            last = add("Relu", self.norm(last, f"{name}.nonlinear"))
            last = self.conv1d(last, f"{name}.linear")
        return add("Relu", self.norm(last, "xvector.out_nonlinear"))

    def _masked(self, last: str, name: str, dilation: int) -> str:
        """Mask local features by context: the whole, and the segment of 100 frames."""
        add, constant = self.graph.add, self.graph.constant
        local = self.conv1d(
            last, f"{name}.linear_local", dilations=[dilation], pads=[dilation, dilation]
        )
        pooled = add("AveragePool", last, kernel_shape=[_SEGMENT], strides=[_SEGMENT], ceil_mode=1)
        pooled = add("Unsqueeze", pooled, constant([3]))
        pooled = add("Tile", pooled, constant([1, 1, 1, _SEGMENT]))
        pooled = add("Reshape", pooled, constant([0, 0, -1]))
        length = add("Slice", add("Shape", last), constant([2]), constant([3]))
        pooled = add("Slice", pooled, constant([0]), length, constant([2]))
        context = add("Add", add("ReduceMean", last, axes=[2], keepdims=1), pooled)
        context = add("Relu", self.conv1d(context, f"{name}.linear1"))
        return add("Mul", local, add("Sigmoid", self.conv1d(context, f"{name}.linear2")))

    def statistics(self, last: str) -> str:
        """Add mean and sample standard deviation over time."""
        add, constant = self.graph.add, self.graph.constant
        mean = add("ReduceMean", last, axes=[2], keepdims=1)
        off = add("Sub", last, mean)
        squares = add("ReduceSum", add("Mul", off, off), constant([2]))
        length = add("Slice", add("Shape", last), constant([2]), constant([3]))
        one = constant(np.ones(1, np.float32))
        degrees = add("Max", add("Sub", add("Cast", length, to=1), one), one)
        return add("Concat", mean, add("Sqrt", add("Div", squares, degrees)), axis=1)

    def norm(self, last: str, name: str, inner: str = ".batchnorm") -> str:
        """Add batch normalization; some layers have no scale or bias."""
        name += inner
        mean = self._tensors[f"{name}.running_mean"]
        scale = self._tensors.get(f"{name}.weight", np.ones_like(mean))
        bias = self._tensors.get(f"{name}.bias", np.zeros_like(mean))
        given = (scale, bias, mean, self._tensors[f"{name}.running_var"])
        constants = (self.graph.constant(one) for one in given)
        return self.graph.add("BatchNormalization", last, *constants, epsilon=_EPSILON)

    def conv1d(self, last: str, name: str, **how: list[int]) -> str:
        """Add a convolution over time."""
        weight = self._tensors[f"{name}.weight"]
        weights = [self.graph.constant(weight)]
        if f"{name}.bias" in self._tensors:
            weights.append(self.graph.constant(self._tensors[f"{name}.bias"]))
        return self.graph.add("Conv", last, *weights, kernel_shape=[weight.shape[2]], **how)

    def _conv2d(self, last: str, name: str, stride: int = 1) -> str:
        weight = self._tensors[f"{name}.weight"]
        size = weight.shape[2]
        return self.graph.add(
            "Conv",
            last,
            self.graph.constant(weight),
            kernel_shape=[size, size],
            strides=[stride, 1],
            pads=[size // 2] * 4,
        )
