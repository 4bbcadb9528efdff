# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""``whisper-sagemaker jobs`` against a deployment in simulated time."""

import errno
import io
import json
import os
from pathlib import Path
from types import SimpleNamespace

import pytest
from botocore.exceptions import (
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    SSLError,
    UnauthorizedSSOTokenError,
)

from live_whisper.__main__ import main
from live_whisper.commands import jobs as command
from live_whisper.transport import aws
from live_whisper.transport.recordings import RecordingJobs
from recordings import paging
from recordings.transcripts import FORMS
from tests.chaos.recordings.endpoint import content_of
from tests.chaos.recordings.world import BUCKET, RecordingsWorld
from tests.fakes.object_store import refusal

FAILURE = "ClientError: Received server error (500) from model. See the log."


class Deployment:
    """What AWS answers of one stack.

    Attributes
    ----------
    deliveries : int
        How often the SDK sends each invocation, until its answer arrives.
    """

    def __init__(self, world):
        self.world = world
        self.deliveries = 1
        self.outputs = {"JobsFunction": "jobs", "RecordingsBucket": BUCKET}
        self.fails: Exception | None = None
        self.function_error = False

    def client(self, service, region, refused, *, what, url=None, config=None):
        return self

    def describe_stacks(self, StackName):  # noqa: N803
        if self.fails is not None:
            raise self.fails
        outputs = [{"OutputKey": k, "OutputValue": v} for k, v in self.outputs.items()]
        return {"Stacks": [{"Outputs": outputs}]}

    def invoke(self, FunctionName, Payload):  # noqa: N803
        assert FunctionName == "jobs"
        if self.function_error:
            return {"FunctionError": "Unhandled", "Payload": io.BytesIO(b"{}")}
        for _ in range(self.deliveries):
            answer = self.world.ask(json.loads(Payload))
        return {"Payload": io.BytesIO(json.dumps(answer).encode())}

    def upload_file(self, path, bucket, key, Callback):  # noqa: N803
        self.world.upload(key, Path(path).read_text(), copies=())
        Callback(Path(path).stat().st_size)

    def download_file(self, bucket, key, path):
        text = content_of(self.world.store, f"s3://{bucket}/{key}")
        if text is None:
            raise refusal("404", "HeadObject", 404)
        Path(path).write_text(text)


@pytest.fixture
def deployment(monkeypatch):
    deployment = Deployment(RecordingsWorld())
    monkeypatch.setattr(aws, "client", deployment.client)
    passing = SimpleNamespace(sleep=deployment.world.pass_time)
    monkeypatch.setattr(command, "time", passing)
    monkeypatch.setenv(command.STACK, "whisper")
    return deployment


@pytest.fixture
def recording(tmp_path):
    path = tmp_path / "call.wav"
    path.write_text("good 1")
    return path


def run(capsys, *arguments):
    status = main(["jobs", *map(str, arguments)])
    out, err = capsys.readouterr()
    return status, out.splitlines(), err.splitlines()


def test_a_file_is_uploaded_waited_for_and_fetched(deployment, recording, tmp_path, capsys):
    status, out, err = run(capsys, "submit", recording, "--format", "srt", "--wait")
    assert status == 0, err
    (job_id,) = err
    (uri,) = out
    assert uri.endswith(f"/call.wav/{job_id}.srt")
    status, out, _ = run(capsys, "fetch", job_id, "--to", tmp_path / "texts")
    assert (status, out) == (0, [str(tmp_path / "texts/call.wav.srt")])
    assert "good 1" in Path(out[0]).read_text()


def test_a_file_that_its_caller_has_named_keeps_its_name(deployment, tmp_path, capsys):
    world = deployment.world
    world.upload("uploads/a.wav", "good 1", copies=())
    uri = f"s3://{BUCKET}/uploads/a.wav"
    given = {"output_key": "transcripts/mine/first.json", "formats": ["transcribe", "srt"]}
    job_id = world.ask({"action": "submit", "s3_uri": uri, **given})["job"]["id"]
    world.quiesce()
    status, out, _ = run(capsys, "fetch", job_id, "--to", tmp_path)
    assert status == 0
    assert sorted(Path(one).name for one in out) == ["first.json", "first.srt"]


def test_a_job_is_submitted_looked_at_listed_and_cancelled(deployment, recording, capsys):
    deployment.world.upload("uploads/a.wav", "good 1", copies=())
    uri = f"s3://{BUCKET}/uploads/a.wav"
    status, (job_id,), _ = run(capsys, "submit", uri, "--language", "en")
    assert status == 0
    assert deployment.world.table.get(job_id).parameters == {"language": "en"}
    deployment.world.pass_time(5)
    status, (line,), _ = run(capsys, "status", job_id)
    assert (status, line.split()[0], line.split()[-1]) == (0, job_id, uri)
    assert "TRANSCRIBING" in line
    assert run(capsys, "list", "--status", "TRANSCRIBING")[1] == [line]
    assert "CANCELLED" in run(capsys, "cancel", job_id)[1][0]
    assert run(capsys, "list", "--limit", "1")[1][0].split()[3] == "CANCELLED"
    assert run(capsys, "status", job_id)[::2] == (1, ["The job was cancelled."])


def test_a_request_that_is_sent_again_makes_no_second_job(deployment, capsys):
    uri = f"s3://{BUCKET}/uploads/july/a.wav"
    deployment.world.upload("uploads/july/a.wav", "good 1", copies=())
    deployment.deliveries = 2
    status, (job_id,), err = run(capsys, "submit", uri)
    assert (status, err) == (0, [])
    (line,) = run(capsys, "list")[1]
    assert line.startswith(job_id)


@pytest.mark.parametrize(
    ("options", "parameters"),
    [
        (["--diarize"], {"diarize": True}),
        (["--num-speakers", "2"], {"diarize": True, "num_speakers": 2}),
        (["--channels", "--language", "en"], {"channel_identification": True, "language": "en"}),
    ],
)
def test_who_speaks_is_asked_for_as_of_the_endpoint(deployment, capsys, options, parameters):
    world = deployment.world
    world.upload("uploads/july/a.wav", "good 1", copies=())
    uri = f"s3://{BUCKET}/uploads/july/"
    status, (job_id,), _ = run(capsys, "submit", f"{uri}a.wav", *options)
    assert (status, world.table.get(job_id).parameters) == (0, parameters)
    assert run(capsys, "batch", uri, *options)[0] == 0
    assert [*world.executions.values()][-1].given["parameters"] == parameters


@pytest.mark.parametrize("more", [[], ["--name", "july"]])
def test_a_batch_that_is_sent_again_is_the_same_batch(deployment, capsys, more):
    deployment.deliveries = 2
    status, (name,), _ = run(capsys, "batch", f"s3://{BUCKET}/uploads/july/", *more)
    assert status == 0
    started = [one.given["batch"] for one in deployment.world.executions.values()]
    assert started == [name, name]


def test_a_list_too_long_for_one_answer_is_shown_to_its_end(deployment, capsys, monkeypatch):
    monkeypatch.setattr(paging, "MOST_BYTES", 1)
    deployment.world.upload("uploads/a.wav", "good 1", copies=())
    for _ in range(4):
        run(capsys, "submit", f"s3://{BUCKET}/uploads/a.wav")
    lines = run(capsys, "list")[1]
    assert len(set(lines)) == 4
    assert run(capsys, "list", "--limit", "3")[1] == lines[:3]


@pytest.mark.parametrize("name", ["\x1b[2Ja\n.wav", "\u202egone.wav"])
@pytest.mark.parametrize("fails", [False, True])
def test_a_recordings_name_does_nothing_to_the_terminal(deployment, capsys, name, fails):
    deployment.world.upload(f"uploads/{name}", "good 1", copies=())
    deployment.world.endpoint.outcomes = [f"{FAILURE} {name}"] * 3 * fails
    uri = f"s3://{BUCKET}/uploads/{name}"
    status, out, err = run(capsys, "submit", uri, "--format", "srt", "--wait")
    assert (status, len(out + err)) == (int(fails), 2)
    _, (line,), _ = run(capsys, "list")
    assert all(one.isprintable() for one in (*out, *err, line))


def test_a_job_that_fails_says_its_sentence(deployment, recording, capsys):
    deployment.world.endpoint.outcomes = [FAILURE] * 3
    status, out, err = run(capsys, "submit", recording, "--wait")
    assert (status, out, err[1:]) == (1, [], [FAILURE])
    assert run(capsys, "fetch", err[0])[::2] == (1, [FAILURE])


def test_a_webhook_is_told_again(deployment, recording, capsys):
    _, (job_id,), _ = run(capsys, "submit", recording, "--webhook", "https://example.com/")
    deployment.world.quiesce()
    status, (line,), _ = run(capsys, "resend", job_id)
    assert (status, line.split()[0]) == (0, job_id)
    deployment.world.quiesce()
    assert len(deployment.world.told) == 2


def test_a_batch_has_a_name_to_go_on_with(deployment, capsys):
    source = f"s3://{BUCKET}/uploads/"
    assert run(capsys, "batch", source, "--name", "monday")[:2] == (0, ["monday"])
    deployment.world.upload("uploads/list.csv", "s3_uri\n", copies=())
    manifest = f"s3://{BUCKET}/uploads/list.csv"
    status, out, _ = run(capsys, "batch", manifest, "--wait")
    assert (status, out[1:]) == (0, ["There was no recording."])


def test_a_batch_that_itself_fails_is_no_success(deployment, capsys):
    deployment.world.is_manifest_broken = True
    deployment.world.upload("uploads/list.csv", "s3_uri\n", copies=())
    manifest = f"s3://{BUCKET}/uploads/list.csv"
    status, out, (sentence,) = run(capsys, "batch", manifest, "--name", "monday", "--wait")
    assert (status, out) == (1, ["monday", "There was no recording."])
    assert sentence == (
        "The batch monday itself ended early, as FAILED: correct its manifest if that is broken "
        "further on, and run the batch again with its name."
    )
    deployment.world.is_manifest_broken = False
    assert run(capsys, "batch", manifest, "--name", "monday", "--wait")[::2] == (0, [])


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (
            ["submit", "no.wav"],
            "no.wav cannot be read (No such file or directory); check its name.",
        ),
        (["submit", os.devnull], "/dev/null is no file; give one with a recording."),
        (["submit", "https://calls.example/a.wav"], "This deployment does not fetch recordings"),
        (["submit", "http://calls.example/a.wav"], "Give url as"),
        (
            ["submit", "s3://other/a.wav"],
            "s3://other/a.wav lies outside what this deployment may read: put it below s3://",
        ),
        (["status", "17"], "There is no job '17'"),
        (["fetch", "17"], "There is no job '17'"),
        (["cancel", "17"], "There is no job '17'"),
        (["list", "--limit", "0"], "Give limit as a whole number from 1 to 100."),
        (["batch", "calls/"], "calls/ is not in S3: upload the recordings, or the manifest"),
        (["batch", "calls.csv"], "calls.csv is not in S3: upload"),
        (["submit", "s3://b/a.wav", "--webhook", "http://x"], "Give --webhook as https://host/"),
    ],
)
def test_a_refusal_is_one_sentence(deployment, capsys, arguments, sentence):
    status, out, err = run(capsys, *arguments)
    assert (status, out, len(err)) == (2, [], 1)
    assert err[0].startswith(sentence)


def test_a_pipe_is_no_recording_and_is_not_waited_for(deployment, tmp_path, capsys):
    os.mkfifo(tmp_path / "pipe.wav")
    status, _, (sentence,) = run(capsys, "submit", tmp_path / "pipe.wav")
    assert (status, sentence) == (2, f"{tmp_path}/pipe.wav is no file; give one with a recording.")


def test_where_no_folder_can_be_the_sentence_names_the_option(deployment, recording, capsys):
    _, _, (job_id,) = run(capsys, "submit", recording, "--format", "srt", "--wait")
    assert run(capsys, "fetch", job_id, "--to", recording) == (
        2,
        [],
        [f"{recording} cannot be created (File exists); give another folder with --to."],
    )


def test_a_file_of_that_name_is_kept_unless_it_may_be_replaced(
    deployment, recording, tmp_path, capsys
):
    _, _, (job_id,) = run(capsys, "submit", recording, "--format", "srt", "--wait")
    mine = tmp_path / "call.wav.srt"
    mine.write_text("mine")
    assert run(capsys, "fetch", job_id, "--to", tmp_path) == (
        2,
        [],
        [f"{mine} exists; give another folder with --to, or --overwrite to replace it."],
    )
    assert mine.read_text() == "mine"
    assert run(capsys, "fetch", job_id, "--to", tmp_path, "--overwrite")[:2] == (0, [str(mine)])
    assert "good 1" in mine.read_text()


@pytest.mark.parametrize(("name", "is_kept"), [("é" * 119, True), ("é" * 120, False)])
def test_a_recordings_name_that_leaves_no_room_for_a_suffix_gives_way_to_the_jobs_id(
    deployment, tmp_path, capsys, name, is_kept
):
    recording = tmp_path / f"{name}.wav"
    recording.write_text("good 1")
    _, _, (job_id,) = run(capsys, "submit", recording, "--format", "srt", "--wait")
    status, out, _ = run(capsys, "fetch", job_id, "--to", tmp_path)
    written = f"{name}.wav" if is_kept else job_id
    assert (status, out) == (0, [str(tmp_path / f"{written}.srt")])


def test_a_file_of_this_machine_that_fails_is_named(
    deployment, recording, tmp_path, capsys, monkeypatch
):
    _, _, (job_id,) = run(capsys, "submit", recording, "--format", "srt", "--wait")

    def fail(*_, **__):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    for method in ("download_file", "upload_file"):
        monkeypatch.setattr(deployment, method, fail)
    sentence = (
        "{} cannot be read or written (No space left on device); check its folder and the free "
        "space, or give another one."
    )
    target = tmp_path / "texts"
    fetched = run(capsys, "fetch", job_id, "--to", target)
    assert fetched == (2, [], [sentence.format(target / "call.wav.srt")])
    assert run(capsys, "submit", recording) == (2, [], [sentence.format(recording)])


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (SSLError(endpoint_url="https://s3", error="no trust"), "no trust"),
        (ConnectTimeoutError(endpoint_url="https://s3"), "Nothing answers at https://s3;"),
    ],
)
def test_a_fault_of_the_network_is_not_taken_for_one_of_this_machine(
    deployment, recording, capsys, monkeypatch, error, sentence
):
    _, _, (job_id,) = run(capsys, "submit", recording, "--format", "srt", "--wait")

    def fail(*_, **__):
        raise error

    monkeypatch.setattr(deployment, "download_file", fail)
    status, _, (said,) = run(capsys, "fetch", job_id)
    assert status == 2
    assert sentence in said
    assert "cannot be read or written" not in said


def test_a_job_that_runs_is_not_fetched(deployment, recording, capsys):
    _, (job_id,), _ = run(capsys, "submit", recording)
    status, _, err = run(capsys, "fetch", job_id)
    assert (status, err) == (2, [f"The job {job_id} is still running: wait until it ends."])


def test_what_is_no_deployment_for_recordings_is_said(deployment, capsys, monkeypatch):
    deployment.outputs = {}
    assert "EnableRecordings" in run(capsys, "list")[2][0]
    deployment.fails = ClientError({"Error": {"Code": "X", "Message": "no such stack"}}, "D")
    assert "The stack whisper cannot be described (no such stack)" in run(capsys, "list")[2][0]
    deployment.fails = UnicodeEncodeError("utf-8", "\udce9", 0, 1, "surrogates not allowed")
    assert "described: the name is not text in UTF-8" in run(capsys, "list")[2][0]
    deployment.fails = NoCredentialsError()
    (said,) = run(capsys, "list")[2]
    assert said.startswith("No AWS credentials were found; run `aws configure`")
    deployment.fails = UnauthorizedSSOTokenError()
    (said,) = run(capsys, "list")[2]
    assert said.startswith("The AWS credentials cannot be used (The SSO session")
    deployment.fails = EndpointConnectionError(endpoint_url="http://127.0.0.1:9/")
    (said,) = run(capsys, "list")[2]
    assert said.startswith("Nothing answers at http://127.0.0.1:9/; check the network, the region")
    monkeypatch.delenv(command.STACK)
    assert run(capsys, "list")[2] == [
        "Give the name of the stack with --stack, or set RECORDINGS_STACK."
    ]


def test_ctrl_c_says_what_goes_on_in_the_deployment(deployment, recording, capsys, monkeypatch):
    def press(seconds):
        raise KeyboardInterrupt

    monkeypatch.setattr(command, "time", SimpleNamespace(sleep=press))
    status, _, (job_id, said) = run(capsys, "submit", recording, "--wait")
    assert status == 130
    assert said == (
        f"Stopped; the job continues: jobs status {job_id} shows its progress, jobs cancel "
        f"{job_id} cancels it."
    )
    assert "SUBMITTED" in run(capsys, "status", job_id)[1][0]

    answers = {"batch": {"batch": "monday"}, "batch-status": {"counts": {}, "running": True}}
    monkeypatch.setattr(RecordingJobs, "ask", lambda self, action, **_: answers[action])
    status, _, (said,) = run(capsys, "batch", "s3://b/uploads/", "--wait")
    assert status == 130
    assert said == "Stopped; the batch continues: --name monday --wait waits for it again."


def test_ctrl_c_while_something_is_asked_promises_nothing(deployment, capsys, monkeypatch):
    def press(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(RecordingJobs, "ask", press)
    for arguments in (["submit", "s3://b/a.wav"], ["cancel", "17"], ["resend", "17"]):
        status, _, (said,) = run(capsys, *arguments)
        assert (status, said.partition(";")[0]) == (130, "Stopped")
        assert "see whisper-sagemaker jobs list" in said


def test_a_function_that_fails_is_no_answer(deployment, capsys):
    deployment.function_error = True
    status, _, err = run(capsys, "list")
    assert status == 2
    assert err[0].startswith("The function jobs failed: try again")


def test_the_formats_are_the_deployments():
    assert tuple(FORMS) == command.FORMATS
