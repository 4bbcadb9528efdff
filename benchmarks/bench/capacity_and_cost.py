# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Estimate the live calls that an instance holds, and the cost of a call-hour, by arithmetic.

``python -m benchmarks.bench.capacity_and_cost`` prints the table of ``docs/capacity.md``; a test
keeps them equal. Every input is an assumption to be replaced by a measurement.
"""

from dataclasses import dataclass
from itertools import product

from benchmarks.bench.clips import LIVE_SECONDS
from scripts.generate import pages

PEAK_SHARE = 0.4
"""Share of dense fp16 peak that the encoder reaches (assumption)."""

UTILISATION = 0.6
"""Device utilisation at which p95 stays near the time of two batches (assumption)."""

REQUESTS_PER_CALL_S = 1.0
"""One partial or final per second for a two-channel call, since people take turns (LCA's timer)."""

BATCH_S = 0.4
"""Longest batch: with one batch ahead, the answer comes within 0.8 s."""

TOKENS = 17
"""Decoder steps of a batch, for a clip of five seconds."""

STEP_FLOOR_S = 0.00275
"""Minimum time of a decoder step, regardless of memory (as reported for large-v3 on one H200)."""

WINDOW_TFLOP = {10: 0.69, 15: 1.05, 30: 2.3}
"""For large-v3's encoder, which turbo shares."""

DECODER_GB = {"large-v3": 1.8, "turbo": 0.35}
"""fp16 weights read in each decoder step."""


CPU_S = 0.05
"""CPU seconds of a request before the engine: 0.02 for preparation, 0.03 for HTTP and Ray, both
measured on two virtual cores of a Zen with AVX2."""


@dataclass(frozen=True)
class Instance:
    """An instance with one GPU; figures from the vendor, the price an assumption to look up."""

    name: str
    gpu: str
    vcpus: int
    tflops: float
    gb_per_s: float
    dollars_per_hour: float


INSTANCES = (
    Instance("ml.g4dn.xlarge", "T4", 4, 65, 320, 0.74),
    Instance("ml.g5.xlarge", "A10G", 4, 70, 600, 1.41),
    Instance("ml.g5.2xlarge", "A10G", 8, 70, 600, 1.52),
    Instance("ml.g6.xlarge", "L4", 4, 121, 300, 1.13),
    Instance("ml.g6e.xlarge", "L40S", 4, 362, 864, 2.61),
    Instance("ml.g6e.4xlarge", "L40S", 16, 362, 864, 3.76),
)


@dataclass(frozen=True)
class Estimate:
    """The estimated capacity of an instance."""

    instance: Instance
    batch: int
    device_per_s: float
    cpu_per_s: float

    @property
    def requests_per_s(self) -> float:
        """Throughput of the slower of GPU and CPU."""
        return min(self.device_per_s, self.cpu_per_s)

    @property
    def limit(self) -> str:
        """The bottleneck, GPU or CPU."""
        return "GPU" if self.device_per_s <= self.cpu_per_s else "CPU"

    @property
    def calls(self) -> int:
        """Live two-channel calls at the assumed utilisation."""
        return int(UTILISATION * self.requests_per_s / REQUESTS_PER_CALL_S)

    @property
    def dollars_per_call_hour(self) -> float:
        """Price of a call-hour on a full instance; infinite if it holds no call."""
        return self.instance.dollars_per_hour / self.calls if self.calls else float("inf")


def mean_tflop(finals: int) -> float:
    """Return the mean encoder work of a live request; finals use 30 s, or 0 for short windows."""
    work = []
    for seconds in LIVE_SECONDS:
        work += [WINDOW_TFLOP[_window(second)] for second in range(1, int(seconds) + 1)]
        work.append(WINDOW_TFLOP[finals or _window(seconds)])
    return sum(work) / len(work)


def estimate(instance: Instance, model: str, finals: int) -> Estimate:
    """Estimate the capacity of an instance.

    A batch of B takes ``B * E + T * S`` seconds: E to encode a window, T decoder steps of S. B is
    the largest (at least 1) that stays below `BATCH_S`. The GPU handles ``B / (B * E + T * S)``
    requests per second, the CPUs ``vCPUs / CPU_S``. Calls are
    ``utilisation * the smaller / requests per call``.
    """
    encode = mean_tflop(finals) / (PEAK_SHARE * instance.tflops)
    # Fewer layers launch fewer kernels: the floor scales with them.
    floor = STEP_FLOOR_S * DECODER_GB[model] / DECODER_GB["large-v3"]
    steps = TOKENS * max(floor, DECODER_GB[model] / instance.gb_per_s)
    batch = max(1, int((BATCH_S - steps) / encode))
    rate = batch / (batch * encode + steps)
    return Estimate(instance, batch, rate, instance.vcpus / CPU_S)


def table() -> list[str]:
    """Return the estimates as a Markdown table."""
    heads = "instance|GPU, vCPUs|$/h|model|finals|requests/s|limit|calls|$ per call-hour"
    rows = []
    for one, model, (finals, name) in product(INSTANCES, DECODER_GB, ((30, "30 s"), (0, "short"))):
        found = estimate(one, model, finals)
        row = [one.name, f"{one.gpu}, {one.vcpus}", f"{one.dollars_per_hour:.2f}", model, name]
        row += [f"{found.requests_per_s:.0f}", found.limit, str(found.calls)]
        rows.append([*row, f"{found.dollars_per_call_hour:.3f}"])
    return pages.table(heads.split("|"), rows).splitlines()


def _window(seconds: float) -> int:
    return next(window for window in WINDOW_TFLOP if window >= min(seconds + 2, 30))


if __name__ == "__main__":
    print("\n".join(table()))
