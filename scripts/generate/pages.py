# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Markdown tables, and their placeholders in pages."""

import re
from collections.abc import Iterable, Sequence


def table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table."""
    lines = [f"| {' | '.join(map(_cell, row))} |" for row in (titles, *rows)]
    return "\n".join([lines[0], "|---" * len(titles) + "|", *lines[1:]])


def with_part(page: str, name: str, part: str) -> str:
    """Replace the part between ``<!-- name: … -->`` and ``<!-- end of name -->``."""
    pattern = re.compile(f"(<!-- {name}: [^>]*-->\n).*?(<!-- end of {name} -->)", re.DOTALL)
    if not pattern.search(page):
        raise ValueError(f"there is no place marked for the {name}")
    return pattern.sub(lambda found: f"{found[1]}{part}\n{found[2]}", page)


def _cell(text: str) -> str:
    return " ".join(text.replace("``", "`").split()).replace("|", "\\|")
