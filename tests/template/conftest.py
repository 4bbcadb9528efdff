# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
from pathlib import Path

import pytest

from local_cloud.template_reader import read_template

TEMPLATE = Path(__file__).parents[2] / "template.yaml"


@pytest.fixture(scope="session")
def template_path():
    return TEMPLATE


@pytest.fixture(scope="session")
def template():
    return read_template(TEMPLATE.read_text())


@pytest.fixture(scope="session")
def recordings():
    return read_template(TEMPLATE.with_name("recordings.yaml").read_text())
