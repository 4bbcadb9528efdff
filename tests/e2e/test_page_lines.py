# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""The lines with which README and the pages send audio, run as they stand there."""

import json
import os
import re
import subprocess
import sys
import wave
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from urllib3.filepost import encode_multipart_formdata

from benchmarks.lca_client.client import wav_file
from benchmarks.references import read_reference
from live_whisper.audio.call_file import read_call
from scripts.local_stack import LocalStack
from scripts.publish.build import ROOT
from whisper_contract import transcription_pb2 as pb
from whisper_contract.formats import protobuf
from whisper_endpoint.audio.raw import RawForm

pytestmark = pytest.mark.slow


def shown(page: str) -> str:
    """Return the part of a page that shows lines."""
    return (ROOT / page).read_text().split("<!-- lines: ")[1].split("<!-- end of lines")[0]


README, SEND, GET = shown("README.md"), shown("docs/requests.md"), shown("docs/answers.md")
IN_README = dict(re.findall(r"^# (.+)\n(.+)$", README, re.MULTILINE))
LINES = IN_README | dict(re.findall(r"^\| (.+?) \| `([^|]+)` \|$", SEND + GET, re.MULTILINE))
WEB = "a file on the web (where `WHISPER_URL_SOURCES` is `on`)"
CALL = ROOT / "samples" / "calls" / "agent-and-caller-overlap.wav"


def mulaw(samples: np.ndarray) -> bytes:
    """Encode int16 samples: the code whose value is nearest."""
    (codes,) = RawForm("mulaw", 8_000).blocks(bytes(range(256)))
    order = np.argsort(codes[:, 0], kind="stable")
    edges = np.convolve(codes[order, 0], [0.5, 0.5], "valid")
    return bytes(order[np.searchsorted(edges, samples)].astype(np.uint8))


@pytest.fixture(scope="module")
def utterance() -> np.ndarray:
    call = read_call(CALL)
    first = read_reference(CALL.with_suffix(".json")).utterances[0]
    begin, end = (round(edge * call.sample_rate) for edge in (first.start - 0.2, first.end + 0.2))
    return call.samples[max(0, begin) : end, first.channel]


@pytest.fixture(scope="module")
def folder(
    stack: LocalStack, utterance: np.ndarray, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    folder = tmp_path_factory.mktemp("lines")
    (folder / "call.wav").write_bytes(wav_file(utterance, 8_000))
    (folder / "call.ulaw").write_bytes(mulaw(utterance))
    (folder / "samples" / "calls").mkdir(parents=True)
    with wave.open(str(folder / "samples" / "calls" / CALL.name), "wb") as file:
        file.setparams((2, 2, 8_000, 0, "NONE", ""))
        file.writeframes(np.stack([utterance, np.zeros_like(utterance)], axis=1).tobytes())
    command = folder / "bin" / "whisper-sagemaker"  # as pip would install it
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec {sys.executable} -m live_whisper "$@"\n')
    command.chmod(0o755)
    stack.cloud.client("s3").upload_file(str(folder / "call.wav"), "recordings", "calls/call.wav")
    return folder


@pytest.fixture(scope="module")
def run(stack: LocalStack, folder: Path) -> Any:
    environment = {
        **os.environ,
        **stack.variables(),
        "SAMPLE_S3_URI": "s3://recordings/calls/call.wav",
        "SAMPLE_URL": "https://example.com/call.wav",
        "PATH": os.pathsep.join(
            [str(folder / "bin"), str(Path(sys.executable).parent), os.environ["PATH"]]
        ),
        "PYTHONPATH": str(ROOT),
    }

    def run(line: str) -> str:
        line = line.replace("curl ", "curl -sS ")
        command = ["bash", "-euo", "pipefail", "-c", line]
        ended = subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, check=False
        )
        assert ended.returncode == 0, ended.stderr.decode()
        return ended.stdout.decode()

    return run


@pytest.fixture(scope="module")
def said(run: Any) -> str:
    text: str = json.loads(run(LINES["an audio file of any kind"]))["text"]
    assert text
    return text


def words(answer: str) -> str:
    """Return the text of an answer in any form of JSON, or of a text."""
    try:
        content = json.loads(answer)
    except ValueError:
        return answer
    if "model_output" in content:
        content = content["model_output"]
    if "results" in content:
        return str(content["results"]["transcripts"][0]["transcript"])
    if isinstance(content, list):
        return " ".join(one["text"].strip() for one in content)
    return str(content["text"])


def test_the_lines_are_there() -> None:
    assert len(IN_README) == README.count("\n# ") == 6
    assert len(LINES) - 6 == SEND.count("\n| ") + GET.count("\n| ") - 2
    assert len(LINES) - 6 >= 18


@pytest.mark.parametrize("name", [name for name in LINES if name != WEB])
def test_a_line_does_what_it_says(name: str, run: Any, said: str, folder: Path) -> None:
    answer = run(LINES[name])
    if "answer.pb" in LINES[name]:
        answer = protobuf.read((folder / "answer.pb").read_bytes()).text
    if "answer.json" in LINES[name]:
        answer = (folder / "answer.json").read_text()
    assert "error" not in answer[:20]
    heard = words(answer).split()
    common = [word for word in said.split() if word.strip(".,?!") in " ".join(heard)]
    # Another encoding of the audio may change a word.
    assert len(common) >= len(said.split()) - 1, answer


def test_a_file_on_the_web_is_fetched_or_the_answer_says_why_not(run: Any) -> None:
    answer = json.loads(run(LINES[WEB]))
    refusal = json.loads(answer["OriginalMessage"])
    assert answer["OriginalStatusCode"] == 424
    assert refusal["code"] == "SourceNotFetchable"
    assert refusal["field"] == "url"


PARAMETERS = st.fixed_dictionaries(
    {"language": st.just("en"), "temperature": st.just([0.0])},
    optional={
        "beam_size": st.integers(1, 3),
        "word_timestamps": st.booleans(),
        "vad_filter": st.booleans(),
        "without_timestamps": st.booleans(),
    },
)


@settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(PARAMETERS)
def test_every_form_of_a_request_gives_one_transcript(
    stack: LocalStack, folder: Path, values: dict[str, Any]
) -> None:
    audio = (folder / "call.wav").read_bytes()
    asked = values | {"temperature": 0.0}
    message = pb.TranscribeRequest(audio=audio, parameters=pb.Parameters(**values))
    texts = [(name, json.dumps(value).strip('"')) for name, value in asked.items()]
    # In OpenAI's form 0 means more than one temperature.
    texts = [(name, "0,0" if name == "temperature" else text) for name, text in texts]
    form, form_type = encode_multipart_formdata(
        [*texts, ("response_format", "protobuf"), ("file", ("a.wav", audio))]
    )
    array = {"audio_input": list(audio), "parameters": values}
    answers = [
        protobuf.read(invoke(stack, body, kind))
        for body, kind in (
            (json.dumps(array).encode(), "application/json"),
            (message.SerializeToString(), "application/x-protobuf"),
            (form, form_type),
        )
    ]
    assert answers[0].text
    assert answers[0] == answers[1]
    assert answers[0].segments == answers[2].segments


def invoke(stack: LocalStack, body: bytes, content_type: str) -> bytes:
    answer = stack.cloud.client("sagemaker-runtime").invoke_endpoint(
        EndpointName=stack.endpoint_name,
        ContentType=content_type,
        Accept="application/x-protobuf",
        Body=body,
    )
    content: bytes = answer["Body"].read()
    return content
