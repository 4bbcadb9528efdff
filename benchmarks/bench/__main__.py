# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""``python -m benchmarks.bench``: measure, print a table, write ``build/bench.json``."""

import argparse
import json
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path

from benchmarks.bench import checks, compare, overhead, quality, shapes
from benchmarks.bench.rows import saved, table
from benchmarks.bench.variants import OTHER_VARIANTS, VARIANTS
from benchmarks.references import DEMO_MODEL
from scripts import command
from scripts.publish.build import ROOT
from scripts.weights import DEMO, NAMES, weights

MODELS = (DEMO, "tiny-shape")
POLICIES = ("equal", "live")
OTHER_POLICIES = ("partials", "finals")
CONCURRENCY = (1, 4, 16, 64)
QUICK_LOADS = (("tiny-shape", "equal", (16,)), *((name, "live", (16,)) for name in NAMES))
QUICK_SECONDS = 6.0
QUICK_WARM_UP_S = 2.0
PAIRS_PER_SECOND = 20
MEMORY_VARIANTS = ("http",)
OUT = ROOT / "build"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return 1 if it could not measure. Targets are reported, not enforced."""
    options = _parser().parse_args(arguments)
    return command.run("bench", lambda: _work(options)(options))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.bench", description=__doc__)
    for name, usual, more in (
        ("variants", VARIANTS, OTHER_VARIANTS),
        ("models", MODELS, tuple(name for name in NAMES if name != DEMO)),
        ("policies", POLICIES, OTHER_POLICIES),
    ):
        shown = f"some of {', '.join(usual)} (default: all)"
        shown += f", or of {', '.join(more)}" if more else ""
        parser.add_argument(
            f"--{name}",
            choices=usual + more,
            default=usual,
            nargs="+",
            metavar="NAME",
            help=shown,
        )
    parser.add_argument(
        "--concurrency", type=int, nargs="+", metavar="N", help="numbers of callers"
    )
    parser.add_argument(
        "--seconds", type=float, default=30, help="seconds per measurement (default: 30)"
    )
    parser.add_argument(
        "--warm-up", type=float, default=5, help="warm-up seconds before each (default: 5)"
    )
    parser.add_argument(
        "--rounds", type=int, default=1, help="rounds, of which the median counts (default: 1)"
    )
    parser.add_argument("--quick", action="store_true", help="only what the targets need, 6 s each")
    only = parser.add_mutually_exclusive_group()
    only.add_argument("--profile", action="store_true", help="only measure the time of each step")
    only.add_argument(
        "--memory",
        type=int,
        metavar="REQUESTS",
        help="only measure memory growth over N requests (default variant: http)",
    )
    only.add_argument(
        "--shape", choices=sorted(shapes.SHAPES), help="only measure random weights of this shape"
    )
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu", help="with --shape")
    parser.add_argument("--beam", type=int, default=1, help="beam size, with --shape (default: 1)")
    parser.add_argument("--windows", type=int, nargs="+", default=(10, 15, 20, 30), metavar="S")
    parser.add_argument("--batches", type=int, nargs="+", default=(1, 2, 4, 8, 16, 32), metavar="N")
    parser.add_argument("--out", type=Path, default=OUT, help="output folder (default: build)")
    return parser


def _work(options: argparse.Namespace) -> Callable[[argparse.Namespace], None]:
    if options.profile:
        return _profile
    if options.memory:
        return _memory
    return _device if options.shape else _compare


def _compare(options: argparse.Namespace) -> None:
    rows = compare.measure(_plans(options))
    _write(options.out / "bench.json", [saved(row) for row in rows])
    print("\n".join(table(rows)))
    print()
    print("\n".join([*checks.lines(rows), checks.parse_line(), checks.size_line()]))
    if {"engine", "http"} <= set(options.variants) and DEMO in options.models:
        seconds = QUICK_SECONDS if options.quick else options.seconds
        found = overhead.measure(DEMO_MODEL, round(PAIRS_PER_SECOND * seconds))
        print(overhead.line(found), flush=True)
    for model in () if options.quick else NAMES:
        if model in options.models:
            print(quality.line(weights(model)))
    if "engine" in options.variants and "tiny-shape" in options.models:
        print()
        _profile_of("tiny-shape", QUICK_SECONDS if options.quick else options.seconds, options.out)


def _plans(options: argparse.Namespace) -> list[compare.BenchPlan]:
    """Return all requested combinations, or the few with targets."""
    plan = compare.BenchPlan(
        variants=tuple(options.variants),
        models=tuple(options.models),
        policies=tuple(options.policies),
        concurrency=tuple(options.concurrency or CONCURRENCY),
        seconds=options.seconds,
        warm_up_s=options.warm_up,
        rounds=options.rounds,
    )
    if not options.quick:
        return [plan]
    return [
        replace(
            plan,
            models=(model,),
            policies=(policy,),
            concurrency=callers,
            seconds=QUICK_SECONDS,
            warm_up_s=QUICK_WARM_UP_S,
        )
        for model, policy, callers in QUICK_LOADS
        if model in plan.models and policy in plan.policies
    ]


def _profile(options: argparse.Namespace) -> None:
    for model in options.models:
        _profile_of(model, options.seconds, options.out)
        print()


def _profile_of(model: str, seconds: float, out: Path) -> None:
    from benchmarks.bench import profile  # noqa: PLC0415

    with compare.folder_of(model) as folder:
        measured = compare.in_own_process("engine", profile.measure, folder, model, 16, seconds)
    print(f"{model}, {os.cpu_count()} cores")
    print("\n".join(profile.lines(measured)))
    _write(out / f"bench-profile-{model}.json", asdict(measured))
    drawing = profile.draw(measured.steps, f"One request, one caller, {model}")
    (out / f"bench-profile-{model}.svg").write_text(drawing, encoding="utf-8")


def _memory(options: argparse.Namespace) -> None:
    from benchmarks.bench import growth  # noqa: PLC0415

    # Baselines only on request: they take hours.
    variants = MEMORY_VARIANTS if options.variants == VARIANTS else options.variants
    for variant in variants:
        held = compare.in_own_process(variant, growth.measure, DEMO_MODEL, options.memory, variant)
        print(f"{variant}: {growth.line(held, options.memory)}")
        _write(options.out / f"bench-memory-{variant}.json", held)


def _device(options: argparse.Namespace) -> None:
    from benchmarks.bench import device  # noqa: PLC0415

    wanted = device.Options(
        shape=options.shape,
        device=options.device,
        beam=options.beam,
        seconds=options.seconds,
        windows=tuple(options.windows),
        batches=tuple(options.batches),
        concurrency=tuple(options.concurrency or device.CONCURRENCY),
    )
    result = device.measure(wanted, compare.TOKENIZER)
    _write(options.out / f"bench-{options.shape}-{options.device}.json", result)
    print("\n".join(device.lines(result)))


def _write(path: Path, document: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
