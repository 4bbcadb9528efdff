# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""What a local endpoint is deployed with."""

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn
from unittest.mock import MagicMock

import pytest

from scripts import console, endpoint, local_stack

SPEAKERS = {"DiarizationModelS3Uri": f"s3://{local_stack.ARTIFACTS}/speakers/"}


@pytest.mark.parametrize("script", [console, endpoint])
@pytest.mark.parametrize("has_speakers", [False, True])
def test_a_local_endpoint_has_speakers_if_they_are_asked_for(
    script: ModuleType, has_speakers: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    cloud, given = MagicMock(), dict[str, str]()

    @contextlib.contextmanager
    def local_cloud(*_: Any, **__: Any) -> Iterator[Any]:
        yield cloud

    def deploy(_: Any, __: str, parameters: dict[str, str]) -> NoReturn:
        given.update(parameters)
        raise local_stack.StackFailed("Enough.")

    monkeypatch.setattr(local_stack, "local_cloud", local_cloud)
    monkeypatch.setattr(local_stack, "publish", lambda _: "url")
    monkeypatch.setattr(local_stack, "deploy", deploy)
    monkeypatch.setattr(local_stack, "speaker_models", lambda: tmp_path)
    more = ["--speakers"] if has_speakers else []
    monkeypatch.setattr(sys, "argv", ["script", "--port", "0", *more])
    assert script.main() == 1
    assert given.items() >= local_stack.DEMO_PARAMETERS.items()
    assert (given.items() >= SPEAKERS.items()) == has_speakers
    uploaded = {one.args[2] for one in cloud.client("s3").upload_file.call_args_list}
    assert {key for key in uploaded if key.startswith("speakers/")} == (
        {"speakers/segmentation.onnx", "speakers/embedding.onnx"} if has_speakers else set()
    )
