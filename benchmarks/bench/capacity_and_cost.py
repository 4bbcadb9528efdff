# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""How many live calls an instance holds, and what a call-hour costs: arithmetic, not measurement.

``python -m benchmarks.bench.capacity_and_cost`` prints the table of ``docs/capacity.md``; a test
checks that it is the same. Every input is an assumption that can be replaced by a measured one.
"""

from dataclasses import dataclass
from itertools import product

from benchmarks.bench.clips import LIVE_SECONDS
from scripts.generate import pages

PEAK_SHARE = 0.4
"""Of dense fp16 peak that the encoder reaches (assumption)."""

UTILISATION = 0.6
"""Of what the device can do, so that p95 stays near the time of two batches (assumption)."""

REQUESTS_PER_CALL_S = 1.0
"""A two-channel call: one partial or final a second, since people take turns (from LCA's timer)."""

BATCH_S = 0.4
"""Longest batch: one that waits for the one before it is answered within 0.8 s."""

TOKENS = 17
"""Decoder steps of a batch: a clip of five seconds."""

STEP_FLOOR_S = 0.00275
"""Least time of a decoder step, whatever the memory (as reported for large-v3 on one H200)."""

WINDOW_TFLOP = {10: 0.69, 15: 1.05, 30: 2.3}
"""Of large-v3's encoder, which turbo shares."""

DECODER_GB = {"large-v3": 1.8, "turbo": 0.35}
"""fp16 weights that each decoder step reads."""


CPU_S = 0.05
"""CPU seconds of a request before the engine: 0.02 for preparation, 0.03 for HTTP and Ray, both
measured on two virtual cores of a Zen with AVX2."""


@dataclass(frozen=True)
class Instance:
    """One GPU; its figures are the maker's, the price an assumption to be looked up."""

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
    """What an instance is expected to hold."""

    instance: Instance
    batch: int
    device_per_s: float
    cpu_per_s: float

    @property
    def requests_per_s(self) -> float:
        """What the slower of the two lets through."""
        return min(self.device_per_s, self.cpu_per_s)

    @property
    def limit(self) -> str:
        """Which of the two that is."""
        return "GPU" if self.device_per_s <= self.cpu_per_s else "CPU"

    @property
    def calls(self) -> int:
        """Live two-channel calls at the utilisation assumed."""
        return int(UTILISATION * self.requests_per_s / REQUESTS_PER_CALL_S)

    @property
    def dollars_per_call_hour(self) -> float:
        """Price of one call for an hour, with the instance full; infinite if it holds none."""
        return self.instance.dollars_per_hour / self.calls if self.calls else float("inf")


def mean_tflop(finals: int) -> float:
    """Return the encoder's work for a mean live request; finals have 30 s, or for 0 a partial's."""
    work = []
    for seconds in LIVE_SECONDS:
        work += [WINDOW_TFLOP[_window(second)] for second in range(1, int(seconds) + 1)]
        work.append(WINDOW_TFLOP[finals or _window(seconds)])
    return sum(work) / len(work)


def estimate(instance: Instance, model: str, finals: int) -> Estimate:
    """Return what an instance holds.

    A batch of B takes ``B * E + T * S`` seconds: E for encoding a window, T decoder steps of S. B
    is the largest that stays below `BATCH_S` (at least 1), so the GPU lets ``B / (B * E + T * S)``
    requests a second through, and the CPUs ``vCPUs / CPU_S``. Calls are
    ``utilisation * the smaller / requests per call``.
    """
    encode = mean_tflop(finals) / (PEAK_SHARE * instance.tflops)
    # Fewer layers are fewer kernels to begin: the floor shrinks with them.
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
