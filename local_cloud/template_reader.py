# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Reads a CloudFormation template, short tags included, into plain dictionaries and lists.

cfn-lint's decoder does it: it is maintained with CloudFormation itself, it is what lints the
template (so both see the same document), and it refuses what YAML would let pass, such as a key
given twice.
"""

import functools
import json
from datetime import date
from typing import Any

from cfnlint.decode import decode_str


def read_template(text: str) -> dict[str, Any]:
    """Parse YAML or JSON into plain values; raises ValueError, which says where it is no template.

    ``!Ref x`` becomes ``{"Ref": "x"}``, ``!GetAtt A.B`` ``{"Fn::GetAtt": ["A", "B"]}``.
    """
    template: dict[str, Any] = json.loads(_as_json(text))
    return template


# Decoding the product's template takes 0.15 s, and every stack operation reads it.
@functools.lru_cache(maxsize=16)
def _as_json(text: str) -> str:
    template, problems = decode_str(text)
    if problems:
        first = problems[0]
        raise ValueError(f"The template cannot be read at line {first.linenumber}: {first.message}")
    if not isinstance(template, dict) or "Resources" not in template:
        raise ValueError("The template must be a mapping with a Resources section.")
    return json.dumps(_plain(template))


def _plain(value: Any) -> Any:
    """Return a decoder's node, which remembers its line, as JSON has it; dates are text there."""
    if isinstance(value, dict):
        return {str(_plain(key)): _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, date):
        return value.isoformat()
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, str):
        return str(value)
    raise ValueError(f"The template has a {type(value).__name__}, which JSON has not: quote it.")
