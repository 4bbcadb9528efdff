# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""The custom-resource Lambda: packages the model archive and runs the endpoint's life."""
