# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""``python -m benchmarks.recordings_flow``: a long recording of real speech, from upload to text.

Deploys the stack with recordings into a local cloud with real containers, and uploads a telephone
call of real voices, both sides mixed, below ``incoming/``. Reports the endpoint's memory over idle,
the job's progress, and the word errors next to `WhisperModel.transcribe` with voice detection on
the same file. ``--silence`` adds minutes of a quiet line, to measure the cost of length alone.
With ``--speakers``, the second channel has a synthetic voice, the job is submitted with `diarize`,
and the speakers found are counted.
"""

import argparse
import io
import json
import sys
import tempfile
import time
import wave
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from faster_whisper import WhisperModel

from benchmarks.accuracy import word_errors
from benchmarks.processes import PeakMemory, bytes_of
from benchmarks.real_calls.compose import CallRecipe, compose
from benchmarks.real_calls.prompts import SAMPLE_RATE, read_prompts
from benchmarks.reporting import target
from benchmarks.speakers.voices import Person, read_by
from live_whisper.transport.recordings import RecordingJobs
from local_cloud.server import LocalCloud
from scripts import command, local_stack
from scripts.publish.errors import CommandError
from scripts.weights import NAMES, weights

MOST_MB = 300
MOST_MB_WITH_SPEAKERS = 500
MOST_DIFFERENT = 0.01
_SEED = 301  # different from the tests' calls
_SECOND = Person("rms", "flite:rms")
_MB = 2**20
_POLL_SECONDS = 1.0
_QUIET = 3.0  # RMS of the added line noise, in 16-bit steps: -81 dBFS
_RUNNING = ("SUBMITTED", "CONVERTING", "TRANSCRIBING")


def main() -> int:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.recordings_flow")
    parser.add_argument("--model", choices=NAMES, default="tiny.en")
    parser.add_argument("--minutes", type=float, default=60, help="minutes of speech (default: 60)")
    parser.add_argument(
        "--silence", type=float, default=0, help="additional minutes of silence (default: 0)"
    )
    parser.add_argument("--speakers", action="store_true", help="transcribe with diarization")
    parser.add_argument("--texts", type=Path, help="folder for the reference and both transcripts")
    options = parser.parse_args()
    return command.run("recordings-flow", lambda: _measured(options))


def _measured(options: argparse.Namespace) -> int:
    said, recording = _recording(options.minutes, options.silence, options.speakers)
    with local_stack.local_cloud(model=options.model) as cloud:
        parameters = {
            **local_stack.model_parameters(options.model),
            "EnableRecordings": "true",
            "ComputeType": "int8",
            **(local_stack.speaker_parameters(cloud) if options.speakers else {}),
        }
        stack = local_stack.deploy(cloud, local_stack.publish(cloud), parameters)
        bucket, s3 = stack.outputs["RecordingsBucket"], cloud.client("s3")
        jobs = RecordingJobs(local_stack.STACK_NAME)
        container = _container(cloud)
        idle = bytes_of(container)
        with PeakMemory(container) as memory:
            # Uploads below incoming/ start a job automatically.
            key = f"{'uploads' if options.speakers else 'incoming'}/call.wav"
            s3.put_object(Bucket=bucket, Key=key, Body=recording)
            if options.speakers:
                jobs.ask("submit", s3_uri=f"s3://{bucket}/{key}", parameters={"diarize": True})
            job, progress = _ended(jobs)
        if job["status"] != "SUCCEEDED":
            raise CommandError(f"The job is {job['status']}: {job['error']}")
        key = job["outputs"]["srt"].partition(f"{bucket}/")[2].rpartition(".")[0] + ".json"
        answer = json.loads(s3.get_object(Bucket=bucket, Key=key)["Body"].read())
        ours: str = answer["text"]
        took = job["ended_at"] - job["started_at"]
        local_stack.delete(stack)
        print(f"resources left: {stack.left().total()}", flush=True)
    # Not beside the stack: it would slow the job down, and a failure would wait for its end.
    with ProcessPoolExecutor(1, get_context("spawn")) as apart:
        reference = apart.submit(_by_faster_whisper, weights(options.model), recording).result()
    if options.texts:
        for name, text in (("said", said), ("ours", ours), ("faster-whisper", reference)):
            (options.texts / f"{name}.txt").write_text(text)
    most = MOST_MB_WITH_SPEAKERS if options.speakers else MOST_MB
    _reported(job["seconds"] / 60, took, (memory.bytes - idle) / _MB, most, progress)
    if options.speakers:
        print(f"speakers: {len({one['speaker'] for one in answer['segments']})}, of 2 in the call")
    _compared(said, ours, reference)
    return 0


def _recording(minutes: float, silence: float, of_two: bool) -> tuple[str, bytes]:
    """Return a call's text, in chronological order, and its audio as WAV."""
    voices = (read_prompts("en"), read_by(_SECOND)) if of_two else None
    call = compose(CallRecipe(seed=_SEED, seconds=minutes * 60), voices)
    mixed = call.samples.astype(np.float32).sum(axis=1)
    noise = np.random.default_rng(_SEED).normal(0, _QUIET, round(silence * 60 * SAMPLE_RATE))
    samples = np.concatenate((mixed, noise.astype(np.float32))).clip(-32768, 32767)
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setparams((1, 2, SAMPLE_RATE, 0, "NONE", ""))
        file.writeframes(samples.astype("<i2").tobytes())
    return " ".join(one.text for one in call.utterances), buffer.getvalue()


def _by_faster_whisper(folder: Path, recording: bytes) -> str:
    model = WhisperModel(str(folder), device="cpu", compute_type="int8", cpu_threads=1)
    with tempfile.NamedTemporaryFile(suffix=".wav") as file:
        file.write(recording)
        file.flush()
        segments, _ = model.transcribe(file.name, vad_filter=True)
        return "".join(one.text for one in segments).strip()


def _container(cloud: LocalCloud) -> int:
    """Return the process id of the asynchronous endpoint's container."""
    sagemaker = cloud.client("sagemaker")
    processes = psutil.Process().children(recursive=True)
    lines = {one.pid: " ".join(one.cmdline()) for one in processes}
    for endpoint in sagemaker.list_endpoints()["Endpoints"]:
        name = endpoint["EndpointName"]
        config = sagemaker.describe_endpoint(EndpointName=name)["EndpointConfigName"]
        if "AsyncInferenceConfig" in sagemaker.describe_endpoint_config(EndpointConfigName=config):
            for pid, line in lines.items():
                if "local_cloud.sagemaker.container" in line and f"/{name}-" in line:
                    return pid
    raise CommandError("There is no container of an asynchronous endpoint.")


def _ended(jobs: RecordingJobs) -> tuple[dict[str, Any], list[float]]:
    """Wait for the only job; return it and its reported progress values."""
    shares: list[float] = []
    while True:
        for listed in jobs.ask("list")["jobs"]:
            job = jobs.ask("status", id=listed["id"])["job"]
            if job["status"] not in _RUNNING:
                return job, shares
            share = job.get("progress", 0.0)
            if not shares or share != shares[-1]:
                shares.append(share)
                print(f"  {share:.0%}", flush=True)
        time.sleep(_POLL_SECONDS)


def _reported(
    minutes: float, took: float, megabytes: float, most: int, shares: list[float]
) -> None:
    in_order = shares == sorted(shares)
    print(f"{minutes:.1f} minutes of audio in {took / 60:.1f} minutes")
    print(f"progress told {len(shares)} times, {'in' if in_order else 'OUT OF'} order")
    print(target("memory over idle", f"{megabytes:.0f} MB", f"{most} MB", megabytes <= most))


def _compared(said: str, ours: str, reference: str) -> None:
    different = word_errors(reference, ours)
    is_met = different.rate <= MOST_DIFFERENT
    found = f"{different.rate:.2%} of {different.words} words"
    print(target("other than faster-whisper's", found, f"{MOST_DIFFERENT:.0%}", is_met))
    rates = [f"{word_errors(said, text).rate:.2%}" for text in (ours, reference)]
    print(f"word errors: ours {rates[0]}, faster-whisper's {rates[1]}")


if __name__ == "__main__":
    sys.exit(main())
