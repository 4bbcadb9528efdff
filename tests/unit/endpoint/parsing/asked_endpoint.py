# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""An endpoint of which a test can see what its model is asked."""

import asyncio
import json
from typing import Any

from tests.unit.endpoint.helpers import CLIP
from tests.unit.endpoint.http_requests import DirectEngine, http_request
from whisper_endpoint.engine.decoder import WhisperEngine
from whisper_endpoint.engine.service import EngineService
from whisper_endpoint.ingress.diarization import Diarizer
from whisper_endpoint.ingress.handler import RequestHandler
from whisper_endpoint.settings import EndpointSettings


class AskedEndpoint:
    """The whole path of a request, with a record of what the model is asked."""

    def __init__(self, engine: WhisperEngine, diarizer: Diarizer | None = None) -> None:
        settings = EndpointSettings(self_test="text", max_batch_size=1, deadline_s=600)
        self.engine = engine
        self._model = engine._model
        self._service = EngineService(engine, settings)
        self._handler = RequestHandler(
            settings, engine.facts, DirectEngine(self._service), diarizer=diarizer
        )
        self.prompts: list[list[int]] = []
        self.options: list[dict[str, Any]] = []
        self.results: list[Any] = []
        self.detections = 0
        engine._model = self

    def __getattr__(self, name: str) -> Any:
        return getattr(self._model, name)

    def generate(self, encoded: Any, prompts: list[list[int]], **options: Any) -> Any:
        self.prompts += prompts
        self.options.append(options)
        results = self._model.generate(encoded, prompts, **options)
        self.results += results
        return results

    def detect_language(self, encoded: Any) -> Any:
        self.detections += 1
        return self._model.detect_language(encoded)

    def ask(self, audio: bytes = CLIP, **parameters: Any) -> dict[str, Any]:
        content: dict[str, Any] = json.loads(self.text(audio, **parameters))
        return content

    def text(self, audio: bytes = CLIP, **parameters: Any) -> str:
        self.prompts.clear()
        self.options.clear()
        self.results.clear()
        body = json.dumps({"audio_input": list(audio), "parameters": parameters}).encode()
        answer = asyncio.run(self._handler.answer(http_request(body)))
        assert answer.status == 200, answer.body
        return answer.body.decode()

    def close(self) -> None:
        self._service.stop()
        self.engine._model = self._model

    def tokens(self, text: str) -> list[int]:
        ids: list[int] = self.engine._tokens.encode(f" {text}", add_special_tokens=False).ids
        return ids

    def token(self, name: str) -> int:
        number = self.engine._tokens.token_to_id(f"<|{name}|>")
        assert number is not None
        return number
