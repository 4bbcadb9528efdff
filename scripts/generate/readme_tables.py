# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Writes the template's parameters and outputs into README's tables.

``python -m scripts.generate.readme_tables`` after a change of the template; a test sees to it.
"""

from __future__ import annotations

import re
from typing import Any

from local_cloud.template_reader import read_template
from scripts.publish.build import ROOT

README = ROOT / "README.md"


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


def with_tables(readme: str, template: dict[str, Any]) -> str:
    """Return README's text with both tables as the template has them."""
    for name, table in (
        ("parameters", parameter_table(template)),
        ("outputs", output_table(template)),
    ):
        begin, end = f"<!-- {name}: made from template.yaml -->", f"<!-- end of {name} -->"
        pattern = re.compile(f"{re.escape(begin)}.*?{re.escape(end)}", re.DOTALL)
        if not pattern.search(readme):
            raise ValueError(f"README.md has no place marked for the {name}")
        readme = pattern.sub(lambda _, t=f"{begin}\n{table}\n{end}": t, readme)  # type: ignore[misc]
    return readme


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def main() -> None:
    """Rewrite README.md."""
    template = read_template((ROOT / "template.yaml").read_text(encoding="utf-8"))
    README.write_text(with_tables(README.read_text(encoding="utf-8"), template), encoding="utf-8")


if __name__ == "__main__":
    main()
