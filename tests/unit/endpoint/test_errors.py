# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
import pickle
import re
from collections.abc import Iterator

import pytest

import whisper_contract
from whisper_endpoint import errors


def leaves(kind: type[errors.EndpointError]) -> Iterator[type[errors.EndpointError]]:
    for child in kind.__subclasses__():
        yield child
        yield from leaves(child)


ALL = sorted(leaves(errors.EndpointError), key=lambda kind: kind.__name__)


@pytest.mark.parametrize("kind", ALL)
def test_errors_cross_processes_whole(kind: type[errors.EndpointError]) -> None:
    error = pickle.loads(pickle.dumps(kind("It was 3: use 2.", field="parameters.beam_size")))
    assert type(error) is kind
    assert (error.message, str(error), error.field) == (
        "It was 3: use 2.",
        "It was 3: use 2.",
        "parameters.beam_size",
    )


@pytest.mark.parametrize("kind", ALL)
def test_tree_in_the_docstring_tells_each_status(kind: type[errors.EndpointError]) -> None:
    assert re.search(rf"- {kind.__name__} {kind.status}$", errors.__doc__ or "", re.MULTILINE)
    assert re.match(
        whisper_contract.error_schema()["properties"]["code"]["pattern"], kind("x").code
    )
