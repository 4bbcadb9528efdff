# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""How long a file and how full a folder may be, and that a name says one thing."""

import ast
from collections import Counter, defaultdict
from pathlib import Path

ROOT = Path(__file__).parents[3]


def python_files() -> list[Path]:
    """Every Python file, the generated one too."""
    tops = [top for top in ROOT.iterdir() if top.is_dir() and top.name != "build"]
    files = [path for top in tops if top.name[0] != "." for path in top.rglob("*.py")]
    return sorted(files)


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


FILES = python_files()
assert len(FILES) > 300


def test_no_file_is_too_long() -> None:
    lengths = {name(path): len(path.read_text().splitlines()) for path in FILES}
    assert {file for file, lines in lengths.items() if lines > 450} == set()


def test_no_folder_is_too_full() -> None:
    modules = Counter(name(path.parent) for path in FILES if path.name != "__init__.py")
    assert {folder for folder, number in modules.items() if number > 15} == set()


def test_no_name_of_a_class_stands_for_two_things() -> None:
    """Private classes and the fakes of a single test file are seen by nothing else."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for path in FILES:
        if not path.name.startswith("test_"):
            for node in ast.parse(path.read_text(encoding="utf-8")).body:
                if isinstance(node, ast.ClassDef) and node.name[0] != "_":
                    found[node.name].add(name(path))
    assert {kind for kind, files in found.items() if len(files) > 1} == set()
