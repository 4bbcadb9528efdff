# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""The parameter EndpointEnvironment, from the stack to the container."""

import pytest

GIVEN = "WHISPER_SELF_TEST=text,WHISPER_URL_SOURCES=off"


def container(world, stack):
    """Return the environment of the container that the stack's endpoint serves from."""
    (name,) = world.models()
    return world.sagemaker.describe_model(ModelName=name)["PrimaryContainer"]["Environment"]


def test_a_change_updates_the_endpoint_and_leaves_the_archive(world):
    stack = world.create()
    archive, before = world.served(stack.endpoint_name), container(world, stack)
    config = world.endpoint(stack.endpoint_name)["EndpointConfigName"]
    world.update(stack, EndpointEnvironment=GIVEN)
    assert stack.status == "UPDATE_COMPLETE", stack.reason
    assert world.endpoint(stack.endpoint_name)["EndpointConfigName"] != config
    assert world.served(stack.endpoint_name) == archive
    further = {"WHISPER_SELF_TEST": "text", "WHISPER_URL_SOURCES": "off"}
    assert container(world, stack) == before | further
    world.update(stack, EndpointEnvironment="")
    assert stack.status == "UPDATE_COMPLETE", stack.reason
    assert container(world, stack) == before
    assert world.endpoint(stack.endpoint_name)["EndpointConfigName"] == config


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (
            "WHISPER_SELF_TEST=maybe",
            "WHISPER_SELF_TEST in EndpointEnvironment must be one of text, words",
        ),
        ("WHISPER_SELFTEST=text", "WHISPER_SELFTEST, which is no setting: WHISPER_SELF_TEST"),
        ("WHISPER_MAX_BEAM_SIZE=2", "which the parameter MaxBeamSize sets"),
    ],
)
def test_what_cannot_be_used_is_refused_before_anything_is_staged(world, given, sentence):
    bucket = "nothing-is-staged"
    world.s3.create_bucket(Bucket=bucket)
    stack = world.create(S3BucketName=bucket, EndpointEnvironment=given)
    assert stack.status == "ROLLBACK_COMPLETE"
    assert sentence in world.reason_of(stack, "WhisperModelArchive")
    assert world.keys(bucket) == set()
    assert world.hosting.started == []
    world.s3.delete_bucket(Bucket=bucket)
