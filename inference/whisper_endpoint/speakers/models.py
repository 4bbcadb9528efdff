# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""The two ONNX models: segmentation (up to three voices in 10 s) and speaker embedding.

Properties of a model are read from the metadata of its file, under sherpa-onnx's names, so that
CAM++ can be replaced by another embedding of the same format.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from whisper_endpoint.errors import ModelNotLoadable
from whisper_endpoint.messages import SAMPLE_RATE
from whisper_endpoint.speakers import filterbank

SEGMENTATION, EMBEDDING = "segmentation.onnx", "embedding.onnx"
"""Their file names in the folder of the speaker models."""

VOICES = 3
"""Voices that the segmentation separates in one window; two of them may speak at once."""

# Active voices of each of pyannote's powerset classes.
_POWERSET = np.array(
    [[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 0], [1, 0, 1], [0, 1, 1]], bool
)
_WANTED = "use sherpa-onnx's conversion of pyannote's segmentation-3.0"


def are_in(folder: Path) -> bool:
    """Whether a folder has both models."""
    return all((folder / name).is_file() for name in (SEGMENTATION, EMBEDDING))


class Segmentation:
    """Pyannote's segmentation: which of up to three voices are active, every 17 ms of 10 s.

    Parameters
    ----------
    path : Path
        Path of the ONNX file.
    threads : int
        Number of compute threads.

    Attributes
    ----------
    window, hop, offset : int
        In samples: length of a window, distance between two frames, and distance from a window's
        start to the middle of its first frame.

    Raises
    ------
    ModelNotLoadable
        The file is not such a model.
    """

    def __init__(self, path: Path, threads: int = 1) -> None:
        self._session = _session(path, threads)
        said = _metadata(self._session)
        try:
            self.window = int(said["window_size"])
            self.hop = int(said["receptive_field_shift"])
            self.offset = int(said["receptive_field_size"]) // 2
            is_right = int(said["sample_rate"]) == SAMPLE_RATE
            is_right &= int(said["num_classes"]) == len(_POWERSET) and self.hop > 0
        except (KeyError, ValueError):
            is_right = False
        if not is_right:
            raise ModelNotLoadable(
                f"{path.name} is not a segmentation model for 16 kHz: {_WANTED}."
            )

    @property
    def frames(self) -> int:
        """Number of frames of a window."""
        return 1 + (self.window - 2 * self.offset - 1) // self.hop

    def voices(self, windows: NDArray[np.float32]) -> NDArray[np.bool_]:
        """Return which voices are active.

        Parameters
        ----------
        windows : ndarray, shape (n, window), float32

        Returns
        -------
        ndarray, shape (n, frames, 3), bool
        """
        name = self._session.get_inputs()[0].name
        (scores,) = self._session.run(None, {name: windows[:, None, :]})
        found: NDArray[np.bool_] = _POWERSET[scores.argmax(axis=-1)]
        return found


@dataclass(frozen=True)
class _Form:
    """Output size of an embedding, and the scale of its input samples."""

    dimension: int
    scale: float


class Embedding:
    """A speaker embedding, such as 3D-Speaker's CAM++: similar vectors for one person's voice.

    Raises
    ------
    ModelNotLoadable
        The file is not such a model.
    """

    def __init__(self, path: Path, threads: int = 1) -> None:
        self._session = _session(path, threads)
        said = _metadata(self._session)
        try:
            is_right = int(said["sample_rate"]) == SAMPLE_RATE
            is_right &= said.get("feature_normalize_type", "") == "global-mean"
            is_raw = int(said.get("normalize_samples", "1")) == 0
            self._form = _Form(int(said["output_dim"]), 32768.0 if is_raw else 1.0)
        except (KeyError, ValueError):
            is_right = False
        if not is_right:
            raise ModelNotLoadable(
                f"{path.name} is not a speaker embedding model for 16 kHz with "
                "mean-normalised features: use one of sherpa-onnx's conversions of "
                "3D-Speaker's models."
            )

    @property
    def dimension(self) -> int:
        """Dimension of the vectors."""
        return self._form.dimension

    def features(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the features of samples; see :func:`filterbank.features`."""
        return filterbank.features(samples, self._form.scale)

    def of(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the voice vectors of stretches of equal length.

        Parameters
        ----------
        features : ndarray, shape (n, frames, 80), float32

        Returns
        -------
        ndarray, shape (n, dimension), float32
            Each of length 1.
        """
        name = self._session.get_inputs()[0].name
        centred = features - features.mean(axis=1, keepdims=True)
        (found,) = self._session.run(None, {name: centred})
        return unit(np.nan_to_num(found))


def unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Normalise vectors, shape (..., dimension), to length 1."""
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    found: NDArray[np.float32] = (vectors / np.maximum(lengths, 1e-9)).astype(np.float32)
    return found


def _session(path: Path, threads: int) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.enable_cpu_mem_arena = False
    options.log_severity_level = 4
    try:
        return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    except Exception as error:
        raise ModelNotLoadable(f"{path.name} cannot be loaded as an ONNX model: {error}") from error


def _metadata(session: onnxruntime.InferenceSession) -> Mapping[str, str]:
    said: Mapping[str, str] = session.get_modelmeta().custom_metadata_map
    return said
