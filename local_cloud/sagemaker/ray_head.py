# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""``ray start`` without two servers that execute what they receive; run as a program.

Ray's client server and job agent have no switch, but Ray skips them if their packages are
missing, so it is told that they are.
"""

import sys

import ray._private.utils
from ray.scripts import scripts


def main() -> None:
    """Run Ray's command line."""
    missing = ImportError("left out in the local cloud")
    scripts.get_ray_client_dependency_error = lambda: missing  # type: ignore[attr-defined]
    ray._private.utils.get_dashboard_dependency_error = lambda: missing
    scripts.cli(["start", *sys.argv[1:]])


if __name__ == "__main__":
    main()
