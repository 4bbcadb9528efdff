# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""The main job through the front door: a stack deployed by the AWS CLI, calls as LCA sends them."""

import base64
import contextlib
import html
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest
import srt
import urllib3
import webvtt
from botocore.exceptions import ClientError
from openai.types.audio import TranscriptionVerbose

import whisper_contract
from benchmarks.accuracy import WordErrors, channel_errors, total, word_errors
from benchmarks.lca_client.client import LcaClient, request_body, wav_file
from benchmarks.references import CALLS, read_reference
from live_whisper.audio.call_file import read_call
from live_whisper.transport.sagemaker import SageMakerEndpoint
from scripts.demo_calls import MAX_WORD_ERROR_RATE
from scripts.local_stack import LocalStack
from tests.e2e.conftest import aws
from tests.schemas import validate
from tests.sockets import beyond_loopback, listening
from whisper_contract.formats import protobuf

pytestmark = pytest.mark.slow

CALL = CALLS / "caller-in-background-noise.wav"
OTHER_CALL = CALLS / "caller-on-hold.wav"


def test_calls_sent_as_lca_sends_them_are_understood(stack: LocalStack) -> None:
    client = LcaClient(SageMakerEndpoint(stack.endpoint_name))
    counted: list[WordErrors] = []
    for call in (CALL, OTHER_CALL):  # the limit is on calls together, not on the noisiest alone
        results = list(client.transcribe(read_call(call)))
        reference = read_reference(call.with_suffix(".json"))
        counted += channel_errors(reference.utterances, results).values()
        assert any(result.is_partial and result.text for result in results)
        assert not [result.error for result in results if result.error]
    assert total(counted).rate <= MAX_WORD_ERROR_RATE


def test_answer_keeps_the_contract_and_never_tells_lca_to_drop_it(stack: LocalStack) -> None:
    answer = invoke(stack, first_utterance())
    validate(answer, whisper_contract.response_schema())
    assert "no_speech_prob" not in answer
    assert answer["language"] == "en"
    assert answer["text"].strip() == "".join(s["text"] for s in answer["segments"]).strip()


def test_base64_and_the_byte_array_give_one_transcript(stack: LocalStack) -> None:
    body = json.loads(first_utterance())
    data = base64.b64encode(bytes(body["audio_input"])).decode()
    other = json.dumps({"audio_data": data, "parameters": body["parameters"]}).encode()
    # Only the text: the array is LCA's own form, which may be heard as a partial.
    assert invoke(stack, other)["text"] == invoke(stack, first_utterance())["text"] != ""


def test_audio_in_s3_is_read_only_where_the_stack_allows_it(stack: LocalStack) -> None:
    wav = bytes(json.loads(first_utterance())["audio_input"])
    s3 = stack.cloud.client("s3")
    for key in ("calls/one.wav", "private/one.wav"):
        s3.put_object(Bucket="recordings", Key=key, Body=wav)

    allowed = json.dumps({"s3_uri": "s3://recordings/calls/one.wav"}).encode()
    assert word_errors(said(), invoke(stack, allowed)["text"]).rate <= MAX_WORD_ERROR_RATE
    refused = json.dumps({"s3_uri": "s3://recordings/private/one.wav"}).encode()
    assert refusal(stack, refused)["OriginalStatusCode"] == 403


def test_silence_is_no_text_and_not_an_error(stack: LocalStack) -> None:
    silence = wav_file(read_call(CALL).samples[:8000, 0] * 0, 8000)
    answer = invoke(stack, request_body(silence))
    assert answer["text"] == ""
    assert answer["segments"] == []


@pytest.mark.parametrize(
    ("body", "status", "word"),
    [
        (b"{", 400, "JSON"),
        (b"{}", 400, "audio_input"),
        (b'{"audio_input": [1, 2, 300]}', 400, "255"),
        (b'{"audio_input": [82, 73, 70, 70]}', 422, "audio"),
        (b'{"audio_data": "%%%"}', 400, "base64"),
        (b'{"audio_data": "AAAA", "parameters": {"beam_sise": 5}}', 400, "beam_size"),
        (b'{"audio_data": "AAAA", "parameters": {"beam_size": 0}}', 400, "beam_size"),
        (b'{"audio_data": "AAAA", "parameters": {"language": "de"}}', 400, "language"),
        (b'{"audio_path": "/etc/passwd"}', 400, "audio_path"),
    ],
)
def test_wrong_input_is_refused_in_a_sentence(
    stack: LocalStack, body: bytes, status: int, word: str
) -> None:
    error = refusal(stack, body)
    assert error["OriginalStatusCode"] == status
    said = json.loads(error["OriginalMessage"])
    validate(said, whisper_contract.error_schema())
    assert word in said["error"]
    assert said["error"].endswith((".", "?"))
    assert "Traceback" not in error["OriginalMessage"]


def test_every_form_of_the_answer_says_what_the_json_says(stack: LocalStack) -> None:
    plain = answer_in(stack, word_timestamps=True)[1]
    segments = json.loads(plain)["segments"]
    texts = [one["text"].strip() for one in segments]
    words = [word for one in segments for word in one["words"]]
    text = json.loads(plain)["text"]
    assert text

    kind, body = answer_in(stack, response_format="srt", word_timestamps=True)
    assert kind == "application/x-subrip; charset=utf-8"
    captions = list(srt.parse(body.decode()))
    assert [one.content for one in captions] == texts
    assert [one.start.total_seconds() for one in captions] == [one["start"] for one in segments]
    kind, body = answer_in(stack, "text/vtt")
    assert kind == "text/vtt; charset=utf-8"
    captions = webvtt.from_string(body.decode()).captions
    assert [html.unescape(one.text) for one in captions] == texts
    kind, body = answer_in(stack, "application/x-protobuf", word_timestamps=True)
    assert kind == "application/x-protobuf"
    assert [(w.word, w.end) for one in protobuf.read(body).segments for w in one.words or ()] == [
        (word["word"], word["end"]) for word in words
    ]
    verbose = answer_in(stack, response_format="verbose_json")[1]
    assert TranscriptionVerbose.model_validate_json(verbose).text == text
    assert answer_in(stack, response_format="text")[1].decode() == f"{text}\n"
    file = json.loads(answer_in(stack, response_format="transcribe")[1])
    validate(file, whisper_contract.answer_schema("transcribe"))
    assert file["results"]["transcripts"] == [{"transcript": text}]
    for name in ("json", "verbose_json", "segments", "chunks"):
        found = json.loads(answer_in(stack, response_format=name)[1])
        validate(found, whisper_contract.answer_schema(name))


def test_a_form_that_nobody_accepts_is_406(stack: LocalStack) -> None:
    with pytest.raises(ClientError) as caught:
        answer_in(stack, "image/png")
    assert caught.value.response["OriginalStatusCode"] == 406
    assert "text/vtt" in json.loads(caught.value.response["OriginalMessage"])["error"]


def test_another_content_type_is_415(stack: LocalStack) -> None:
    assert refusal(stack, b"<xml/>", "text/xml")["OriginalStatusCode"] == 415


def test_aws_cli_reaches_the_endpoint(stack: LocalStack, tmp_path: Path) -> None:
    (tmp_path / "body.json").write_bytes(first_utterance())
    aws(
        *("sagemaker-runtime", "invoke-endpoint", "--endpoint-name", stack.endpoint_name),
        *("--content-type", "application/json", "--body", f"fileb://{tmp_path / 'body.json'}"),
        str(tmp_path / "answer.json"),
    )
    text = json.loads((tmp_path / "answer.json").read_text())["text"]
    assert word_errors(said(), text).rate <= MAX_WORD_ERROR_RATE


def test_archive_is_read_only_for_the_endpoint(stack: LocalStack) -> None:
    roots = list(stack.cloud.folder.glob("endpoints/*/opt/ml/model"))
    assert len(roots) == 1
    assert (roots[0] / "manifest.json").exists()
    assert not [p for p in roots[0].rglob("*") if p.stat().st_mode & 0o222]


def first_utterance() -> bytes:
    """The first utterance of the call as LCA sends it, as its client would cut it."""
    reference, call = read_reference(CALL.with_suffix(".json")), read_call(CALL)
    first = reference.utterances[0]
    begin, end = int((first.start - 0.2) * 8000), int((first.end + 0.5) * 8000)
    return request_body(wav_file(call.samples[begin:end, first.channel], 8000))


def answer_in(stack: LocalStack, accept: str = "", **parameters: object) -> tuple[str, bytes]:
    """Content type and body of the answer to the first utterance."""
    data = bytes(json.loads(first_utterance())["audio_input"])
    sent = {"audio_data": base64.b64encode(data).decode(), "parameters": parameters}
    answer = stack.cloud.client("sagemaker-runtime").invoke_endpoint(
        EndpointName=stack.endpoint_name,
        ContentType="application/json",
        Body=json.dumps(sent).encode(),
        **({"Accept": accept} if accept else {}),
    )
    return answer["ContentType"], answer["Body"].read()


def said() -> str:
    return read_reference(CALL.with_suffix(".json")).utterances[0].text


def invoke(stack: LocalStack, body: bytes, content_type: str = "application/json") -> Any:
    answer = stack.cloud.client("sagemaker-runtime").invoke_endpoint(
        EndpointName=stack.endpoint_name, ContentType=content_type, Body=body
    )
    return json.loads(answer["Body"].read())


def refusal(stack: LocalStack, body: bytes, content_type: str = "application/json") -> Any:
    with pytest.raises(ClientError) as caught:
        invoke(stack, body, content_type)
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 424
    assert caught.value.response["Error"]["Code"] == "ModelError"
    return caught.value.response


def test_no_other_machine_and_no_other_user_reaches_its_servers(
    stack: LocalStack, tmp_path: Path
) -> None:
    family = [psutil.Process(), *stack.cloud.processes()]
    assert beyond_loopback(family) == {}
    servers = listening(family)
    assert len([name for name in servers.values() if name.startswith("ray::")]) >= 4
    ours = int(stack.cloud.url.rpartition(":")[2])
    made = tmp_path / "made"
    job = {"entrypoint": f"touch {made}"}
    for _, port in set(servers) - {("127.0.0.1", ours)}:
        with contextlib.suppress(urllib3.exceptions.HTTPError):
            urllib3.request(
                "POST",
                f"http://127.0.0.1:{port}/api/job_agent/jobs/",
                json=job,
                timeout=5,
                retries=False,
            )
    (gcs,) = [port for (_, port), name in servers.items() if name == "gcs_server"]
    client = f"from ray._raylet import GcsClient; GcsClient('127.0.0.1:{gcs}').get_all_node_info()"
    stranger = subprocess.run(
        [sys.executable, "-c", client], capture_output=True, text=True, check=False
    )
    assert stranger.returncode == 1
    assert "AuthenticationError" in stranger.stderr
    assert not made.exists()
