# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Format a call's transcript and its request latencies."""

from collections.abc import Iterator, Sequence

from benchmarks.lca_client.client import UtteranceResult
from live_whisper.sinks.terminal import clock_time, latency_percentiles
from whisper_stream.audio.samples import CHANNELS


def transcript_lines(results: Sequence[UtteranceResult]) -> Iterator[str]:
    """Yield the finals of every channel with times, or the error of failed ones."""
    for channel in range(CHANNELS):
        yield f"channel {channel}"
        finals = [r for r in results if r.channel == channel and not r.is_partial]
        shown = [r for r in finals if r.text or r.error]
        for final in shown:
            times = f"{clock_time(final.start)}-{clock_time(final.end)}"
            yield f"  {times}  {final.text or f'({final.error})'}"
        if not shown:
            yield "  (nothing)"


def latency_lines(results: Sequence[UtteranceResult]) -> Iterator[str]:
    """Summarise partials and finals: count, nearest-rank p50 and p95, failures."""
    for kind, is_partial in (("partial", True), ("final", False)):
        chosen = [r for r in results if r.is_partial == is_partial]
        if not chosen:
            continue
        times = latency_percentiles([r.latency_s for r in chosen], "  ")
        failed = sum(r.error is not None for r in chosen)
        yield f"{kind:8}{len(chosen):4} requests  {times}  {failed} failed"
