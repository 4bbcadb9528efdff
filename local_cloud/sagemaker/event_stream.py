# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""AWS event streams (``application/vnd.amazon.eventstream``), from the service's side.

botocore has the reader, but no general writer.
"""

import struct
from binascii import crc32
from collections.abc import Iterator, Mapping

from botocore.eventstream import EventStreamBuffer, EventStreamMessage

CONTENT_TYPE = "application/vnd.amazon.eventstream"
_SIGNATURE = ":chunk-signature"
_TEXT = 7


class ClientEvents:
    """Reads a client's events, each wrapped in a signed event."""

    def __init__(self) -> None:
        self._signed = EventStreamBuffer()

    def take(self, data: bytes) -> Iterator[EventStreamMessage | None]:
        """Yield the complete events, and None when the client ends the stream.

        Raises
        ------
        botocore.exceptions.EventStreamError, botocore.eventstream.ParserError
            The bytes are not an event stream.
        """
        self._signed.add_data(data)
        for outer in self._signed:
            if _SIGNATURE not in outer.headers:
                yield outer
            elif not outer.payload:
                yield None
            else:
                inner = EventStreamBuffer()
                inner.add_data(outer.payload)
                yield from inner


def encode(headers: Mapping[str, str], payload: bytes) -> bytes:
    """Encode an event: lengths, string headers, payload, and both checksums."""
    fields = b"".join(_field(name, value) for name, value in headers.items())
    prelude = struct.pack(">II", 16 + len(fields) + len(payload), len(fields))
    message = prelude + struct.pack(">I", crc32(prelude)) + fields + payload
    return message + struct.pack(">I", crc32(message))


def _field(name: str, value: str) -> bytes:
    text = value.encode()
    return (
        struct.pack(">B", len(name)) + name.encode() + struct.pack(">BH", _TEXT, len(text)) + text
    )
