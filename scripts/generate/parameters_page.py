# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Generate the tables of parameters and outputs in ``docs/parameters.md``.

Run ``make generate`` after a change of the template; a test checks that it is up to date.
"""

from typing import Any

from local_cloud.template_reader import read_template
from scripts.generate.pages import table, with_part
from scripts.publish.build import ROOT

PAGE = ROOT / "docs" / "parameters.md"


def with_tables(page: str, template: dict[str, Any]) -> str:
    """Return the page with both tables updated, in the order of the template's groups."""
    groups = template["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]
    names = [name for group in groups for name in group["Parameters"]]
    parameters = {name: template["Parameters"][name] for name in names}
    rows = [(f"`{n}`", _default(one), one["Description"]) for n, one in parameters.items()]
    page = with_part(page, "parameters", table(("parameter", "default", "description"), rows))
    outputs = [(f"`{n}`", one["Description"]) for n, one in template["Outputs"].items()]
    return with_part(page, "outputs", table(("output", "description"), outputs))


def _default(parameter: dict[str, Any]) -> str:
    return "empty" if parameter["Default"] == "" else f"`{parameter['Default']}`"


def main() -> None:
    """Rewrite the page."""
    template = read_template((ROOT / "template.yaml").read_text(encoding="utf-8"))
    PAGE.write_text(with_tables(PAGE.read_text(encoding="utf-8"), template), encoding="utf-8")


if __name__ == "__main__":
    main()
