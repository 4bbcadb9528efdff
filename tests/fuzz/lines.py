# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Measure the statements of modules that inputs reach."""

import contextlib
from collections.abc import Callable, Iterable
from pathlib import Path

import coverage
from coverage.regions import code_regions


def reached(
    target: Callable[[bytes], None], inputs: Iterable[bytes], files: Iterable[Path]
) -> dict[Path, tuple[int, int]]:
    """Return (reached, total) statements within functions, by source file."""
    files = list(files)
    measured = coverage.Coverage(None, config_file=False, include=[str(path) for path in files])
    with measured.collect():
        for data in inputs:
            with contextlib.suppress(Exception):
                target(data)
    return {path: _counted(measured, path) for path in files}


def _counted(measured: coverage.Coverage, path: Path) -> tuple[int, int]:
    regions = code_regions(path.read_text(encoding="utf-8"))
    within = set[int]().union(*(region.lines for region in regions if region.kind == "function"))
    _, statements, _, missing, _ = measured.analysis2(str(path))
    there = within & set(statements)
    return len(there - set(missing)), len(there)
