# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Who may import whom, and how large a file and a folder may be: as CONTRIBUTING.md says."""

import ast
from collections import Counter, defaultdict
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
GENERATED = {"whisper_contract/transcription_pb2.py"}
# What is still too long, too full or named twice; nothing is added here.
LONG = {
    "inference/whisper_endpoint/engine/decoder.py",
    "local_cloud/cloudformation/resources.py",
    "local_cloud/cloudformation/stacks.py",
    "tests/chaos/world.py",
    "tests/contract/test_formats.py",
    "tests/unit/endpoint/engine/test_scheduler.py",
    "tests/unit/live/test_call.py",
    "tests/unit/local_cloud/sagemaker/test_beside_moto.py",
}
FULL = {"benchmarks/bench"}
NAMED_TWICE = {
    *("Answer", "Batch", "Bucket", "Call", "Clip", "Clock", "DeadlineExceeded", "Draft", "Entry"),
    *("Handler", "Invocation", "Outcome", "Place", "Plan", "Progress", "Reading", "Resource"),
    *("Row", "Search", "Sentence", "Shape", "Signals", "Stack", "Turn", "Utterance", "Window"),
    *("Word", "World"),
}

SOURCES = {"inference": ROOT / "inference", "layers": ROOT / "layers" / "dependencies"}
SHIPPED = ("deploy_whisper", "live_whisper", "whisper_contract", "whisper_endpoint")
EQUIPMENT = ("benchmarks", "demo_model", "local_cloud", "scripts", "tests")
FORBIDDEN = {
    "benchmarks": ("tests",),
    "deploy_whisper": ("live_whisper", "whisper_endpoint", *EQUIPMENT),
    "live_whisper": ("deploy_whisper", "whisper_endpoint", "whisper_sagemaker", *EQUIPMENT),
    "local_cloud": ("benchmarks", "demo_model", "scripts", "tests"),
    "whisper_contract": ("whisper_sagemaker", *SHIPPED[:2], SHIPPED[3], *EQUIPMENT),
    "whisper_endpoint": ("deploy_whisper", "live_whisper", "whisper_sagemaker", *EQUIPMENT),
    "whisper_endpoint.ingress": ("whisper_endpoint.engine",),
    "whisper_endpoint.proxy": ("whisper_endpoint.engine", "whisper_endpoint.ingress"),
    "whisper_sagemaker": (*SHIPPED, *EQUIPMENT),
}


def python_files() -> list[Path]:
    """Every Python file of ours that nobody has generated."""
    tops = [top for top in ROOT.iterdir() if top.is_dir() and top.name != "build"]
    files = [path for top in tops if top.name[0] != "." for path in top.rglob("*.py")]
    return sorted(path for path in files if name(path) not in GENERATED)


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


FILES = python_files()


def module_name(path: Path) -> str:
    inside = path.relative_to(SOURCES.get(path.relative_to(ROOT).parts[0], ROOT)).with_suffix("")
    return ".".join(inside.parts).removesuffix(".__init__")


MODULES = {module_name(path): ast.parse(path.read_text(encoding="utf-8")) for path in FILES}


def imports(module: str) -> set[str]:
    """Modules of ours that one imports, for its types too."""
    found = set()
    for node in ast.walk(MODULES[module]):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            whole = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= {one if one in MODULES else node.module for one in whole}
    return found & MODULES.keys()


def is_in(module: str, package: str) -> bool:
    return f"{module}.".startswith(f"{package}.")


def test_all_that_is_shipped_is_looked_at() -> None:
    assert len(FILES) > 300
    for package in FORBIDDEN:
        assert any(is_in(module, package) for module in MODULES), package


def test_no_file_is_too_long() -> None:
    lengths = {name(path): len(path.read_text().splitlines()) for path in FILES}
    assert {file for file, lines in lengths.items() if lines > 450} <= LONG


def test_no_folder_is_too_full() -> None:
    modules = Counter(name(path.parent) for path in FILES if path.name != "__init__.py")
    assert {folder for folder, number in modules.items() if number > 15} <= FULL


def test_no_name_of_a_class_stands_for_two_things() -> None:
    """Private classes and the fakes of a single test file are seen by nobody else."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for module, tree in MODULES.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef) and node.name[0] != "_":
                found[node.name].add(module)
    shared = {
        kind: [one for one in modules if not one.rpartition(".")[2].startswith("test_")]
        for kind, modules in found.items()
    }
    assert {kind for kind, modules in shared.items() if len(modules) > 1} <= NAMED_TWICE


@pytest.mark.parametrize("package", FORBIDDEN)
def test_nobody_imports_what_it_may_not(package: str) -> None:
    tests = ("benchmarks.tests", "demo_model.tests")
    wrong = {
        f"{module} imports {one}"
        for module in MODULES
        if is_in(module, package) and not module.startswith(tests)
        for one in imports(module)
        if any(is_in(one, other) for other in FORBIDDEN[package])
    }
    assert wrong == set()
