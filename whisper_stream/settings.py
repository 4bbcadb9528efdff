# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Settings of a call: one frozen dataclass, validated once."""

from dataclasses import dataclass

from whisper_contract.languages import NAMES
from whisper_stream.audio.samples import CHANNELS, SAMPLE_RATES, Encoding
from whisper_stream.errors import StreamError

ROLES = ("AGENT", "CUSTOMER")
_ATTEMPTS_IN_LIMIT = 3
"""After a hanging connection there is time for two more attempts."""


@dataclass(frozen=True, kw_only=True)
class CallSettings:
    """Settings of a call.

    Attributes
    ----------
    call_id : str or None
        Default: random.
    sample_rate : int
        Samples per second of each channel, 8000 or 16000.
    encoding : Encoding
        Encoding of the audio fed.
    roles : tuple of str
        AGENT or CUSTOMER, for channel 0 and 1.
    languages : tuple of str or None
        Whisper's code for each channel. None: detected, and locked after enough evidence.
    allowed_languages : tuple of str
        Languages that may be detected, the usual one first. Empty: all of the model's.
    terms : tuple of str
        Expected names and words, the most important first.
    prompt : str or None
        Preceding text, as context for the model.
    redaction : bool
        Whether the endpoint redacts card numbers and the like.
    by_silence : bool
        Whether silence ends an utterance. False: only `Channel.commit` does, and each utterance
        begins where the previous one ended.
    partials : bool
        Whether to request partials of open utterances.
    partial_interval_s : tuple of float
        Shortest and longest interval between a channel's partials, in seconds of audio; in
        between it follows the endpoint's latency.
    partial_deadline_s : float
        Seconds after which a partial is useless: the endpoint drops it.
    partial_words : bool
        Whether partials are aligned like finals, so that words have their own times and
        confidences. If not, partials are cheaper, and words carry their utterance's times.
    final_limit_s : float
        Seconds after the end of an utterance during which its final is requested; after that
        it is reported as lost.
    silence_s : float
        Seconds of silence that end an utterance.
    short_silence_s : float
        The same for an utterance with less than a second of voice, to merge short ones.
    long_silence_s, long_utterance_s : float
        The same for an utterance of at least `long_utterance_s`: it is split at a breath, for
        shorter windows and earlier answers.
    max_utterance_s, overlap_s : float
        Longest utterance, in seconds; a longer one is cut, and the next begins `overlap_s` before
        the cut.
    beam_size : int
        Beam size of finals, 1 to 10.

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
        """Seconds that the SDK waits for a response: a third of `final_limit_s`."""
        return self.final_limit_s / _ATTEMPTS_IN_LIMIT

    def __post_init__(self) -> None:
        """Validate the values."""
        if self.sample_rate not in SAMPLE_RATES:
            raise StreamError(
                f"A sample rate of {self.sample_rate} Hz is not supported; use 8000 or 16000."
            )
        if len(self.roles) != CHANNELS or not set(self.roles) <= set(ROLES):
            raise StreamError(f"The roles {self.roles} are not two of {' and '.join(ROLES)}.")
        for language in (*self.languages, *self.allowed_languages):
            if language is not None and language not in NAMES:
                raise StreamError(f"{language!r} is not a Whisper language; use a code such as en.")
        shortest, longest = self.partial_interval_s
        if not 0 < shortest <= longest:
            raise StreamError(
                f"Partial intervals from {shortest} to {longest} s are not valid; use two "
                "numbers of seconds above 0, the shorter one first."
            )
        if not 0 <= 2 * self.overlap_s <= self.max_utterance_s <= 29.0:
            raise StreamError(
                f"Utterances of {self.max_utterance_s} s with an overlap of {self.overlap_s} s are "
                "not possible; use at most 29 s, and an overlap of at most half of it."
            )
