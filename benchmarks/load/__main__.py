# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""``make load CALLS=16 SECONDS=60``: run concurrent live calls, and measure their latency.

Each call is played in real time, from a different position: with utterances of realistic lengths,
in real voices if these are installed, or the sample calls for the demonstration model. The endpoint
is local, or one on SageMaker by name. Writes ``build/load.json`` and plots next to it.
"""

import argparse
import sys
from collections.abc import Callable
from contextlib import ExitStack

from benchmarks.load import report
from benchmarks.load.callers import LcaCaller, OurCaller, run
from benchmarks.load.script import calls_for
from benchmarks.load.servers import local_endpoint
from live_whisper.transport.protobuf import ProtobufTransport
from live_whisper.transport.sagemaker import ATTEMPTS, READ_TIMEOUT_S, SageMakerEndpoint
from scripts import command
from scripts.local_stack import add_model_option
from scripts.publish.build import ROOT
from whisper_stream.settings import CallSettings

ENDPOINT = "endpoint"
"""The name of our endpoint in the rows."""


def main() -> int:
    """Run the load test; return the exit status."""
    options = _options()
    return command.run("load", lambda: _load(options))


def _load(options: argparse.Namespace) -> None:
    with ExitStack() as stack:
        name = options.endpoint_name or stack.enter_context(local_endpoint(options.model))
        make = client(options.client, name, options.region)
        names = (options.client, ENDPOINT)
        said = calls_for(None if options.endpoint_name else options.model)
        found = run(make, said, options.calls, options.seconds, names)
    print(report.heading())
    print(report.line(found))
    for path in report.write([found]):
        print(path.relative_to(ROOT))


def client(
    kind: str, endpoint_name: str, region: str | None = None, url: str | None = None
) -> Callable[[int], OurCaller | LcaCaller]:
    """Return a factory of clients for a run; `kind` is ``ours`` or ``lca``."""

    def make(calls: int) -> OurCaller | LcaCaller:
        is_ours = kind == "ours"
        endpoint = SageMakerEndpoint(
            endpoint_name,
            url,
            region,
            attempts=1 if is_ours else ATTEMPTS,
            read_timeout=CallSettings().read_timeout_s if is_ours else READ_TIMEOUT_S,
            connections=4 * calls,
        )
        return OurCaller(ProtobufTransport(endpoint), calls) if is_ours else LcaCaller(endpoint)

    return make


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.load", description=__doc__)
    parser.add_argument(
        "--calls", type=int, default=16, help="concurrent two-channel calls (default: 16)"
    )
    parser.add_argument(
        "--seconds", type=float, default=60, help="length of each call in seconds (default: 60)"
    )
    parser.add_argument("--client", choices=("ours", "lca"), default="ours")
    parser.add_argument("--endpoint-name", help="SageMaker endpoint (default: a local one)")
    parser.add_argument("--region", help="AWS Region of that endpoint")
    add_model_option(parser)
    options = parser.parse_args()
    if options.calls < 1 or options.seconds < 1:
        parser.error("give at least one call and one second")
    return options


if __name__ == "__main__":
    sys.exit(main())
