# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Hypothesis exercises the flow: actions of users and AWS, and the invariants."""

import hashlib
import re
from typing import Any

from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from recordings.job import FINAL, JobStatus, RecordingJob
from recordings.transcripts import claimed_uris
from tests.chaos.recordings.endpoint import content_of
from tests.chaos.recordings.world import BUCKET, RecordingsWorld

KEYS = ("incoming/a.wav", "incoming/calls/b.mp4")
CHOSEN = (
    {"output_key": "transcripts/out.json", "formats": ["transcribe", "srt"]},
    {"output_key": "transcripts/out", "formats": ["json", "vtt"]},
)
"""Caller-chosen output files: the first of either is the same."""
_TAKEN = "OutputTaken"
STEPS = 12
_SERVER_ERROR = "ClientError: Received server error (500) from model. See the log."
OUTCOMES: list[list[str]] = [[], [], [_SERVER_ERROR], [_SERVER_ERROR] * 4]
FATES = [
    (1.0,),
    (1.0, 2.0),
    (),
    (1.0, 300.0, 7200.0),
    (26_000.0,),
    (200.0, 1.0),
    (0.0,),
]
DURATIONS = [20.0, 0.0, 3000.0]


class RecordingLives(RuleBasedStateMachine):
    """A deployment under random events."""

    def __init__(self) -> None:
        super().__init__()
        self.world = RecordingsWorld()
        self.uploads: dict[str, tuple[str, str]] = {}
        self.submitted: dict[str, str] = {}
        self.touched: dict[str, int] = {}
        self.cancelled: set[str] = set()
        self.rows = 0
        self.world.on_status = self._look

    @initialize(
        kind=st.sampled_from(["good", "good", "odd"]),
        fate=st.sampled_from(FATES),
        outcome=st.sampled_from(OUTCOMES),
        takes=st.sampled_from(DURATIONS),
        seconds=st.sampled_from([0.0, 1.0, 2.0]),
    )
    def begin(
        self,
        kind: str,
        fate: tuple[float, ...],
        outcome: list[str],
        takes: float,
        seconds: float,
    ) -> None:
        """Start with an upload and possible trouble."""
        self.endpoint_fails(outcome)
        self.notification(fate, takes)
        self.upload(KEYS[0], kind, (0.0,))
        self.pass_time(seconds)

    @rule(
        key=st.sampled_from(KEYS),
        kind=st.sampled_from(["good", "good", "odd", "hopeless"]),
        copies=st.sampled_from([(0.0,), (0.0, 0.0, 1.0, 90.0, 9000.0), (5.0, 5.0)]),
    )
    def upload(self, key: str, kind: str, copies: tuple[float, ...]) -> None:
        """Upload a recording, possibly overwriting one; S3 may report it five times."""
        content = f"{kind} {len(self.uploads)}"
        sequencer = self.world.upload(key, content, copies)
        self.uploads[sequencer] = (key, content)
        self.touched[key] = self.touched.get(key, -1) + 1

    @rule(key=st.sampled_from(KEYS))
    def delete(self, key: str) -> None:
        """Delete a recording at any time."""
        self.world.delete(key)
        self.touched[key] = self.touched.get(key, -1) + 2

    @rule(token=st.sampled_from(["t1", "t2"]), key=st.sampled_from(KEYS))
    def submit(self, token: str, key: str) -> None:
        """Submit a job; retry with the same token if there is no answer."""
        request = {
            "action": "submit",
            "s3_uri": f"s3://{BUCKET}/{key}",
            "client_token": token,
            "formats": ["txt"],
        }
        for _ in range(3):
            answer = self.world.ask(request)
            if answer is not None:
                if "job" in answer:
                    self.submitted[token] = answer["job"]["id"]
                return

    @rule(
        token=st.sampled_from(["o1", "o2", "o3"]),
        key=st.sampled_from(KEYS),
        chosen=st.sampled_from(CHOSEN),
    )
    def submit_to(self, token: str, key: str, chosen: dict[str, Any]) -> None:
        """Submit a job with chosen output names, which another may be writing."""
        request = {"action": "submit", "s3_uri": f"s3://{BUCKET}/{key}", "client_token": token}
        for _ in range(3):
            answer = self.world.ask({**request, **chosen})
            if answer is not None:
                if answer.get("code") == _TAKEN:
                    self._check_taken(answer["error"], self.world.now)
                return

    @rule(key=st.sampled_from(KEYS), chosen=st.sampled_from(CHOSEN))
    def row(self, key: str, chosen: dict[str, Any]) -> None:
        """Start a batch row with chosen output names."""
        self.rows += 1
        self.world.row(f"batch {self.rows}", {"s3_uri": f"s3://{BUCKET}/{key}", **chosen})

    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        """Cancel a job in any state; retry if there is no answer."""
        ids = sorted(self.world.statuses)
        if not ids:
            return
        job_id = data.draw(st.sampled_from(ids))
        for _ in range(3):
            answer = self.world.ask({"action": "cancel", "id": job_id})
            if answer is not None:
                if "job" in answer:
                    self.cancelled.add(job_id)
                return

    @rule(outcome=st.sampled_from(OUTCOMES))
    def endpoint_fails(self, outcome: list[str]) -> None:
        """Set the outcomes of the next invocations."""
        self.world.endpoint.outcomes = list(outcome)

    @rule(
        fate=st.sampled_from(FATES),
        takes=st.sampled_from(DURATIONS),
    )
    def notification(self, fate: tuple[float, ...], takes: float) -> None:
        """Lose, repeat, delay or hasten the next notification."""
        self.world.endpoint.fates = [fate]
        self.world.endpoint.takes = takes

    @rule(calls=st.sampled_from(range(13)))
    def end_a_function(self, calls: int) -> None:
        """Kill a Lambda function before one of its next calls."""
        self.world.ended_at_call = calls

    @rule(number=st.sampled_from(range(1, 7)))
    def throttle(self, number: int) -> None:
        """Let DynamoDB throttle."""
        self.world.throttles = number

    @rule(seconds=st.sampled_from([0.5, 2.0, 21.0, 25.0, 65.0, 900.0, 26_000.0]))
    def pass_time(self, seconds: float) -> None:
        """Let time pass."""
        self.world.pass_time(seconds)

    def teardown(self) -> None:
        """Let everything end, then check it."""
        self.world.ended_at_call = None
        self.world.quiesce()
        self.check()

    def check(self) -> None:
        """Check the invariants at the end."""
        world = self.world
        jobs = [world.table.get(job_id) for job_id in world.statuses]
        assert all(one.status != "RUNNING" for one in world.executions.values())
        others = [job for job in jobs if not job.output_key]
        assert len(others) == len(self.uploads) + len(self._submissions(others))
        for job in jobs:
            statuses = world.statuses[job.id]
            finals = [status for status in statuses if status in FINAL]
            assert finals == [job.status], f"{job.id} went through {statuses}"
            self._check_outputs(job)
            self._check_telling(job)
            self._check_waiting(job)
            self._check_attempts(job)

    def _submissions(self, jobs: list[RecordingJob]) -> set[str]:
        """Return the jobs submitted by token; each token has one."""
        found = {job.id for job in jobs if job.formats == ("txt",)}
        assert set(self.submitted.values()) <= found
        return found

    def _check_outputs(self, job: RecordingJob) -> None:
        world = self.world
        for key, contents in world.written.items():
            if key.count("/") > 1:  # no chosen name, which a later job may share
                assert len(set(contents)) == 1, f"{key} was written with different content"
        if job.status != "SUCCEEDED":
            assert job.error
            assert not job.outputs
            return
        assert set(job.outputs) == set(job.formats)
        if job.output_key:  # checked when it succeeded
            return
        for uri in job.outputs.values():
            text = content_of(world.store, uri)
            assert text is not None, f"{uri} is missing"
            assert f"{self._content_of(job)} #" in text, f"{uri} is of another recording"

    def _look(self, job_id: str) -> None:
        """Check chosen output files when a job starts writing, succeeds or fails."""
        job = self.world.table.get(job_id)
        if not job.output_key:
            return
        if job.status is JobStatus.TRANSCRIBING:
            others = [one.id for one in self._writers(job) if one.status != JobStatus.SUBMITTED]
            assert others in ([], [job.id]), f"{others} write {job.output_key} at once"
        elif job.status is JobStatus.SUCCEEDED:
            texts = [content_of(self.world.store, uri) or "" for uri in job.outputs.values()]
            said = {tuple(re.findall(rf"{self._content_of(job)} #\d+", text)[:1]) for text in texts}
            assert len(said) == 1, f"{job.output_key} is of several jobs: {said}"
            assert said != {()}, f"{job.output_key} is of another recording"
        elif job.code == _TAKEN:
            self._check_taken(job.error, job.submitted_at)

    def _check_taken(self, sentence: str, since: float) -> None:
        """Check that a job refused since a time had another in its way."""
        match = re.search(r"the job '(.+)' has ended", sentence)
        assert match, sentence
        if match[1] in self.world.statuses:
            other = self.world.table.get(match[1])
            is_over = other.has_ended and (since == self.world.now or other.ended_at < since)
            assert not is_over, f"refused for {other.id}, which has ended"
        else:  # claimed by a request killed before it started the job
            assert self.world.hits["function ended"] or self.world.hits["throttled"]

    def _writers(self, job: RecordingJob) -> list[RecordingJob]:
        """Return the unfinished jobs that write the same files, including itself."""
        jobs = [self.world.table.get(one) for one in self.world.statuses]
        uris = set(claimed_uris(job, BUCKET))
        return [one for one in jobs if not one.has_ended and uris & set(claimed_uris(one, BUCKET))]

    def _content_of(self, job: RecordingJob) -> str:
        """Return the content of a job's recording."""
        return next(
            content
            for _, content in self.uploads.values()
            if hashlib.md5(content.encode(), usedforsecurity=False).hexdigest() == job.etag
        )

    def _check_telling(self, job: RecordingJob) -> None:
        told = [one for one in self.world.events if one["TranscriptionJobName"] == job.id]
        assert told, f"nobody was told of {job.id}"
        is_interrupted = self.world.hits["function ended"] or self.world.hits["throttled"]
        assert len(told) == 1 or is_interrupted, f"{job.id} was told of {len(told)} times"
        assert {one["status"] for one in told} == {job.status}
        failures = [one for one in self.world.failures if one["TranscriptionJobName"] == job.id]
        assert bool(failures) == (job.status == "FAILED")

    def _check_attempts(self, job: RecordingJob) -> None:
        """Check that nothing was transcribed twice without reason."""
        world = self.world
        interrupted = world.hits["function ended"] + world.hits["throttled"]
        converted = self._content_of(job).startswith("odd") if job.etag else False
        most = 1 + world.endpoint.failures[job.id] + interrupted + converted
        assert job.attempt <= most, f"{job.id} was sent {job.attempt} times"

    def _check_waiting(self, job: RecordingJob) -> None:
        """Check that a job that could succeed did, without needless time-outs."""
        world = self.world
        unhindered = (
            job.id not in self.cancelled | set(world.endpoint.failures)
            and job.status != "CANCELLED"
            and job.code != _TAKEN
            and job.etag  # a row may name a missing object
            and self.touched[job.key] == 0
            and not self._content_of(job).startswith("hopeless")
        )
        if unhindered:
            assert job.status == "SUCCEEDED", job.error
        is_heard = job.id not in world.endpoint.unheard_jobs and not world.hits["not heard"]
        # Where no attempt to cancel it was answered, its flow may go on waiting.
        is_half_cancelled = job.status == "CANCELLED" and job.id not in self.cancelled
        if is_heard and not is_half_cancelled and job.execution in world.executions:
            assert "NobodyTold" not in world.executions[job.execution].states


def machine(examples: int, *, derandomize: bool = True, shrink: bool = True) -> Any:
    """Return hypothesis' test case for a number of lives."""
    phases = [Phase.generate, *([Phase.shrink] if shrink else [])]
    case = RecordingLives.TestCase
    case.settings = settings(
        max_examples=examples,
        stateful_step_count=STEPS,
        deadline=None,
        derandomize=derandomize,
        database=None,
        phases=phases,
        report_multiple_bugs=False,
    )
    return case
