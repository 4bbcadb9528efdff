# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Turns audio into windows with features for the engine."""

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import overload

from whisper_endpoint.audio import vad, windows
from whisper_endpoint.audio.decode import Audio, Limits, decode
from whisper_endpoint.audio.features import Features
from whisper_endpoint.audio.speech.hearing import HeardRecording
from whisper_endpoint.audio.speech.hum import WithoutBuzz
from whisper_endpoint.audio.speech.spans import speech_spans
from whisper_endpoint.messages import (
    SAMPLE_RATE,
    Parameters,
    Prepared,
    PreparedWindow,
    Priority,
    Samples,
    Span,
    UtteranceState,
    VadParameters,
    Window,
)

# Windows in a piece: 8 minutes, and 15 MB (80 mels) or 25 MB (128 mels) of features.
PIECE_WINDOWS = 16
# A clip may end this much after the recording: a caller may have rounded its length up.
_ROUNDING_S = 0.5


class WindowsAsFound(Sequence[Window]):
    """The windows of a recording, found lazily by speech detection.

    Accessing a window runs detection up to it; ``len`` runs it to the end.

    Parameters
    ----------
    coming : iterator of Window
        In chronological order.
    length : int
        Length of the recording in samples.
    """

    def __init__(self, coming: Iterator[Window], length: int) -> None:
        self._found: list[Window] = []
        self._coming = coming
        self._length = length
        self._are_all_found = False

    def __len__(self) -> int:
        """Return the number of windows."""
        self._found += self._coming
        self._are_all_found = True
        return len(self._found)

    @overload
    def __getitem__(self, number: int) -> Window: ...

    @overload
    def __getitem__(self, number: slice) -> Sequence[Window]: ...

    def __getitem__(self, number: int | slice) -> Window | Sequence[Window]:
        """Return a window or a slice of windows."""
        end = number + 1 if isinstance(number, int) else number.stop
        if end is None:
            end = len(self)
        self._found += itertools.islice(self._coming, max(0, end - len(self._found)))
        return self._found[number]

    def after(self, count: int) -> int:
        """Return about how many windows follow the first ``count``; 0 only if there are none.

        If unknown, it is extrapolated from the part of the recording searched so far.
        """
        if self._are_all_found or not self[count : count + 1]:
            return len(self._found) - count
        reached = self._found[count - 1].spans[-1].end
        return max(1, round(count * (self._length - reached) / reached))


@dataclass(frozen=True)
class Recording:
    """A recording and its windows; features are computed piece by piece.

    Attributes
    ----------
    samples : Samples, 16 kHz mono
    windows : sequence of Window
        In chronological order.
    duration : float
        Seconds.
    utterance : UtteranceState or None
        The utterance state that it represents; None for a file.
    how : VadParameters
        For detecting speech within each window, for the times of words and segments.
    heard : HeardRecording or None
        What was heard with them, if the windows are detected speech.
    is_speech : bool
        Whether the windows are detected speech; otherwise they cover the whole recording.
    warnings : tuple of str
        Problems found in the audio file.
    """

    samples: Samples
    windows: Sequence[Window]
    features: Features
    duration: float
    utterance: UtteranceState | None
    how: VadParameters = field(default_factory=VadParameters)
    heard: HeardRecording | None = None
    is_speech: bool = True
    warnings: tuple[str, ...] = ()

    @property
    def priority(self) -> Priority:
        """Its priority; outside live calls it depends on the length."""
        if self.utterance is None:
            return Priority.by_length(len(self.windows[:2]))
        return Priority.PARTIAL if self.utterance.is_partial else Priority.FINAL

    @property
    def pieces(self) -> int:
        """Number of pieces sent to the engine: at least one, which may be empty."""
        return max(1, -(-len(self.windows) // PIECE_WINDOWS))

    def piece(self, number: int) -> Prepared:
        """Return a piece, counted from 0, with its features.

        It is the last one if its ``windows_to_come`` is 0.
        """
        begin = number * PIECE_WINDOWS
        return self._between(begin, begin + PIECE_WINDOWS)

    def whole(self) -> Prepared:
        """Return everything in one piece."""
        return self._between(0, len(self.windows))

    def _between(self, begin: int, end: int) -> Prepared:
        found = self.windows[begin:end]
        return Prepared(
            tuple(self._prepared(window) for window in found),
            self.duration,
            self.priority,
            self.utterance,
            windows_to_come=self._after(begin + len(found)),
            windows_before=begin,
        )

    def _after(self, count: int) -> int:
        if isinstance(self.windows, WindowsAsFound):
            return self.windows.after(count)
        return len(self.windows) - count

    def _prepared(self, window: Window) -> PreparedWindow:
        speech = [
            one
            for span in window.spans
            for one in vad.speech_within(self.samples, span, self.how, self.heard)
        ]
        heard = window.cut_from(WithoutBuzz(self.samples))
        return PreparedWindow(window, self.features.of(heard), tuple(speech))


def prepare(data: bytes, features: Features, *, max_seconds: float, vad_filter: bool) -> Prepared:
    """Decode a short file, find speech, cut windows, compute features; see :func:`record`.

    Raises
    ------
    AudioNotDecodable
        422
    AudioTooLong
        413
    """
    audio = decode(data, Limits(seconds=max_seconds))
    return record(audio, features, Parameters(vad_filter=vad_filter)).whole()


def record(
    audio: Audio[Samples],
    features: Features,
    parameters: Parameters,
    *,
    pause_s: float | None = None,
    utterance: UtteranceState | None = None,
    check: Callable[[], None] = lambda: None,
) -> Recording:
    """Return a recording whose speech is detected and cut into windows lazily.

    Parameters
    ----------
    features : Features
        The model's.
    parameters : Parameters
        With ``vad_filter`` only speech is kept, otherwise the whole recording. ``clip_timestamps``
        limit it to the clips.
    pause_s : float, optional
        Seconds of silence at which a new window begins; by default windows are filled.
    utterance : UtteranceState, optional
        The utterance state that it represents; by default it is a file.
    check : callable, optional
        Called now and then; may raise to abort.
    """
    samples = audio.samples
    spans = iter([Span(0, len(samples))])
    options, heard = parameters.vad_parameters, None
    if parameters.vad_filter:
        silence_s = vad.PAUSE_S if pause_s is None else pause_s
        heard = HeardRecording(samples, options, check)
        spans = speech_spans(heard, len(samples), options, silence_s)
    found = windows.make_windows(
        samples,
        vad.within(spans, _clips(parameters.clip_timestamps, len(samples))),
        is_joining=pause_s is None,
        longest_s=options.max_speech_duration_s if parameters.vad_filter else None,
    )
    return Recording(
        samples,
        WindowsAsFound(found, len(samples)),
        features,
        audio.duration,
        utterance,
        options,
        heard,
        is_speech=parameters.vad_filter,
        warnings=(*audio.warnings, *_beyond(parameters.clip_timestamps, audio.duration)),
    )


def _beyond(clips: tuple[float, ...], duration: float) -> Iterator[str]:
    """Yield a warning if a requested clip lies beyond the end of the recording."""
    last = clips[-1] if clips else 0.0
    if last > duration + _ROUNDING_S:
        yield (
            f"clip_timestamps has {last:g} s, but the audio ends at {duration:.1f} s: "
            "anything after its end is missing."
        )


def _clips(seconds: tuple[float, ...], length: int) -> list[Span]:
    """Return the requested clips; without a last end, the last one reaches to the end."""
    if not seconds:
        return [Span(0, length)]
    edges = [min(length, round(second * SAMPLE_RATE)) for second in seconds]
    edges += [length] * (len(edges) % 2)
    return [Span(*edge) for edge in zip(edges[::2], edges[1::2], strict=True)]
