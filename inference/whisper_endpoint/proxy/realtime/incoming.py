# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""A session's audio as it comes: bytes become each channel's samples at 8 or 16 kHz."""

from collections.abc import Iterator

import soxr

from whisper_endpoint.proxy.realtime.configuration import Configuration
from whisper_stream.audio.samples import Samples, decode

# So much is worked on at once: a message may hold a minute, and others wait meanwhile.
_SLICE_S = 0.5


class IncomingAudio:
    """Decodes what comes, and resamples what is neither 8 nor 16 kHz."""

    def __init__(self, configuration: Configuration) -> None:
        self._configuration = configuration
        rate, wanted = configuration.rate, configuration.call.sample_rate
        self._streams = [
            soxr.ResampleStream(rate, wanted, 1, dtype="int16", quality="HQ")
            for _ in range(configuration.channels)
            if rate != wanted
        ]

    def slices(self, data: bytes) -> Iterator[list[Samples]]:
        """Yield the audio piece by piece: for each channel its samples, shape (n,), int16.

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
