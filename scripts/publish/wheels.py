# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Fetch wheels for another machine: Python 3.13 on x86-64 Linux, with glibc 2.28 or later.

Only the pinned packages are fetched, without dependencies: pip would evaluate their conditions for
its own Python, which differs between publishing machines. Completeness is checked here instead,
as is each wheel's hash against the lock file next to the requirements (``make lock``). Runs with
Python 3.8 and pip 20.3.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import sys
import zipfile
from typing import TYPE_CHECKING

from scripts.publish.errors import BuildError
from scripts.publish.progress import say

if TYPE_CHECKING:
    from pathlib import Path

PYTHON = "3.13"
PLATFORMS = [
    *(f"manylinux_2_{minor}_x86_64" for minor in (28, 27, 26, 24, 17, 12, 5)),
    "manylinux2014_x86_64",
    "manylinux2010_x86_64",
    "manylinux1_x86_64",
    "linux_x86_64",
]
"""Listed individually because pip before 21 knows no order among them."""

_PIN = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*)==([A-Za-z0-9.!+_-]+)")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")


def normalized(name: str) -> str:
    """Normalize a project name as in PEP 503.

    Parameters
    ----------
    name : str

    Returns
    -------
    str
    """
    return re.sub(r"[-_.]+", "-", name).lower()


def names(listing: Path) -> list[str]:
    """Read package names, one per line.

    Parameters
    ----------
    listing : Path
        A version after ``==`` is ignored; ``#`` starts a comment.

    Returns
    -------
    list of str
        Normalized.
    """
    return [normalized(line.split("==")[0].strip()) for line in _lines(listing)]


def pins(requirements: Path, without: Path | None = None) -> list[str]:
    """Read exact pins.

    Parameters
    ----------
    requirements : Path
        One ``name==version`` per line; ``#`` starts a comment.
    without : Path, optional
        Names of packages already on the target, one per line; versions after ``==`` are ignored.

    Returns
    -------
    list of str
        The remaining pins, in the order of the file.

    Raises
    ------
    BuildError
        If a line has another form.
    """
    provided = set(names(without) if without else [])
    found = []
    for line in _lines(requirements):
        match = _PIN.fullmatch(line)
        if match is None:
            raise BuildError(f"Pin it as name==version in {requirements.name}: {line!r}.")
        if normalized(match.group(1)) not in provided:
            found.append(line)
    return found


def hashes(lock: Path) -> dict[str, set[str]]:
    """Read a lock file written by ``make lock``, in pip's format with hashes.

    Parameters
    ----------
    lock : Path

    Returns
    -------
    dict of str to set of str
        Allowed SHA-256 digests in hex, by pin such as ``name==version``.

    Raises
    ------
    BuildError
        If the file does not exist.
    """
    if not lock.is_file():
        raise BuildError(f"Build from a whole checkout: {lock.name} is missing in {lock.parent}.")
    found: dict[str, set[str]] = {}
    pin = ""
    for line in _lines(lock):
        match = _PIN.match(line)
        if match:
            pin = f"{normalized(match.group(1))}=={match.group(2)}"
        found.setdefault(pin, set()).update(_HASH.findall(line))
    return found


def collect(requirements: Path, cache: Path, without: Path | None = None) -> list[Path]:
    """Fetch the wheels of pinned requirements, unless cached.

    Parameters
    ----------
    requirements : Path
    cache : Path
        Folder for these requirements only; wheels of other pins are deleted, and cached ones are
        checked again.
    without : Path, optional
        Names of packages already on the target.

    Returns
    -------
    list of Path
        The wheels, sorted by name.

    Raises
    ------
    BuildError
        If pip cannot fetch a wheel, one differs from the lock file, or one needs a package that is
        neither pinned nor provided.
    """
    wanted = pins(requirements, without)
    locked = hashes(requirements.with_suffix(".lock"))
    key = hashlib.sha256("\n".join([PYTHON, *PLATFORMS, *sorted(wanted)]).encode()).hexdigest()[:16]
    folder = cache / key
    if not folder.is_dir():
        say(f"fetching {len(wanted)} wheels of {requirements.parent.name}/{requirements.name}")
        shutil.rmtree(cache, ignore_errors=True)
        unfinished = cache / "unfinished"
        unfinished.mkdir(parents=True)
        _download(wanted, unfinished)
        unfinished.rename(folder)
    wheels = sorted(folder.glob("*.whl"))
    _refuse_incomplete(wheels, wanted, folder)
    _refuse_unlocked(wheels, locked, requirements)
    _refuse_unmet(wheels, set(names(without) if without else []), requirements.name)
    return wheels


def needs(wheel: Path) -> list[str]:
    """Return the requirements in a wheel's metadata.

    Parameters
    ----------
    wheel : Path

    Returns
    -------
    list of str
        Requirements with their conditions, such as ``six >=1.5``.
    """
    with zipfile.ZipFile(wheel) as archive:
        name = next(
            item
            for item in archive.namelist()
            if item.endswith(".dist-info/METADATA") and item.count("/") == 1
        )
        headers = archive.read(name).decode().split("\n\n", 1)[0].splitlines()
    field = "requires-dist:"
    return [line[len(field) :].strip() for line in headers if line.lower().startswith(field)]


def _download(wanted: list[str], into: Path) -> None:
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:"]
    command += ["--python-version", PYTHON, "--implementation", "cp", "--abi", "cp313"]
    for platform in PLATFORMS:
        command += ["--platform", platform]
    command += ["--quiet", "--disable-pip-version-check", "--dest", str(into), *wanted]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode:
        lines = (result.stderr or result.stdout).strip().splitlines()
        said = "\n".join(line for line in lines if line.startswith("ERROR")) or lines[-1]
        raise BuildError(f"Check the pins and the network (pip 20.3 or later is needed): {said}")


def _refuse_incomplete(wheels: list[Path], wanted: list[str], folder: Path) -> None:
    present = {normalized(wheel.name.split("-")[0]) for wheel in wheels}
    for pin in wanted:
        if normalized(pin.split("==")[0]) not in present:
            raise BuildError(
                f"Remove {folder} and build again: the wheel of {pin} is missing in it."
            )


def _refuse_unlocked(wheels: list[Path], locked: dict[str, set[str]], requirements: Path) -> None:
    for wheel in wheels:
        name, version = wheel.name.split("-")[:2]
        known = locked.get(f"{normalized(name)}=={version}", set())
        if not known:
            raise BuildError(f"Run make lock: {requirements.name} pins {name}=={version} unlocked.")
        if hashlib.sha256(wheel.read_bytes()).hexdigest() not in known:
            raise BuildError(
                f"Remove {wheel.parent} and find out where {wheel.name} came from: it is not the "
                f"file whose hash {requirements.stem}.lock has."
            )


def _refuse_unmet(wheels: list[Path], provided: set[str], where: str) -> None:
    present = provided | {normalized(wheel.name.split("-")[0]) for wheel in wheels}
    for wheel in wheels:
        for requirement in needs(wheel):
            name, _, condition = requirement.partition(";")
            match = _NAME.match(name)
            if condition or match is None or normalized(match.group()) in present:
                continue
            raise BuildError(
                f"Pin {match.group()} in {where}: {wheel.name.split('-')[0]} needs {name.strip()}."
            )


def _lines(path: Path) -> list[str]:
    lines = (line.split("#")[0].strip() for line in path.read_text(encoding="utf-8").splitlines())
    return [line for line in lines if line]
