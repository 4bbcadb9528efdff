# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Who may import whom: between the repository's folders, and inside the endpoint."""

import ast
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
# What a package may import besides itself.
SHIPPED = {
    "whisper_contract": set(),
    "whisper_stream": {"whisper_contract"},
    "whisper_endpoint": {"whisper_contract", "whisper_stream"},
    "live_whisper": {"whisper_contract", "whisper_stream"},
    "deploy_whisper": {"whisper_contract"},
    "recordings": {"whisper_contract"},
}
FOLDERS = {
    "whisper_contract": ROOT / "whisper_contract",
    "whisper_stream": ROOT / "whisper_stream",
    "whisper_endpoint": ROOT / "inference" / "whisper_endpoint",
    "live_whisper": ROOT / "live_whisper",
    "deploy_whisper": ROOT / "deploy_whisper",
    "recordings": ROOT / "recordings",
    "local_cloud": ROOT / "local_cloud",
    "demo_model": ROOT / "demo_model",
}


def modules(package: str) -> dict[str, Path]:
    """Return the modules of a package by name, its own tests left out."""
    folder = FOLDERS[package]
    named = {}
    for path in folder.rglob("*.py"):
        parts = (package, *path.relative_to(folder).with_suffix("").parts)
        if "tests" not in parts:
            named[".".join(parts).removesuffix(".__init__")] = path
    return named


def at_module_level(tree: ast.Module) -> Iterator[ast.stmt]:
    """Yield statements outside functions, those under ``if TYPE_CHECKING`` too."""
    waiting: list[ast.stmt] = list(tree.body)
    while waiting:
        statement = waiting.pop()
        yield statement
        if isinstance(statement, ast.If | ast.Try):
            waiting += [*statement.body, *statement.orelse]


def imported(path: Path, known: dict[str, Path]) -> set[str]:
    """Return the modules that a file imports: of the known ones, or else as they are written."""
    found = set()
    for statement in at_module_level(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(statement, ast.Import):
            found |= {name.name for name in statement.names}
        elif isinstance(statement, ast.ImportFrom) and statement.module:
            assert not statement.level, f"{path}: relative import"
            for name in statement.names:
                inner = f"{statement.module}.{name.name}"
                found.add(inner if inner in known else statement.module)
    return found


def arrows(package: str) -> dict[str, set[str]]:
    """Return what each module of a package imports."""
    known = modules(package)
    return {name: imported(path, known) for name, path in known.items()}


def importers_of(importing: str, imported_: tuple[str, ...]) -> list[str]:
    """Return ``a -> b`` for each import out of one room of the endpoint into others."""
    prefixes = tuple(f"whisper_endpoint.{room}" for room in imported_)
    return [
        f"{name} -> {target}"
        for name, targets in arrows("whisper_endpoint").items()
        for target in targets
        if name.startswith(f"whisper_endpoint.{importing}") and target.startswith(prefixes)
    ]


@pytest.mark.parametrize("package", FOLDERS)
def test_no_import_goes_round_in_a_circle(package: str) -> None:
    known = arrows(package)
    inside = {name: targets & set(known) - {name} for name, targets in known.items()}
    TopologicalSorter(inside).prepare()  # raises CycleError, which lists the circle


@pytest.mark.parametrize(
    ("importing", "imported_"),
    [
        ("messages", ("engine", "ingress", "parsing", "proxy", "audio", "metrics", "settings")),
        ("engine", ("ingress", "parsing", "proxy")),
        ("ingress", ("engine",)),
        ("parsing", ("engine", "ingress", "proxy")),
        ("audio", ("engine", "ingress", "parsing", "proxy", "metrics")),
        ("proxy", ("engine", "ingress", "parsing")),
        ("metrics", ("engine", "ingress", "parsing", "proxy")),
    ],
)
def test_a_room_of_the_endpoint_knows_only_what_is_below_it(
    importing: str, imported_: tuple[str, ...]
) -> None:
    assert importers_of(importing, imported_) == []


@pytest.mark.parametrize("package", SHIPPED)
def test_products_do_not_import_one_another(package: str) -> None:
    allowed = {package, *SHIPPED[package]}
    ours = {*FOLDERS, "scripts", "benchmarks", "tests", "deployment"}
    found = {
        f"{name} -> {target}"
        for name, targets in arrows(package).items()
        for target in targets
        if target.split(".")[0] in ours - allowed
    }
    assert found == set()


def test_only_equipment_imports_the_local_cloud() -> None:
    found = [
        path
        for package in FOLDERS
        if package != "local_cloud"
        for path in modules(package).values()
        if any(name.split(".")[0] == "local_cloud" for name in imported(path, {}))
    ]
    assert found == []
