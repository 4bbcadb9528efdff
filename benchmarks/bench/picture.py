# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Where the time goes, as a bar chart in SVG."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from benchmarks.bench.profile import DEVICE

if TYPE_CHECKING:
    from collections.abc import Mapping

_WIDTH, _ROW, _TOP = 760, 30, 48
_LABELS, _FIGURES = 210, 130
_OURS, _THEIRS, _INK = "#d9822b", "#2f6f9f", "#222222"


def draw(steps: Mapping[str, float], title: str) -> str:
    """Draw the steps of a request, longest bar as wide as the page.

    Parameters
    ----------
    steps : mapping of str to float
        Seconds by step, in order.
    title : str

    Returns
    -------
    str
        An SVG document; CTranslate2's steps have a colour of their own.
    """
    total, longest = sum(steps.values()), max(steps.values())
    height = _TOP + _ROW * len(steps) + 40
    page = f'viewBox="0 0 {_WIDTH} {height}" font-family="sans-serif" font-size="14"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {page} fill="{_INK}">',
        f'<rect width="{_WIDTH}" height="{height}" fill="#ffffff"/>',
        f'<text x="12" y="28" font-size="17">{escape(title)}: {1000 * total:.0f} ms</text>',
    ]
    for place, (name, seconds) in enumerate(steps.items()):
        y = _TOP + _ROW * place
        width = max(1.0, (_WIDTH - _LABELS - _FIGURES) * seconds / longest)
        colour = _THEIRS if name in DEVICE else _OURS
        bar = f'width="{width:.1f}" height="{_ROW - 8}"'
        figure = f"{1000 * seconds:.1f} ms, {seconds / total:.1%}"
        parts += [
            f'<text x="{_LABELS - 10}" y="{y + 19}" text-anchor="end">{escape(name)}</text>',
            f'<rect x="{_LABELS}" y="{y + 4}" {bar} fill="{colour}"/>',
            f'<text x="{_LABELS + width + 8:.1f}" y="{y + 19}">{figure}</text>',
        ]
    y = height - 14
    for x, colour, name in ((_LABELS, _THEIRS, "CTranslate2"), (_LABELS + 130, _OURS, "ours")):
        parts += [
            f'<rect x="{x}" y="{y - 11}" width="12" height="12" fill="{colour}"/>',
            f'<text x="{x + 18}" y="{y}">{name}</text>',
        ]
    return "\n".join([*parts, "</svg>", ""])
