# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""``ray start`` without what nothing here asks for; run as a program.

Ray's client server and job agent execute what they receive. They have no switch, but Ray skips them
if their packages are missing, so it is told that they are. The dashboard's server, the autoscaler's
monitor and the command line's other groups are left out for the time that they take.
"""

import sys

for _group in ("ray.serve.scripts", "ray.util.state.state_cli", "ray.dashboard.modules.job.cli"):
    sys.modules[_group] = None  # type: ignore[assignment]

import ray._private.node  # noqa: E402
import ray._private.utils  # noqa: E402
from ray.scripts import scripts  # noqa: E402


def main() -> None:
    """Run Ray's command line."""
    missing = ImportError("left out in the local cloud")
    scripts.get_ray_client_dependency_error = lambda: missing  # type: ignore[attr-defined]
    ray._private.utils.get_dashboard_dependency_error = lambda: missing
    ray._private.node.Node.start_api_server = lambda *_, **__: None  # type: ignore[method-assign]
    scripts.cli(["start", "--no-monitor", *sys.argv[1:]])


if __name__ == "__main__":
    main()
