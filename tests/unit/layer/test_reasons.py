# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whisper_sagemaker import reasons

QUOTA = (
    "Ask Service Quotas for 'ml.g5.2xlarge for endpoint usage': SageMaker says: "
    "ResourceLimitExceeded: The account-level service limit is 0 Instances, with current "
    "utilization of 0 Instances and a request delta of 1 Instances. Please use AWS Service Quotas "
    "to request an increase for this quota; the log group is /aws/sagemaker/Endpoints/calls."
)


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("\x1b[36m(ServeReplica pid=7)\x1b[0m CUDA error", "(ServeReplica pid=7) CUDA error"),
        ("\x1b]0;title\x07out of\r\nmemory\x00", "out of memory"),
        ("\x1b]8;;https://x\x1b\\link", "link"),
        ("one\u200b\u2028two\ud800", "one two"),
        ("\x9b1mC1\x85next", "1mC1 next"),
        ("", ""),
    ],
)
def test_what_shows_nothing_is_left_out(written, shown):
    assert reasons.clean(written) == shown


def test_a_long_reason_keeps_what_to_do_and_its_end():
    said = reasons.reason(QUOTA)
    assert len(said) == reasons.MOST
    assert said.startswith("Ask Service Quotas for 'ml.g5.2xlarge for endpoint usage'")
    assert said.endswith("/aws/sagemaker/Endpoints/calls.")
    assert " … " in said
    assert reasons.reason(QUOTA[:256]) == QUOTA[:256].strip()


@given(st.text(max_size=600), st.integers(40, 256))
def test_no_reason_is_too_long_or_has_control_characters(text, most):
    said = reasons.reason(text, most)
    assert len(said) <= most
    assert not any(unicodedata.category(char).startswith("C") for char in said)
