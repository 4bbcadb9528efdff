# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""The recordings offered on the page: files of a folder, and uploads, all on disk."""

import mimetypes
import secrets
import tempfile
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

MAX_UPLOADS = 32
MAX_UPLOADED_BYTES = 2 * 2**30
"""Beyond these, the oldest uploads are deleted."""
_LONGEST_TITLE = 120


@dataclass(frozen=True)
class OfferedCall:
    """A recording on offer; its content has not been inspected."""

    key: str
    title: str
    path: Path
    size: int

    @property
    def media_type(self) -> str:
        """Media type by file name, audio or video only: never one that a browser would execute."""
        kind, _ = mimetypes.guess_type(self.title)
        is_sound = kind is not None and kind.startswith(("audio/", "video/"))
        return str(kind) if is_sound else "application/octet-stream"

    def row(self) -> dict[str, str | int]:
        """Return the fields shown on the page."""
        return {"id": self.key, "title": self.title, "bytes": self.size}


class Library:
    """Holds the recordings, by key.

    Parameters
    ----------
    folder : Path or None
        Its files with audio or video names are offered.
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._uploads: OrderedDict[str, OfferedCall] = OrderedDict()
        self._spool: tempfile.TemporaryDirectory[str] | None = None

    def rows(self) -> list[dict[str, str | int]]:
        """List all recordings, uploads first."""
        uploads = reversed(self._uploads.values())
        return [one.row() for one in (*uploads, *self._samples())]

    def find(self, key: str) -> OfferedCall | None:
        """Return the recording with a key, or None."""
        if key in self._uploads:
            return self._uploads[key]
        # Matched against existing files: a key never becomes part of a path.
        return next((one for one in self._samples() if one.key == key), None)

    def begin(self) -> BinaryIO:
        """Return a file for an upload; end with `keep` or `drop`."""
        if self._spool is None:
            self._spool = tempfile.TemporaryDirectory(prefix="whisper-console-")
        return (Path(self._spool.name) / f"upload-{secrets.token_hex(8)}").open("xb")

    def keep(self, upload: BinaryIO, name: str) -> OfferedCall:
        """Offer an upload; delete the oldest if there are too many."""
        upload.close()
        path = Path(upload.name)
        entry = OfferedCall(path.name, _title(name), path, path.stat().st_size)
        self._uploads[entry.key] = entry
        while len(self._uploads) > 1 and self._is_full():
            _, oldest = self._uploads.popitem(last=False)
            oldest.path.unlink()
        return entry

    def drop(self, upload: BinaryIO) -> None:
        """Delete an incomplete upload."""
        upload.close()
        Path(upload.name).unlink()

    def close(self) -> None:
        """Delete all uploads."""
        self._uploads.clear()
        if self._spool is not None:
            self._spool.cleanup()

    def _is_full(self) -> bool:
        kept = sum(one.size for one in self._uploads.values())
        return len(self._uploads) > MAX_UPLOADS or kept > MAX_UPLOADED_BYTES

    def _samples(self) -> list[OfferedCall]:
        paths = sorted(self._folder.iterdir()) if self._folder and self._folder.is_dir() else []
        found = [
            OfferedCall(f"sample-{path.name}", path.name, path, path.stat().st_size)
            for path in paths
            if path.is_file()
        ]
        return [one for one in found if one.media_type != "application/octet-stream"]


def _title(name: str) -> str:
    """Return a file name without invisible or text-reordering characters."""
    seen = "".join(letter for letter in name if letter.isprintable()).strip()
    return seen[:_LONGEST_TITLE] or "recording"
