# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""The events that a session sends, with OpenAI's names."""

import time
import uuid
from typing import Any

from whisper_endpoint.errors import EndpointError
from whisper_endpoint.proxy.realtime.configuration import Configuration
from whisper_stream.events import TranscriptResult
from whisper_stream.requests import text_of

Event = dict[str, Any]

# OpenAI's limit: a longer one is not told back.
_LONGEST_EVENT_ID = 512
_TRANSCRIPTION = "conversation.item.input_audio_transcription"


def new_session_id() -> str:
    """Make a session's id."""
    return f"sess_{uuid.uuid4().hex}"


def session_object(session_id: str, configuration: Configuration, *, is_old: bool) -> Event:
    """Return a session with what is in effect, in the current form or in the earlier one."""
    about: Event = {
        "id": session_id,
        "object": "realtime.transcription_session",
        "type": "transcription",
        "include": configuration.included(),
    }
    if is_old:
        return about | configuration.described_as_before()
    return about | {"audio": {"input": configuration.described()}}


def item_id(utterance: str) -> str:
    """Return the item that an utterance is."""
    return f"item_{utterance.replace('-', '')}"


class ServerEvents:
    """Makes a session's events.

    Parameters
    ----------
    session_id : str
    expires_at : float
        Time of ``time.time`` at which the session ends.

    Attributes
    ----------
    is_old : bool
        Whether the client speaks the API as it was before its general availability.
    """

    def __init__(self, session_id: str, expires_at: float, *, is_old: bool) -> None:
        self._session_id = session_id
        self._expires_at = int(expires_at)
        self._count = 0
        self._last_item: str | None = None
        self._said: dict[str, str] = {}
        self.is_old = is_old

    def session(self, verb: str, configuration: Configuration) -> Event:
        """Return what is in effect; the verb is ``created`` or ``updated``."""
        about = session_object(self._session_id, configuration, is_old=self.is_old)
        about["expires_at"] = self._expires_at
        kind = "transcription_session" if self.is_old else "session"
        return self._event(f"{kind}.{verb}", session=about)

    def checkpoint(self, checkpoint: Event, position: float) -> Event:
        """Return where another session can go on; position is in seconds of the call."""
        milliseconds = round(1000 * position)
        return self._event(
            "session.checkpoint.created", checkpoint=checkpoint, audio_start_ms=milliseconds
        )

    def error(self, error: EndpointError, event_id: object = None) -> Event:
        """Return a refusal, as OpenAI has it."""
        inside: Event = dict(error.openai_document("")["error"])
        del inside["request_id"]
        is_id = isinstance(event_id, str) and len(event_id) <= _LONGEST_EVENT_ID
        inside["event_id"] = event_id if is_id else None
        return self._event("error", error=inside)

    def cleared(self) -> Event:
        """Return that what was being said is forgotten."""
        return self._event("input_audio_buffer.cleared")

    def speech_started(self, utterance: str, start: float, channel: Event) -> Event:
        """Return that somebody speaks; start is in seconds of the call."""
        return self._event(
            "input_audio_buffer.speech_started",
            item_id=item_id(utterance),
            audio_start_ms=round(1000 * start),
            **channel,
        )

    def speech_stopped(self, utterance: str, end: float, channel: Event) -> Event:
        """Return that an utterance is over; end is in seconds of the call."""
        return self._event(
            "input_audio_buffer.speech_stopped",
            item_id=item_id(utterance),
            audio_end_ms=round(1000 * end),
            **channel,
        )

    def committed(self, utterance: str, channel: Event) -> list[Event]:
        """Return that an utterance is an item now, and will be transcribed."""
        item, previous = item_id(utterance), self._last_item
        self._last_item = item
        content = [{"type": "input_audio", "transcript": None}]
        message: Event = {
            "id": item,
            "object": "realtime.item",
            "type": "message",
            "status": "completed",
            "role": "user",
            "content": content,
        }
        place: Event = {"previous_item_id": previous}
        made = ["created"] if self.is_old else ["added", "done"]
        return [
            self._event("input_audio_buffer.committed", item_id=item, **place, **channel),
            *(self._event(f"conversation.item.{one}", item=message, **place) for one in made),
        ]

    def heard(self, result: TranscriptResult, channel: Event, *, has_partials: bool) -> list[Event]:
        """Return what a partial adds: words that have become stable, and all of it if wanted."""
        stable = text_of(word for word in result.words if word.is_stable)
        events = self._delta(result.result_id, stable, channel)
        if has_partials:
            shown = {"transcript": result.text, "stable_transcript": stable}
            events.append(self._transcription("partial", result.result_id, channel, **shown))
        return events

    def completed(
        self, utterance: str, text: str, channel: Event, seconds: float, languages: list[Event]
    ) -> list[Event]:
        """Return an utterance's final; what its deltas did not say follows, where it fits."""
        events = self._delta(utterance, text, channel)
        self._said.pop(utterance, None)
        usage = {"type": "duration", "seconds": seconds}
        done = {"transcript": text, "usage": usage, "languages": languages}
        return [*events, self._transcription("completed", utterance, channel, **done)]

    def failed(self, utterance: str, reason: str, channel: Event) -> Event:
        """Return that an utterance has no final."""
        self._said.pop(utterance, None)
        error = {
            "type": "server_error",
            "code": "transcription_failed",
            "message": reason,
            "param": None,
        }
        return self._transcription("failed", utterance, channel, error=error)

    def _delta(self, utterance: str, text: str, channel: Event) -> list[Event]:
        said = self._said.get(utterance, "")
        if not text.startswith(said) or text == said:
            return []
        self._said[utterance] = text
        return [self._transcription("delta", utterance, channel, delta=text[len(said) :])]

    def _transcription(self, kind: str, utterance: str, channel: Event, **fields: object) -> Event:
        item = item_id(utterance)
        return self._event(
            f"{_TRANSCRIPTION}.{kind}", item_id=item, content_index=0, **fields, **channel
        )

    def _event(self, kind: str, **fields: object) -> Event:
        self._count += 1
        return {"type": kind, "event_id": f"event_{self._session_id[5:17]}_{self._count}", **fields}


def expiry(seconds: float) -> float:
    """Return the time of ``time.time`` in so many seconds."""
    return time.time() + seconds
