# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""KMS keys of the template for recordings: what is under which, and who may use them."""

import itertools

from local_cloud.cloudformation.parameters import resolver
from tests.template.iam import allows, granted, statements
from tests.template.parameter_sets import KEY
from tests.template.test_recordings_template import GIVEN


def test_an_archive_under_a_key_is_read_and_so_are_the_answers(template, recordings):
    given = {**GIVEN, "KmsKeyArn": KEY}
    via = {"kms:ViaService": "s3.us-east-1.amazonaws.com"}
    for role, action in (
        ("EndpointRole", "kms:Decrypt"),
        ("EndpointRole", "kms:GenerateDataKey"),
        ("CollectRole", "kms:Decrypt"),
    ):
        assert allows(statements(recordings, role, given), action, KEY, via), role
        assert not allows(statements(recordings, role, GIVEN), action, KEY, via), role
    endpoint = recordings["Resources"]["RecordingsEndpoint"]
    assert resolver(recordings, given).resolve(endpoint)["Properties"]["KmsKeyArn"] == KEY
    assert template["Resources"]["Recordings"]["Properties"]["Parameters"]["KmsKeyArn"]


def test_whoever_reads_or_writes_the_bucket_may_use_its_key_and_nobody_else(recordings):
    other = f"{KEY}-of-the-archive"
    given = {**GIVEN, "RecordingsKmsKeyArns": f"{KEY},{other}"}
    via, kms = (
        {"kms:ViaService": "s3.us-east-1.amazonaws.com"},
        ("kms:Decrypt", "kms:GenerateDataKey"),
    )
    roles = [
        name for name, one in recordings["Resources"].items() if one["Type"] == "AWS::IAM::Role"
    ]
    for role in roles:
        in_s3 = {"s3:GetObject", "s3:PutObject"} & granted(recordings, role, GIVEN)
        policy = statements(recordings, role, given)
        for key, action in itertools.product((KEY, other), kms):
            assert allows(policy, action, key, via) == bool(in_s3), (role, action)
            assert not allows(policy, action, key), "what is not by S3"
        assert not set(kms) & granted(recordings, role, GIVEN), role
    resolved = resolver(recordings, given).resolve(recordings["Resources"])
    deployer = resolved["DeploymentAccess"]["Properties"]["PolicyDocument"]["Statement"]
    for action in kms:
        assert allows(deployer, action, KEY, via)


def test_the_bucket_and_the_answers_are_under_the_first_key(recordings):
    def resolved(**keys):
        found = resolver(recordings, {**GIVEN, "RecordingsBucketName": "", **keys})
        bucket, endpoint = (
            found.resolve(recordings["Resources"][name]["Properties"])
            for name in ("RecordingsBucket", "RecordingsEndpoint")
        )
        (rule,) = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
        return rule, endpoint["OutputKmsKeyArn"]

    ours = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": KEY}
    assert resolved(RecordingsKmsKeyArns=f"{KEY},{KEY}-2", KmsKeyArn=f"{KEY}-3") == (
        {"BucketKeyEnabled": True, "ServerSideEncryptionByDefault": ours},
        KEY,
    )
    by_s3 = {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
    assert resolved(KmsKeyArn=f"{KEY}-3") == (by_s3, f"{KEY}-3")
    assert resolved() == (by_s3, "")
