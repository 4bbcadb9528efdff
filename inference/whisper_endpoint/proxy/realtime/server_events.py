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

# OpenAI's limit; longer ids are not echoed.
_LONGEST_EVENT_ID = 512
_TRANSCRIPTION = "conversation.item.input_audio_transcription"


def new_session_id() -> str:
    """Return a new session id."""
    return f"sess_{uuid.uuid4().hex}"


def session_object(session_id: str, configuration: Configuration, *, is_old: bool) -> Event:
    """Return a session object with the configuration in effect, in the current or earlier form."""
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
    """Return the item id of an utterance."""
    return f"item_{utterance.replace('-', '')}"


class ServerEvents:
    """Makes a session's events.

    Parameters
    ----------
    session_id : str
    expires_at : float
        ``time.time`` at which the session ends.

    Attributes
    ----------
    is_old : bool
        Whether the client uses the API before its general availability.
    """

    def __init__(self, session_id: str, expires_at: float, *, is_old: bool) -> None:
        self._session_id = session_id
        self._expires_at = int(expires_at)
        self._count = 0
        self._last_item: str | None = None
        self._said: dict[str, str] = {}
        self.is_old = is_old

    def session(self, verb: str, configuration: Configuration) -> Event:
        """Return the session event with the configuration; verb is ``created`` or ``updated``."""
        about = session_object(self._session_id, configuration, is_old=self.is_old)
        about["expires_at"] = self._expires_at
        kind = "transcription_session" if self.is_old else "session"
        return self._event(f"{kind}.{verb}", session=about)

    def checkpoint(self, checkpoint: Event, position: float) -> Event:
        """Return the checkpoint to resume from; position is in seconds of the call."""
        milliseconds = round(1000 * position)
        return self._event(
            "session.checkpoint.created", checkpoint=checkpoint, audio_start_ms=milliseconds
        )

    def error(self, error: EndpointError, event_id: object = None) -> Event:
        """Return an error event in OpenAI's format."""
        inside: Event = dict(error.openai_document("")["error"])
        del inside["request_id"]
        is_id = isinstance(event_id, str) and len(event_id) <= _LONGEST_EVENT_ID
        inside["event_id"] = event_id if is_id else None
        return self._event("error", error=inside)

    def cleared(self) -> Event:
        """Return the event that the buffered audio was dropped."""
        return self._event("input_audio_buffer.cleared")

    def speech_started(self, utterance: str, start: float, channel: Event) -> Event:
        """Return the event for the start of speech; start is in seconds of the call."""
        return self._event(
            "input_audio_buffer.speech_started",
            item_id=item_id(utterance),
            audio_start_ms=round(1000 * start),
            **channel,
        )

    def speech_stopped(self, utterance: str, end: float, channel: Event) -> Event:
        """Return the event for the end of an utterance; end is in seconds of the call."""
        return self._event(
            "input_audio_buffer.speech_stopped",
            item_id=item_id(utterance),
            audio_end_ms=round(1000 * end),
            **channel,
        )

    def committed(self, utterance: str, channel: Event) -> list[Event]:
        """Return the events that an utterance has become an item, to be transcribed."""
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
        """Return a partial's events: a delta of newly stable words, and all the text if wanted."""
        stable = text_of(word for word in result.words if word.is_stable)
        events = self._delta(result.result_id, stable, channel)
        if has_partials:
            shown = {"transcript": result.text, "stable_transcript": stable}
            events.append(self._transcription("partial", result.result_id, channel, **shown))
        return events

    def completed(
        self, utterance: str, text: str, channel: Event, seconds: float, languages: list[Event]
    ) -> list[Event]:
        """Return an utterance's final events; a last delta comes first if the text continues it."""
        events = self._delta(utterance, text, channel)
        self._said.pop(utterance, None)
        usage = {"type": "duration", "seconds": seconds}
        done = {"transcript": text, "usage": usage, "languages": languages}
        return [*events, self._transcription("completed", utterance, channel, **done)]

    def failed(self, utterance: str, reason: str, channel: Event) -> Event:
        """Return the event that an utterance could not be transcribed."""
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
    """Return ``time.time`` in this many seconds."""
    return time.time() + seconds
