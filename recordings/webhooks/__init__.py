# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Who is told that a job has ended, how that is signed, and how it is sent."""
