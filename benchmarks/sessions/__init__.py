# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""What live audio over WebSockets costs, and calls while a node of a cluster goes."""
