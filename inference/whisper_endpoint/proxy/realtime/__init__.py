# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Live audio over WebSockets, with the events of OpenAI's Realtime API for transcription."""
