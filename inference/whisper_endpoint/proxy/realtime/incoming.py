# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Decodes a session's audio into samples per channel at 8 or 16 kHz."""

from collections.abc import Iterator

import soxr

from whisper_endpoint.proxy.realtime.configuration import Configuration
from whisper_stream.audio.samples import Samples, decode

# Processed at once: a message may hold a minute, and must not block other sessions.
_SLICE_S = 0.5


class IncomingAudio:
    """Decodes incoming audio, and resamples it unless it is 8 or 16 kHz."""

    def __init__(self, configuration: Configuration) -> None:
        self._configuration = configuration
        rate, wanted = configuration.rate, configuration.call.sample_rate
        self._streams = [
            soxr.ResampleStream(rate, wanted, 1, dtype="int16", quality="HQ")
            for _ in range(configuration.channels)
            if rate != wanted
        ]

    def slices(self, data: bytes) -> Iterator[list[Samples]]:
        """Yield the audio in slices: for each channel its samples, shape (n,), int16.

        Raises
        ------
        StreamError
            The last sample is incomplete.
        """
        form = self._configuration
        samples = decode(data, form.encoding, form.channels)
        step = round(_SLICE_S * form.rate)
        for begin in range(0, len(samples), step):
            piece = samples[begin : begin + step]
            columns = [piece[:, number].copy() for number in range(form.channels)]
            if self._streams:
                columns = [
                    stream.resample_chunk(column)
                    for stream, column in zip(self._streams, columns, strict=True)
                ]
            yield columns
