# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Decodes the bytes of an audio file into samples, within limits."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Generic, TypeVar, overload

import av
import numpy as np
from av.stream import Discard
from numpy.typing import NDArray

from whisper_endpoint.audio import concatenated_files, full_scale, wav
from whisper_endpoint.audio.containers import HAS_CLOCK, open_container, require_clear
from whisper_endpoint.audio.content import BytesInMemory, FileBytes
from whisper_endpoint.audio.disk import Disk
from whisper_endpoint.audio.duplicated_samples import resampled_properly
from whisper_endpoint.audio.lengths import declared, endings, structure
from whisper_endpoint.audio.lengths.beginnings import FileSearch, after_tags
from whisper_endpoint.audio.lengths.sample_budget import SampleBudget
from whisper_endpoint.audio.lengths.warned import Warnings
from whisper_endpoint.audio.raw import RawForm
from whisper_endpoint.audio.timeline import Limits, Timeline
from whisper_endpoint.audio.tracks import Losses, Track, check_form, of_raw
from whisper_endpoint.errors import (
    AudioNotDecodable,
    InvalidParameter,
    TooManyChannels,
    UnsupportedSampleRate,
)
from whisper_endpoint.messages import SAMPLE_RATE, Samples

__all__ = ["Audio", "Limits", "decode", "decode_channels"]

# Invalid stretches in a file, each up to 64 KB long, after which demuxing is resumed.
_MOST_STOPS = 10_000

# Opening a file takes about a millisecond; failing to open one takes up to ten.
_MOST_FILES, _MOST_BROKEN = 1_000, 50
# FFmpeg's packet positions are not file offsets.
_NO_PLACES = {"wtv"}
_NOT_DECODED = (av.error.FFmpegError, ValueError, LookupError, EOFError, NotImplementedError)
# Errors that reject one file of several.
_REFUSED = (AudioNotDecodable, UnsupportedSampleRate, TooManyChannels)

# Formats made almost only of frames, so that other bytes are lost audio.
_IS_FRAMES = {"mp3", "aac", "loas", "ac3", "eac3", "dts", "amr", "gsm"}


_S_co = TypeVar("_S_co", bound=Samples, covariant=True)


@dataclass(frozen=True)
class Audio(Generic[_S_co]):
    """A recording, in memory or on disk.

    Attributes
    ----------
    samples : Samples, 16 kHz mono
        All tracks and channels mixed, or a single channel.
    warnings : tuple of str
        A sentence for each problem found in the file.
    """

    samples: _S_co
    warnings: tuple[str, ...] = ()

    @property
    def duration(self) -> float:
        """Length in seconds."""
        return len(self.samples) / SAMPLE_RATE


@overload
def decode(
    data: FileBytes | bytes, limits: Limits, raw: RawForm | None = None, *, track: int | None = None
) -> Audio[NDArray[np.float32]]: ...


@overload
def decode(
    data: FileBytes | bytes,
    limits: Limits,
    raw: RawForm | None = None,
    *,
    track: int | None = None,
    disk: Disk | None,
) -> Audio[Samples]: ...


def decode(
    data: FileBytes | bytes,
    limits: Limits,
    raw: RawForm | None = None,
    *,
    track: int | None = None,
    disk: Disk | None = None,
) -> Audio[Any]:
    """Decode an audio file of any container in ``containers.py``, or raw samples.

    Gaps in the timestamps, and damaged audio, become silence; each problem adds a warning.

    Parameters
    ----------
    data : FileBytes or bytes
        A file, several concatenated files, or raw samples.
    raw : RawForm, optional
        Format of raw samples; by default the data is a file.
    track : int, optional
        The only audio track to decode, counted from 0; by default all are decoded.
    disk : Disk, optional
        Where to store the samples of audio that may be long; by default in memory.

    Raises
    ------
    InvalidParameter
        400: there is no such track.
    AudioNotDecodable
        422: it has no audio, or is damaged from the start.
    UnsupportedSampleRate
        422: outside the limits.
    AudioTooLong, TooManyChannels
        413: beyond the limits.
    DeadlineExceeded
        504
    Overloaded
        503: no space on the disk.
    EndpointError
        Raised by reading the data.
    """
    (audio,) = _decode(data, Timeline(limits, is_mixed=True, disk=disk), raw, track)
    return audio


@overload
def decode_channels(
    data: FileBytes | bytes, limits: Limits, raw: RawForm | None = None, *, track: int | None = None
) -> tuple[Audio[NDArray[np.float32]], ...]: ...


@overload
def decode_channels(
    data: FileBytes | bytes,
    limits: Limits,
    raw: RawForm | None = None,
    *,
    track: int | None = None,
    disk: Disk | None,
) -> tuple[Audio[Samples], ...]: ...


def decode_channels(
    data: FileBytes | bytes,
    limits: Limits,
    raw: RawForm | None = None,
    *,
    track: int | None = None,
    disk: Disk | None = None,
) -> tuple[Audio[Any], ...]:
    """Decode each channel of each track separately; otherwise like :func:`decode`."""
    return _decode(data, Timeline(limits, is_mixed=False, disk=disk), raw, track)


def _decode(
    given: FileBytes | bytes, timeline: Timeline, raw: RawForm | None, track: int | None
) -> tuple[Audio[Samples], ...]:
    data = BytesInMemory(given) if isinstance(given, bytes) else given
    data.check = timeline.limits.check
    if raw is not None:
        _check_track(track, 1)
        _decode_raw(data, timeline, raw)
        warnings: tuple[str, ...] = ()
    else:
        warnings = _FileDecoder(timeline, track).decode(data)
    # FFmpeg may have taken a failed read for the end of the file.
    if data.failure is not None:
        raise data.failure
    return tuple(Audio(resampled_properly(one), warnings) for one in timeline.finish())


def _decode_raw(data: FileBytes, timeline: Timeline, raw: RawForm) -> None:
    limits = timeline.limits
    check_form(limits.channels, raw.rate, raw.channels)
    position = 0
    for block in of_raw(raw.blocks(data), raw.rate, raw.channels, is_mixed=timeline.is_mixed):
        limits.check()
        timeline.add(0, position, block)
        position += len(block)


class _FileDecoder:
    """Decodes one or more concatenated files onto a timeline."""

    def __init__(self, timeline: Timeline, track: int | None) -> None:
        self._timeline = timeline
        self._track = track
        self._losses = Losses()
        self._warnings = Warnings(timeline)
        self._budget = SampleBudget(timeline.limits)
        self._search = FileSearch()
        # Files found after the last frame of the file being decoded.
        self._behind: list[FileBytes] = []

    def decode(self, data: FileBytes) -> tuple[str, ...]:
        """Decode all files and return the warnings."""
        files, count, broken = concatenated_files.split(data, after_tags(data)), 0, 0
        while files and broken < _MOST_BROKEN:
            file, count = files.pop(0), count + 1
            if count > _MOST_FILES:
                self._warnings.left_out(f"the audio has more than {_MOST_FILES:,} files.")
                break
            try:
                self._decode_file(file, is_first=count == 1)
            except _NOT_DECODED:
                if data.failure is not None:
                    raise data.failure from None
                if not self._timeline.length:
                    raise endings.not_decodable(data) from None
                self._warnings.not_decoded()
                broken += 1
            except _REFUSED as refusal:
                if count == 1 or not self._timeline.length:
                    raise
                self._warnings.left_out(refusal.message)
            files, self._behind = [*self._behind, *files], []
        return (*self._warnings.sentences, *self._losses.sentences())

    def _decode_file(self, file: FileBytes, *, is_first: bool) -> None:
        begin = at = self._timeline.length
        file = wav.in_one_piece(wav.padded(wav.with_long_length(file)))
        if wav.has_too_many_chunks(file):
            raise AudioNotDecodable(
                f"The WAV file has more than {wav.MOST_CHUNKS:,} chunks before its "
                "samples: convert it, for example with ffmpeg -i old.wav new.wav."
            )
        if wav.is_big_endian(file):
            raise AudioNotDecodable(
                "The WAV file is big-endian (RIFX): convert it, for example with sox old.wav "
                "-L new.wav."
            )
        plain = wav.plain_samples(file)
        if plain is None:
            self._decode_all_but_cut_list(file, begin, is_first=is_first)
        else:
            _check_track(self._track, 1)
            for block in RawForm("pcm16", SAMPLE_RATE).blocks(plain):
                self._timeline.limits.check()
                self._timeline.add(0, at, block)
                at += len(block)
        self._warn_of_more(file)
        missing = wav.missing_seconds(file, (self._timeline.length - begin) / SAMPLE_RATE)
        if missing >= declared.LEAST_EXACT:
            self._warnings.shorter(missing)

    def _warn_of_more(self, file: FileBytes) -> None:
        """Warn of decoded samples beyond the length in the header."""
        end = declared.end_of_samples(file)
        if end is not None and (file[:4] not in wav.MARKS or wav.is_streamed(file)):
            more = concatenated_files.unknown_bytes(file.part(min(end, len(file)), len(file)))
            self._warnings.more(more)

    def _decode_all_but_cut_list(self, file: FileBytes, begin: int, *, is_first: bool) -> None:
        try:
            self._decode_container(file, begin, is_first=is_first)
        except av.error.FFmpegError:
            end = endings.before_cut_list(file)
            if not end or self._timeline.length > begin:
                raise
            self._decode_container(file.part(0, end), begin, is_first=is_first)
            self._warnings.cut_off()

    def _decode_container(self, file: FileBytes, begin: int, *, is_first: bool) -> None:
        is_streamed, limits = wav.is_streamed(file), self._timeline.limits
        opened = wav.with_all_bits(file)
        with open_container(opened, limits, is_streamed_wav=is_streamed) as container:
            kind = _kind(container)
            streams = self._chosen([one for one in container.streams.audio if one.codec_context])
            zero = _zero(container, kind, is_first=is_first)
            self._budget.check(streams)
            scales = dict[int, float]()
            if any(map(full_scale.is_float, streams)):
                scales = full_scale.of_tracks(opened, limits, is_streamed_wav=is_streamed)
            tracks = {
                stream.index: Track(
                    self._timeline,
                    self._losses,
                    number,
                    begin,
                    zero,
                    float(stream.time_base),
                    scales.get(stream.index, 1.0),
                    structure.begin_of_packets(kind, file, container),
                )
                for number, stream in enumerate(streams)
            }
            for stream in container.streams:
                if stream.index not in tracks:
                    stream.discard = Discard.all
            try:
                ending = self._decode_tracks(container, streams, tracks)
            finally:
                for track in tracks.values():
                    track.finish()
            found = self._now() - begin / SAMPLE_RATE
            self._warnings.edited_out(declared.edited_out(kind, streams[0], found))
            whole, file = len(file), self._without_others(kind, file, ending)
            missing = self._missing(container, streams, list(tracks.values()), file, whole)
            may_be_cut = not missing or ending.packet is None
            if may_be_cut and endings.is_cut_off(kind, file, ending):
                self._warnings.cut_off()
            elif missing:
                self._warnings.shorter(missing)
            elif endings.is_unread(kind, file, ending):
                self._warnings.not_decoded()

    def _decode_tracks(
        self, container: Any, streams: list[Any], tracks: dict[int, Track]
    ) -> endings.Ending:
        is_damaged, ending = False, endings.Ending(container)
        padding: Any = None
        for packet in self._packets(container, streams, ending):
            self._timeline.limits.check()
            require_clear(packet)
            if padding is not None and packet.size:
                tracks[padding.stream.index].lose_packet(padding)
                padding = None
            track = tracks[packet.stream.index]
            try:
                frames = packet.decode()
            except av.error.FFmpegError:
                # Do not store the error: it would keep this frame, and all samples, in a cycle.
                is_damaged = True
                if not bytes(packet).strip(b"\0"):
                    padding = packet
                    continue
                ending.saw(packet, is_broken=True)
                if concatenated_files.is_tag(bytes(packet)[: concatenated_files.TAG_MARK_BYTES]):
                    track.skip(packet)
                else:
                    track.lose_packet(packet)
                continue
            ending.saw(packet, is_broken=False)
            track.heard(packet)
            for frame in frames:
                self._budget.count(frame.samples * frame.layout.nb_channels)
                track.put(frame)
        if is_damaged and not self._budget.samples:
            raise ValueError("no packet could be decoded")
        return ending

    def _without_others(self, kind: str, file: FileBytes, ending: endings.Ending) -> FileBytes:
        """Return the decoded file without anything after its end; queue the files found there."""
        end = structure.end(kind, file, ending.position, ending.end)
        is_known = end is not None and end <= len(file)
        start = max(1, end if end is not None and is_known else ending.end)
        if kind in _NO_PLACES or kind in _IS_FRAMES:
            start = len(file)
        begin = self._search.next_file(file, start)
        unknown = concatenated_files.unknown_bytes(file.part(start, begin)) if begin > start else 0
        if is_known:
            self._warnings.unknown(unknown)
        elif ending.is_given_up and begin == len(file):
            self._warnings.not_decoded()
        self._behind = concatenated_files.split(file, begin) if begin < len(file) else []
        return file.part(0, start if is_known else begin)

    def _packets(self, container: Any, streams: list[Any], ending: endings.Ending) -> Iterator[Any]:
        """Yield packets; where FFmpeg stops at invalid data, resume after it."""
        for _ in range(_MOST_STOPS):
            self._timeline.limits.check()
            try:
                yield from container.demux(streams)
            except av.error.InvalidDataError:
                continue
            except av.error.FFmpegError:
                if ending.packet is None:
                    raise
                break
            return
        ending.is_given_up = True

    def _chosen(self, streams: list[Any]) -> list[Any]:
        """Return the tracks to decode."""
        if not streams:
            raise ValueError("no audio stream")
        _check_track(self._track, len(streams))
        if self._track is not None:
            return [streams[self._track]]
        most = self._timeline.limits.channels
        if len(streams) > most:
            raise TooManyChannels(
                f"The audio has {len(streams)} tracks: send at most {most}, or choose one with "
                "audio_track."
            )
        return streams

    def _missing(
        self,
        container: Any,
        streams: list[Any],
        tracks: list[Track],
        file: FileBytes,
        whole: int,
    ) -> float:
        """Return the seconds missing compared with the declared length or the bytes; 0 if none."""
        kind, found = _kind(container), self._now() - tracks[0].begin / SAMPLE_RATE
        said = declared.seconds(kind, container, streams, file)
        if kind in declared.COUNT_ALL_BYTES and len(file) < whole:
            said = found
        if not found and said > self._timeline.limits.seconds:
            raise self._timeline.too_long()  # FFmpeg cannot index a file of that length
        if kind in _IS_FRAMES:
            others = len(file) - concatenated_files.last_tag_bytes(file) - tracks[0].bytes
            said = max(said, found + tracks[0].seconds_of(others))
        missing = said - found - self._losses.not_believed.seconds
        least = declared.least_shortness(kind, streams[0].codec_context.name, said)
        return missing if missing > least else 0.0

    def _now(self) -> float:
        return self._timeline.length / SAMPLE_RATE


def _check_track(track: int | None, tracks: int) -> None:
    if track is not None and track >= tracks:
        raise InvalidParameter(
            f"There is no audio track {track}: the audio has {tracks}, counted from 0.",
            field="parameters.audio_track",
        )


def _kind(container: Any) -> str:
    return str(container.format.name.partition(",")[0])


def _zero(container: Any, kind: str, *, is_first: bool) -> float | None:
    """Return the timestamp of a file's beginning, in seconds; None without timestamps."""
    if kind not in HAS_CLOCK:
        return None
    start = (container.start_time or 0) / 1e6
    # Timestamps of some containers, and of a file after another, may start anywhere. Others start
    # at 0, so that a later start is a gap. A start before 0 is the codec's delay.
    return start if HAS_CLOCK[kind] or not is_first else min(0.0, start)
