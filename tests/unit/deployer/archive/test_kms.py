# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
import pytest
from botocore.exceptions import ClientError

from deploy_whisper.archive import kms

KEY = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
OTHER = KEY.replace("1234abcd", "9999abcd")
DENIED = (
    "User: arn:aws:sts::111122223333:assumed-role/r/f is not authorized to perform: "
    "kms:GenerateDataKey on resource: {} because no resource-based policy allows the "
    "kms:GenerateDataKey action"
)


def error(code, message):
    return ClientError({"Error": {"Code": code, "Message": message}}, "PutObject")


@pytest.mark.parametrize(
    ("refusal", "key"),
    [
        (error("AccessDenied", DENIED.format(KEY)), KEY),
        (error("KMS.DisabledException", f"{KEY} is disabled."), KEY),
        (error("KMS.NotFoundException", "Invalid keyId"), "the key"),
        (error("AccessDenied", "Access Denied"), ""),
        (error("NoSuchBucket", "The specified bucket does not exist"), ""),
    ],
)
def test_the_key_of_a_refusal(refusal, key):
    assert kms.key_of_refusal(refusal) == key


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (
            KEY,
            "KmsKeyArn must be a key whose policy lets this account use it by IAM",
        ),
        ("", f"KmsKeyArn must be {KEY}, with a key policy that lets this account use it by"),
        (OTHER, f"KmsKeyArn must be {KEY}, which encrypts the bucket (S3 says AccessDenied)"),
    ],
)
def test_the_remedy_names_the_parameter_and_the_key(given, said):
    refusal = error("AccessDenied", DENIED.format(KEY))
    assert str(kms.refused(refusal, given, KEY)).startswith(said)
    assert len(str(kms.refused(refusal, given, KEY))) <= 310  # `reasons` shortens the middle


@pytest.mark.parametrize("code", ["KMS.NotFoundException", "KMS.DisabledException"])
@pytest.mark.parametrize("given", [KEY, "", OTHER])
def test_a_key_that_is_not_there_or_disabled_is_said_to_be(code, given):
    said = str(kms.refused(error(code, f"{KEY} cannot be used"), given, KEY))
    it = "it" if given == KEY else KEY
    assert said == (
        f"KmsKeyArn must be an enabled key: enable {it}, or give another (S3 says {code}); "
        f"it is {given!r}."
    )
    assert len(said) <= 256
