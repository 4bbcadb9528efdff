# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""``make load-max``: find the maximum number of live calls, with our client and LCA's.

For each client and server, searches for the largest number of calls at which the p95 latency of
partials is below 1 s (dropped ones count as never delivered), that of finals is below 1.5 s, and no
final is lost. Then our client makes twice as many calls: finals must still arrive.
"""

import argparse
import sys
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial

from benchmarks.load import report
from benchmarks.load.__main__ import ENDPOINT, client
from benchmarks.load.callers import run
from benchmarks.load.results import LoadRow
from benchmarks.load.script import read_samples
from benchmarks.load.servers import HANDLER, local_endpoint, one_at_a_time
from scripts import command
from scripts.local_stack import aws_settings
from scripts.publish.build import ROOT

MOST = 128
"""Upper limit of a search: as many calls as a test machine can play."""
_WARM_UP_S = 5.0
NOBODY = {
    "AWS_ACCESS_KEY_ID": "local",
    "AWS_SECRET_ACCESS_KEY": "local",
    "AWS_DEFAULT_REGION": "us-east-1",
}
"""The handler needs no credentials, but the SDK does."""


@dataclass
class CallSearch:
    """Searches for the largest number of calls held; passes every row to `told`."""

    probe: Callable[[int], LoadRow]
    told: Callable[[LoadRow], None]
    rows: list[LoadRow] = field(default_factory=list)

    def largest(self) -> int:
        """Double until not held, then bisect to an eighth; return 0 if not even one is held."""
        held, calls = 0, 1
        while calls <= MOST and self._is_held(calls):
            held, calls = calls, calls * 2
        failed = calls
        while failed <= MOST and failed - held > max(1, held // 8):
            middle = (held + failed) // 2
            if self._is_held(middle):
                held = middle
            else:
                failed = middle
        return held

    def _is_held(self, calls: int) -> bool:
        found = self.probe(calls)
        self.rows.append(found)
        self.told(found)
        return found.is_held


def targets(ours: int, lca: int, handler: int, overload: LoadRow | None) -> list[tuple[str, bool]]:
    """Return each requirement with the result, and whether it is met.

    `ours`, `lca`, `handler`: largest numbers of calls with our client and LCA's on our endpoint,
    and LCA's on the handler. `overload`: our client with twice as many; None if not run.
    """
    rows = [
        (f"LCA's way, one at a time, holds {handler} calls (under 2 this is void)", handler >= 2),
        (f"ours holds {ours} calls (at least 16)", ours >= 16),
        (f"ours holds {ours} calls (at least 4 x {handler})", ours >= 4 * handler),
        (f"LCA's way on ours holds {lca} calls (at least 2 x {handler})", lca >= 2 * handler),
    ]
    if overload is not None:
        finals, lost, shed = overload.finals, overload.finals_lost, overload.partials_dropped
        sentence = f"at {overload.calls} calls {finals} finals came, {lost} are lost (none may be)"
        rows.append((f"{sentence}, {shed} partials were shed", lost == 0 and finals > 0))
    return rows


def main() -> int:
    """Search; return the exit status. Requirements are reported, not enforced: machines differ."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.load.maximum", description=__doc__)
    parser.add_argument(
        "--seconds", type=float, default=30, help="length of each call in seconds (default: 30)"
    )
    parser.add_argument(
        "--publish",
        metavar="MACHINE",
        help="write the figures to docs/live.md, with this note on machine and date",
    )
    options = parser.parse_args()
    return command.run("load-max", lambda: _search(options))


def _search(options: argparse.Namespace) -> None:
    rows, found = search(options.seconds)
    findings = [f"{'met' if is_met else 'MISSED'}: {sentence}" for sentence, is_met in found]
    print("\n".join(findings))
    if options.publish:
        report.publish(rows, findings, options.publish)


def search(seconds: float) -> tuple[list[LoadRow], list[tuple[str, bool]]]:
    """Measure with calls of `seconds`; return the rows and each requirement."""
    rows: list[LoadRow] = []
    try:
        return rows, measure(rows, seconds)
    finally:
        # Keep results even if a later measurement fails.
        for path in report.write(rows) if rows else ():
            print(path.relative_to(ROOT))


def measure(rows: list[LoadRow], seconds: float) -> list[tuple[str, bool]]:
    """Search, appending to `rows`; return each requirement and whether it is met."""
    samples = read_samples()
    probe = partial(run, samples=samples, seconds=seconds)
    print(report.heading(), flush=True)

    def largest(kind: str, server: str, name: str, url: str | None = None) -> int:
        make = client(kind, name, url=url)
        probe(make, calls=2, seconds=_WARM_UP_S, names=(kind, server))
        search = CallSearch(
            lambda calls: probe(make, calls=calls, names=(kind, server)),
            lambda row: print(report.line(row), flush=True),
            rows,
        )
        return search.largest()

    with ExitStack() as stack:
        name = stack.enter_context(local_endpoint())
        ours = largest("ours", ENDPOINT, name)
        lca = largest("lca", ENDPOINT, name)
        overload = None
        if ours:
            overload = probe(client("ours", name), calls=2 * ours, names=("ours", ENDPOINT))
            print(report.line(overload), flush=True)
            rows.append(overload)
    # Runs alone on the machine, as ours did.
    with aws_settings(NOBODY), one_at_a_time() as url:
        handler = largest("lca", HANDLER, "handler", url)
    return targets(ours, lca, handler, overload)


if __name__ == "__main__":
    sys.exit(main())
