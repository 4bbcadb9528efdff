# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
import pytest

import whisper_contract
from deploy_whisper.endpoint.endpoint_environment import OWN_PARAMETERS, further_settings
from whisper_endpoint.settings import EndpointSettings
from whisper_sagemaker.errors import InvalidProperty


def refusal_of(text):
    with pytest.raises(InvalidProperty) as refusal:
        further_settings(text)
    assert len(str(refusal.value)) <= 256
    return str(refusal.value)


def test_nothing_is_set_unless_it_is_asked_for():
    assert further_settings("") == {}


def test_settings_are_what_the_endpoint_reads():
    given = "WHISPER_SELF_TEST=text, WHISPER_METRICS_PERIOD_S = 0.5,WHISPER_URL_SOURCES=off"
    environment = further_settings(given)
    assert environment == {
        "WHISPER_SELF_TEST": "text",
        "WHISPER_METRICS_PERIOD_S": "0.5",
        "WHISPER_URL_SOURCES": "off",
    }
    settings = EndpointSettings.from_environment(environment)
    assert (settings.self_test, settings.url_sources) == ("text", "off")
    assert settings.metrics_period_s == 0.5


def test_a_setting_without_a_value_keeps_its_default():
    assert further_settings("WHISPER_SELF_TEST=,WHISPER_MAX_CHANNELS=2") == {
        "WHISPER_MAX_CHANNELS": "2"
    }


def test_every_default_can_be_said():
    properties = whisper_contract.settings_schema()["properties"]
    free = properties.keys() - OWN_PARAMETERS.keys() - {"WHISPER_ACCOUNT_ID"}
    assert len(free) > 15
    for name in free:
        further_settings(f"{name}={properties[name]['default']}")


@pytest.mark.parametrize(
    ("name", "value", "takes"),
    [
        ("WHISPER_SELF_TEST", "maybe", "one of text, words"),
        ("WHISPER_MAX_CHANNELS", "99", "a whole number from 1 to 64"),
        ("WHISPER_MAX_CHANNELS", "0", "a whole number from 1 to 64"),
        ("WHISPER_MAX_CHANNELS", "2.5", "a whole number from 1 to 64"),
        ("WHISPER_MAX_CHANNELS", "two", "a whole number from 1 to 64"),
        ("WHISPER_MAX_CHANNELS", "1e1", "a whole number from 1 to 64"),
        ("WHISPER_DEADLINE_S", "nan", "a number from 1 to 3,600"),
        (
            "WHISPER_URL_PRIVATE_NETWORKS",
            "home",
            "networks such as 10.1.0.0/16, separated by spaces",
        ),
        # As the container's own check: addresses that exist, and no bits behind the mask.
        (
            "WHISPER_URL_PRIVATE_NETWORKS",
            "999.1.1.1/8",
            "networks such as 10.1.0.0/16, separated by spaces",
        ),
        (
            "WHISPER_URL_PRIVATE_NETWORKS",
            "10.0.0.0/8 10.1.2.3/8",
            "networks such as 10.1.0.0/16, separated by spaces",
        ),
        ("WHISPER_CPU_THREADS", "1.0000000000000000000000001", "a whole number from 0 to 1,024"),
    ],
)
def test_a_value_out_of_range_is_refused_with_what_the_setting_takes(name, value, takes):
    said = refusal_of(f"WHISPER_PARTIAL_PREFIX=off,{name}={value}")
    assert said == f"{name} in EndpointEnvironment must be {takes}; it is {value!r}."


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        ("WHISPER_SELF_TEST", "NAME=value pairs, separated by commas"),
        (
            "WHISPER_SELFTEST=text",
            "a list without WHISPER_SELFTEST, which is no setting: WHISPER_SELF_TEST was meant",
        ),
        (
            "PYTHONPATH=/tmp",
            "a list without PYTHONPATH, which is no setting (docs/settings.md has them all)",
        ),
        (
            "WHISPER_ACCOUNT_ID=111122223333",
            "a list without WHISPER_ACCOUNT_ID, which the stack sets by itself",
        ),
        (
            "WHISPER_SELF_TEST=text,WHISPER_SELF_TEST=words",
            "a list that has WHISPER_SELF_TEST once",
        ),
        *(
            (f"{name}=1", f"a list without {name}, which the parameter {own} sets")
            for name, own in OWN_PARAMETERS.items()
        ),
    ],
)
def test_a_list_that_cannot_be_used_is_refused_with_the_remedy(text, remedy):
    assert refusal_of(text) == f"EndpointEnvironment must be {remedy}; it is {text!r}."


def test_a_refusal_fits_into_cloudformations_reason_however_long_the_list_is():
    assert "WHISPER_SELF_TEST was meant" in refusal_of("WHISPER_SELF_TESTS=text," + "x" * 2000)
    assert "is no setting" in refusal_of(f"WHISPER_{'X' * 3000}=1")
