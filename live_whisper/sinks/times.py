# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Times as a reader of a transcript wants them."""


def clock_time(seconds: float) -> str:
    """Write seconds as mm:ss.s, rounded once and then split so that 59.96 is 01:00.0."""
    tenths = round(seconds * 10)
    return f"{tenths // 600:02d}:{tenths // 10 % 60:02d}.{tenths % 10}"
