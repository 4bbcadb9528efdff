# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Writes the template's parameters and outputs into the tables of ``docs/parameters.md``.

``make generate`` after a change of the template; a test checks that the page is up to date.
"""

from __future__ import annotations

import re
from typing import Any

from local_cloud.template_reader import read_template
from scripts.publish.build import ROOT

PAGE = ROOT / "docs" / "parameters.md"


def parameter_table(template: dict[str, Any]) -> str:
    """Return the parameters in the order of the template's form, as a Markdown table."""
    groups = template["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]
    rows = ["| parameter | default | what it does |", "|---|---|---|"]
    for name in (name for group in groups for name in group["Parameters"]):
        declared = template["Parameters"][name]
        default = f"`{declared['Default']}`" if declared["Default"] != "" else "empty"
        rows.append(f"| `{name}` | {default} | {_cell(declared['Description'])} |")
    return "\n".join(rows)


def output_table(template: dict[str, Any]) -> str:
    """Return the outputs as a Markdown table."""
    rows = ["| output | what it is |", "|---|---|"]
    for name, declared in template["Outputs"].items():
        rows.append(f"| `{name}` | {_cell(declared['Description'])} |")
    return "\n".join(rows)


def with_tables(page: str, template: dict[str, Any]) -> str:
    """Return the page's text with both tables as the template has them."""
    for name, table in (
        ("parameters", parameter_table(template)),
        ("outputs", output_table(template)),
    ):
        begin, end = f"<!-- {name}: made from template.yaml -->", f"<!-- end of {name} -->"
        pattern = re.compile(f"{re.escape(begin)}.*?{re.escape(end)}", re.DOTALL)
        if not pattern.search(page):
            raise ValueError(f"{PAGE.name} has no place marked for the {name}")
        page = pattern.sub(lambda _, t=f"{begin}\n{table}\n{end}": t, page)  # type: ignore[misc]
    return page


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def main() -> None:
    """Rewrite the page."""
    template = read_template((ROOT / "template.yaml").read_text(encoding="utf-8"))
    PAGE.write_text(with_tables(PAGE.read_text(encoding="utf-8"), template), encoding="utf-8")


if __name__ == "__main__":
    main()
