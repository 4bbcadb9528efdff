# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Commands: run one as ``python -m scripts.<name>``."""
