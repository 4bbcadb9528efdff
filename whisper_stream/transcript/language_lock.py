# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""The language of a channel: detected until there is enough evidence, then kept.

With a list of allowed languages, the endpoint prefers the first unless another is evident, so the
one with the most evidence goes first; and a long utterance is detected even where the language is
known, because callers change theirs, and among a few languages 6 s are right in 99.8 % of cases
(docs/measurements/2026-11-28-languages.md).

Detection on a second of speech is often wrong, and a language that changes between utterances makes
nonsense of a call. Evidence is the voiced seconds of finals, weighted by the detection's
probability.
"""

ENOUGH_S = 5.0
"""Required seconds of evidence for one language; Whisper itself looks at up to 30."""
AHEAD = 3.0
"""Required ratio to the evidence for all other languages."""
LONG_S = 4.0
"""Seconds of a final from which its language is detected among those of a list."""
MOST_S = 10.0
"""Seconds of evidence that count for a language once another one is heard."""


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
        """The language of the channel; None while unknown."""
        if self._given or not self._evidence:
            return self._given
        best, seconds = max(self._evidence.items(), key=lambda row: row[1])
        others = sum(self._evidence.values()) - seconds
        return best if seconds >= ENOUGH_S and seconds >= AHEAD * others else None

    def of_final(self, seconds: float) -> str | None:
        """Return the language to request for a final of some length; None: it is detected."""
        is_detected = len(self._allowed) > 1 and seconds >= LONG_S
        return self._given if is_detected else self.language

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
        known = self.language
        if not language or self._given or (known and len(self._allowed) < 2):
            return
        heard = seconds * probability
        if known and known != language:
            self._evidence[known] = max(0.0, min(self._evidence[known], MOST_S) - heard)
        self._evidence[language] = self._evidence.get(language, 0.0) + heard
