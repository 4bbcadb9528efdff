# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""What runs in the CPU replicas: a request is read, prepared, handed to the engine, answered."""
