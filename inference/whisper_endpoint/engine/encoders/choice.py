# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Which program encodes: CTranslate2, or OpenVINO where it is there and faster."""

import importlib.util
import logging
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ctranslate2
import numpy as np

from whisper_endpoint.engine.encoders.weights import read_weights
from whisper_endpoint.errors import InvalidSetting
from whisper_endpoint.settings import EndpointSettings

logger = logging.getLogger(__name__)

# Smaller models encode in a few milliseconds, less than loading OpenVINO is worth.
_LEAST_BYTES = 32 * 1024 * 1024
# What is not clearly faster is not worth the second copy of the encoder's weights.
_WORTH = 0.8
_FAILURES = (ImportError, OSError, KeyError, ValueError, RuntimeError, struct.error)
_CPU_INFO = Path("/proc/cpuinfo")


class WithEncoder:
    """A model of CTranslate2 with another encoder; all else is the model's own.

    Parameters
    ----------
    model : ctranslate2.models.Whisper
    encode : callable
        Float32 features, shape (windows, mels, frames), to what the decoder hears, shape
        (windows, positions, width).
    """

    def __init__(self, model: Any, encode: Callable[[Any], Any]) -> None:
        self._model = model
        self._encode = encode

    def encode(self, features: ctranslate2.StorageView) -> ctranslate2.StorageView:
        """Encode windows, as ``ctranslate2.models.Whisper.encode`` does."""
        return ctranslate2.StorageView.from_array(self._encode(np.asarray(features)))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._model, name)


def with_best_encoder(
    model: Any,
    weights: Path,
    settings: EndpointSettings,
    threads: int,
    seconds_to_encode: Callable[[Any], float],
) -> Any:
    """Return the model, with OpenVINO's encoder in place of its own where that is to be used.

    Parameters
    ----------
    model : ctranslate2.models.Whisper
    weights : Path
        The folder that it was loaded from.
    threads : int
        Of the engine, which all of the model's workers share.
    seconds_to_encode : callable
        Encodes a window with a model, and returns its seconds.

    Raises
    ------
    InvalidSetting
        ``WHISPER_ENCODER`` is ``openvino`` and cannot be.
    """
    file = weights / "model.bin"
    if settings.encoder == "openvino":
        return _asked_for(model, file, threads)
    if settings.encoder == "ctranslate2" or not _may_be_faster(model, file):
        return model
    try:
        other = _with_openvino(model, file, threads)
        own_s, other_s = seconds_to_encode(model), seconds_to_encode(other)
    except _FAILURES as error:
        logger.warning("CTranslate2 encodes, OpenVINO failed: %r", error)
        return model
    is_faster = other_s < _WORTH * own_s
    logger.info(
        "%s encodes: a window takes OpenVINO %.0f ms, CTranslate2 %.0f ms",
        "OpenVINO" if is_faster else "CTranslate2",
        1000 * other_s,
        1000 * own_s,
    )
    return other if is_faster else model


def _asked_for(model: Any, file: Path, threads: int) -> Any:
    if model.device != "cpu":
        raise InvalidSetting("WHISPER_ENCODER is 'openvino', which encodes on a CPU: use auto.")
    try:
        return _with_openvino(model, file, threads)
    except ImportError as error:
        raise InvalidSetting(
            "WHISPER_ENCODER is 'openvino', which is not installed here: build an image for a CPU "
            "(scripts/image.sh NAME cpu), or use auto."
        ) from error
    except _FAILURES as error:
        raise InvalidSetting(
            f"WHISPER_ENCODER is 'openvino', which cannot encode with this model ({error}): use "
            "auto."
        ) from error


def _may_be_faster(model: Any, file: Path) -> bool:
    """Whether it is worth the seconds to try; whoever asks for float32 gets no bfloat16."""
    if model.device != "cpu" or model.compute_type == "float32":
        return False
    is_small = file.stat().st_size < _LEAST_BYTES
    return not is_small and importlib.util.find_spec("openvino") is not None and _has_bfloat16()


def _has_bfloat16() -> bool:
    """Whether the processor has instructions for it: AVX512-BF16 or AMX."""
    flags = set(_CPU_INFO.read_text().split()) if _CPU_INFO.is_file() else set()
    return not flags.isdisjoint({"avx512_bf16", "amx_bf16"})


def _with_openvino(model: Any, file: Path, threads: int) -> WithEncoder:
    # Only here: it need not be installed, and takes memory.
    from whisper_endpoint.engine.encoders.openvino_encoder import (  # noqa: PLC0415
        PREFIX,
        OpenVinoEncoder,
    )

    precision = "bf16" if model.compute_type != "float32" and _has_bfloat16() else "f32"
    encoder = OpenVinoEncoder(read_weights(file, PREFIX), precision, threads, model.num_workers)
    return WithEncoder(model, encoder.encode)
