# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Fetches and decodes the source of a request into recordings, in memory or on disk."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from whisper_endpoint.audio import sources
from whisper_endpoint.audio.content import FileBytes
from whisper_endpoint.audio.decode import Limits, decode, decode_channels
from whisper_endpoint.audio.disk import Disk
from whisper_endpoint.audio.features import Features
from whisper_endpoint.audio.sources import Source
from whisper_endpoint.audio.speech import equal_channels
from whisper_endpoint.audio.speech.echoes import without_echoes
from whisper_endpoint.ingress import diarization, preparation
from whisper_endpoint.ingress.audio_room import Holding
from whisper_endpoint.ingress.planning.request_plan import Plan
from whisper_endpoint.ingress.preparation import PIECE_WINDOWS, Recording
from whisper_endpoint.ingress.threads import Threads, run
from whisper_endpoint.model_info import ModelInfo
from whisper_endpoint.settings import EndpointSettings

# With a deadline beyond this, decoding starts while speech detection is still running. Otherwise
# all speech is found first, which is quick, so that a recording that would take too long is refused
# before it starts.
_PATIENT_S = 600.0

# Memory for decoding a minute: the container's index, frames, 4 MB of samples.
_LIVE_BYTES = 8 * 1024 * 1024
# Samples of files are on disk; data read ahead from S3 is in memory.
_FILE_BYTES = 24 * 1024 * 1024
_REFERENCES = "parameters.known_speaker_references"
# Frames of a window's features, with one float32 per Mel bin.
_WINDOW_FRAMES = 3_000


class Intake:
    """Fetches and decodes the audio of requests.

    Parameters
    ----------
    facts : ModelInfo
        Properties of the model that windows are cut for.
    threads : Threads
        A file thread that waits for a source lets others compute.

    Attributes
    ----------
    disk : Disk
        Holds recordings that are too long for memory.
    limits : Limits
        The operator's.
    piece_bytes : int
        Maximum size of the features of one piece of a long recording.
    """

    def __init__(self, settings: EndpointSettings, facts: ModelInfo, threads: Threads) -> None:
        self._settings = settings
        self._facts = facts
        self._threads = threads
        self._features = Features(facts.n_mels, is_half=facts.is_half)
        self.disk = Disk(settings.max_disk_bytes)
        self.limits = Limits(seconds=settings.max_audio_s, channels=settings.max_channels)
        self._window_bytes = facts.n_mels * _WINDOW_FRAMES * 4
        self.piece_bytes = PIECE_WINDOWS * self._window_bytes

    def fetch(self, source: Source) -> FileBytes:
        """Return the bytes of the audio; blocks. See :func:`sources.fetch`."""
        return sources.fetch(source, self._settings, self.disk, self._threads.files.waiting)

    async def recordings(
        self, data: FileBytes, plan: Plan, limits: Limits, held: Holding, *, is_live: bool
    ) -> list[Recording]:
        """Return a recording for each channel, or one of all channels mixed.

        Parameters
        ----------
        held : Holding
            The request's reserved memory; more is reserved before decoding.
        is_live : bool
            Whether the samples are short enough to be kept in memory.

        Raises
        ------
        Overloaded
            503: not enough memory became free in time.
        EndpointError
            As :func:`decode`.
        """
        most, kept = (_LIVE_BYTES if is_live else _FILE_BYTES), 0
        threads = self._threads.live if is_live else self._threads.files
        await held.take(most, limits.seconds_left, is_live=is_live)
        try:
            found = await run(
                threads, lambda: self._record(data, plan, limits, is_live), limits.seconds_left
            )
            kept = sum(self._bytes_of(one) for one in found) if is_live else 0
        finally:
            held.change(kept - most, is_live=is_live)
        return found

    async def known_voices(
        self, plan: Plan, limits: Limits, held: Holding
    ) -> list[NDArray[np.float32]]:
        """Return the recordings of known voices, which the request holds until its end.

        Raises
        ------
        InvalidParameter
            400: see :func:`diarization.known_voice`.
        Overloaded
            503: not enough memory became free in time.
        """

        def decoded() -> list[NDArray[np.float32]]:
            return [
                diarization.known_voice(one.reference, limits, f"{_REFERENCES}.{place}")
                for place, one in enumerate(plan.known_speakers)
            ]

        if not plan.known_speakers:
            return []
        await held.take(_FILE_BYTES, limits.seconds_left, is_live=False)
        found = list[NDArray[np.float32]]()
        try:
            found = await run(self._threads.files, decoded, limits.seconds_left)
        finally:
            held.change(sum(one.nbytes for one in found) - _FILE_BYTES, is_live=False)
        return found

    def _bytes_of(self, recording: Recording) -> int:
        """Return the bytes that a short recording and its features take until transcribed."""
        windows = len(recording.windows[:PIECE_WINDOWS])
        return 4 * len(recording.samples) + windows * self._window_bytes

    def _record(
        self, data: FileBytes, plan: Plan, limits: Limits, is_live: bool
    ) -> list[Recording]:
        raw, parameters = sources.raw_form(plan.source, data), plan.parameters
        by_channel = parameters.channel_identification
        track, disk = parameters.audio_track, None if is_live else self.disk
        if by_channel:
            channels = decode_channels(data, limits, raw, track=track, disk=disk)
        else:
            channels = (decode(data, limits, raw, track=track, disk=disk),)
        utterances = [
            plan.utterance(audio, channel if by_channel else None)
            for channel, audio in enumerate(channels)
        ]
        if not any(utterances):
            said = tuple(equal_channels.warnings([one.samples for one in channels], limits.check))
            channels = tuple(replace(one, warnings=(*one.warnings, *said)) for one in channels)
            if parameters.vad_filter:
                channels = without_echoes(channels, limits.check)
        found = [
            preparation.record(
                audio,
                self._features,
                parameters,
                pause_s=self._facts.pause_s,
                utterance=utterance,
                check=limits.check,
            )
            for audio, utterance in zip(channels, utterances, strict=True)
        ]
        is_patient = limits.seconds_left > _PATIENT_S
        for one in found:
            # Run speech detection here, in a thread: at least two windows, which identify a file.
            _ = one.windows[: 2 if is_patient else None]
        return found
