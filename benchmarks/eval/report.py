# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Report the results as a table, and as a page that shows every error."""

import html
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.accuracy import WordErrors, total
from benchmarks.eval.alignment import AlignedWord
from benchmarks.eval.measure import ComparedPart

_HEADINGS = ("recording", "channel", "error rate", "sub", "del", "ins", "words", "no text", "RTF")
_WIDEST_NAME = 40
_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 70rem; padding: 0 1rem;
  color: #1b1b1b; background: #fff; }
h2 { margin-top: 2.5rem; font-size: 1.1rem; overflow-wrap: anywhere; }
table { border-collapse: collapse; } td, th { padding: .2rem .8rem; text-align: right; }
td:first-child, th:first-child { text-align: left; } tr { border-bottom: 1px solid #ddd; }
.bar { display: inline-block; height: .7rem; background: #c62828; vertical-align: baseline; }
.words { line-height: 1.2; }
.w { display: inline-block; vertical-align: top; margin: 0 .15rem .5rem; padding: .1rem .2rem;
  border-radius: .2rem; min-height: 2.4em; }
.w b, .w i { display: block; font: inherit; min-height: 1.2em; white-space: pre; }
.equal b { visibility: hidden; height: 0; min-height: 0; }
.equal { padding-top: 1.3em; min-height: 0; color: #555; }
.substitute { background: #fff0c2; } .substitute b { color: #8a5a00; }
.delete { background: #ffd9d6; } .delete b { color: #a11; text-decoration: line-through; }
.insert { background: #d8e8ff; } .insert i { color: #114a9c; }
"""


@dataclass(frozen=True)
class Titles:
    """Short names of what was measured, and of the reference."""

    measured: str
    compared_with: str


def lines(rows: Sequence[ComparedPart]) -> Iterator[str]:
    """Yield the table, refusals last."""
    table = [_HEADINGS, *map(_cells, _heard(rows)), _total_cells(rows)]
    widths = [max(len(row[column]) for row in table) for column in range(len(_HEADINGS))]
    for row in table:
        cells = [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]
        yield "  ".join([row[0].ljust(widths[0]), *cells])
    for one in rows:
        if one.refusal:
            yield f"{one.name}: {one.refusal}"


def page(rows: Sequence[ComparedPart], titles: Titles) -> str:
    """Return an HTML page: the table, and each row's words, reference above transcript."""
    heads = "".join(f"<th>{name}</th>" for name in _HEADINGS)
    body = "".join(_table_row(_cells(one), one.errors, place) for place, one in _placed(rows))
    body += _table_row(_total_cells(rows), total(one.errors for one in rows), None)
    refused = "".join(
        f"<p>{html.escape(f'{one.name}: {one.refusal}')}</p>" for one in rows if one.refusal
    )
    sections = "".join(
        f'<h2 id="r{place}">{html.escape(_label(one))}</h2>'
        f'<div class="words">{"".join(map(_word, one.words))}</div>'
        for place, one in _placed(rows)
    )
    return (
        '<!DOCTYPE html>\n<html lang="en"><meta charset="utf-8"><title>Word errors</title>'
        f"<style>{_STYLE}</style><h1>Word errors of {html.escape(titles.measured)}</h1>"
        f"<p>Compared with {html.escape(titles.compared_with)}, "
        "both sides by Whisper's normaliser. Above stands what was said, below what was heard: "
        f"{_word(AlignedWord('substitute', 'another', 'other'))}"
        f"{_word(AlignedWord('delete', 'left-out', ''))}"
        f"{_word(AlignedWord('insert', '', 'put-in'))}</p>"
        f"<table><tr>{heads}<th></th></tr>{body}</table>{refused}{sections}</html>\n"
    )


def write(rows: Sequence[ComparedPart], titles: Titles, folder: Path) -> Path:
    """Write the page into a folder, created if needed; return its path."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "errors.html"
    path.write_text(page(rows, titles), encoding="utf-8")
    return path


def _heard(rows: Sequence[ComparedPart]) -> list[ComparedPart]:
    return [one for one in rows if not one.refusal]


def _placed(rows: Sequence[ComparedPart]) -> Iterator[tuple[int, ComparedPart]]:
    return enumerate(_heard(rows))


def _label(row: ComparedPart) -> str:
    return row.name if row.channel is None else f"{row.name}, channel {row.channel}"


def _cells(row: ComparedPart) -> tuple[str, ...]:
    name = row.name if len(row.name) <= _WIDEST_NAME else f"…{row.name[1 - _WIDEST_NAME :]}"
    channel = "" if row.channel is None else str(row.channel)
    return (
        name,
        channel,
        *_counts(row.errors),
        f"{row.textless_s:.1f} s",
        f"{row.real_time_factor:.2f}",
    )


def _total_cells(rows: Sequence[ComparedPart]) -> tuple[str, ...]:
    textless = sum(one.textless_s for one in rows)
    return ("all", "", *_counts(total(one.errors for one in rows)), f"{textless:.1f} s", "")


def _counts(errors: WordErrors) -> tuple[str, ...]:
    rate = "-" if not errors.words else f"{errors.rate:.1%}"
    numbers = (errors.substitutions, errors.deletions, errors.insertions, errors.words)
    return (rate, *map(str, numbers))


def _table_row(cells: Sequence[str], errors: WordErrors, place: int | None) -> str:
    shown = [html.escape(cell) for cell in cells]
    if place is not None:
        shown[0] = f'<a href="#r{place}">{shown[0]}</a>'
    width = min(errors.rate, 1.0) * 12
    bar = f'<td style="text-align:left"><span class="bar" style="width:{width:.2f}rem"></span></td>'
    return f"<tr>{''.join(f'<td>{cell}</td>' for cell in shown)}{bar}</tr>"


def _word(word: AlignedWord) -> str:
    return (
        f'<span class="w {word.kind}"><b>{html.escape(word.said)}</b>'
        f"<i>{html.escape(word.heard)}</i></span>"
    )
