# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
from __future__ import annotations

import av
import numpy as np
import pytest

from live_whisper.errors import StreamError
from whisper_stream.audio.samples import Encoding, decode


@pytest.mark.parametrize(
    ("encoding", "codec"), [(Encoding.MULAW, "pcm_mulaw"), (Encoding.ALAW, "pcm_alaw")]
)
def test_all_256_codes_expand_as_ffmpeg_expands_them(encoding: Encoding, codec: str) -> None:
    codes = bytes(range(256))
    context = av.CodecContext.create(codec, "r")
    context.sample_rate, context.layout = 8000, "mono"
    expected = np.concatenate([frame.to_ndarray()[0] for frame in context.decode(av.Packet(codes))])
    assert decode(codes, encoding, 1)[:, 0].tolist() == expected.tolist()


def test_two_channels_come_apart_in_their_order() -> None:
    pcm = np.array([1, -1, 2, -2, 32767, -32768], "<i2").tobytes()
    assert decode(pcm, Encoding.PCM16, 2).T.tolist() == [[1, 2, 32767], [-1, -2, -32768]]


@pytest.mark.parametrize(("encoding", "step"), [(Encoding.PCM16, 4), (Encoding.MULAW, 2)])
def test_half_a_sample_is_refused(encoding: Encoding, step: int) -> None:
    with pytest.raises(StreamError, match=f"multiple of {step} bytes"):
        decode(b"\0" * (step + 1), encoding, 2)
