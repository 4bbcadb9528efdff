# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""What happens in the engine becomes signals."""

from typing import TYPE_CHECKING

from whisper_endpoint.engine.jobs import Observer
from whisper_endpoint.messages import Priority
from whisper_endpoint.metrics.collector import Metric, Signals

if TYPE_CHECKING:
    from whisper_endpoint.engine.jobs import BatchReport, Job

_GATES = {
    "repetitive": Metric.GATE_REPETITIVE,
    "unsure": Metric.GATE_UNSURE,
    "silent": Metric.GATE_SILENT,
    "invented": Metric.GATE_INVENTED,
}


class EngineSignals(Observer):
    """Counts for the metrics what the engine's threads tell.

    Parameters
    ----------
    signals : Signals
    """

    def __init__(self, signals: Signals) -> None:
        self._signals = signals

    def batch_decoded(self, report: "BatchReport") -> None:
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

    def superseded(self, job: "Job") -> None:
        """Count a partial that a newer one replaced."""
        del job
        self._signals.count(Metric.SUPERSEDED)

    def expired(self, job: "Job") -> None:
        """Count what was past its deadline."""
        is_partial = job.handling.priority == Priority.PARTIAL
        self._signals.count(Metric.DROPPED if is_partial else Metric.EXPIRED)
