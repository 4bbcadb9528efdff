# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Reads a CloudFormation template, short tags included, into plain dictionaries and lists.

cfn-lint's decoder does it: it is maintained with CloudFormation itself, it is what lints the
template (so both see the same document), and it refuses what YAML would let pass, such as a key
given twice.
"""

import json
from typing import Any

from cfnlint.decode import decode_str


def read_template(text: str) -> dict[str, Any]:
    """Parse YAML or JSON into plain values; raises ValueError, which says where it is no template.

    ``!Ref x`` becomes ``{"Ref": "x"}``, ``!GetAtt A.B`` ``{"Fn::GetAtt": ["A", "B"]}``.
    """
    template, problems = decode_str(text)
    if problems:
        first = problems[0]
        raise ValueError(f"The template cannot be read at line {first.linenumber}: {first.message}")
    if "Resources" not in (template or {}):
        raise ValueError("The template must be a mapping with a Resources section.")
    # The decoder's own node classes remember line numbers; nobody here needs them.
    plain: dict[str, Any] = json.loads(json.dumps(template))
    return plain
