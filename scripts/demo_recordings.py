# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""``make demo-recordings``: from uploads to subtitles, without a cloud account.

Deploys the template with recordings into a local cloud, uploads a video with sound, a long
recording and a broken file, shows their progress until all jobs have ended, deletes the stack and
counts what is left. Exits with 1 if a job did not end as it should or if anything is left.
"""

import argparse
import sys
import time
from typing import Any

from benchmarks.long_audio import call_as_video, calls_as_mp3
from live_whisper.transport.recordings import RecordingJobs
from scripts import command, local_stack
from scripts.publish.progress import step

MINUTES = 60
_POLL_SECONDS = 2.0
_SHOWN_LINES = 8
_EXPECTED = {"video.mp4": "SUCCEEDED", "long.mp3": "SUCCEEDED", "broken.wav": "FAILED"}
_RUNNING = ("SUBMITTED", "CONVERTING", "TRANSCRIBING")


def main() -> int:
    """Run the demo; return 0, 1 if a result is not as promised, or 130 after Ctrl-C."""
    parser = argparse.ArgumentParser(prog="python -m scripts.demo_recordings", description=__doc__)
    local_stack.add_model_option(parser)
    parser.add_argument(
        "--minutes",
        type=int,
        default=MINUTES,
        help=f"length of the long recording in minutes (default: {MINUTES})",
    )
    options = parser.parse_args()
    return command.run("demo-recordings", lambda: _demo(options.model, options.minutes))


def _demo(model: str, minutes: int) -> int:
    with local_stack.local_cloud(model=model) as cloud:
        url = local_stack.publish(cloud)
        parameters = {**local_stack.model_parameters(model), "EnableRecordings": "true"}
        stack = local_stack.deploy(cloud, url, parameters)
        bucket = stack.outputs["RecordingsBucket"]
        print(f"Recordings go to s3://{bucket}/incoming/.")
        for name, content in _recordings(minutes).items():
            cloud.client("s3").put_object(Bucket=bucket, Key=f"incoming/{name}", Body=content)
        jobs = _ended(RecordingJobs(local_stack.STACK_NAME))
        for name, job in jobs.items():
            _show(cloud.client("s3"), name, job)
        local_stack.delete(stack)
        left = stack.left()
    for kind, count in sorted(left.items()):
        print(f"  left: {count} {kind}")
    print(f"resources left: {left.total()}")
    is_as_promised = {name: job["status"] for name, job in jobs.items()} == _EXPECTED
    return 0 if is_as_promised and not left else 1


def _recordings(minutes: int) -> dict[str, bytes]:
    calls, seconds = calls_as_mp3()
    return {
        "video.mp4": call_as_video(),
        "long.mp3": calls * max(1, round(minutes * 60 / seconds)),
        "broken.wav": b"This is no recording. " * 100,
    }


def _ended(recordings: RecordingJobs) -> dict[str, dict[str, Any]]:
    """Wait until all jobs have ended, showing their progress."""
    told: dict[str, str] = {}
    with step("Transcribing") as shown:
        while True:
            listed = recordings.ask("list")["jobs"]
            jobs = {job["source"].rpartition("/")[2]: job for job in listed}
            for name, job in jobs.items():
                if told.get(name) != job["status"]:
                    told[name] = job["status"]
                    print(f"  {name}: {job['status'].lower()}", flush=True)
            running = [job for job in jobs.values() if job["status"] in _RUNNING]
            if len(jobs) == len(_EXPECTED) and not running:
                return {name: jobs[name] for name in _EXPECTED}
            shown(", ".join(_share(recordings, job) for job in running))
            time.sleep(_POLL_SECONDS)


def _share(recordings: RecordingJobs, job: dict[str, Any]) -> str:
    now = recordings.ask("status", id=job["id"])["job"]
    return f"{job['source'].rpartition('/')[2]} {now.get('progress', 0.0):.0%}"


def _show(s3: Any, name: str, job: dict[str, Any]) -> None:
    """Print the first lines of a recording's subtitles, or its error."""
    if "outputs" not in job:
        print(f"\n{name} is {job['status'].lower()}: {job['error']}")
        return
    took = job["ended_at"] - job["started_at"]
    print(f"\n{name}: {job['seconds'] / 60:.1f} minutes of audio in {took / 60:.1f} minutes")
    bucket, _, key = job["outputs"]["srt"].removeprefix("s3://").partition("/")
    text = s3.get_object(Bucket=bucket, Key=key)["Body"].read().decode()
    for line in text.splitlines()[:_SHOWN_LINES]:
        print(f"  {line}")


if __name__ == "__main__":
    sys.exit(main())
