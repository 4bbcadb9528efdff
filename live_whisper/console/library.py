# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""The recordings that the page offers: those of a folder, and what was uploaded, all on disk."""

import mimetypes
import secrets
import tempfile
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

MAX_UPLOADS = 32
MAX_UPLOADED_BYTES = 2 * 2**30
"""The oldest are forgotten."""
_LONGEST_TITLE = 120


@dataclass(frozen=True)
class OfferedCall:
    """A recording on offer; nothing is known of what is in it."""

    key: str
    title: str
    path: Path
    size: int

    @property
    def media_type(self) -> str:
        """What its name says that it is, if that is sound: never what a browser would run."""
        kind, _ = mimetypes.guess_type(self.title)
        is_sound = kind is not None and kind.startswith(("audio/", "video/"))
        return str(kind) if is_sound else "application/octet-stream"

    def row(self) -> dict[str, str | int]:
        """Return what the page shows of it."""
        return {"id": self.key, "title": self.title, "bytes": self.size}


class Library:
    """Finds recordings by their key.

    Parameters
    ----------
    folder : Path or None
        Its files whose names are those of audio or video are offered.
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
        """Return a recording; None if there is none of that key."""
        if key in self._uploads:
            return self._uploads[key]
        # Compared with what is there: a key is never made part of a path.
        return next((one for one in self._samples() if one.key == key), None)

    def begin(self) -> BinaryIO:
        """Return a file for an upload, to be kept or dropped."""
        if self._spool is None:
            self._spool = tempfile.TemporaryDirectory(prefix="whisper-console-")
        return (Path(self._spool.name) / f"upload-{secrets.token_hex(8)}").open("xb")

    def keep(self, upload: BinaryIO, name: str) -> OfferedCall:
        """Offer an upload; the oldest give way."""
        upload.close()
        path = Path(upload.name)
        entry = OfferedCall(path.name, _title(name), path, path.stat().st_size)
        self._uploads[entry.key] = entry
        while len(self._uploads) > 1 and self._is_full():
            _, oldest = self._uploads.popitem(last=False)
            oldest.path.unlink()
        return entry

    def drop(self, upload: BinaryIO) -> None:
        """Remove an upload that is not kept."""
        upload.close()
        Path(upload.name).unlink()

    def close(self) -> None:
        """Remove what was uploaded."""
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
    """Return a file's name without what would not be seen, or would turn the text around it."""
    seen = "".join(letter for letter in name if letter.isprintable()).strip()
    return seen[:_LONGEST_TITLE] or "recording"
