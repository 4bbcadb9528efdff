# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Each call's transcripts, of the endpoint and of faster-whisper, made once for all tests."""

from collections.abc import Iterable
from functools import cache, cached_property
from pathlib import Path

from benchmarks.bench.variants.in_process import InProcess
from benchmarks.real_calls.compose import ComposedCall, compose
from benchmarks.real_calls.transcripts import (
    FasterWhisper,
    HeardCall,
    read_heard,
    request_body,
)
from live_whisper.call import CallTranscriber, InlineExecutor
from live_whisper.transport.protobuf import ProtobufTransport
from tests.real import kept
from tests.real.cases import Case
from whisper_endpoint.settings import EndpointSettings
from whisper_stream.events import TranscriptResult
from whisper_stream.settings import CallSettings

THREADS = 1
SETTINGS = EndpointSettings(
    compute_type="int8", encoder="ctranslate2", cpu_threads=THREADS, deadline_s=600
)
"""A call of minutes on a machine that does other things too needs its time. Both have the same
encoder, since texts are compared.
"""


class _Invoked:
    """The endpoint as the live client's transport sees one on SageMaker."""

    def __init__(self, endpoint: InProcess) -> None:
        self._endpoint = endpoint

    def invoke(self, body: bytes, content_type: str, _: str, *, within: float) -> bytes:
        answer = self._endpoint.send(body, content_type)
        assert answer.status == 200, (within, answer.body[:500])
        return answer.body


class SideBySide:
    """The endpoint's own path without HTTP and Ray, beside `WhisperModel.transcribe`.

    `weights` is a model's folder; both load it as int8, with one thread, since tests run
    side by side. `folder` keeps what faster-whisper hears.
    """

    def __init__(self, weights: Path, folder: Path | None = None) -> None:
        self._endpoint = InProcess(weights, SETTINGS)
        self._weights, self._folder = weights, folder
        self._model = kept.model_key(weights)

    @cached_property
    def _reference(self) -> FasterWhisper:
        return FasterWhisper(self._weights, threads=THREADS)

    @cache  # noqa: B019 - lives as long as the tests
    def call(self, case: Case) -> ComposedCall:
        return compose(case.recipe)

    @cache  # noqa: B019
    def heard(self, case: Case, words: bool) -> HeardCall:
        """Have the endpoint transcribe both channels, as they are sent."""
        body = request_body(
            self.call(case).wav(case.wire), language=case.language, word_timestamps=words
        )
        answer = self._endpoint.send(body, "application/json")
        assert answer.status == 200, answer.body[:500]
        return read_heard(answer.body)

    @cache  # noqa: B019
    def reference(self, case: Case) -> HeardCall:
        """Have faster-whisper transcribe each channel, with the defaults of both."""
        channels = [self.call(case).audio(number) for number in (0, 1)]
        key = f"{self._model} {THREADS} {case.language}"
        return kept.transcript(
            self._folder,
            key,
            channels,
            lambda: self._reference.transcribe(channels, case.language),
        )

    def text_of(self, wav: bytes, **parameters: object) -> str:
        """Have the endpoint transcribe a recording of one channel."""
        body = request_body(wav, channel_identification=False, **parameters)
        answer = self._endpoint.send(body, "application/json")
        assert answer.status == 200, answer.body[:500]
        return read_heard(answer.body).text

    def live(self, frames: Iterable[bytes], settings: CallSettings) -> list[TranscriptResult]:
        """Have the endpoint and the live client transcribe a call, request by request."""
        transport = ProtobufTransport(_Invoked(self._endpoint))  # type: ignore[arg-type]
        call = CallTranscriber(transport, settings, executor=InlineExecutor())
        return [one for one in call.transcribe(frames) if isinstance(one, TranscriptResult)]

    def close(self) -> None:
        self._endpoint.close()
