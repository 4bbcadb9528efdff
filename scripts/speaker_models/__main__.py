# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Print the folder of the speaker models."""

import sys

from scripts import command
from scripts.speaker_models.fetching import speaker_models

if __name__ == "__main__":
    sys.exit(
        command.run(
            "speaker models", lambda: print(speaker_models()), stopped="nothing half is kept"
        )
    )
