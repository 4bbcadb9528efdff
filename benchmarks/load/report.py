# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Report a load test: print rows, write ``build/load.json``, draw PNG plots."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl

from benchmarks.load.results import MAX_FINAL_MS, MAX_PARTIAL_MS, LoadRow
from scripts.generate.pages import table, with_part
from scripts.publish.build import ROOT

BUILD = ROOT / "build"
DOCS = ROOT / "docs"
_LIMITS = {"partial": MAX_PARTIAL_MS, "final": MAX_FINAL_MS}
_COLUMNS = (
    ("client", "client"),
    ("server", "server"),
    ("calls", "calls"),
    ("partial_p50_ms", "partial p50"),
    ("partial_p95_ms", "p95"),
    ("final_p50_ms", "final p50"),
    ("final_p95_ms", "p95"),
    ("word_p95_ms", "word p95"),
    ("partials", "partials"),
    ("partials_dropped", "dropped"),
    ("finals", "finals"),
    ("finals_lost", "lost"),
    ("errors", "errors"),
    ("wer", "wer"),
    ("held", "held"),
)


def heading() -> str:
    """Return the header of a Markdown table; times in ms."""
    return table([name for _, name in _COLUMNS], [])


def line(row: LoadRow) -> str:
    """Return a row of that table."""
    values = row.to_json()
    return f"| {' | '.join(_cell(key, values[key]) for key, _ in _COLUMNS)} |"


def _cell(key: str, value: Any) -> str:
    if value is None:
        return "-"
    if key == "wer":
        return f"{value:.1%}"
    if key == "held":
        return "yes" if value else "no"
    return f"{value:.0f}" if isinstance(value, float) else str(value)


def write(rows: Sequence[LoadRow], folder: Path = BUILD) -> list[Path]:
    """Write ``load.json`` and the plots; return the paths."""
    folder.mkdir(exist_ok=True)
    data = folder / "load.json"
    data.write_text(json.dumps([row.to_json() for row in rows], indent=1) + "\n")
    plots = [
        _draw(rows, kind, limit, folder / f"load-{kind}s.png") for kind, limit in _LIMITS.items()
    ]
    return [data, *plots]


def publish(
    rows: Sequence[LoadRow], findings: Sequence[str], machine: str, docs: Path = DOCS
) -> None:
    """Insert table, plots and findings for a machine into ``live.md``."""
    page = docs / "live.md"
    plots = []
    for kind, limit in _LIMITS.items():
        path = _draw(rows, kind, limit, docs / f"live-{kind}s.png")
        plots.append(f"![Latency of {kind}s by number of calls]({path.name})")
    listed = "\n".join(f"- {finding}" for finding in findings)
    measured = "\n".join([heading(), *(line(row) for row in rows)])
    made = "\n\n".join([machine, measured, listed, *plots])
    page.write_text(with_part(page.read_text(encoding="utf-8"), "load", made), encoding="utf-8")


def _draw(rows: Sequence[LoadRow], kind: str, limit: float, path: Path) -> Path:
    """Plot p50 and p95 over the number of calls, a colour per client and server."""
    mpl.use("Agg")
    from matplotlib import pyplot as plt  # noqa: PLC0415 - after choosing the backend

    figure, axes = plt.subplots(figsize=(7.5, 4.2), dpi=120, layout="constrained")
    series = sorted({(row.client, row.server) for row in rows})
    for (client, server), colour in zip(series, ("#2f6f9f", "#d9822b", "#5a8f3c"), strict=False):
        of_it = sorted(
            (row for row in rows if (row.client, row.server) == (client, server)),
            key=lambda row: row.calls,
        )
        for percent, style in ((50, "--"), (95, "-")):
            points = [
                (row.calls, value)
                for row in of_it
                if (value := getattr(row, f"{kind}_p{percent}_ms")) is not None
            ]
            label = f"{client} on {server}, p{percent}"
            xs, ys = zip(*points, strict=True) if points else ((), ())
            axes.plot(xs, ys, style, marker="o", markersize=4, color=colour, label=label)
    axes.axhline(limit, color="#888888", linewidth=1, linestyle=":")
    axes.set(
        xlabel="live two-channel calls at once",
        ylabel=f"latency of {kind}s, ms",
        xscale="log",
        yscale="log",
    )
    ticks = sorted({row.calls for row in rows})
    axes.set_xticks(ticks, [str(tick) for tick in ticks])
    axes.minorticks_off()
    axes.grid(visible=True, alpha=0.25)
    axes.legend(fontsize=8)
    figure.savefig(path)
    plt.close(figure)
    return path
