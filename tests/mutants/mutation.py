# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""One change to one line that decides something, and the tests that have to notice it."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Mutation:
    """A planted fault.

    Attributes
    ----------
    says : str
        What is wrong with it, for the report.
    file : str
        Path from the root of the checkout.
    old, new : str
        What is replaced by what; the old text stands in the file exactly once.
    tests : tuple of str
        What pytest is given: files, or single tests.
    equivalent : str
        Why no test can tell the two apart; empty where one has to.
    """

    says: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]
    equivalent: str = ""

    def applied(self, root: Path) -> str:
        """Return the file's text with the fault in it.

        Raises
        ------
        ValueError
            The old text does not stand in the file exactly once, or nothing would change.
        """
        text = (root / self.file).read_text(encoding="utf-8")
        found = text.count(self.old)
        if found != 1 or self.old == self.new:
            raise ValueError(
                f"{self.file}: {self.old!r} stands there {found} times, not once: write the "
                f"mutation {self.says!r} anew."
            )
        return text.replace(self.old, self.new)
