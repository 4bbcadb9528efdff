# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Encoder back ends (CTranslate2, OpenVINO) and the choice between them."""
