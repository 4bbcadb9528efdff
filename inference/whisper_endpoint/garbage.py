# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Keeps Python's garbage collector from stopping a process for what it loaded at its start."""

import gc
import logging

logger = logging.getLogger(__name__)


def exempt_start() -> None:
    """Never look at what exists now again; called once a process is ready for requests.

    Ray and what a process imports are 130,000 objects, and going through them stops the process,
    its event loop included, for 0.1 s (measured), whenever enough others have come to be.
    """
    gc.collect()
    gc.freeze()
    logger.info("%d objects are exempt from garbage collection", gc.get_freeze_count())
