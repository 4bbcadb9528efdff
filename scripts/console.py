# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""``make console``: the live console in a browser, with a local endpoint or one on SageMaker."""

import argparse
import sys
from contextlib import ExitStack

from starlette.applications import Starlette

from benchmarks.references import CALLS
from live_whisper.console import serving
from live_whisper.console.signals import CloudWatchSignals
from scripts import command, local_stack
from scripts.metric_files import FileSignals
from scripts.weights import DEMO

PORT = 8080
EVERY_SECOND = {"WHISPER_METRICS_PERIOD_S": "1"}


def main() -> int:
    """Run until Ctrl-C; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m scripts.console", description=__doc__)
    parser.add_argument("--port", type=int, default=PORT, help=f"local port (default: {PORT})")
    parser.add_argument("--endpoint-name", help="SageMaker endpoint (default: a local one)")
    parser.add_argument("--region", help="AWS Region of that endpoint")
    local_stack.add_model_option(parser)
    local_stack.add_speakers_option(parser)
    options = parser.parse_args()
    if options.endpoint_name and options.speakers:
        parser.error("--speakers is for a local endpoint: set Diarization of the endpoint's stack.")
    return command.run("console", lambda: _run(options), status_after_ctrl_c=0)


def _run(options: argparse.Namespace) -> None:
    with ExitStack() as stack:
        # First, so that a port in use is reported before the slow start.
        listener = stack.enter_context(serving.listen(options.port))
        name: str | None = options.endpoint_name
        if name is None:
            app = local(stack, options.model, has_speakers=options.speakers)
        else:
            signals = CloudWatchSignals(name, options.region)
            app = serving.application(name, signals, CALLS, region=options.region)
        serving.serve(app, listener)


def local(stack: ExitStack, model: str = DEMO, *, has_speakers: bool = False) -> Starlette:
    """Deploy the stack into a local cloud, until `stack` closes; return its console."""
    cloud = stack.enter_context(
        local_stack.local_cloud(endpoint_environment=EVERY_SECOND, model=model)
    )
    url, parameters = local_stack.publish(cloud), {**local_stack.model_parameters(model)}
    if has_speakers:
        parameters |= local_stack.speaker_parameters(cloud)
    deployed = local_stack.deploy(cloud, url, parameters)
    stack.callback(local_stack.delete, deployed)
    files = cloud.folder
    return serving.application(
        deployed.endpoint_name,
        FileSignals(lambda: files.glob("endpoints/*/metrics.jsonl")),
        CALLS,
        local=serving.LocalEndpoint(deployed.variables()["URL"], model),
    )


if __name__ == "__main__":
    sys.exit(main())
