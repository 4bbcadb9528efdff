# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Which lines of a module a set of inputs reaches."""

from __future__ import annotations

import contextlib
import sys
from collections import defaultdict
from types import CodeType, FrameType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path


def reached(
    target: Callable[[bytes], None], inputs: Iterable[bytes], files: Iterable[Path]
) -> dict[Path, tuple[int, int]]:
    """Return lines reached, and lines there are within functions, of each file.

    Parameters
    ----------
    target : callable
    inputs : iterable of bytes
    files : iterable of Path
        Python source.
    """
    there = {str(path.resolve()): (path, _lines_of(path)) for path in files}
    seen: defaultdict[str, set[int]] = defaultdict(set)

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        name = frame.f_code.co_filename
        if name not in there:
            return None
        if event == "line":
            seen[name].add(frame.f_lineno)
        return trace

    sys.settrace(trace)
    try:
        for data in inputs:
            with contextlib.suppress(Exception):
                target(data)
    finally:
        sys.settrace(None)
    return {path: (len(seen[name] & lines), len(lines)) for name, (path, lines) in there.items()}


def _lines_of(path: Path) -> set[int]:
    module = compile(path.read_text(encoding="utf-8"), str(path), "exec")
    return {
        line
        for code in _functions(module)
        for _, _, line in code.co_lines()
        if line is not None and line != code.co_firstlineno
    }


def _functions(code: CodeType) -> Iterator[CodeType]:
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            if constant.co_flags & 0x2:  # CO_NEWLOCALS: a function, no class body
                yield constant
            yield from _functions(constant)
