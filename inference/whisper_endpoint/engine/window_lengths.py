# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Chooses the encoder's window length: as short as is safe.

Encoding 10 s costs a sixth to a third of encoding 30 s. Stock weights were trained on 30 s and keep
their accuracy on shorter windows only with some silence after the speech, so a window is two
seconds longer than its content; a model may declare another margin for partials.
"""

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from whisper_endpoint.audio.features import FRAMES_PER_SECOND, MAX_FRAMES
from whisper_endpoint.errors import ModelNotLoadable

DEFAULT_SECONDS = (10.0, 15.0, 20.0, 30.0)
DEFAULT_MARGIN_S = 2.0
_MOST_MARGIN_S = 10.0
_DECLARATION = "windows.json"
# Shorter silences are part of words.
_LEAST_PAUSE_S = 0.2


@dataclass(frozen=True)
class WindowLengths:
    """The window lengths in use.

    Attributes
    ----------
    frames : tuple of int
        Frames of 10 ms, ascending; the last is 3,000.
    is_declared : bool
        Whether the model declares that it was trained on them, so that finals may use them too.
    pause_s : float or None
        Seconds of silence that end a window, if the model declares that it was trained on single
        utterances; otherwise a window holds as many as fit.
    margin_s : float
        Seconds by which a partial's window is longer than its content.
    """

    frames: tuple[int, ...]
    is_declared: bool = False
    pause_s: float | None = None
    margin_s: float = DEFAULT_MARGIN_S

    def frames_for(self, content: int, *, is_partial: bool) -> int:
        """Return the shortest length, in frames, that holds the content and the margin.

        A final has at least the default margin, since nothing corrects it later.
        """
        margin_s = self.margin_s if is_partial else max(self.margin_s, DEFAULT_MARGIN_S)
        least = content + round(margin_s * FRAMES_PER_SECOND)
        return next((length for length in self.frames if length >= least), MAX_FRAMES)


def read(weights: Path, n_mels: int) -> WindowLengths:
    """Return the window lengths of a model.

    Parameters
    ----------
    weights : Path
        The model's folder. A file ``windows.json`` in it, ``{"window_seconds": [10, 15, 30]}``,
        declares the lengths that the model was trained on. Optional keys: ``"pause_seconds": 0.6``,
        each training window held one utterance without such a pause; ``"margin_seconds": 0.5``,
        the margin of partials.
    n_mels : int
        Mel bins of the model's features.

    Raises
    ------
    ModelNotLoadable
        The file is invalid or declares unusable lengths.
    """
    path = weights / _DECLARATION
    if not path.is_file():
        return make(DEFAULT_SECONDS, n_mels)
    try:
        declared: Any = json.loads(path.read_text(encoding="utf-8"))
        seconds = tuple(float(value) for value in declared["window_seconds"])
        pause = declared.get("pause_seconds")
        pause_s = None if pause is None else float(pause)
        margin_s = float(declared.get("margin_seconds", DEFAULT_MARGIN_S))
    except (ValueError, TypeError, KeyError):
        raise ModelNotLoadable(
            f'{_DECLARATION} is not like {{"window_seconds": [10, 15, 30]}}: list the lengths in '
            "seconds of the windows that the model was trained on."
        ) from None
    if pause_s is not None and not _LEAST_PAUSE_S <= pause_s <= MAX_FRAMES / FRAMES_PER_SECOND:
        raise ModelNotLoadable(
            f"{_DECLARATION} has pause_seconds {pause_s:g}: use {_LEAST_PAUSE_S:g} to 30."
        )
    if not 0 <= margin_s <= _MOST_MARGIN_S:
        raise ModelNotLoadable(
            f"{_DECLARATION} has margin_seconds {margin_s:g}: use 0 to {_MOST_MARGIN_S:g}."
        )
    return replace(make(seconds, n_mels), is_declared=True, pause_s=pause_s, margin_s=margin_s)


def make(seconds: tuple[float, ...], n_mels: int) -> WindowLengths:
    """Return these window lengths plus 30 s.

    The encoder halves the number of frames, rounded up. If the length of its output equals the
    number of Mel bins, CTranslate2 (4.8) mistakes it for features and silently encodes it again, so
    such a length is rejected.

    Raises
    ------
    ModelNotLoadable
        A length is outside 1 to 30 s, or ambiguous for CTranslate2.
    """
    frames = {round(value * FRAMES_PER_SECOND) for value in seconds} | {MAX_FRAMES}
    for length in sorted(frames):
        if not FRAMES_PER_SECOND <= length <= MAX_FRAMES:
            raise ModelNotLoadable(
                f"A window of {length / FRAMES_PER_SECOND:g} s cannot be used: use 1 to 30 s."
            )
        if (length + 1) // 2 == n_mels:
            raise ModelNotLoadable(
                f"A window of {length / FRAMES_PER_SECOND:g} s cannot be told from features by "
                "CTranslate2: use another length."
            )
    return WindowLengths(tuple(sorted(frames)))
