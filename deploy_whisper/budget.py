# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""The time budget of an invocation."""

import time


class BudgetSpent(Exception):
    """The budget ended during a wait; the next poll continues."""


class Budget:
    """The time that an invocation may spend on a step.

    Parameters
    ----------
    seconds : float
        Length of the budget.
    life : float, optional
        Seconds until Lambda ends the invocation; default: `seconds`.
    """

    def __init__(self, seconds: float, life: float | None = None) -> None:
        self._end = time.monotonic() + seconds
        self.life = seconds if life is None else life

    def spent(self) -> bool:
        """Return whether the budget is spent."""
        return time.monotonic() >= self._end

    def sleep(self, seconds: float) -> None:
        """Sleep, but not beyond the budget.

        Raises
        ------
        BudgetSpent
        """
        time.sleep(max(0.0, min(seconds, self._end - time.monotonic())))
        if self.spent():
            raise BudgetSpent
