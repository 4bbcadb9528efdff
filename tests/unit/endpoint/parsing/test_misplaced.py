# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""A field that has no effect where it stands is refused; numbers of traces and keys are not."""

import pytest
from urllib3.filepost import encode_multipart_formdata

from tests.unit.endpoint.helpers import CLIP, lca_body
from whisper_contract import transcription_pb2 as wire
from whisper_endpoint.errors import InvalidParameter
from whisper_endpoint.parsing import parse

FORM = encode_multipart_formdata([("file", ("call.wav", CLIP))], boundary="b")
BODIES = {
    "application/json": lca_body(),
    FORM[1]: FORM[0],
    "application/x-protobuf": wire.TranscribeRequest(audio=CLIP).SerializeToString(),
}


@pytest.mark.parametrize("content_type", BODIES)
@pytest.mark.parametrize("attributes", ["language=es", "a=b; vad_parameters.threshold=1;"])
def test_attributes_are_for_bodies_of_audio(content_type: str, attributes: str) -> None:
    with pytest.raises(InvalidParameter, match=r"no effect in X-Amzn.*here: put it into the body"):
        parse(BODIES[content_type], content_type, attributes=attributes)


@pytest.mark.parametrize("content_type", [*BODIES, "audio/wav"])
@pytest.mark.parametrize("query", ["language=es", "a=b&response_format=", "prompt=x&c"])
def test_nothing_is_asked_for_in_the_address(content_type: str, query: str) -> None:
    with pytest.raises(InvalidParameter, match="no effect in the address: put it into"):
        parse(BODIES.get(content_type, CLIP), content_type, query=query)


@pytest.mark.parametrize("content_type", BODIES)
def test_what_is_none_of_the_contracts_is_left_alone(content_type: str) -> None:
    trace = "c000b4f9-df62-4c85-a0bf-7c525f9104a4;trace=1;=;"
    parse(BODIES[content_type], content_type, attributes=trace, query="api-version=1&model=a&&=")
