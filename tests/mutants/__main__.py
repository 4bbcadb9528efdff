# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""``python -m tests.mutants``: plant each fault into a copy of the checkout and run its tests.

The working tree is only read. A fault is killed if a test fails or does not end; a fault that
survives shows a line that no test guards. All tests must pass before any fault is planted.
"""

import argparse
import contextlib
import itertools
import json
import os
import queue
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from tests.mutants.lists import MUTATIONS
from tests.mutants.mutation import Mutation

ROOT = Path(__file__).parents[2]
SECONDS_EACH = 180.0
"""The slowest of the tests take a sixth of it; a fault may make them wait for ever."""
_LEFT_OUT = (".git", ".venv", "build", "__pycache__", ".*_cache", ".hypothesis")
_PASSED, _FAILED = 0, 1


@dataclass(frozen=True)
class MutationResult:
    """What became of a fault: ``killed``, ``survived``, or ``broken`` where no test could judge."""

    mutation: Mutation
    outcome: str
    seconds: float
    said: str = ""

    @property
    def is_as_it_should_be(self) -> bool:
        """Whether a test noticed it, or it is known that none can."""
        return self.outcome == ("survived" if self.mutation.equivalent else "killed")

    def line(self) -> str:
        """Return the result as a line of the report."""
        reason = f" (equivalent: {self.mutation.equivalent})" if self.mutation.equivalent else ""
        return f"{self.outcome:8} {self.seconds:5.1f} s  {self.mutation.says}{reason}"


class Checkout:
    """A copy of a checkout, and a process that runs tests in it.

    Parameters
    ----------
    folder : Path
        The copy.
    seconds : float
        After which tests have not ended.
    """

    def __init__(self, folder: Path, seconds: float = SECONDS_EACH) -> None:
        self.folder = folder
        self._seconds = seconds
        self._changes = itertools.count(1)
        self._judge = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("judge.py"))],
            cwd=folder,
            env=os.environ | {"PYTHONPATH": ""},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def close(self) -> None:
        """End the process."""
        self._judge.communicate("")

    def plant(self, mutation: Mutation) -> MutationResult:
        """Plant a fault, run its tests, and take it out again."""
        began, path = time.monotonic(), self.folder / mutation.file
        whole, times = path.read_bytes(), path.stat()
        path.write_text(mutation.applied(self.folder), encoding="utf-8")
        # Python takes a module from its cache if its length and this second are the same.
        later = time.time() + 10 * next(self._changes)
        os.utime(path, (later, later))
        try:
            status, said = self.run(mutation.tests)
        finally:
            path.write_bytes(whole)
            os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
        outcome = {_PASSED: "survived", _FAILED: "killed", None: "killed"}.get(status, "broken")
        return MutationResult(mutation, outcome, time.monotonic() - began, said)

    def run(self, tests: Iterable[str]) -> tuple[int | None, str]:
        """Run tests; returns pytest's status, None where they did not end, and what it wrote."""
        asked, answers = self._judge.stdin, self._judge.stdout
        assert asked is not None
        assert answers is not None
        asked.write(json.dumps({"tests": list(tests), "seconds": self._seconds}) + "\n")
        asked.flush()
        status, said = json.loads(answers.readline())
        return status, said


def copy_of(root: Path, target: Path) -> Path:
    """Copy a checkout without what it has not from the repository; returns the copy."""
    shutil.copytree(root, target, symlinks=True, ignore=shutil.ignore_patterns(*_LEFT_OUT))
    return target


def results(
    mutations: Sequence[Mutation], checkouts: Sequence[Checkout]
) -> Iterator[MutationResult]:
    """Plant faults, one in each copy at a time, and yield what became of them, as they end."""
    free: queue.SimpleQueue[Checkout] = queue.SimpleQueue()
    for one in checkouts:
        free.put(one)
    done: queue.SimpleQueue[MutationResult | BaseException] = queue.SimpleQueue()

    def work(mutation: Mutation) -> None:
        checkout = free.get()
        try:
            done.put(checkout.plant(mutation))
        except BaseException as failure:
            done.put(failure)
        finally:
            free.put(checkout)

    with ThreadPoolExecutor(len(checkouts)) as threads:
        for mutation in mutations:
            threads.submit(work, mutation)
        for _ in mutations:
            result = done.get()
            if isinstance(result, BaseException):
                raise result
            yield result


def report(found: Sequence[MutationResult]) -> list[str]:
    """Return what is to be mended, then the counts."""
    wrong = [one for one in found if not one.is_as_it_should_be]
    lines = [part for one in wrong for part in (one.line(), f"  {one.mutation.file}", one.said)]
    outcomes = [one.outcome for one in found if not one.mutation.equivalent]
    equivalent = len(found) - len(outcomes)
    counts = ", ".join(f"{outcomes.count(name)} {name}" for name in ("killed", "survived"))
    broken = f", {outcomes.count('broken')} broken" if "broken" in outcomes else ""
    return [*lines, f"{len(found)} mutations: {counts}, {equivalent} equivalent{broken}"]


def main(arguments: list[str] | None = None) -> int:
    """Run the command; the exit status is 1 if anything is not as it should be."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument(
        "words", nargs="*", help="only faults whose line or file contains one of these words"
    )
    parser.add_argument(
        "--jobs",
        type=int,
        default=os.cpu_count() or 1,
        help="concurrent jobs (default: one per core)",
    )
    parser.add_argument(
        "--seconds",
        type=float,
        default=SECONDS_EACH,
        help="time limit for the tests of one fault (default: 180)",
    )
    parser.add_argument("--trust", action="store_true", help="skip the run without faults")
    options = parser.parse_args(arguments)
    wanted = [one for one in MUTATIONS if _is_meant(one, options.words)]
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder, ExitStack() as closing:
        checkouts = []
        for number in range(max(1, options.jobs)):
            copy = copy_of(ROOT, Path(folder) / str(number))
            checkouts.append(
                closing.enter_context(contextlib.closing(Checkout(copy, options.seconds)))
            )
        for one in wanted:
            one.applied(ROOT)  # before anything is run
        if not options.trust:
            tests = dict.fromkeys(test for one in wanted for test in one.tests)
            print(f"{len(tests)} tests and files without faults", flush=True)
            if said := first_failure(tests, checkouts[0]):
                print(said, "\nwithout a fault the tests do not pass: mend that first")
                return 1
        found = []
        for result in results(wanted, checkouts):
            found.append(result)
            print(f"{len(found):3}/{len(wanted)} {result.line()}", flush=True)
    print("\n".join(report(found)))
    return any(not one.is_as_it_should_be for one in found)


def first_failure(tests: Iterable[str], checkout: Checkout) -> str:
    """Run tests, each file for itself as a fault's are; returns what the first failure said."""
    for one in tests:
        status, said = checkout.run([one])
        if status != _PASSED:
            return said
    return ""


def _is_meant(mutation: Mutation, words: Sequence[str]) -> bool:
    return not words or any(word in mutation.says or word in mutation.file for word in words)


if __name__ == "__main__":
    sys.exit(main())
