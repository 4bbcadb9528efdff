# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""How a recording is handled, by what is known of its utterance.

A partial that is superseded is answered with status 200 and the newest text known of it. Live
Call Analytics shows what it gets: so its caption stays as it was, where an error or an empty text
would take it away, and nothing fails that somebody would be called for.
"""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from whisper_endpoint.engine.jobs import Handling
from whisper_endpoint.engine.utterances import Place, Utterances
from whisper_endpoint.transcript import Transcript

if TYPE_CHECKING:
    from whisper_endpoint.messages import Parameters, Prepared


@dataclass(frozen=True)
class Turn:
    """A request's turn in its call.

    Attributes
    ----------
    handling : Handling
    place : Place or None
        In its utterance, if it is a state of one.
    is_outdated : bool
        A partial of which a newer state came before it: it needs no decoding.
    """

    handling: Handling
    place: Place | None = None
    is_outdated: bool = False


class LiveCalls:
    """Remembers utterances for the engine. Not safe for threads.

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

    def arrange(self, recording: "Prepared", parameters: "Parameters") -> Turn:
        """Decide how a recording is handled."""
        state, priority = recording.utterance, recording.priority
        if state is None:
            return Turn(Handling(priority=priority))
        place = self._utterances.enter(state, _manner(parameters))
        if place is None:
            return Turn(Handling(priority=priority))
        # Of two windows the first may have been cut elsewhere than last time.
        is_forced = self._force_prefix and state.is_partial and recording.windows_in_all == 1
        handling = Handling(
            priority=priority,
            utterance=place.key,
            forced_prefix=place.prefix if is_forced else (),
        )
        return Turn(handling, place, place.is_outdated and state.is_partial)

    def learn(
        self, turn: Turn, recording: "Prepared", parameters: "Parameters", transcript: Transcript
    ) -> None:
        """Remember what an utterance was transcribed to."""
        if turn.place is None:
            return
        tokens = None
        if recording.windows_in_all == 1 and _is_sound(transcript, parameters):
            tokens = [
                token
                for segment in transcript.segments
                for token in segment.tokens
                if token < self._end_token
            ]
        self._utterances.learn(turn.place, transcript, tokens)


def superseded(turn: Turn, parameters: "Parameters") -> Transcript:
    """Return the answer to a partial that was not decoded."""
    known = turn.place.known if turn.place is not None else None
    return replace(known or Transcript(parameters.language or "", ()), is_superseded=True)


def _manner(parameters: "Parameters") -> tuple[str | None, ...]:
    how = parameters
    return how.language, how.task, how.initial_prompt, how.hotwords, how.prefix


def _is_sound(transcript: Transcript, parameters: "Parameters") -> bool:
    """Whether no gate would refuse any of it: only then may it be gone on from."""
    least, most = parameters.log_prob_threshold, parameters.compression_ratio_threshold
    return all(
        (least is None or segment.avg_logprob >= least)
        and (most is None or segment.compression_ratio <= most)
        for segment in transcript.segments
    )
