# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Observers of the engine: the events that its threads report, and the metrics from them."""

from dataclasses import dataclass

from whisper_endpoint.engine.jobs import BatchKey, Job
from whisper_endpoint.messages import Priority
from whisper_endpoint.metrics.collector import Metric, Signals

_GATES = {
    "repetitive": Metric.GATE_REPETITIVE,
    "unsure": Metric.GATE_UNSURE,
    "silent": Metric.GATE_SILENT,
    "invented": Metric.GATE_INVENTED,
}


@dataclass(frozen=True, kw_only=True)
class BatchReport:
    """Size, times and outcome of one batch.

    Attributes
    ----------
    size : int
        Number of windows.
    waited_s : tuple of float
        Seconds that each window waited in the queue.
    encode_s, generate_s, align_s : float
        Seconds spent in CTranslate2.
    total_s : float
        Seconds from start to end.
    tokens : int
        Tokens generated in the hypotheses kept.
    gates : tuple of str
        The gate of each window that one rejected or emptied: ``repetitive``, ``unsure``,
        ``silent``, ``invented``.
    """

    key: BatchKey
    size: int
    waited_s: tuple[float, ...]
    encode_s: float
    generate_s: float
    align_s: float
    total_s: float
    tokens: int
    gates: tuple[str, ...] = ()


class Observer:
    """Receives the engine's events, on its threads; ignores them. Subclass to count."""

    def batch_decoded(self, report: BatchReport) -> None:
        """Handle a decoded batch."""

    def superseded(self, job: Job) -> None:
        """Handle a queued partial that was replaced by a newer state of its utterance."""

    def expired(self, job: Job) -> None:
        """Handle a job that was refused because its deadline had passed."""


class EngineSignals(Observer):
    """Counts for the metrics."""

    def __init__(self, signals: Signals) -> None:
        self._signals = signals

    def batch_decoded(self, report: BatchReport) -> None:
        """Count windows and gates; record queue wait, batch size and times in milliseconds."""
        signals = self._signals
        signals.count(Metric.WINDOWS, report.size)
        signals.measure(Metric.QUEUE_WAIT, *(1000 * seconds for seconds in report.waited_s))
        signals.measure(Metric.BATCH_SIZE, report.size)
        signals.measure(Metric.ENCODE, 1000 * report.encode_s)
        signals.measure(Metric.DECODE, 1000 * report.generate_s)
        if report.align_s:
            signals.measure(Metric.ALIGN, 1000 * report.align_s)
        for gate in report.gates:
            signals.count(_GATES[gate])

    def superseded(self, job: Job) -> None:
        """Count a superseded partial."""
        del job
        self._signals.count(Metric.SUPERSEDED)

    def expired(self, job: Job) -> None:
        """Count a job past its deadline: a partial as dropped, others as expired."""
        is_partial = job.scheduling.priority == Priority.PARTIAL
        self._signals.count(Metric.DROPPED if is_partial else Metric.EXPIRED)
