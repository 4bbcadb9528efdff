# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Numbers and addresses that callers say are left out of what is answered."""
