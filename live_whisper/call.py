# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""A live call: feed audio as it arrives, read transcripts.

    with CallTranscriber(transport, CallSettings(sample_rate=8000)) as call:
        for frame in line:
            call.feed(frame)
        call.finish()
        for event in call.events():
            ...

Feeding never waits for the endpoint. Requests run on an executor's threads; events are read in any
thread, or passed to a callback.
"""

import logging
import queue
import threading
import time
import uuid
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from traceback import extract_tb
from typing import Any, Protocol, TypeAlias, TypedDict

from live_whisper.errors import StreamError
from live_whisper.transport.retry import RequestRetrier
from live_whisper.transport.total_timeout import INTERRUPTED
from live_whisper.transport.transport import Transport
from whisper_stream.audio.samples import CHANNELS, Samples, decode
from whisper_stream.channel import Channel
from whisper_stream.checkpoint import ChannelCheckpoint
from whisper_stream.events import CallEnded, Counts, Event, TranscriptResult, UtteranceLost
from whisper_stream.requests import TranscriptionRequest
from whisper_stream.retry import RequestOutcome
from whisper_stream.settings import CallSettings

Work: TypeAlias = Callable[[TranscriptionRequest], None]

log = logging.getLogger(__name__)

_THREADS = 8


class Executor(Protocol):
    """Runs requests, now or later."""

    def submit(self, work: Work, request: TranscriptionRequest, /) -> object:
        """Run ``work(request)``."""
        ...


class InlineExecutor:
    """Runs requests synchronously in the caller's thread: deterministic, for recordings."""

    def submit(self, work: Work, request: TranscriptionRequest, /) -> None:
        """Run ``work(request)`` and return."""
        work(request)


class Checkpoint(TypedDict):
    """JSON-serializable state with which another process can continue a call."""

    call_id: str
    sample_rate: int
    channels: list[dict[str, Any]]


class CallTranscriber:
    """Transcribes one two-channel call.

    Parameters
    ----------
    transport : Transport
        Connection to the endpoint.
    executor : Executor, optional
        Default: eight threads. `InlineExecutor` uses none, for recordings.
    on_event : callable, optional
        Receives the events instead of `events`, one at a time, in the thread that produced them;
        must not call back into the call. If it raises, the error's type is logged and the event
        counts as unread: a `checkpoint` still includes its utterance.
    checkpoint : Checkpoint, optional
        State of the same call before an interruption: no text is repeated.
    clock : callable
        Returns monotonic seconds.
    """

    def __init__(
        self,
        transport: Transport,
        settings: CallSettings | None = None,
        *,
        executor: Executor | None = None,
        on_event: Callable[[Event], object] | None = None,
        checkpoint: Checkpoint | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.settings = settings or CallSettings()
        resumed = _resumed(checkpoint, self.settings)
        self.call_id = self.settings.call_id or str(uuid.uuid4())
        if checkpoint:
            self.call_id = checkpoint["call_id"]
        self._retrier = RequestRetrier(transport, self.settings, clock)
        self._clock = clock
        self._channels = [
            Channel(number, self.call_id, self.settings, one) for number, one in enumerate(resumed)
        ]
        first = min(one.heard_until for one in resumed)
        self._positions = [first] * CHANNELS
        self._lock = threading.RLock()
        self._events: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self._on_event = on_event
        self._own_threads = None if executor else ThreadPoolExecutor(_THREADS, "live-call")
        self._executor: Executor | ThreadPoolExecutor | None = executor or self._own_threads
        self._in_flight = 0
        self._is_finished = False
        self._ended = threading.Event()

    def __enter__(self) -> "CallTranscriber":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def position(self) -> float:
        """Default position of the next frame, in seconds from the start of the call."""
        return min(self._positions) / self.settings.sample_rate

    def feed(self, frame: bytes, position: float | None = None) -> None:
        """Feed a frame of both channels.

        Parameters
        ----------
        frame : bytes
            Interleaved samples of both channels, in the settings' encoding; any length.
        position : float, optional
            Start of the frame in seconds of the call, for a resumed stream: audio already received
            is skipped, gaps are reported. Default: the end of the last frame.

        Raises
        ------
        StreamError
            The frame is incomplete, or the call is finished.
        EndpointUnusable
            The endpoint is unusable and has never answered.
        """
        samples = decode(frame, self.settings.encoding, CHANNELS)
        with self._feeding():
            for number in range(CHANNELS):
                self._hear(number, samples[:, number], position)

    def feed_channel(self, channel: int, frame: bytes, position: float | None = None) -> None:
        """Feed a frame of one channel, for lines that deliver channels separately; see `feed`."""
        if not 0 <= channel < CHANNELS:
            raise StreamError(f"There is no channel {channel}; a call has channels 0 and 1.")
        samples = decode(frame, self.settings.encoding, 1)
        with self._feeding():
            self._hear(channel, samples[:, 0], position)

    def finish(self) -> None:
        """End the call: open utterances become final. Does not wait."""
        with self._lock:
            if self._is_finished:
                return
            requests: list[TranscriptionRequest] = []
            for channel in self._channels:
                more, events = channel.finish(self._clock())
                requests += more
                self._tell(events)
            self._in_flight += len(requests)
            self._is_finished = True
            self._end_if_done()
        self._send(requests)

    def events(self) -> Iterator[Event]:
        """Yield events as they arrive; `CallEnded` is the last.

        An event counts as read once the next is requested: see `checkpoint`.
        """
        while True:
            event = self._events.get()
            yield event
            self._read(event)
            if isinstance(event, CallEnded):
                return

    def waiting_events(self) -> Iterator[Event]:
        """Yield the events available now, without waiting."""
        while True:
            try:
                event = self._events.get_nowait()
            except queue.Empty:
                return
            yield event
            self._read(event)

    def transcribe(self, frames: Iterable[bytes]) -> Iterator[Event]:
        """Feed frames, finish, and yield the events as they arrive."""
        for frame in frames:
            self.feed(frame)
            yield from self.waiting_events()
        self.finish()
        yield from self.events()

    def wait(self, seconds: float | None = None) -> bool:
        """Wait until the call has ended; return whether it did."""
        return self._ended.wait(seconds)

    def counts(self) -> Counts:
        """Return the outcomes of the requests so far."""
        with self._lock:
            heard = max(channel.received for channel in self._channels)
            seconds = heard / self.settings.sample_rate
            return Counts.of_call([channel.counts for channel in self._channels], seconds)

    def checkpoint(self) -> Checkpoint:
        """Return the state with which another process can continue this call.

        Feed that process the audio from its `position` on. Finals already read are not repeated;
        others arrive under the same ResultId.
        """
        with self._lock:
            rows = [channel.checkpoint.to_row() for channel in self._channels]
        return {
            "call_id": self.call_id,
            "sample_rate": self.settings.sample_rate,
            "channels": rows,
        }

    def close(self) -> None:
        """Stop: unanswered utterances are reported as lost."""
        self._retrier.stop()
        self.finish()
        if self._own_threads is not None:
            self._own_threads.shutdown(wait=True)

    def _feeding(self) -> AbstractContextManager[bool]:
        if self._is_finished:
            raise StreamError("The call is finished; begin another one for more audio.")
        if self._retrier.unusable is not None:
            raise self._retrier.unusable
        return self._lock

    def _hear(self, number: int, samples: Samples, position: float | None) -> None:
        """Pass audio to a channel and send its requests; the lock is held."""
        channel = self._channels[number]
        begin = self._positions[number]
        if position is not None:
            begin = round(position * self.settings.sample_rate)
        self._positions[number] = begin + len(samples)
        requests, events = channel.feed(samples, begin, self._clock())
        self._in_flight += len(requests)
        self._tell(events)
        self._send(requests)

    def _send(self, requests: list[TranscriptionRequest]) -> None:
        assert self._executor is not None
        unsent = deque(requests)
        try:
            while unsent:
                self._executor.submit(self._run, unsent.popleft())
        finally:
            for request in unsent:
                self._take(request, RequestOutcome(0, reason=INTERRUPTED))

    def _run(self, request: TranscriptionRequest) -> None:
        """Send a request and process its outcome; runs in the executor."""
        try:
            outcome = self._retrier.send(request)
        except BaseException:
            self._take(request, RequestOutcome(0, reason=INTERRUPTED))
            raise
        with self._lock:
            self._take(request, outcome)
            due = None if self._is_finished else self._channels[request.channel].due(self._clock())
            self._in_flight += due is not None
        if due is not None:
            self._send([due])

    def _take(self, request: TranscriptionRequest, outcome: RequestOutcome) -> None:
        """Process the outcome of a request."""
        channel = self._channels[request.channel]
        with self._lock:
            now = self._clock()
            channel.counts.retries += max(0, outcome.attempts - 1)
            if outcome.response is not None:
                self._tell(channel.answered(request, outcome.response, now))
            else:
                self._tell(channel.failed(request, outcome.attempts, outcome.reason, now))
            self._in_flight -= 1
            self._end_if_done()

    def _end_if_done(self) -> None:
        if self._is_finished and not self._in_flight and not self._ended.is_set():
            self._tell([CallEnded(call_id=self.call_id, counts=self.counts())])
            self._ended.set()

    def _tell(self, events: Iterable[Event]) -> None:
        for event in events:
            if self._on_event is None:
                self._events.put(event)
            elif self._hands_over(self._on_event, event):
                self._read(event)

    def _hands_over(self, on_event: Callable[[Event], object], event: Event) -> bool:
        """Call back; return whether the callback succeeded."""
        try:
            on_event(event)
        except Exception as failure:
            # Its message and its traceback may hold what was said.
            place = extract_tb(failure.__traceback__)[-1]
            log.error(  # noqa: TRY400
                "on_event failed on a %s of call %s (%s at %s:%s); the call goes on without it",
                type(event).__name__,
                self.call_id,
                type(failure).__name__,
                place.filename,
                place.lineno,
            )
            return False
        return True

    def _read(self, event: Event) -> None:
        is_last_word = isinstance(event, UtteranceLost) or (
            isinstance(event, TranscriptResult) and not event.is_partial
        )
        if is_last_word:
            with self._lock:
                self._channels[event.channel].read(event.result_id)  # type: ignore[union-attr]


def _resumed(checkpoint: Checkpoint | None, settings: CallSettings) -> list[ChannelCheckpoint]:
    if checkpoint is None:
        return [ChannelCheckpoint()] * CHANNELS
    if checkpoint["sample_rate"] != settings.sample_rate:
        raise StreamError(
            f"The call began at {checkpoint['sample_rate']} Hz and cannot continue at "
            f"{settings.sample_rate} Hz; use the same settings."
        )
    return [ChannelCheckpoint.from_row(row) for row in checkpoint["channels"]]
