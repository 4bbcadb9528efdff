# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Whether a window's text is believed: faster-whisper's gates.

From the Whisper paper, section 4.5 (arXiv 2212.04356): a text that repeats itself or of which
the model is unsure is decoded again at a higher temperature; a window that is probably silent,
and of whose text the model is unsure, has no text.

Beyond faster-whisper's: the model is sure of some texts that it invents, so they are dropped
without asking how sure it is: where it is likely silent, one that repeats itself or that comes from
the subtitles of videos; where it may be silent, one that no attempt could better; anywhere, one
that has no letter and no digit.
"""

import difflib
import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

from whisper_endpoint.messages import Parameters
from whisper_endpoint.transcript import Segment

# Credits and farewells of subtitled videos, which nobody says on the telephone, as reports of
# users have them (openai/whisper discussion 928), in the spelling that `plain_text` gives.
# Courtesies such as "thank you" are left out: people say them.
_INVENTED = frozenset(
    {
        "you",
        "thanks for watching",
        "thank you for watching",
        "thank you so much for watching",
        "thanks for watching and see you in the next video",
        "please subscribe",
        "please subscribe to my channel",
        "please like and subscribe",
        "see you in the next video",
        "untertitelung des zdf 2020",
        "merci davoir regardé cette vidéo",
        "gracias por ver el video",
        "suscríbete al canal",
        "grazie per la visione",
        "iscrivetevi al canale",
        "vielen dank fürs zuschauen",
        "продолжение следует",
        "спокойная музыка",
        "динамичная музыка",
        "ご視聴ありがとうございました",
        "チャンネル登録をお願いいたします",
        "请不吝点赞 订阅 转发 打赏支持明镜与点点栏目",
    }
)
# Credits that go on with somebody's name.
_CREDITS = (
    "subtitles by",
    "untertitel von",
    "untertitel im auftrag",
    "untertitelung im auftrag",
    "soustitrage",
    "soustitres réalisés",
    "subtítulos realizados por",
    "subtítulos por la comunidad",
    "sottotitoli a cura di",
    "sottotitoli creati",
    "sottotitoli e revisione",
    "редактор субтитров",
    "субтитры делал",
    "субтитры добавил",
    "субтитры подогнал",
    "субтитры предоставил",
    "субтитры сделал",
    "субтитры создавал",
    "字幕by",
    "字幕志愿者",
)
# Whose volunteers subtitle videos in all languages; it stands in a credit, whatever its words.
_SUBTITLERS = "amaraorg"
# Subtitles have sounds in capitals, such as ДИНАМИЧНАЯ МУЗЫКА; spoken letters and acronyms have
# fewer in a word.
_LONG_WORD = 4


# From this no-speech probability on a loop is noise, however low a threshold its request has.
_LIKELY_SILENT = 0.6
# From this one on, or half the threshold, there may be nothing but noise or music, which have 0.4
# to 0.9 with the base model; digits spoken one by one have as much.
_MAYBE_SILENT = 0.3
# Of two texts, the share of letters that they have in common.
_ALIKE = 0.5


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """A window decoded once.

    Attributes
    ----------
    tokens : tuple of int
        Timestamps included.
    text : str
        Without blanks around.
    temperature : float
        0 for beam search.
    avg_logprob : float
        Per token, the end token included; natural logarithm.
    no_speech_prob : float
        Probability of the no-speech token at the start, 0 to 1.
    is_cut : bool
        Whether what it repeated has been left out.
    """

    tokens: tuple[int, ...]
    text: str
    temperature: float
    avg_logprob: float
    no_speech_prob: float
    is_cut: bool = False

    @property
    def compression_ratio(self) -> float:
        """Bytes of the text divided by bytes of its zlib compression."""
        encoded = self.text.encode()
        return len(encoded) / len(zlib.compress(encoded))


def is_silent(attempt: Attempt, parameters: Parameters) -> bool:
    """Whether the window holds no speech.

    It is likely by its no-speech token, and the text is unsure, or is a loop.
    """
    threshold = parameters.no_speech_threshold
    if threshold is None or attempt.no_speech_prob <= threshold:
        return False
    log_prob = parameters.log_prob_threshold
    is_loop = attempt.no_speech_prob > _LIKELY_SILENT and is_repetitive(attempt, parameters)
    return is_loop or log_prob is None or attempt.avg_logprob <= log_prob


def is_invented(attempt: Attempt, parameters: Parameters) -> bool:
    """Whether the text is one that Whisper invents on silence, and the window is likely silent.

    What has nothing to be said in it, such as ``♪``, is never speech.
    """
    plain = plain_text(attempt.text)
    if not plain:
        return bool(attempt.text)
    threshold = parameters.no_speech_threshold
    is_likely = threshold is not None and attempt.no_speech_prob > threshold
    is_caption = attempt.no_speech_prob > _LIKELY_SILENT and _is_caption(attempt.text)
    is_credit = _SUBTITLERS in plain or plain.startswith(_CREDITS)
    return is_likely and (is_caption or is_credit or _once(plain) in _INVENTED)


def may_be_silent(attempt: Attempt, parameters: Parameters) -> bool:
    """Whether the window may hold no speech, by its no-speech token alone."""
    threshold = parameters.no_speech_threshold
    return threshold is not None and attempt.no_speech_prob > max(_MAYBE_SILENT, threshold / 2)


def may_be_echo(attempt: Attempt, parameters: Parameters) -> bool:
    """Whether a text may have been read off the prompt: it has no word that was not given."""
    given = (parameters.initial_prompt, *parameters.terms, parameters.prefix)
    told = {word for text in given if text for word in plain_text(text).split()}
    said = plain_text(attempt.text).split()
    return bool(said) and told.issuperset(said) and may_be_silent(attempt, parameters)


def is_alike(one: Attempt, other: Attempt) -> bool:
    """Whether two texts are more or less the same words."""
    texts = plain_text(one.text), plain_text(other.text)
    return difflib.SequenceMatcher(None, *texts, autojunk=False).ratio() >= _ALIKE


def refusing(attempt: Attempt, parameters: Parameters) -> str:
    """Return the gate that refuses the text, ``unsure`` or ``repetitive``; empty if none does.

    A refused window is decoded again; one that is just silent is not refused.
    """
    if is_silent(attempt, parameters):
        return ""
    if is_repetitive(attempt, parameters):
        return "repetitive"
    return "unsure" if _is_unsure(attempt, parameters) else ""


def is_sound(text: Attempt | Segment, parameters: Parameters) -> bool:
    """Whether a text is neither unsure nor repetitive."""
    return not _is_unsure(text, parameters) and not is_repetitive(text, parameters)


def best(attempts: Sequence[Attempt], parameters: Parameters) -> Attempt:
    """Return the surest of attempts that were all refused, one that does not repeat if any."""
    sane = [attempt for attempt in attempts if not is_repetitive(attempt, parameters)]
    return max(sane or attempts, key=lambda attempt: attempt.avg_logprob)


def is_repetitive(text: Attempt | Segment, parameters: Parameters) -> bool:
    """Whether a text repeats itself more than speech does."""
    threshold = parameters.compression_ratio_threshold
    return threshold is not None and text.compression_ratio > threshold


def plain_text(text: str) -> str:
    """Return a text in lower case without punctuation."""
    return " ".join(re.sub(r"[^\w\s]", "", text.lower()).split())


def _is_caption(text: str) -> bool:
    """Whether a text says what is heard as subtitles do: several long words, all in capitals."""
    long_words = [word for word in re.findall(r"\w+", text) if len(word) >= _LONG_WORD]
    return text.isupper() and len(long_words) > 1


def _once(plain: str) -> str:
    """Return what a text says several times over, and nothing else; otherwise all of it."""
    words = plain.split()
    for length in range(1, len(words) // 2 + 1):
        if words == words[:length] * (len(words) // length):
            return " ".join(words[:length])
    return plain


def _is_unsure(text: Attempt | Segment, parameters: Parameters) -> bool:
    threshold = parameters.log_prob_threshold
    return threshold is not None and text.avg_logprob < threshold
