# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Logging set-up. Log lines never contain text or audio."""

import logging
import sys


def configure() -> None:
    """Log this package's records of level INFO and above to standard error."""
    logger = logging.getLogger("whisper_endpoint")
    if logger.handlers:
        return
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    logger.propagate = False
