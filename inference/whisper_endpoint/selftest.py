# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""The self-test: a known clip that the engine has to recognise before it serves requests.

With an unsuitable driver or compute type, CTranslate2 returns empty or random text without an
error. Every Whisper model, from the smallest on, recognises the sentence, which has no digits,
since models write these differently. A third of its words is required, in any case and punctuation:
a small model may miss a few, a broken one has none.

Models for another language are an exception: if the operator sets a language for every request, or
the model has no English, the clip is decoded in that language, and any text passes.

``selftest.wav`` (2.7 s, 16 kHz, mono) was synthesised with flite 2.2::

    flite -voice slt -t "hello this is john how can i help you today" -o selftest.wav
"""

import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from whisper_endpoint.audio import decode
from whisper_endpoint.audio.features import Features
from whisper_endpoint.errors import SelfTestFailed
from whisper_endpoint.messages import Parameters, PreparedWindow, Span, Window
from whisper_endpoint.settings import EndpointSettings
from whisper_endpoint.transcript import Transcript

SENTENCE = "hello this is john how can i help you today"
ENGLISH = "en"

CLIP = Path(__file__).resolve().parent / "selftest.wav"
_CLIP_LIMIT_S = 10.0
_NEEDED_SHARE = 1 / 3


@cache
def clip_window(n_mels: int) -> PreparedWindow:
    """Return the clip as a window for a model with ``n_mels`` Mel bins."""
    samples = decode.decode(CLIP.read_bytes(), decode.Limits(seconds=_CLIP_LIMIT_S)).samples
    return PreparedWindow(Window((Span(0, len(samples)),)), Features(n_mels).of(samples))


def parameters(settings: EndpointSettings, languages: Sequence[str]) -> Parameters:
    """Return the parameters for transcribing the clip.

    Parameters
    ----------
    languages : sequence of str
        Codes of the model's languages.
    """
    said = settings.language_override
    if said in languages:  # the ingress refuses other codes, except auto
        language: str | None = said
    elif ENGLISH in languages:
        language = ENGLISH
    else:
        language = next(iter(languages), None)
    return Parameters(language=language, temperature=(0.0,))


def judge(transcript: Transcript, mode: str, language: str | None = ENGLISH) -> None:
    """Check the transcript of the clip.

    Parameters
    ----------
    mode : {"words", "text"}
        ``words``: a third of the sentence's words is required. ``text``: any text passes, for
        weights fine-tuned for another language.
    language : str or None
        Language in which the clip was decoded; any text passes if it is not English.

    Raises
    ------
    SelfTestFailed
    """
    if not transcript.text:
        raise SelfTestFailed(
            "The model gave no text for the self-test clip: check that the driver fits "
            "CTranslate2's CUDA version, and try another WHISPER_COMPUTE_TYPE."
        )
    if mode == "text" or language != ENGLISH:
        return
    expected = set(SENTENCE.split())
    heard = expected & set(re.findall(r"[a-z]+", transcript.text.lower()))
    if len(heard) < len(expected) * _NEEDED_SHARE:
        raise SelfTestFailed(
            f"The model recognised {len(heard)} of {len(expected)} words of the self-test clip: "
            "check the weights or try another WHISPER_COMPUTE_TYPE; if the model is not for "
            "English, set its language (LanguageOverride of the stack) or WHISPER_SELF_TEST=text "
            "(in EndpointEnvironment)."
        )
