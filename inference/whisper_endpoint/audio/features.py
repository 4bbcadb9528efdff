# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Computes the log-Mel features of a window, the encoder's input."""

from collections.abc import Sequence

import numpy as np
from faster_whisper.feature_extractor import FeatureExtractor
from numpy.typing import NDArray

# Whisper's values: 10 ms per frame, windows of 30 s.
FRAMES_PER_SECOND = 100
MAX_FRAMES = 3000


class Features:
    """faster-whisper's features for a model's number of Mel bins. Thread-safe.

    Parameters
    ----------
    n_mels : int
        80, or 128 for large-v3 and models derived from it.
    is_half : bool, optional
        Whether to return float16, for models that compute in it.
    """

    def __init__(self, n_mels: int, *, is_half: bool = False) -> None:
        self._extract = FeatureExtractor(feature_size=n_mels)
        self._dtype = np.float16 if is_half else np.float32

    def of(self, samples: NDArray[np.float32]) -> NDArray[np.floating]:
        """Return the features of a window's samples, not padded.

        Parameters
        ----------
        samples : ndarray, shape (n,), float32 in [-1, 1], 16 kHz mono, 0 < n <= 480,000

        Returns
        -------
        ndarray, shape (n_mels, frames), float32 or float16
            One frame per started 10 ms, at most 3,000.
        """
        # Drop the extra frame of padding that the extractor adds.
        content = self._extract(samples)[:, :-1]
        return np.ascontiguousarray(content[:, :MAX_FRAMES], dtype=self._dtype)


def stack(features: Sequence[NDArray[np.floating]], frames: int) -> NDArray[np.floating]:
    """Pad the features of several windows with 0.0, as faster-whisper does and models expect.

    Parameters
    ----------
    features : sequence of ndarray, each of shape (n_mels, at most frames)
        At least one; all of one dtype.
    frames : int
        Length of the batch, at most 3,000.

    Returns
    -------
    ndarray, shape (len(features), n_mels, frames), same dtype, C order
    """
    batch = np.zeros((len(features), features[0].shape[0], frames), features[0].dtype)
    for row, window in zip(batch, features, strict=True):
        row[:, : window.shape[1]] = window
    return batch
