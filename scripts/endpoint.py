# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""``make endpoint``: run a local endpoint, and print the settings that reach it."""

import argparse
import sys
import threading

from benchmarks.references import CALLS
from scripts import command, local_stack
from scripts.publish.errors import CommandError
from scripts.sample_server import sample_server

PORT = 4566
SAMPLE = "agent-and-caller-overlap.wav"


def main() -> int:
    """Run until Ctrl-C; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m scripts.endpoint", description=__doc__)
    parser.add_argument(
        "--port", type=int, default=PORT, help=f"port of the local cloud (default: {PORT})"
    )
    local_stack.add_model_option(parser)
    local_stack.add_speakers_option(parser)
    options = parser.parse_args()
    return command.run("endpoint", lambda: _run(options), status_after_ctrl_c=0)


def _run(options: argparse.Namespace) -> None:
    port: int = options.port
    try:
        _serve(port, options.model, has_speakers=options.speakers)
    except OverflowError as error:
        raise CommandError(f"port {port} does not exist; give --port from 1 to 65535.") from error
    except OSError as error:
        raise CommandError(f"port {port}: {error.strerror}; give --port.") from error


def _serve(port: int, model: str, *, has_speakers: bool) -> None:
    with (
        sample_server(CALLS) as samples,
        local_stack.local_cloud(port, {"SSL_CERT_FILE": str(samples.trusted)}, model) as cloud,
    ):
        url = local_stack.publish(cloud)
        # For the examples in docs/requests.md.
        calls = f"s3://{local_stack.ARTIFACTS}/calls/"
        cloud.client("s3").upload_file(
            str(CALLS / SAMPLE), local_stack.ARTIFACTS, f"calls/{SAMPLE}"
        )
        parameters = {"EndpointEnvironment": samples.setting, "AudioInputS3Prefixes": calls}
        parameters |= local_stack.model_parameters(model)
        if has_speakers:
            parameters |= local_stack.speaker_parameters(cloud)
        stack = local_stack.deploy(cloud, url, parameters)
        print("The endpoint is in service until Ctrl-C. In another terminal:\n")
        where = {"SAMPLE_S3_URI": f"{calls}{SAMPLE}", "SAMPLE_URL": f"{samples.url}/{SAMPLE}"}
        for name, value in (stack.variables() | where).items():
            print(f"export {name}={value}")
        print("\nThey are this run's alone. Keep them to yourself: they let in whoever has them.\n")
        play = ".venv/bin/python -m live_whisper live samples/calls/<call>.wav"
        print(f"{play} --endpoint-name $ENDPOINT_NAME", flush=True)
        try:
            threading.Event().wait()
        finally:
            local_stack.delete(stack)


if __name__ == "__main__":
    sys.exit(main())
