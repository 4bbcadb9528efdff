# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Rules: combinations of parameters and Regions that cannot work are refused with a remedy."""

import copy

import pytest

from local_cloud.cloudformation.intrinsics import UnresolvedReference
from local_cloud.cloudformation.parameters import check, resolver
from tests.template.parameter_sets import IMAGE, SETS

IAM = ["CAPABILITY_IAM"]

# As published with AWS's deep learning images.
ACCOUNTS = {
    "af-south-1": "626614931356",
    "ap-east-1": "871362719292",
    "ap-east-2": "975050140332",
    "ap-northeast-3": "364406365360",
    "ap-south-2": "772153158452",
    "ap-southeast-3": "907027046896",
    "ap-southeast-4": "457447274322",
    "ap-southeast-5": "550225433462",
    "ap-southeast-6": "633930458069",
    "ap-southeast-7": "590183813437",
    "ca-west-1": "204538143572",
    "cn-north-1": "727897471807",
    "cn-northwest-1": "727897471807",
    "eu-central-2": "380420809688",
    "eu-south-1": "692866216735",
    "eu-south-2": "503227376785",
    "il-central-1": "780543022126",
    "me-central-1": "914824155844",
    "me-south-1": "217643126080",
    "mx-central-1": "637423239942",
    "us-gov-east-1": "446045086412",
    "us-gov-west-1": "442386744353",
    **dict.fromkeys(
        [
            "us-east-1",
            "us-east-2",
            "us-west-1",
            "us-west-2",
            "ca-central-1",
            "sa-east-1",
            "eu-central-1",
            "eu-north-1",
            "eu-west-1",
            "eu-west-2",
            "eu-west-3",
            "ap-northeast-1",
            "ap-northeast-2",
            "ap-south-1",
            "ap-southeast-1",
            "ap-southeast-2",
        ],
        "763104351884",
    ),
}


@pytest.mark.parametrize("name", SETS)
def test_the_ways_to_deploy_are_accepted(template, name):
    assert check(template, SETS[name].parameters, SETS[name].region, IAM) == []


def test_the_template_needs_no_more_than_capability_iam(template):
    assert check(template, {}, "us-east-1") != []
    assert check(template, {}, "us-east-1", IAM) == []


@pytest.mark.parametrize("least", range(1, 11))
@pytest.mark.parametrize("most", [*range(1, 12), 100])
@pytest.mark.parametrize("enabled", ["true", "false"])
def test_minimum_is_not_above_maximum(template, least, most, enabled):
    parameters = {
        "AutoScalingMinCapacity": str(least),
        "AutoScalingMaxCapacity": str(most),
        "EnableAutoScaling": enabled,
    }
    objections = check(template, parameters, "us-east-1", IAM)
    if least > most and enabled == "true":
        assert "lower the first, raise the second" in objections[0]
    else:
        assert objections == []


@pytest.mark.parametrize("count", range(1, 11))
@pytest.mark.parametrize("most", [*range(1, 12), 100])
@pytest.mark.parametrize("enabled", ["true", "false"])
def test_count_is_not_above_maximum(template, count, most, enabled):
    parameters = {
        "SageMakerInstanceCount": str(count),
        "AutoScalingMaxCapacity": str(most),
        "EnableAutoScaling": enabled,
    }
    objections = check(template, parameters, "us-east-1", IAM)
    if count > most and enabled == "true":
        (objection,) = objections
        assert objection == (
            "SageMakerInstanceCount is above AutoScalingMaxCapacity: lower the first, raise the "
            "second, or set EnableAutoScaling to false."
        )
    else:
        assert objections == []


@pytest.mark.parametrize("policy", ["all-at-once", "canary", "rolling"])
@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize("least", [1, 2])
@pytest.mark.parametrize("enabled", ["true", "false"])
def test_gradual_updates_have_two_instances(template, policy, count, least, enabled):
    parameters = {
        "UpdatePolicy": policy,
        "SageMakerInstanceCount": str(count),
        "AutoScalingMinCapacity": str(least),
        "EnableAutoScaling": enabled,
    }
    objections = check(template, parameters, "us-east-1", IAM)
    has_two = count == 2 and (least == 2 or enabled == "false")
    assert (objections == []) == (policy == "all-at-once" or has_two)
    assert all("UpdatePolicy" in objection for objection in objections)


SUBNETS, GROUPS = "subnet-0123456789abcdef0", "sg-0123456789abcdef0"


@pytest.mark.parametrize("subnets", ["", SUBNETS])
@pytest.mark.parametrize("groups", ["", GROUPS])
def test_a_vpc_is_given_whole(template, subnets, groups):
    parameters = {"VpcSubnetIds": subnets, "VpcSecurityGroupIds": groups}
    objections = check(template, parameters, "us-east-1", IAM)
    assert (objections == []) == (bool(subnets) == bool(groups))
    assert all("set both or neither" in objection for objection in objections)


@pytest.mark.parametrize("prefixes", ["", "s3://my-recordings/calls/"])
@pytest.mark.parametrize("isolated", ["true", "false"])
def test_an_isolated_container_is_promised_no_audio_from_s3(template, prefixes, isolated):
    parameters = {"AudioInputS3Prefixes": prefixes, "EnableNetworkIsolation": isolated}
    objections = check(template, parameters, "us-east-1", IAM)
    assert bool(objections) == (bool(prefixes) and isolated == "true")


@pytest.mark.parametrize("recordings", ["true", "false"])
@pytest.mark.parametrize("isolated", ["true", "false"])
def test_an_isolated_container_is_promised_no_recordings(template, recordings, isolated):
    parameters = {"EnableRecordings": recordings, "EnableNetworkIsolation": isolated}
    objections = check(template, parameters, "us-east-1", IAM)
    assert bool(objections) == (recordings == isolated == "true")
    assert all("EnableRecordings" in objection for objection in objections)


@pytest.mark.parametrize("size", ["tiny.en", "distil-medium.en", "tiny", "distil-large-v3"])
@pytest.mark.parametrize("parameter", ["LanguageOverride", "AllowedLanguages"])
@pytest.mark.parametrize("language", ["", "auto", "en", "es"])
@pytest.mark.parametrize("own", ["", "s3://my-models/whisper/"])
def test_an_english_model_is_not_told_another_language(template, size, parameter, language, own):
    if (parameter, language) == ("AllowedLanguages", "auto"):
        language = "en es"
    parameters = {"WhisperModelSize": size, parameter: language, "ModelS3Uri": own}
    objections = check(template, parameters, "us-east-1", IAM)
    assert bool(objections) == (size != "tiny" and "es" in language and not own)
    assert all(parameter in objection for objection in objections)
    assert all("WhisperModelSize" in objection for objection in objections)


@pytest.mark.parametrize("redaction", ["on", "off"])
@pytest.mark.parametrize("language", ["", "auto", "en", "es", "ja"])
def test_redaction_is_not_promised_for_a_language_that_it_does_not_know(
    template, redaction, language
):
    parameters = {"Redaction": redaction, "LanguageOverride": language}
    objections = check(template, parameters, "us-east-1", IAM)
    assert bool(objections) == (redaction == "on" and language == "ja")
    assert all("set Redaction to off" in objection for objection in objections)


def test_registry_accounts(template):
    mapping = template["Mappings"]["ImageRegistry"]
    assert {region: entry["Account"] for region, entry in mapping.items()} == ACCOUNTS


@pytest.mark.parametrize("region", ACCOUNTS)
def test_regions(template, region):
    objections = check(template, {}, region, IAM)
    if region.startswith(("cn-", "us-gov-")):
        assert len(objections) == 1
        assert "set ImageUri to its URI" in objections[0]
        end = ".cn" if region.startswith("cn-") else ""
        image = IMAGE.format(region=region, end=end)
        assert check(template, {"ImageUri": image}, region, IAM) == []
    else:
        assert objections == []


@pytest.mark.parametrize(
    "parameters", [{}, {"ImageUri": IMAGE.format(region="xx-north-9", end="")}]
)
def test_an_unknown_region_is_refused_before_its_mapping_is_missed(template, parameters):
    (objection,) = check(template, parameters, "xx-north-9", IAM)
    assert "add the Region to the rule RegistryIsKnown and the mapping ImageRegistry" in objection
    assert objection.endswith("publish the template again.")


def test_what_the_rule_is_there_for(template):
    # The image is given, and still CloudFormation would look for the account of AWS's.
    image = {"ImageUri": IMAGE.format(region="xx-north-9", end="")}
    role = template["Resources"]["WhisperExecutionRole"]["Properties"]
    with pytest.raises(UnresolvedReference, match="ImageRegistry / xx-north-9 / Account"):
        resolver(template, image, "xx-north-9").resolve(role)


def test_the_remedy_for_an_unknown_region_works(template):
    mended = copy.deepcopy(template)
    mended["Mappings"]["ImageRegistry"]["xx-north-9"] = {"Account": "111122223333"}
    (assertion,) = mended["Rules"]["RegistryIsKnown"]["Assertions"]
    assertion["Assert"]["Fn::Contains"][0].append("xx-north-9")
    assert check(mended, {}, "xx-north-9", IAM) == []
    for resource in mended["Resources"].values():
        resolver(mended, {}, "xx-north-9").resolve(resource["Properties"])


def test_every_region_of_the_mapping_passes_the_rule_and_no_other(template):
    (assertion,) = template["Rules"]["RegistryIsKnown"]["Assertions"]
    assert sorted(assertion["Assert"]["Fn::Contains"][0]) == sorted(ACCOUNTS)
