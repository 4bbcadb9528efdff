# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""The language of a channel: detected until there is enough evidence, then kept.

With a list of allowed languages, the endpoint prefers the first unless another is evident, so the
one with the most evidence goes first.

Detection on a second of speech is often wrong, and a language that changes between utterances makes
nonsense of a call. Evidence is the voiced seconds of finals, weighted by the detection's
probability.
"""

ENOUGH_S = 5.0
"""Required seconds of evidence for one language; Whisper itself looks at up to 30."""
AHEAD = 3.0
"""Required ratio to the evidence for all other languages."""


class LanguageLock:
    """Collects language evidence for one channel.

    Parameters
    ----------
    given : str or None
        Known language: nothing is detected.
    evidence : dict of str to float, optional
        Evidence from an earlier part of the call.
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
        """The language to request; None while unknown."""
        if self._given or not self._evidence:
            return self._given
        best, seconds = max(self._evidence.items(), key=lambda row: row[1])
        others = sum(self._evidence.values()) - seconds
        return best if seconds >= ENOUGH_S and seconds >= AHEAD * others else None

    @property
    def allowed(self) -> tuple[str, ...]:
        """Languages that may be detected, the one with the most evidence first."""
        return tuple(sorted(self._allowed, key=lambda one: -self._evidence.get(one, 0.0)))

    @property
    def evidence(self) -> dict[str, float]:
        """Seconds of evidence by language."""
        return dict(self._evidence)

    def hear(self, language: str, seconds: float, probability: float) -> None:
        """Record the language detected in a final.

        Parameters
        ----------
        language : str
            Empty if there was no speech.
        seconds : float
            Voiced seconds.
        probability : float
            0 to 1.
        """
        if language and self.language is None:
            before = self._evidence.get(language, 0.0)
            self._evidence[language] = before + seconds * probability
