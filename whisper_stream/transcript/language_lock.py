# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""The language of a channel: detected until there is enough evidence, then kept.

Detection on a second of speech is often wrong, and a language that changes between utterances makes
nonsense of a call. Evidence is the voiced seconds of finals, weighted by the detection's
probability.

With a list of languages, callers may change theirs: what is long enough is always detected, and the
rest is in the language that was heard lately. The endpoint prefers the first of a list unless
another is evident, so that one goes first. Among a few languages 2 s are right in 98 % of cases
(docs/measurements/2026-11-28-languages.md).
"""

ENOUGH_S = 5.0
"""Required seconds of evidence for one language; Whisper itself looks at up to 30."""
AHEAD = 3.0
"""Required ratio to the evidence for all other languages."""
SURE_S = 2.0
"""Seconds of an utterance from which its language is always detected among those of a list."""
MOST_S = 5.0
"""Seconds of evidence that count for a language once another one of a list is heard."""


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
        heard = dict(evidence or {})
        self._evidence = {one: heard[one] for one in heard if one in allowed or not allowed}

    def language_of(self, seconds: float) -> str | None:
        """Return the language to request for an utterance so far; None: it is detected.

        Parameters
        ----------
        seconds : float
            Length of its audio.
        """
        if self._given or not self._has_list:
            return self._given or self._kept
        return None if seconds >= SURE_S else self._latest

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
        if not language or self._given or (self._kept and not self._has_list):
            return
        if self._allowed and language not in self._allowed:
            return  # detected for a list that has changed since
        heard, latest = seconds * probability, self._latest
        if self._has_list and latest not in (None, language):
            self._evidence[latest] = max(0.0, min(self._evidence[latest], MOST_S) - heard)
        self._evidence[language] = self._evidence.get(language, 0.0) + heard

    @property
    def _has_list(self) -> bool:
        return len(self._allowed) > 1

    @property
    def _latest(self) -> str | None:
        """The language with the most evidence."""
        return max(self._evidence, key=lambda one: self._evidence[one], default=None)

    @property
    def _kept(self) -> str | None:
        """The language that has enough evidence to be kept."""
        if (best := self._latest) is None:
            return None
        seconds = self._evidence[best]
        others = sum(self._evidence.values()) - seconds
        return best if seconds >= ENOUGH_S and seconds >= AHEAD * others else None
