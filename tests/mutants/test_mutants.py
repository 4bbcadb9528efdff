# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.mutants import __main__ as command
from tests.mutants.__main__ import Checkout
from tests.mutants.lists import MUTATIONS
from tests.mutants.mutation import Mutation

ROOT = Path(__file__).parents[2]
# The innermost tests run without this checkout's settings, which a folder of its own has not.
CODE = "def is_more(a, b):\n    return a > b\n"
JUDGES = {
    "test_loose.py": "from code_of import is_more\n\ndef test_more():\n    assert is_more(2, 1)\n",
    "test_tight.py": (
        "from code_of import is_more\n\ndef test_equal():\n    assert not is_more(1, 1)\n"
    ),
    "test_slow.py": (
        "import time\nfrom code_of import is_more\n\ndef test_ends():\n"
        "    while is_more(1, 1):\n        time.sleep(0.1)\n"
    ),
}


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda one: one.says)
def test_every_mutation_still_applies(mutation: Mutation) -> None:
    assert mutation.applied(ROOT)
    compile(mutation.applied(ROOT), mutation.file, "exec")
    assert mutation.tests
    for test in mutation.tests:
        # A judge runs no slow tests: without any it could not say that they pass without a fault.
        assert "pytestmark = pytest.mark.slow" not in (ROOT / test.partition("::")[0]).read_text()


def test_they_are_many_and_told_apart() -> None:
    assert len({one.says for one in MUTATIONS}) == len(MUTATIONS) > 70


@pytest.fixture
def checkout(tmp_path: Path) -> Iterator[Checkout]:
    root = tmp_path / "checkout"
    root.mkdir()
    (root / "code_of.py").write_text(CODE)
    for name, text in JUDGES.items():
        (root / name).write_text(text)
    (root / ".venv").mkdir()
    (root / "pyproject.toml").write_text("[tool.pytest]\npythonpath = ['.']\nmarkers = ['slow']\n")
    with contextlib.closing(Checkout(command.copy_of(root, tmp_path / "copy"), 120)) as made:
        yield made


def fault(new: str, *tests: str, old: str = "a > b", equivalent: str = "") -> Mutation:
    return Mutation(f"{old} is {new}", "code_of.py", old, new, tests, equivalent)


def test_what_a_test_notices_is_killed_and_the_file_is_as_before(checkout: Checkout) -> None:
    assert not (checkout.folder / ".venv").exists()
    killed = checkout.plant(fault("a >= b", "test_tight.py"))
    survived = checkout.plant(fault("a >= b", "test_loose.py"))
    broken = checkout.plant(fault("a >> >= b", "test_loose.py"))
    assert (killed.outcome, survived.outcome, broken.outcome) == ("killed", "survived", "broken")
    assert (checkout.folder / "code_of.py").read_text() == CODE


def test_what_does_not_end_is_killed(checkout: Checkout) -> None:
    with contextlib.closing(Checkout(checkout.folder, 3)) as impatient:
        result = impatient.plant(fault("a >= b", "test_slow.py"))
    assert (result.outcome, result.said[:16]) == ("killed", "not over after 3")
    assert (checkout.folder / "code_of.py").read_text() == CODE


@pytest.mark.parametrize(("old", "new"), [("gone", "x"), ("a", "x"), ("a > b", "a > b")])
def test_a_text_that_is_not_there_exactly_once_is_no_mutation(
    old: str, new: str, checkout: Checkout
) -> None:
    with pytest.raises(ValueError, match=r"not once: write the mutation"):
        checkout.plant(fault(new, "test_tight.py", old=old))
    assert (checkout.folder / "code_of.py").read_text() == CODE


def run(
    checkout: Checkout,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    *mutations: Mutation,
) -> tuple[int, str]:
    monkeypatch.setattr(command, "MUTATIONS", mutations)
    monkeypatch.setattr(command, "ROOT", checkout.folder)
    return command.main(["--jobs", "2"]), capsys.readouterr().out


def test_the_command_tells_what_became_of_each(
    checkout: Checkout, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    good = fault("a >= b", "test_tight.py")
    known = fault("b < a", "test_tight.py", equivalent="the same order")
    status, said = run(checkout, monkeypatch, capsys, good, known)
    assert status == 0
    assert said.splitlines()[-1] == "2 mutations: 1 killed, 0 survived, 1 equivalent"
    assert "2/2 " in said
    assert "(equivalent: the same order)" in said

    bad = fault("a >= b", "test_loose.py")
    wrong = fault("a < b", "test_tight.py", "test_loose.py", equivalent="nobody looks")
    status, said = run(checkout, monkeypatch, capsys, good, bad, wrong)
    assert status == 1
    assert said.splitlines()[-1] == "3 mutations: 1 killed, 1 survived, 1 equivalent"
    assert said.count("a > b is a < b") == 2
    assert (checkout.folder / "code_of.py").read_text() == CODE


def test_tests_that_fail_without_a_fault_judge_none(
    checkout: Checkout, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (checkout.folder / "code_of.py").write_text(CODE.replace(">", ">="))
    status, said = run(checkout, monkeypatch, capsys, fault("a > b", "test_tight.py", old="a >= b"))
    assert status == 1
    assert "without a fault the tests do not pass" in said
    assert "1/1" not in said
