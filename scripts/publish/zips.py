# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Reproducible zip files: the same content gives the same bytes.

Lambda code is uploaded under the zip file's hash, so a build without changes must not make
CloudFormation update anything. Runs with Python 3.8.
"""

from __future__ import annotations

import hashlib
import re
import zipfile
from collections import Counter
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from scripts.publish.errors import BuildError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

_EPOCH = (1980, 1, 1, 0, 0, 0)
"""The earliest time that a zip file can hold."""

_MODE = 0o100644 << 16
"""A regular, world-readable file, as Lambda requires."""

_DATA = re.compile(r"[^/]+\.data/(?P<scheme>[^/]+)/(?P<rest>.+)")
_SKIPPED = {"__pycache__", ".DS_Store"}


class Entry(NamedTuple):
    """A file in a zip file.

    Attributes
    ----------
    name : str
        Its path in the zip file.
    size : int
        Bytes, unzipped.
    identity : str
        Changes whenever the content does.
    read : callable
        Returns the content.
    """

    name: str
    size: int
    identity: str
    read: Callable[[], bytes]


def of_file(name: str, path: Path) -> Entry:
    """Return the entry for a local file."""
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return Entry(name, path.stat().st_size, digest, path.read_bytes)


def of_text(name: str, text: str) -> Entry:
    """Return the entry for a generated text."""
    content = text.encode()
    return Entry(name, len(content), hashlib.sha256(content).hexdigest(), lambda: content)


def of_tree(name: str, folder: Path) -> Iterator[Entry]:
    """Yield the entries for a folder's files, except caches.

    Parameters
    ----------
    name : str
        The folder's path in the zip file.
    folder : Path
    """
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not _SKIPPED.intersection(path.parts):
            yield of_file(f"{name}/{path.relative_to(folder).as_posix()}", path)


def of_wheel(name: str, wheel: Path) -> Iterator[Entry]:
    """Yield the entries for the files that a wheel installs, except commands.

    Parameters
    ----------
    name : str
        Path of site-packages in the zip file.
    wheel : Path

    Raises
    ------
    BuildError
        If the wheel installs something outside site-packages.
    """
    archive = zipfile.ZipFile(wheel)  # open for all entries: reopening takes seconds
    for item in archive.infolist():
        if item.is_dir():
            continue
        path, match = item.filename, _DATA.fullmatch(item.filename)
        if match is not None:
            if match.group("scheme") == "scripts":
                continue
            if match.group("scheme") not in ("purelib", "platlib"):
                raise BuildError(
                    f"Leave out {wheel.name}: it installs {path} next to the packages."
                )
            path = match.group("rest")
        identity = f"{wheel.name} {item.filename} {item.CRC} {item.file_size}"
        yield Entry(f"{name}/{path}", item.file_size, identity, partial(archive.read, item))


def write(path: Path, entries: Iterable[Entry]) -> int:
    """Write a zip file, unless it already has this content.

    Parameters
    ----------
    path : Path
    entries : iterable of Entry
        In any order; duplicate names are refused.

    Returns
    -------
    int
        Uncompressed size in bytes.

    Raises
    ------
    BuildError
    """
    ordered = sorted(entries, key=lambda entry: entry.name)
    for name, count in Counter(entry.name for entry in ordered).items():
        if count > 1:
            raise BuildError(f"Leave out one of two files called {name} in {path.name}.")
    listing = "".join(f"{entry.name} {entry.identity}\n" for entry in ordered)
    comment = hashlib.sha256(listing.encode()).hexdigest().encode()
    if _comment(path) != comment:
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_suffix(".unfinished")
        with zipfile.ZipFile(unfinished, "w") as archive:
            for entry in ordered:
                _add(archive, entry)
            archive.comment = comment
        unfinished.replace(path)
    return sum(entry.size for entry in ordered)


def _add(archive: zipfile.ZipFile, entry: Entry) -> None:
    info = zipfile.ZipInfo(entry.name, _EPOCH)
    info.create_system = 3  # Unix, whatever the build machine
    info.external_attr = _MODE
    # Wheels are already compressed.
    stored = entry.name.endswith(".whl")
    info.compress_type = zipfile.ZIP_STORED if stored else zipfile.ZIP_DEFLATED
    archive.writestr(info, entry.read())


def _comment(path: Path) -> bytes:
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.comment
    except (OSError, zipfile.BadZipFile):
        return b""
