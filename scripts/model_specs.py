# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""CTranslate2's model specifications, filled by hand."""

from __future__ import annotations

from typing import Any

from ctranslate2.specs import common_spec


def leave_out_what_is_unset(spec: Any) -> None:
    """Mark every weight that was not set as one that this architecture does not have."""
    for path, value in spec.variables().items():
        if value is None:
            *steps, last = path.split("/")
            part = spec
            for step in steps:
                part = part[int(step)] if step.isdigit() else getattr(part, step)
            setattr(part, last, common_spec.model_spec.OPTIONAL)
