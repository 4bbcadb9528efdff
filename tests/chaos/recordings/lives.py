# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Hypothesis plays the flow: what people and AWS do to recordings, and what must hold then."""

import hashlib
from typing import Any

from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from recordings.job import FINAL, RecordingJob
from tests.chaos.recordings.endpoint import content_of
from tests.chaos.recordings.world import BUCKET, RecordingsWorld

KEYS = ("incoming/a.wav", "incoming/calls/b.mp4")
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
    """A deployment to which things happen."""

    def __init__(self) -> None:
        super().__init__()
        self.world = RecordingsWorld()
        self.uploads: dict[str, tuple[str, str]] = {}
        self.submitted: dict[str, str] = {}
        self.touched: dict[str, int] = {}
        self.cancelled: set[str] = set()
        self.faults = 0

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
        """Begin with an upload that has something coming."""
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
        """Upload a recording, over another one perhaps; S3 may tell of it five times."""
        content = f"{kind} {len(self.uploads)}"
        sequencer = self.world.upload(key, content, copies)
        self.uploads[sequencer] = (key, content)
        self.touched[key] = self.touched.get(key, -1) + 1

    @rule(key=st.sampled_from(KEYS))
    def delete(self, key: str) -> None:
        """Delete a recording, at whatever time."""
        self.world.delete(key)
        self.touched[key] = self.touched.get(key, -1) + 2

    @rule(token=st.sampled_from(["t1", "t2"]), key=st.sampled_from(KEYS))
    def submit(self, token: str, key: str) -> None:
        """Ask for a job; whoever gets no answer asks again with the same token."""
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

    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        """Cancel a job, in whatever state; whoever gets no answer asks again."""
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
        """Have the next invocations fail, or not."""
        self.world.endpoint.outcomes = list(outcome)

    @rule(
        fate=st.sampled_from(FATES),
        takes=st.sampled_from(DURATIONS),
    )
    def notification(self, fate: tuple[float, ...], takes: float) -> None:
        """Lose the next notification, repeat it, or have it come late or at once."""
        self.world.endpoint.fates = [fate]
        self.world.endpoint.takes = takes

    @rule(calls=st.sampled_from(range(13)))
    def end_a_function(self, calls: int) -> None:
        """End a Lambda function before one of its next calls."""
        self.world.ended_at_call = calls

    @rule(number=st.sampled_from(range(1, 7)))
    def throttle(self, number: int) -> None:
        """Have DynamoDB throttle."""
        self.world.throttles = number

    @rule(seconds=st.sampled_from([0.5, 2.0, 21.0, 25.0, 65.0, 900.0, 26_000.0]))
    def pass_time(self, seconds: float) -> None:
        """Let time pass."""
        self.world.pass_time(seconds)

    def teardown(self) -> None:
        """Let everything end, and look at it."""
        self.world.ended_at_call = None
        self.world.quiesce()
        self.check()

    def check(self) -> None:
        """Check what must hold in the end."""
        world = self.world
        jobs = [world.table.get(job_id) for job_id in world.statuses]
        assert all(one.status != "RUNNING" for one in world.executions.values())
        assert len(jobs) == len(self.uploads) + len(self._submissions(jobs))
        for job in jobs:
            statuses = world.statuses[job.id]
            finals = [status for status in statuses if status in FINAL]
            assert finals == [job.status], f"{job.id} went through {statuses}"
            self._check_outputs(job)
            self._check_telling(job)
            self._check_waiting(job)
            self._check_attempts(job)

    def _submissions(self, jobs: list[RecordingJob]) -> set[str]:
        """Return the jobs that were asked for by token; each token has one."""
        found = {job.id for job in jobs if job.formats == ("txt",)}
        assert set(self.submitted.values()) <= found
        return found

    def _check_outputs(self, job: RecordingJob) -> None:
        world = self.world
        for key, contents in world.written.items():
            assert len(set(contents)) == 1, f"{key} was written with different content"
        if job.status != "SUCCEEDED":
            assert job.error
            assert not job.outputs
            return
        assert set(job.outputs) == set(job.formats)
        for uri in job.outputs.values():
            text = content_of(world.store, uri)
            assert text is not None, f"{uri} is missing"
            assert f"{self._content_of(job)} #" in text, f"{uri} is of another recording"

    def _content_of(self, job: RecordingJob) -> str:
        """Return the recording that a job was made for."""
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
        """Check that nothing was transcribed again without a reason."""
        world = self.world
        interrupted = world.hits["function ended"] + world.hits["throttled"]
        converted = self._content_of(job).startswith("odd") if job.etag else False
        most = 1 + world.endpoint.failures[job.id] + interrupted + converted
        assert job.attempt <= most, f"{job.id} was sent {job.attempt} times"

    def _check_waiting(self, job: RecordingJob) -> None:
        """Check that what could succeed did, and waited for no time-out without a reason."""
        world = self.world
        unhindered = (
            job.id not in self.cancelled | set(world.endpoint.failures)
            and job.status != "CANCELLED"
            and self.touched[job.key] == 0
            and not self._content_of(job).startswith("hopeless")
        )
        if unhindered:
            assert job.status == "SUCCEEDED", job.error
        is_heard = job.id not in world.endpoint.unheard_jobs and not world.hits["not heard"]
        if is_heard and job.execution in world.executions:
            assert "NobodyTold" not in world.executions[job.execution].states


def machine(examples: int, *, derandomize: bool = True, shrink: bool = True) -> Any:
    """Return hypothesis' test case for so many lives."""
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
