# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""``python -m benchmarks.recordings_batch``: a batch of short files, interrupted and resumed.

Deploys the stack with recordings into a local cloud, with a stand-in endpoint, to measure the flow.
When a third is done, the batch is stopped, then continued under its name. Exits with 1 unless every
file has exactly one transcript per format.
"""

import argparse
import sys
import time
from collections import Counter
from typing import Any

from benchmarks.references import DEMO_MODEL
from live_whisper.transport.recordings import RecordingJobs
from local_cloud.server import LocalCloud
from scripts import command, local_stack
from tests.fakes.recordings_hosting import RecordingsHosting

_NAME = "many"
_POLL_SECONDS = 2.0
_FORMS = 2


def main() -> int:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.recordings_batch")
    parser.add_argument(
        "--files", type=int, default=1000, help="number of files in the batch (default: 1000)"
    )
    files = parser.parse_args().files
    return command.run("recordings-batch", lambda: _measured(files))


def _measured(files: int) -> int:
    with (
        LocalCloud(RecordingsHosting) as cloud,
        local_stack.aws_settings(cloud.environment()),
    ):
        s3 = cloud.client("s3")
        s3.create_bucket(Bucket=local_stack.ARTIFACTS)
        for path in sorted(DEMO_MODEL.iterdir()):
            s3.upload_file(str(path), local_stack.ARTIFACTS, f"model/{path.name}")
        url = local_stack.publish(cloud)
        parameters = {**local_stack.DEMO_PARAMETERS, "EnableRecordings": "true"}
        stack = local_stack.deploy(cloud, url, parameters)
        bucket = stack.outputs["RecordingsBucket"]
        for number in range(files):
            key = f"uploads/many/{number:04}.wav"
            s3.put_object(Bucket=bucket, Key=key, Body=f"call {number}".encode())
        jobs = RecordingJobs(local_stack.STACK_NAME)
        began = time.monotonic()
        stopped_at = _stopped_in_the_middle(cloud, jobs, bucket, files)
        again = time.monotonic()
        counts = _to_its_end(jobs, bucket)
        print(f"stopped after {again - began:.0f} s with {stopped_at} of {files} transcribed")
        print(f"gone on with: {counts} after another {time.monotonic() - again:.0f} s")
        written = _transcripts(s3, bucket)
        hosting: Any = cloud.hosting
        asked: Counter[int] = Counter(hosting.seen.values())
        print(f"transcripts of {len(written)} files; times that each file was asked for: {asked}")
        local_stack.delete(stack)
        print(f"resources left: {stack.left().total()}")
        return int(counts != {"SUCCEEDED": files} or written != dict.fromkeys(written, _FORMS))


def _stopped_in_the_middle(cloud: LocalCloud, jobs: RecordingJobs, bucket: str, files: int) -> int:
    """Start the batch, stop it when a third is done, and wait for jobs in progress."""
    _begin(jobs, bucket)
    while (done := _told(jobs)["counts"].get("SUCCEEDED", 0)) < files // 3:
        time.sleep(_POLL_SECONDS)
    states = cloud.client("stepfunctions")
    for machine in states.list_state_machines()["stateMachines"]:
        arn = machine["stateMachineArn"]
        running = states.list_executions(stateMachineArn=arn, statusFilter="RUNNING")
        for execution in running["executions"]:
            if execution["name"].startswith(f"{_NAME}-"):
                states.stop_execution(executionArn=execution["executionArn"])
    while set((told := _told(jobs))["counts"]) - {"SUCCEEDED"} or told["running"]:
        time.sleep(_POLL_SECONDS)
    return int(max(done, told["counts"]["SUCCEEDED"]))


def _to_its_end(jobs: RecordingJobs, bucket: str) -> dict[str, int]:
    _begin(jobs, bucket)
    while (told := _told(jobs))["running"]:
        time.sleep(_POLL_SECONDS)
    counts: dict[str, int] = told["counts"]
    return counts


def _begin(jobs: RecordingJobs, bucket: str) -> None:
    jobs.ask("batch", prefix=f"s3://{bucket}/uploads/many/", name=_NAME)


def _told(jobs: RecordingJobs) -> dict[str, Any]:
    return jobs.ask("batch-status", name=_NAME)


def _transcripts(s3: Any, bucket: str) -> dict[str, int]:
    """Return the number of transcripts per file."""
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix="transcripts/")
    keys = [item["Key"] for page in pages for item in page.get("Contents", ())]
    return Counter(key.rpartition("/")[0] for key in keys)


if __name__ == "__main__":
    sys.exit(main())
