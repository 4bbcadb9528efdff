# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""The lock files hold what the requirements pin, and a build takes no wheel that is not in them."""

from pathlib import Path

import pytest
from packaging.requirements import Requirement

from scripts.publish import wheels
from scripts.publish.errors import BuildError

ROOT = Path(__file__).parents[3]
CLOSED = ("inference/requirements", "layers/dependencies/requirements")


def pinned(requirements: Path) -> set[str]:
    lines = (line.split("#")[0].strip() for line in requirements.read_text().splitlines())
    parsed = (Requirement(line) for line in lines if line)
    return {f"{wheels.normalized(one.name)}{one.specifier}" for one in parsed}


@pytest.mark.parametrize("name", CLOSED)
def test_what_is_shipped_is_locked_pin_by_pin(name: str) -> None:
    locked = wheels.hashes(ROOT / f"{name}.lock")
    assert set(locked) == pinned(ROOT / f"{name}.txt")
    assert all(locked.values())


def test_the_development_environment_is_locked() -> None:
    locked = wheels.hashes(ROOT / "requirements-dev.lock")
    for name in ("requirements-dev", *CLOSED):
        assert pinned(ROOT / f"{name}.txt") <= set(locked)
    assert all(locked.values())


def test_parts_that_lock_the_same_package_lock_the_same_files() -> None:
    whole = wheels.hashes(ROOT / "requirements-dev.lock")
    for name in CLOSED:
        part = wheels.hashes(ROOT / f"{name}.lock")
        assert {pin: whole[pin] for pin in part} == part


@pytest.fixture
def built(root: Path) -> Path:
    """Return the folder with the wheels of an earlier build."""
    (wheel,) = wheels.collect(root / "layers/dependencies/requirements.txt", root / "cache")
    return wheel


def again(root: Path) -> None:
    wheels.collect(root / "layers/dependencies/requirements.txt", root / "cache")


def test_a_wheel_that_is_not_the_locked_one_is_refused(root: Path, built: Path) -> None:
    built.write_bytes(built.read_bytes() + b"\0")
    with pytest.raises(BuildError, match=r"helper-1\.0-py3-none-any\.whl came from: it is not"):
        again(root)


def test_a_wheel_that_went_missing_is_refused(root: Path, built: Path) -> None:
    built.unlink()
    with pytest.raises(BuildError, match=r"the wheel of helper==1\.0 is missing"):
        again(root)


def test_the_index_cannot_replace_a_wheel(root: Path, index: Path) -> None:
    for wheel in index.glob("helper*"):
        wheel.write_bytes(wheel.read_bytes().replace(b'"""helper"""', b'"""danger"""'))
    with pytest.raises(BuildError, match="helper"):
        again(root)


def test_a_pin_that_is_not_locked_is_refused(root: Path, built: Path) -> None:
    (root / "layers/dependencies/requirements.lock").write_text("other==1.0 --hash=sha256:00\n")
    with pytest.raises(BuildError, match=r"Run make lock: requirements\.txt pins helper==1\.0"):
        again(root)


def test_a_missing_lock_is_refused(root: Path, built: Path) -> None:
    (root / "layers/dependencies/requirements.lock").unlink()
    with pytest.raises(BuildError, match=r"requirements\.lock is missing"):
        again(root)
