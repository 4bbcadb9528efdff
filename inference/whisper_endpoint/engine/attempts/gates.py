# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Quality gates for a window's text: faster-whisper's, and some against confident hallucinations.

From the Whisper paper, section 4.5 (arXiv 2212.04356): a repetitive text, or one with a low average
log probability, is decoded again at a higher temperature; a window that is probably silent and has
a low average log probability has no text.

Whisper is confident of some texts that it hallucinates. These are dropped whatever their log
probability: loops and video credits where the window is likely silent; a text that stays rejected
after all attempts where it may be silent; a text without letters or digits anywhere.
"""

import difflib
import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

from whisper_endpoint.messages import Parameters
from whisper_endpoint.transcript import Segment

# Video credits and farewells that nobody says on the telephone, as reported by users
# (openai/whisper discussion 928), normalised as by `plain_text`.
# Courtesies such as "thank you" are not listed: people do say them.
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
# Beginnings of credits; a name follows.
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
# Amara.org volunteers subtitle videos in all languages; credits contain it whatever their wording.
_SUBTITLERS = "amaraorg"
# Subtitles describe sounds in capitals, such as ДИНАМИЧНАЯ МУЗЫКА; spelled letters and acronyms are
# shorter.
_LONG_WORD = 4


# Above this no-speech probability a loop is noise, even if the request's threshold is lower.
_LIKELY_SILENT = 0.6
# Above this, or half the threshold, a window may be only noise or music (0.4 to 0.9 with the base
# model); digits spoken one by one score as high.
_MAYBE_SILENT = 0.3
# SequenceMatcher ratio from which two texts count as alike.
_ALIKE = 0.5


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """The result of decoding a window once.

    Attributes
    ----------
    tokens : tuple of int
        Including timestamps.
    text : str
        Stripped.
    temperature : float
        0 for beam search.
    avg_logprob : float
        Natural logarithm, mean over the tokens including the end token.
    no_speech_prob : float
        Probability of the no-speech token at the start, 0 to 1.
    is_cut : bool
        Whether repetitions have been removed.
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


def is_silent(attempt: Attempt, parameters: Parameters, *, is_left_out: bool = False) -> bool:
    """Whether the window holds no speech.

    True if the no-speech probability is high, and the text has a low log probability or is a loop,
    or the model has left the audio out once before: it is likely another channel's crosstalk.
    """
    threshold = parameters.no_speech_threshold
    if threshold is None or attempt.no_speech_prob <= threshold:
        return False
    log_prob = parameters.log_prob_threshold
    is_loop = attempt.no_speech_prob > _LIKELY_SILENT and is_repetitive(attempt, parameters)
    return is_left_out or is_loop or log_prob is None or attempt.avg_logprob <= log_prob


def is_invented(attempt: Attempt, parameters: Parameters) -> bool:
    """Whether the window is likely silent and its text a known hallucination.

    Text without letters or digits, such as ``♪``, always counts as invented.
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
    """Whether the window may hold no speech, judged by the no-speech probability alone."""
    threshold = parameters.no_speech_threshold
    return threshold is not None and attempt.no_speech_prob > max(_MAYBE_SILENT, threshold / 2)


def may_be_echo(attempt: Attempt, parameters: Parameters) -> bool:
    """Whether a text may just repeat the prompt: every word of it is in the prompt."""
    given = (parameters.initial_prompt, *parameters.terms, parameters.prefix)
    told = {word for text in given if text for word in plain_text(text).split()}
    said = plain_text(attempt.text).split()
    return bool(said) and told.issuperset(said) and may_be_silent(attempt, parameters)


def is_alike(one: Attempt, other: Attempt) -> bool:
    """Whether two texts are roughly the same."""
    texts = plain_text(one.text), plain_text(other.text)
    return difflib.SequenceMatcher(None, *texts, autojunk=False).ratio() >= _ALIKE


def refusing(attempt: Attempt, parameters: Parameters) -> str:
    """Return the gate that rejects the text, ``unsure`` or ``repetitive``; empty if none does.

    A rejected window is decoded again; a silent one is not rejected.
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
    """Return the most probable of the rejected attempts, preferring those without repetition.

    Beside a loop, a short text of three copies is most often its beginning.
    """
    sane = [attempt for attempt in attempts if not is_repetitive(attempt, parameters)]
    if len(sane) < len(attempts):
        sane = [attempt for attempt in sane if not is_loop(attempt, parameters)] or sane
    return max(sane or attempts, key=lambda attempt: attempt.avg_logprob)


def is_repetitive(text: Attempt | Segment, parameters: Parameters) -> bool:
    """Whether the compression ratio of a text is above the request's threshold."""
    threshold = parameters.compression_ratio_threshold
    return threshold is not None and text.compression_ratio > threshold


def is_loop(attempt: Attempt, parameters: Parameters) -> bool:
    """Whether a text is repetitive, or ends in a passage said three times in a row.

    The compression ratio does not tell a short loop ("Friday Friday Friday"); people say such
    things too, so this counts only where another text of the same audio was repetitive. Digits are
    often said three times.
    """
    if parameters.compression_ratio_threshold is None:
        return False
    words = plain_text(attempt.text).split()
    return is_repetitive(attempt, parameters) or any(
        words[-3 * length :] == 3 * words[-length:] and "".join(words[-length:]).isalpha()
        for length in range(1, len(words) // 3 + 1)
    )


def plain_text(text: str) -> str:
    """Return a text in lower case, without punctuation and with single spaces."""
    return " ".join(re.sub(r"[^\w\s]", "", text.lower()).split())


def _is_caption(text: str) -> bool:
    """Whether a text looks like a subtitle's sound description: several long words in capitals."""
    long_words = [word for word in re.findall(r"\w+", text) if len(word) >= _LONG_WORD]
    return text.isupper() and len(long_words) > 1


def _once(plain: str) -> str:
    """Return the phrase that a text consists of several copies of, or else the whole text."""
    words = plain.split()
    for length in range(1, len(words) // 2 + 1):
        if words == words[:length] * (len(words) // length):
            return " ".join(words[:length])
    return plain


def _is_unsure(text: Attempt | Segment, parameters: Parameters) -> bool:
    threshold = parameters.log_prob_threshold
    return threshold is not None and text.avg_logprob < threshold
