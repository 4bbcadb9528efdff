# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""How a call is transcribed: one frozen dataclass, checked once."""

from dataclasses import dataclass

from whisper_contract.languages import NAMES
from whisper_stream.audio.samples import CHANNELS, SAMPLE_RATES, Encoding
from whisper_stream.errors import StreamError

ROLES = ("AGENT", "CUSTOMER")
_ATTEMPTS_IN_LIMIT = 3
"""A connection that hangs leaves time to ask for a final twice more."""


@dataclass(frozen=True, kw_only=True)
class CallSettings:
    """What is known of a call before it begins, and how patient to be.

    Attributes
    ----------
    call_id : str or None
        Default: a random one for every call.
    sample_rate : int
        Samples per second of each channel, 8000 or 16000.
    encoding : Encoding
        Of the bytes that are fed.
    roles : tuple of str
        AGENT or CUSTOMER, for channel 0 and 1.
    languages : tuple of str or None
        Whisper's code for each channel. None: detected, and locked after enough evidence.
    allowed_languages : tuple of str
        Those that may be detected, the usual one first. Empty: every language of the model.
    terms : tuple of str
        Names and other words to expect, the most important first.
    prompt : str or None
        Text that the model believes was said before.
    redaction : bool
        Whether the endpoint leaves out numbers of cards and the like.
    by_silence : bool
        Whether silence ends an utterance. False: only who feeds the audio does (`Channel.commit`),
        and an utterance begins where the one before it ended.
    partials : bool
        Whether to ask for what is being said before it is over.
    partial_interval_s : tuple of float
        Shortest and longest time between two partials of a channel, in seconds of audio. In
        between it follows the endpoint's latency.
    partial_deadline_s : float
        Seconds after which the answer to a partial is of no use: the endpoint drops it.
    partial_words : bool
        Whether partials are aligned as finals are, so that their words have times and confidences
        of their own. Off, a partial is cheaper, and its words carry the times of its utterance.
    final_limit_s : float
        Seconds after the end of an utterance until which its final is asked for; then it is lost,
        and reported.
    silence_s : float
        Silence that ends an utterance. Shorter pauses are part of it.
    short_silence_s : float
        The same for an utterance with less than a second of voice: short ones are merged.
    long_silence_s, long_utterance_s : float
        The same for one that has lasted for so long: it is split at a breath into several finals,
        whose windows are short and whose answers come soon.
    max_utterance_s, overlap_s : float
        Longest utterance; one that goes on without a breath is cut, and the next begins so much
        before the cut.
    beam_size : int
        Of finals, 1 to 10.

    Raises
    ------
    StreamError
        If a value is out of its range.
    """

    call_id: str | None = None
    sample_rate: int = 8_000
    encoding: Encoding = Encoding.PCM16
    roles: tuple[str, str] = ("AGENT", "CUSTOMER")
    languages: tuple[str | None, str | None] = (None, None)
    allowed_languages: tuple[str, ...] = ()
    terms: tuple[str, ...] = ()
    prompt: str | None = None
    redaction: bool = False
    by_silence: bool = True
    partials: bool = True
    partial_interval_s: tuple[float, float] = (0.5, 1.0)
    partial_deadline_s: float = 3.0
    partial_words: bool = True
    final_limit_s: float = 30.0
    silence_s: float = 0.6
    short_silence_s: float = 0.9
    long_silence_s: float = 0.3
    long_utterance_s: float = 6.0
    max_utterance_s: float = 28.0
    overlap_s: float = 1.0
    beam_size: int = 5

    @property
    def read_timeout_s(self) -> float:
        """Seconds that the SDK waits for one answer: a third of `final_limit_s`."""
        return self.final_limit_s / _ATTEMPTS_IN_LIMIT

    def __post_init__(self) -> None:
        """Refuse what cannot work."""
        if self.sample_rate not in SAMPLE_RATES:
            raise StreamError(
                f"A sample rate of {self.sample_rate} Hz is not taken; use 8000 or 16000."
            )
        if len(self.roles) != CHANNELS or not set(self.roles) <= set(ROLES):
            raise StreamError(f"The roles {self.roles} are not two of {' and '.join(ROLES)}.")
        for language in (*self.languages, *self.allowed_languages):
            if language is not None and language not in NAMES:
                raise StreamError(
                    f"{language!r} is none of Whisper's languages; give its code, such as en."
                )
        shortest, longest = self.partial_interval_s
        if not 0 < shortest <= longest:
            raise StreamError(
                f"Partial intervals from {shortest} to {longest} s are none; give two seconds "
                "above 0, the shorter one first."
            )
        if not 0 <= 2 * self.overlap_s <= self.max_utterance_s <= 29.0:
            raise StreamError(
                f"Utterances of {self.max_utterance_s} s with an overlap of {self.overlap_s} s are "
                "not possible; use at most 29 s, and an overlap of at most half of it."
            )
