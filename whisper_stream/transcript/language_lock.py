# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""The language of a channel: detected until there is enough evidence, then kept.

Where a list says which languages there may be, the endpoint believes the first on it unless another
is evident. So the one with the most evidence goes first.

Whisper's guess on a second of speech is often wrong, and a language that changes from one
utterance to the next makes nonsense of a call. Evidence is voiced seconds of finals, each weighted
by the detection's probability.
"""

ENOUGH_S = 5.0
"""Seconds of evidence for one language; Whisper itself looks at up to 30."""
AHEAD = 3.0
"""How many times the evidence for all others that must be."""


class LanguageLock:
    """Collects evidence for one channel.

    Parameters
    ----------
    given : str or None
        The caller knows it: nothing is detected.
    evidence : dict of str to float, optional
        From an earlier part of the call.
    allowed : tuple of str, optional
        Languages that may be detected, the usual one first; empty: all.
    """

    def __init__(
        self,
        given: str | None,
        evidence: dict[str, float] | None = None,
        allowed: tuple[str, ...] = (),
    ) -> None:
        self._given = given
        self._allowed = allowed
        self._evidence = dict(evidence or {})

    @property
    def language(self) -> str | None:
        """The language to ask for; None as long as it is not known."""
        if self._given or not self._evidence:
            return self._given
        best, seconds = max(self._evidence.items(), key=lambda row: row[1])
        others = sum(self._evidence.values()) - seconds
        return best if seconds >= ENOUGH_S and seconds >= AHEAD * others else None

    @property
    def allowed(self) -> tuple[str, ...]:
        """Languages that may be detected, that with the most evidence first."""
        return tuple(sorted(self._allowed, key=lambda one: -self._evidence.get(one, 0.0)))

    @property
    def evidence(self) -> dict[str, float]:
        """Seconds of evidence by language."""
        return dict(self._evidence)

    def hear(self, language: str, seconds: float, probability: float) -> None:
        """Take note of a final in which a language was detected.

        Parameters
        ----------
        language : str
            Empty if nothing was said.
        seconds : float
            Of voice.
        probability : float
            0 to 1.
        """
        if language and self.language is None:
            before = self._evidence.get(language, 0.0)
            self._evidence[language] = before + seconds * probability
