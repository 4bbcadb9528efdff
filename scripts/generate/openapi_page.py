# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Generate ``docs/jobs-api.openapi.json``, the document that the API serves.

Run ``make generate`` after a change of contract or API; a test checks that it is up to date.
"""

import json

from recordings.api import openapi
from scripts.publish.build import ROOT

PAGE = ROOT / "docs" / "jobs-api.openapi.json"


def main() -> None:
    """Rewrite the page."""
    text = json.dumps(openapi.document(), indent=1, ensure_ascii=False)
    PAGE.write_text(f"{text}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
