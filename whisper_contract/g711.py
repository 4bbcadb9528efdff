# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""ITU-T G.711: tables of 16-bit samples for the 256 codes of µ-law and A-law."""

import numpy as np
from numpy.typing import NDArray


def _mulaw() -> NDArray[np.int16]:
    """Decode: sign, three bits of exponent, four of mantissa, all inverted."""
    code = ~np.arange(256, dtype=np.int32) & 0xFF
    size = (((code & 0x0F) << 3) + 0x84 << (code >> 4 & 7)) - 0x84
    return np.where(code & 0x80, -size, size).astype(np.int16)


def _alaw() -> NDArray[np.int16]:
    """Decode: sign, three bits of exponent, four of mantissa, every other bit inverted."""
    code = np.arange(256, dtype=np.int32) ^ 0x55
    exponent, mantissa = code >> 4 & 7, code & 0x0F
    size = (mantissa << 4) + 8 + np.where(exponent > 0, 0x100, 0)
    size <<= np.maximum(exponent - 1, 0)
    return np.where(code & 0x80, size, -size).astype(np.int16)


MULAW, ALAW = _mulaw(), _alaw()
"""Shape (256,), int16: index them with the codes, uint8."""
