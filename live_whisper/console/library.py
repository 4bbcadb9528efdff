# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""The calls that the page offers: samples from a folder, and what was uploaded to this process."""

import secrets
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from live_whisper.audio.call_file import Call, parse_call, read_call
from live_whisper.errors import CallFileError

MAX_UPLOADS = 8
MAX_UPLOADED_BYTES = 512 * 2**20
"""The oldest are forgotten: an hour of a call takes 115 MB, or 230 MB at 16 kHz."""


@dataclass(frozen=True)
class OfferedCall:
    """A call on offer."""

    key: str
    title: str
    call: Call

    def row(self) -> dict[str, Any]:
        """Return what the page shows of it."""
        return {"id": self.key, "title": self.title, "seconds": round(self.call.seconds, 1)}


class Library:
    """Finds calls by their key.

    Parameters
    ----------
    folder : Path or None
        Of two-channel WAV files; what else is in it is not offered.
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._uploads: OrderedDict[str, OfferedCall] = OrderedDict()

    def rows(self) -> list[dict[str, Any]]:
        """List all calls, uploads first."""
        uploads = [entry.row() for entry in reversed(self._uploads.values())]
        return uploads + [row for path in self._paths() for row in self._rows_of(path)]

    def find(self, key: str) -> OfferedCall | None:
        """Return a call; None if there is none of that key."""
        if key in self._uploads:
            return self._uploads[key]
        # Compared with what is there: a key is never made part of a path.
        found = [path for path in self._paths() if f"sample-{path.stem}" == key]
        return self._sample(found[0]) if found else None

    def upload(self, data: bytes, name: str) -> OfferedCall:
        """Take a WAV file; raises `CallFileError` if it is no two-channel call."""
        entry = OfferedCall(f"upload-{secrets.token_hex(8)}", name, parse_call(data, name))
        self._uploads[entry.key] = entry
        while len(self._uploads) > 1 and self._is_full():
            self._uploads.popitem(last=False)
        return entry

    def _is_full(self) -> bool:
        kept = sum(one.call.samples.nbytes for one in self._uploads.values())
        return len(self._uploads) > MAX_UPLOADS or kept > MAX_UPLOADED_BYTES

    def _paths(self) -> list[Path]:
        return sorted(self._folder.glob("*.wav")) if self._folder else []

    def _rows_of(self, path: Path) -> list[dict[str, Any]]:
        try:
            return [self._sample(path).row()]
        except CallFileError:
            return []

    def _sample(self, path: Path) -> OfferedCall:
        return OfferedCall(f"sample-{path.stem}", path.stem.replace("-", " "), read_call(path))
