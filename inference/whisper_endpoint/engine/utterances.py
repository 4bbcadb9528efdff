# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""The utterances that are being said: their states so far, within bounds of number and age.

This memory is the engine's, not the ingress's: there may be several ingress processes, a call's
requests come to any of them, and what is decided from it (which waiting window is replaced, what
text the model goes on from) is decided next to the queue. The ingress computes fingerprints, which
is work and needs no memory. With several GPUs each engine remembers what came to it; a partial
that finds no memory is decoded from nothing, which costs time and no words.

A partial that is superseded is answered with status 200 and the newest text known of it. Live
Call Analytics shows what it gets: so its caption stays as it was, where an error or an empty text
would take it away, and nothing fails that an operator would be called for.

Nothing that reaches the container says who the caller is, and names of calls and utterances are no
secrets. So a name alone connects nothing: a state replaces another, or is out of date, only where
its audio holds the other's, or the other's holds its own, which takes the other's audio.
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

# Live Call Analytics asks again every second; a deadline is a minute.
_MAX_AGE_S = 60.0
_MAX_UTTERANCES = 2048
# The last words of a partial still change: the last token in one update of four, those more than
# two back hardly ever. Five leave a margin.
_UNSTABLE_TOKENS = 5


@dataclass(eq=False)
class Utterance:
    """One utterance, in the newest of its states.

    Attributes
    ----------
    key : str
        Unique in this process.
    touched : float
        Time of the clock when it was last asked for.
    heard : tuple of bytes
        Fingerprint of the newest state.
    sequence : int or None
        The caller's, of the newest state.
    manner : hashable
        How its states were asked for; texts of another manner are neither a beginning nor known.
    texts : tuple of tuple of int
        Tokens of its last two states, at most.
    known : Transcript or None
        Of the newest state that has been transcribed, and ``known_tip`` of its audio.
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
        """Whether audio holds all that was heard."""
        return self.heard[-1] in prints

    def holds(self, prints: Fingerprint) -> bool:
        """Whether all of some audio was heard."""
        return prints[-1] in self.heard


@dataclass(frozen=True)
class UtteranceRef:
    """A request as a state of its utterance.

    Attributes
    ----------
    key : str or None
        The utterance's. None for a state that replaces none: audio that has not grown, of an
        utterance without a name (two callers may play the same greeting, and each gets it
        decoded), and audio that is no more than the beginning of the newest state's.
    is_outdated : bool
        A newer state, which holds all of its audio, came before it.
    prefix : tuple of int
        Text tokens in which the last two states agreed, less the last five of the newer one.
    """

    key: str | None
    is_outdated: bool
    prefix: tuple[int, ...]
    _utterance: Utterance
    _fingerprint: Fingerprint

    @property
    def known(self) -> Transcript | None:
        """The newest text known of this request's audio, or of what it begins with."""
        utterance = self._utterance
        return utterance.known if utterance.known_tip in self._fingerprint else None


class LiveCalls:
    """Decides by what is known of utterances how a recording is scheduled. Not safe for threads.

    Parameters
    ----------
    end_token : int
        The model's; tokens below it are text, the others timestamps and the like.
    force_prefix : bool
        Whether a partial begins with the words that its utterance is known to begin with.
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
        # Of two windows the first may have been cut elsewhere than last time.
        is_forced = (
            self._force_prefix and priority == Priority.PARTIAL and recording.windows_in_all == 1
        )
        prefix = ref.prefix if is_forced else ()
        beginning = self._beginning(ref, recording) if prefix else None
        if beginning is not None:
            prefix = prefix[sum(map(self._count, beginning.segments)) :]
        scheduling = Scheduling(
            priority=priority, utterance=ref.key, beginning=beginning, forced_prefix=prefix
        )
        return scheduling, ref

    def learn(
        self,
        ref: UtteranceRef,
        recording: Prepared,
        parameters: Parameters,
        transcript: Transcript,
    ) -> None:
        """Remember what a state of an utterance was transcribed to."""
        tokens = None
        # Only what no gate would refuse is gone on from.
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
        """Return the segments that are agreed on, where the text agreed on goes on after them.

        What the model is made to begin with then keeps it from hearing the end of the last of
        them once more.
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
    """Finds the utterance that a request is a state of. Not safe for threads.

    Parameters
    ----------
    max_utterances : int
        The one asked for longest ago goes first.
    clock : callable
        ``time.monotonic``, or a test's.
    """

    def __init__(
        self, max_utterances: int = _MAX_UTTERANCES, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._max_utterances = max_utterances
        self._clock = clock
        self._numbers = itertools.count()
        # Oldest first. A digest stands for all the audio before it, so that audio which goes on
        # differently after a common start (a greeting played to two callers) is found only by
        # the one of which the newest state is truly the beginning.
        self._found: OrderedDict[Hashable, Utterance] = OrderedDict()

    def __len__(self) -> int:
        """Return how many are remembered."""
        return len(self._found)

    def enter(self, state: UtteranceState, manner: Hashable = None) -> UtteranceRef | None:
        """Take a request for the newest state of its utterance; None if it can be none's.

        Parameters
        ----------
        manner : hashable
            What else decides the text: language, task, prompt.
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
        """Remember what a state was transcribed to.

        Parameters
        ----------
        tokens : sequence of int or None
            The text's tokens without timestamps, where the next state may begin with them.
        """
        utterance, prints = ref._utterance, ref._fingerprint
        goes_on = utterance.known_tip is None or utterance.known_tip in prints
        if not goes_on and not utterance.goes_on_in(prints):
            return  # it came late: more is known already
        texts = utterance.texts if goes_on else ()
        if utterance.known_tip == prints[-1]:
            texts = texts[:-1]  # the same audio agrees with itself
        utterance.texts = () if tokens is None else (*texts[-1:], tuple(tokens))
        utterance.known, utterance.known_tip = transcript, prints[-1]

    def _take(self, state: UtteranceState, now: float) -> tuple[Utterance, bool]:
        """Take out the utterance that a state is of, or make one; returns whether it was known."""
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
    """Return where an utterance with a name is kept; others of the name begin otherwise."""
    if state.utterance_id is None:
        return None
    return "named", *state.scope, state.utterance_id, state.fingerprint[0]


def _heard(state: UtteranceState, digest: bytes) -> Hashable:
    return "heard", *state.scope, digest


def _comes_before(sequence: int | None, newest: int | None) -> bool:
    return sequence is not None and newest is not None and sequence < newest


def _agreed(utterance: Utterance, prints: Fingerprint) -> tuple[int, ...]:
    """Return what may be forced: it was found twice, and the audio is that audio grown longer."""
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
