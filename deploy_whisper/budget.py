# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""The time that one invocation may spend on a step."""

import time


class BudgetSpent(Exception):
    """There was more to wait for than the invocation has time; the next poll goes on."""


class Budget:
    """Time that one invocation may spend.

    Parameters
    ----------
    life : float, optional
        Seconds until Lambda ends the invocation; as long as that, if nothing is said.
    """

    def __init__(self, seconds: float, life: float | None = None) -> None:
        self._end = time.monotonic() + seconds
        self.life = seconds if life is None else life

    def spent(self) -> bool:
        """Tell whether the time is over."""
        return time.monotonic() >= self._end

    def sleep(self, seconds: float) -> None:
        """Wait, but not beyond the budget.

        Raises
        ------
        BudgetSpent
        """
        time.sleep(max(0.0, min(seconds, self._end - time.monotonic())))
        if self.spent():
            raise BudgetSpent
