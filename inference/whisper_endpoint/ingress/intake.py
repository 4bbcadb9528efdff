# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""From the source of a request to the recordings that it holds, in memory or on disk."""

import time

from whisper_endpoint.audio import sources
from whisper_endpoint.audio.content import FileBytes
from whisper_endpoint.audio.decode import Limits, decode, decode_channels
from whisper_endpoint.audio.disk import Disk
from whisper_endpoint.audio.features import Features
from whisper_endpoint.audio.sources import Source
from whisper_endpoint.ingress import preparation
from whisper_endpoint.ingress.plan import Plan
from whisper_endpoint.ingress.preparation import Recording
from whisper_endpoint.ingress.threads import Threads
from whisper_endpoint.model_info import ModelInfo
from whisper_endpoint.settings import EndpointSettings

# A caller who waits longer than this does not wait for all speech to be found before any of it is
# decoded. For others it is found first, which is quick, so that what would take too long is refused
# before it begins.
_PATIENT_S = 600.0


class Intake:
    """Fetches and decodes what requests name; every method is for a thread.

    Parameters
    ----------
    facts : ModelInfo
        Of the model that the windows are cut for.
    threads : Threads
        Whose turns are given to others while a source is waited for.

    Attributes
    ----------
    disk : Disk
        Where recordings are that are too long for memory.
    limits : Limits
        The operator's.
    """

    def __init__(self, settings: EndpointSettings, facts: ModelInfo, threads: Threads) -> None:
        self._settings = settings
        self._facts = facts
        self._threads = threads
        self._features = Features(facts.n_mels)
        self.disk = Disk(settings.max_disk_bytes)
        self.limits = Limits(seconds=settings.max_audio_s, channels=settings.max_channels)

    def fetch(self, source: Source) -> FileBytes:
        """Return the bytes of the audio; see :func:`sources.fetch`."""
        return sources.fetch(source, self._settings, self.disk, self._threads.files.waiting)

    def record(
        self, data: FileBytes, plan: Plan, limits: Limits, *, is_live: bool
    ) -> list[Recording]:
        """Return the recording of each channel, or that of all of them mixed.

        Parameters
        ----------
        is_live : bool
            Whether the samples are short enough for memory.

        Raises
        ------
        EndpointError
            As :func:`decode`.
        """
        raw, parameters = sources.raw_form(plan.source, data), plan.parameters
        by_channel = parameters.channel_identification
        track, disk = parameters.audio_track, None if is_live else self.disk
        if by_channel:
            channels = decode_channels(data, limits, raw, track=track, disk=disk)
        else:
            channels = (decode(data, limits, raw, track=track, disk=disk),)
        found = [
            preparation.record(
                audio,
                self._features,
                parameters,
                pause_s=self._facts.pause_s,
                utterance=plan.utterance(audio, channel if by_channel else None),
                check=limits.check,
            )
            for channel, audio in enumerate(channels)
        ]
        is_patient = limits.deadline - time.monotonic() > _PATIENT_S
        for one in found:
            # At least two, which tell a file: they are looked for here, in a thread.
            _ = one.windows[: 2 if is_patient else None]
        return found
