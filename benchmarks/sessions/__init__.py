# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Cost of live audio over WebSockets, and calls during the loss of a cluster node."""
