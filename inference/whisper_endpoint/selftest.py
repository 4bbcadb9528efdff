# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""A known clip that the engine has to recognise before it serves requests.

Where the driver or the type of computation does not fit, CTranslate2 answers with empty or random
text and no error. Any Whisper recognises the sentence, from the smallest on; it has no digits,
which some write as words and some as numerals. A third of its words has to be there, in any
case and punctuation: a small model may miss a few, a broken one has none.

Weights that only speak another language are another matter. Where the operator says so, by a
language for every request, or the model has no English, the clip is heard in that language, and
any text will do.

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
    """Return the clip as the window of a model with ``n_mels`` Mel bins."""
    samples = decode.decode(CLIP.read_bytes(), decode.Limits(seconds=_CLIP_LIMIT_S)).samples
    return PreparedWindow(Window((Span(0, len(samples)),)), Features(n_mels).of(samples))


def parameters(settings: EndpointSettings, languages: Sequence[str]) -> Parameters:
    """Return how the clip is to be heard.

    Parameters
    ----------
    languages : sequence of str
        Codes of those that the model has.
    """
    said = settings.language_override
    if said in languages:  # any other code but auto is refused when requests are
        language: str | None = said
    elif ENGLISH in languages:
        language = ENGLISH
    else:
        language = next(iter(languages), None)
    return Parameters(language=language, temperature=(0.0,))


def judge(transcript: Transcript, mode: str, language: str | None = ENGLISH) -> None:
    """Refuse a transcript of the clip that no working model would give.

    Parameters
    ----------
    mode : {"words", "text"}
        ``words``: a third of the sentence's words has to be there. ``text``: some text has to be
        there, for weights that were fine-tuned away from English.
    language : str or None
        In which the clip was heard: in any but English, some text has to be there.

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
