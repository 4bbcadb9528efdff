# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Chooses the encoder: CTranslate2's, or OpenVINO's where it is installed and faster."""

import importlib.util
import logging
import struct
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any

import ctranslate2
import numpy as np

from whisper_endpoint.engine.encoders.weights import Weights, read_weights
from whisper_endpoint.errors import InvalidSetting
from whisper_endpoint.settings import EndpointSettings

logger = logging.getLogger(__name__)

# Smaller models encode in a few milliseconds: not worth loading OpenVINO.
_LEAST_BYTES = 32 * 1024 * 1024
# OpenVINO needs a second copy of the encoder's weights, so it has to be clearly faster.
_WORTH = 0.8
_FAILURES = (ImportError, OSError, KeyError, ValueError, RuntimeError, struct.error)
_CPU_INFO = Path("/proc/cpuinfo")


class WithEncoder:
    """A CTranslate2 model with another encoder; everything else is delegated to the model.

    Parameters
    ----------
    model : ctranslate2.models.Whisper
    encode : callable
        Maps float32 features, shape (windows, mels, frames), to the encoder's output, shape
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


class Encoders:
    """Gives each model its encoder; the choice is made by measuring the first model.

    Parameters
    ----------
    weights : Path
        The folder that the models are loaded from.
    threads : int
        Threads of the engine, shared by all workers of a model.
    seconds_to_encode : callable
        Encodes a window with a model and returns the seconds it took.
    """

    def __init__(
        self,
        weights: Path,
        settings: EndpointSettings,
        threads: int,
        seconds_to_encode: Callable[[Any], float],
    ) -> None:
        self._file = weights / "model.bin"
        self._wanted = settings.encoder
        self._threads = threads
        self._seconds_to_encode = seconds_to_encode
        self._is_openvino: bool | None = None if settings.encoder == "auto" else False

    def given_to(self, model: Any) -> Any:
        """Return the model, with OpenVINO's encoder if that is to be used.

        Parameters
        ----------
        model : ctranslate2.models.Whisper

        Raises
        ------
        InvalidSetting
            ``WHISPER_ENCODER`` is ``openvino``, which cannot be used here.
        """
        if self._wanted == "openvino":
            return self._asked_for(model)
        if self._is_openvino is False or not _may_be_faster(model, self._file):
            return model
        try:
            other = _with_openvino(model, self._weights, self._threads)
            if self._is_openvino is None:
                self._is_openvino = self._is_faster(model, other)
        except _FAILURES as error:
            logger.warning("CTranslate2 encodes, because OpenVINO failed: %r", error)
            self._is_openvino = False
        return other if self._is_openvino else model

    def _is_faster(self, own: Any, other: Any) -> bool:
        own_s, other_s = self._seconds_to_encode(own), self._seconds_to_encode(other)
        is_faster = other_s < _WORTH * own_s
        logger.info(
            "%s encodes: a window takes OpenVINO %.0f ms, CTranslate2 %.0f ms",
            "OpenVINO" if is_faster else "CTranslate2",
            1000 * other_s,
            1000 * own_s,
        )
        return is_faster

    def _asked_for(self, model: Any) -> Any:
        if model.device != "cpu":
            raise InvalidSetting(
                "WHISPER_ENCODER is 'openvino', which runs on CPUs only: use auto."
            )
        try:
            return _with_openvino(model, self._weights, self._threads)
        except ImportError as error:
            raise InvalidSetting(
                "WHISPER_ENCODER is 'openvino', which is not installed: build an image "
                "for CPUs (scripts/image.sh NAME cpu), or use auto."
            ) from error
        except _FAILURES as error:
            raise InvalidSetting(
                f"WHISPER_ENCODER is 'openvino', which cannot run this model ({error}): use auto."
            ) from error

    @cached_property
    def _weights(self) -> Weights:
        """The encoder's weights, read once for all models."""
        from whisper_endpoint.engine.encoders.openvino_encoder import PREFIX  # noqa: PLC0415

        return read_weights(self._file, PREFIX)


def _may_be_faster(model: Any, file: Path) -> bool:
    """Whether OpenVINO is worth trying; with compute type float32 bfloat16 is not allowed."""
    if model.device != "cpu" or model.compute_type == "float32":
        return False
    is_small = file.stat().st_size < _LEAST_BYTES
    return not is_small and importlib.util.find_spec("openvino") is not None and _has_bfloat16()


def _has_bfloat16() -> bool:
    """Whether the CPU has bfloat16 instructions: AVX512-BF16 or AMX."""
    flags = set(_CPU_INFO.read_text().split()) if _CPU_INFO.is_file() else set()
    return not flags.isdisjoint({"avx512_bf16", "amx_bf16"})


def _with_openvino(model: Any, weights: Weights, threads: int) -> WithEncoder:
    # Imported here: OpenVINO is optional and takes memory.
    from whisper_endpoint.engine.encoders.openvino_encoder import OpenVinoEncoder  # noqa: PLC0415

    precision = "bf16" if model.compute_type != "float32" and _has_bfloat16() else "f32"
    encoder = OpenVinoEncoder(weights, precision, threads, model.num_workers)
    return WithEncoder(model, encoder.encode)
