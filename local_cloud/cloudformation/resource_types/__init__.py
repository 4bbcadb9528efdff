# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""The types of resources that our template uses, a module for each service.

Each resource is made through the public API of its service, and the calls go to this same local
cloud, so a resource made here is one that any client finds.
"""
