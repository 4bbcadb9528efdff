# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Remembers the states of current utterances, bounded in number and age.

The memory lives in the engine, not in the ingress: there may be several ingress processes, a call's
requests reach any of them, and what it decides (which queued window is replaced, which text the
model continues from) is decided next to the queue. The ingress only computes fingerprints, which
needs no memory. With several GPUs each engine remembers the requests it got; a partial without a
remembered state is decoded from the start, which costs time but no words.

A superseded partial is answered with status 200 and the newest text known of it. Live Call
Analytics displays whatever it gets, so its caption stays as it was; an error or an empty text would
remove the caption, and an error could alert an operator for nothing.

Nothing that reaches the container identifies the caller, and names of calls and utterances are not
secret. So a name alone links nothing: a state replaces another, or is outdated by it, only if one's
audio contains the other's, which proves possession of that audio.
"""

import itertools
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace

from whisper_endpoint.audio.features import FRAMES_PER_SECOND
from whisper_endpoint.engine.attempts import gates
from whisper_endpoint.engine.jobs import Beginning, Scheduling
from whisper_endpoint.engine.segments import LEAST_REMNANT
from whisper_endpoint.messages import Fingerprint, Parameters, Prepared, Priority, UtteranceState
from whisper_endpoint.transcript import Segment, Transcript

# Live Call Analytics sends a state every second; the deadline of a request is a minute.
_MAX_AGE_S = 60.0
_MAX_UTTERANCES = 2048
# The last words of a partial still change: the last token in one of four updates, tokens more than
# two back hardly ever. Five leaves a margin.
_UNSTABLE_TOKENS = 5


@dataclass(eq=False)
class Utterance:
    """One utterance with its newest state.

    Attributes
    ----------
    key : str
        Unique in this process.
    touched : float
        Clock time of its last request.
    heard : tuple of bytes
        Fingerprint of the newest state.
    sequence : int or None
        The caller's sequence number of the newest state.
    manner : hashable
        Request parameters that decide the text; texts made with other parameters are forgotten.
    texts : tuple of tuple of int
        Tokens of at most its last two states.
    known : Transcript or None
        Of the newest transcribed state; ``known_tip`` is the last digest of that state's audio.
    """

    key: str
    touched: float
    heard: Fingerprint
    sequence: int | None = None
    known: Transcript | None = None
    known_tip: bytes | None = None
    manner: Hashable = None
    texts: tuple[tuple[int, ...], ...] = ()

    def goes_on_in(self, prints: Fingerprint) -> bool:
        """Whether some audio contains all of this utterance's newest state."""
        return self.heard[-1] in prints

    def holds(self, prints: Fingerprint) -> bool:
        """Whether this utterance's newest state contains all of some audio."""
        return prints[-1] in self.heard


@dataclass(frozen=True)
class UtteranceRef:
    """A request as a state of its utterance.

    Attributes
    ----------
    key : str or None
        Key of the utterance. None for a state that replaces no other: unnamed audio that has not
        grown (two callers may play the same greeting, and both get it decoded), and audio that is
        only the beginning of the newest state's.
    is_outdated : bool
        A newer state, which contains all of its audio, arrived before it.
    prefix : tuple of int
        Text tokens on which the last two states agree, without the last five of the newer one.
    """

    key: str | None
    is_outdated: bool
    prefix: tuple[int, ...]
    _utterance: Utterance
    _fingerprint: Fingerprint

    @property
    def known(self) -> Transcript | None:
        """The newest transcript of this request's audio or of its beginning."""
        utterance = self._utterance
        return utterance.known if utterance.known_tip in self._fingerprint else None


class LiveCalls:
    """Decides how a recording is scheduled, from its utterance so far. Not thread-safe.

    Parameters
    ----------
    end_token : int
        The model's; tokens below it are text, the others timestamps and special tokens.
    force_prefix : bool
        Whether a partial is forced to begin with the words that earlier states agreed on.
    """

    def __init__(self, end_token: int, *, force_prefix: bool) -> None:
        self._end_token = end_token
        self._force_prefix = force_prefix
        self._utterances = Utterances()

    def arrange(
        self, recording: Prepared, parameters: Parameters
    ) -> tuple[Scheduling, UtteranceRef | None]:
        """Return how a recording is scheduled, and the utterance that it is a state of."""
        state, priority = recording.utterance, recording.priority
        ref = None if state is None else self._utterances.enter(state, _manner(parameters))
        if ref is None:
            return Scheduling(priority=priority), None
        # With two windows, the first may have been cut at another place than last time.
        is_forced = (
            self._force_prefix and priority == Priority.PARTIAL and recording.windows_in_all == 1
        )
        prefix = ref.prefix if is_forced else ()
        beginning = self._beginning(ref, recording) if prefix else None
        if beginning is not None:
            prefix = prefix[sum(map(self._count, beginning.segments)) :]
        scheduling = Scheduling(
            priority=priority,
            utterance=ref.key,
            beginning=beginning,
            forced_prefix=prefix,
            prefix_language=ref.known.language if prefix and ref.known else None,
        )
        return scheduling, ref

    def learn(
        self,
        ref: UtteranceRef,
        recording: Prepared,
        parameters: Parameters,
        transcript: Transcript,
    ) -> None:
        """Remember the transcript of a state of an utterance."""
        tokens = None
        # Only text that passes the gates is used as a beginning.
        is_sound = all(gates.is_sound(one, parameters) for one in transcript.segments)
        if recording.windows_in_all == 1 and is_sound:
            tokens = [
                token
                for segment in transcript.segments
                for token in segment.tokens
                if token < self._end_token
            ]
        self._utterances.learn(ref, transcript, tokens)

    def _beginning(self, ref: UtteranceRef, recording: Prepared) -> Beginning | None:
        """Return the segments that lie wholly within the agreed text, if more of it follows.

        The rest of the agreed text is then forced, which keeps the model from transcribing the end
        of the last segment once more.
        """
        known, left = ref.known, len(ref.prefix)
        if known is None:
            return None
        counts = itertools.accumulate(map(self._count, known.segments))
        segments = known.segments[: sum(count < left for count in counts)]
        if not segments:
            return None
        window = recording.windows[0]
        seek = int(window.window.in_window(segments[-1].end) * FRAMES_PER_SECOND)
        if window.features.shape[1] - seek < LEAST_REMNANT:
            return None
        return Beginning(
            segments=segments,
            seek=seek,
            language=known.language,
            language_probability=known.language_probability,
        )

    def _count(self, segment: Segment) -> int:
        return sum(token < self._end_token for token in segment.tokens)


def newest_text(ref: UtteranceRef | None, parameters: Parameters) -> Transcript:
    """Return the answer to a partial that was not decoded."""
    known = ref.known if ref is not None else None
    return replace(known or Transcript(parameters.language or "", ()), is_superseded=True)


class Utterances:
    """Finds the utterance that a request is a state of. Not thread-safe.

    Parameters
    ----------
    max_utterances : int
        Beyond it, the least recently used one is forgotten.
    clock : callable
        ``time.monotonic``, or a test's.
    """

    def __init__(
        self, max_utterances: int = _MAX_UTTERANCES, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._max_utterances = max_utterances
        self._clock = clock
        self._numbers = itertools.count()
        # Least recently used first. A digest covers all audio up to it: if two callers hear the
        # same greeting and then differ, each finds only the utterance whose newest state its audio
        # really continues.
        self._found: OrderedDict[Hashable, Utterance] = OrderedDict()

    def __len__(self) -> int:
        """Return the number of remembered utterances."""
        return len(self._found)

    def enter(self, state: UtteranceState, manner: Hashable = None) -> UtteranceRef | None:
        """Register a request as a state of its utterance; return None without a fingerprint.

        Parameters
        ----------
        manner : hashable
            Other parameters that decide the text: language, task, prompt.
        """
        now = self._clock()
        self._forget(now)
        prints = state.fingerprint
        if not prints:
            return None
        is_named = state.utterance_id is not None
        utterance, is_known = self._take(state, now)
        holds, is_newest = utterance.holds(prints), utterance.goes_on_in(prints)
        is_outdated = holds and _comes_before(state.sequence, utterance.sequence)
        is_repeat = holds and is_known and not is_named
        if is_newest and not is_outdated:
            utterance.sequence, utterance.heard = state.sequence, prints
        if manner != utterance.manner:
            utterance.manner, utterance.texts = manner, ()
            utterance.known = utterance.known_tip = None
        utterance.touched = now
        self._found[_name(state) or _heard(state, utterance.heard[-1])] = utterance
        key = utterance.key if is_newest and not is_repeat else None
        return UtteranceRef(key, is_outdated, _agreed(utterance, prints), utterance, prints)

    def learn(
        self, ref: UtteranceRef, transcript: Transcript, tokens: Sequence[int] | None
    ) -> None:
        """Remember the transcript of a state.

        Parameters
        ----------
        tokens : sequence of int or None
            The text's tokens without timestamps; None if later states must not begin with them.
        """
        utterance, prints = ref._utterance, ref._fingerprint
        goes_on = utterance.known_tip is None or utterance.known_tip in prints
        if not goes_on and not utterance.goes_on_in(prints):
            return  # late: the transcript of more audio is known already
        texts = utterance.texts if goes_on else ()
        if utterance.known_tip == prints[-1]:
            texts = texts[:-1]  # two texts of the same audio prove no agreement
        utterance.texts = () if tokens is None else (*texts[-1:], tuple(tokens))
        utterance.known, utterance.known_tip = transcript, prints[-1]

    def _take(self, state: UtteranceState, now: float) -> tuple[Utterance, bool]:
        """Remove and return a state's utterance, or a new one, and whether it was known."""
        prints = state.fingerprint
        found = self._found.pop(_name(state) or self._ancestor(state), None)
        if found is not None and (found.goes_on_in(prints) or found.holds(prints)):
            return found, True
        return Utterance(f"u{next(self._numbers)}", now, prints), False

    def _ancestor(self, state: UtteranceState) -> Hashable | None:
        waiting = (_heard(state, digest) for digest in reversed(state.fingerprint))
        return next((where for where in waiting if where in self._found), None)

    def _forget(self, now: float) -> None:
        while self._found:
            oldest = next(iter(self._found.values()))
            if now - oldest.touched <= _MAX_AGE_S and len(self._found) < self._max_utterances:
                return
            self._found.popitem(last=False)


def _name(state: UtteranceState) -> Hashable | None:
    """Return the key of a named utterance; the first digest separates others of that name."""
    if state.utterance_id is None:
        return None
    return "named", *state.scope, state.utterance_id, state.fingerprint[0]


def _heard(state: UtteranceState, digest: bytes) -> Hashable:
    return "heard", *state.scope, digest


def _comes_before(sequence: int | None, newest: int | None) -> bool:
    return sequence is not None and newest is not None and sequence < newest


def _agreed(utterance: Utterance, prints: Fingerprint) -> tuple[int, ...]:
    """Return the tokens to force: common to the last two texts, if the audio continues theirs."""
    if len(utterance.texts) < 2 or utterance.known_tip not in prints:
        return ()
    older, newer = utterance.texts
    common = 0
    for one, other in zip(older, newer[: max(0, len(newer) - _UNSTABLE_TOKENS)], strict=False):
        if one != other:
            break
        common += 1
    return newer[:common]


def _manner(how: Parameters) -> Hashable:
    asked = how.language, how.languages, how.task, how.initial_prompt, how.terms, how.prefix
    return *asked, how.word_timestamps
