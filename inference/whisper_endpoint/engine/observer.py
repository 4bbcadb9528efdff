# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""What happens in the engine, as its threads tell it, and how it is counted for the metrics."""

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
    """How one batch went.

    Attributes
    ----------
    size : int
        Windows in it.
    waited_s : tuple of float
        Seconds that each had waited in the queue.
    encode_s, generate_s, align_s : float
        Seconds in CTranslate2.
    total_s : float
        Seconds from the first of it to the last.
    tokens : int
        Generated, of the hypotheses kept.
    gates : tuple of str
        A name for each window that a gate refused or emptied: ``repetitive``, ``unsure``,
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
    """Told what happens in the engine, from its threads; does nothing. Subclass to count."""

    def batch_decoded(self, report: BatchReport) -> None:
        """Take note that a batch has been decoded."""

    def superseded(self, job: Job) -> None:
        """Take note that a waiting partial was replaced by a newer state of its utterance."""

    def expired(self, job: Job) -> None:
        """Take note that a job was answered for being past its deadline."""


class EngineSignals(Observer):
    """Counts for the metrics."""

    def __init__(self, signals: Signals) -> None:
        self._signals = signals

    def batch_decoded(self, report: BatchReport) -> None:
        """Count windows and gates, and measure waiting, batch size and times."""
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
        """Count a partial that a newer one replaced."""
        del job
        self._signals.count(Metric.SUPERSEDED)

    def expired(self, job: Job) -> None:
        """Count what was past its deadline."""
        is_partial = job.scheduling.priority == Priority.PARTIAL
        self._signals.count(Metric.DROPPED if is_partial else Metric.EXPIRED)
