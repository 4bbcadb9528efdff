# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""The jobs' HTTP API in the template for recordings: when it is there, and who may ask it."""

import json
import re

import pytest

from local_cloud.cloudformation.parameters import resolver
from recordings.api.sigv4 import PAIR_ID
from tests.template.iam import allows, statements
from tests.template.test_recordings_template import GIVEN


def test_nothing_of_the_api_is_there_unless_it_is_enabled(recordings):
    found = resolver(recordings, {**GIVEN, "EnableJobsApi": "false"})
    made = {name for name, one in recordings["Resources"].items() if found.exists(one)}
    ours = {name for name in recordings["Resources"] if re.match("JobsApi|Api|Webhook", name)}
    assert len(ours) == 16
    assert not made & ours
    text = json.dumps(found.resolve({name: recordings["Resources"][name] for name in made}))
    assert not re.search("WebhookStateMachine|JobsApiKeys", text)


def test_the_apis_own_pair_is_there_where_it_is_asked_for(recordings):
    for authorization in ("iam", "key", "pair"):
        given = {**GIVEN, "JobsApiAuthorization": authorization}
        found = resolver(recordings, given)
        is_wanted = authorization == "pair"
        assert found.exists(recordings["Resources"]["JobsApiPair"]) is is_wanted
        assert found.exists(recordings["Outputs"]["JobsApiPairArn"]) is is_wanted
        policy = statements(recordings, "ApiRole", given)
        action = "secretsmanager:GetSecretValue"
        assert allows(policy, action, "<JobsApiKeys>")
        assert allows(policy, action, "<JobsApiPair>") is is_wanted
        function = found.resolve(recordings["Resources"]["ApiFunction"])["Properties"]
        told = function["Environment"]["Variables"]["API_PAIR_SECRET_ARN"]
        assert told == ("<JobsApiPair>" if is_wanted else "")
    for kind in ("Resources", "Outputs"):
        assert PAIR_ID in json.dumps(recordings[kind])


@pytest.mark.parametrize("authorization", ["iam", "key", "pair"])
def test_no_route_but_that_of_the_key_is_open(recordings, authorization):
    found = resolver(recordings, {**GIVEN, "JobsApiAuthorization": authorization})
    routes = {
        one["Properties"]["RouteKey"]: found.resolve(one)["Properties"]["AuthorizationType"]
        for one in recordings["Resources"].values()
        if one["Type"] == "AWS::ApiGatewayV2::Route"
    }
    kind = "AWS_IAM" if authorization == "iam" else "NONE"
    assert routes == {"$default": kind, "ANY /ifw": "NONE", "ANY /ifw/{proxy+}": "NONE"}
