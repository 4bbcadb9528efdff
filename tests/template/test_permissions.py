# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Least privilege: what the two roles may do, and above all what they may not."""

import copy
import json
import re

import pytest

from local_cloud.cloudformation.parameters import resolver
from tests.template.iam import allows, listed, statements
from tests.template.parameter_sets import LCA, SETS

ROLES = ("WhisperExecutionRole", "WhisperDeploymentRole")
TAG = "whisper-sagemaker:stack"
HERE, ELSEWHERE = "123456789012", "210987654321"

EVERY_RESOURCE = {
    "LogInToRegistry": "ECR's authorization token is of no repository",
    "PublishMetrics": "metrics are no resources; the namespace is limited",
    "FindOwnByNameAndTag": "SageMaker's List actions and the Tagging API's take no resource",
    "SeeScaling": "Application Auto Scaling's Describe actions take no resource",
    "SeeQuotas": "Service Quotas lists them all: ListServiceQuotas takes no resource",
    "FindRulesOfOvertakenRequests": "EventBridge's ListRuleNamesByTarget takes no resource",
    "SeeNetwork": "EC2's Describe actions take no resource",
}
EVERY_OF_A_KIND = {
    "Describe": "reads only, and what is gone has no tag to go by",
    "MakeNetworkInterfaces": "interfaces have no tag; subnets and groups are the given ones",
}
EVERY_ARN_OF_A_KIND = re.compile(r"arn:[^:]*:(s3:::|(?!s3:)[^:]+:[^:]*:[^:]*:[a-z-]+[/:])\*(/\*)?")


def problems(template, parameters=None, region="us-east-1"):
    found = []
    for name, resource in template["Resources"].items():
        properties = resource["Properties"]
        if resource["Type"] == "AWS::IAM::ManagedPolicy" or "ManagedPolicyArns" in properties:
            found.append(f"{name}: managed policy")
    for role in ROLES:
        policy = statements(template, role, parameters or {}, region)
        ids = [statement.get("Sid") for statement in policy]
        if len(set(ids)) != len(ids) or not all(ids):
            found.append(f"{role}: a Sid per statement")
        for statement in policy:
            found += _statement_problems(statement)
    return found


def _statement_problems(statement):
    sid, resources = statement["Sid"], listed(statement["Resource"])
    for action in listed(statement["Action"]):
        if "*" in action:
            yield f"{sid}: {action}"
    if "*" in resources and sid not in EVERY_RESOURCE:
        yield f"{sid}: every resource"
    kinds = [resource for resource in resources if EVERY_ARN_OF_A_KIND.fullmatch(resource)]
    if kinds and "Condition" not in statement and sid not in EVERY_OF_A_KIND:
        yield f"{sid}: every resource of a kind"


@pytest.mark.parametrize("name", SETS)
def test_no_statement_is_wider_than_it_must_be(template, name):
    assert problems(template, SETS[name].parameters, SETS[name].region) == []


def test_exceptions_are_all_in_use(template):
    used = set()
    for role in ROLES:
        for statement in statements(template, role, SETS["vpc"].parameters):
            if "*" in listed(statement["Resource"]):
                used.add(statement["Sid"])
    assert used == set(EVERY_RESOURCE)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("Action", "s3:*"),
        ("Action", "*"),
        ("Resource", "*"),
        ("Resource", {"Fn::Sub": "arn:${AWS::Partition}:sagemaker:${AWS::Region}:1:endpoint/*"}),
        ("Resource", {"Fn::Sub": "arn:${AWS::Partition}:s3:::*/*"}),
        ("Sid", "ReadArchive"),
        ("Sid", None),
    ],
    ids=str,
)
def test_a_planted_width_is_noticed(template, key, value):
    planted = copy.deepcopy(template)
    policy = planted["Resources"]["WhisperExecutionRole"]["Properties"]["Policies"][0]
    extra = {"Sid": "Planted", "Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:x"}
    policy["PolicyDocument"]["Statement"].append({**extra, key: value})
    assert problems(planted)


def test_a_planted_managed_policy_is_noticed(template):
    planted = copy.deepcopy(template)
    role = planted["Resources"]["WhisperExecutionRole"]["Properties"]
    role["ManagedPolicyArns"] = ["arn:aws:iam::aws:policy/AmazonSageMakerFullAccess"]
    assert problems(planted)


class Deployer:
    """What the deployment function may do in a stack that LCA made."""

    def __init__(self, template, parameters):
        self.policy = statements(template, "WhisperDeploymentRole", parameters)
        self.stack = resolver(template, parameters).resolve({"Ref": "AWS::StackId"})
        self.prefix = f"whisper-sagemaker/{'-'.join(self.stack.split('/')[1:])}/"

    def may(self, action, resource, **context):
        here = {"aws:ResourceAccount": HERE}
        keys = here | {key.replace("__", ":"): value for key, value in context.items()}
        return allows(self.policy, action, resource, keys)

    def tagged(self, kind, owner):
        return {f"aws:{kind}Tag/{TAG}": owner}


@pytest.fixture
def deployer(template):
    return Deployer(template, LCA)


def sagemaker(kind, name):
    return f"arn:aws:sagemaker:us-east-1:123456789012:{kind}/{name}"


def s3(key, bucket=LCA["S3BucketName"]):
    return f"arn:aws:s3:::{bucket}/{key}"


def test_deployer_changes_only_what_carries_its_tag(deployer):
    for action, kind in (
        ("sagemaker:DeleteEndpoint", "endpoint"),
        ("sagemaker:UpdateEndpoint", "endpoint"),
        ("sagemaker:UpdateEndpoint", "endpoint-config"),
        ("sagemaker:InvokeEndpoint", "endpoint"),
        ("sagemaker:DeleteEndpointConfig", "endpoint-config"),
        ("sagemaker:DeleteModel", "model"),
    ):
        # SageMaker's ARNs are lower-case, whatever the name is.
        resource = sagemaker(kind, "whisper-endpoint-lca")
        ours = deployer.tagged("Resource", deployer.stack)
        theirs = deployer.tagged("Resource", deployer.stack[:-1] + "x")
        assert deployer.may(action, resource, **ours)
        assert not deployer.may(action, resource, **theirs)
    assert not deployer.may("sagemaker:DeleteEndpoint", sagemaker("endpoint", "whisper-endpoint-x"))


def test_deployer_takes_over_the_untagged_endpoint_of_the_older_stack_and_no_other(deployer):
    request = deployer.tagged("Request", deployer.stack)
    for action in ("sagemaker:UpdateEndpoint", "sagemaker:AddTags"):
        assert deployer.may(action, sagemaker("endpoint", "whisper-endpoint-lca"), **request)
        assert not deployer.may(action, sagemaker("endpoint", "somebody-elses"), **request)
        other = deployer.tagged("Resource", "another stack")
        resource = sagemaker("endpoint", "whisper-endpoint-lca")
        assert not deployer.may(action, resource, **request, **other)


def test_what_is_taken_over_is_tagged_as_this_stacks_and_no_others(deployer):
    resource = sagemaker("endpoint", "whisper-endpoint-lca")
    ours = deployer.tagged("Request", deployer.stack)
    theirs = deployer.tagged("Request", "another stack")
    assert deployer.may("sagemaker:AddTags", resource, **ours)
    assert not deployer.may("sagemaker:AddTags", resource, **theirs)
    assert not deployer.may("sagemaker:AddTags", resource)


def test_deployer_without_a_given_name_takes_over_nothing(template):
    alone = Deployer(template, {})
    assert not alone.may("sagemaker:UpdateEndpoint", sagemaker("endpoint", "whisper-endpoint-lca"))


def test_deployer_creates_only_with_its_tag(deployer):
    for kind, action in (
        ("model", "CreateModel"),
        ("endpoint-config", "CreateEndpointConfig"),
        ("endpoint", "CreateEndpoint"),
    ):
        resource = sagemaker(kind, "any")
        request = deployer.tagged("Request", deployer.stack)
        assert deployer.may(f"sagemaker:{action}", resource, **request)
        assert not deployer.may(f"sagemaker:{action}", resource)
        on_creation = {"sagemaker:TaggingAction": action}
        assert deployer.may("sagemaker:AddTags", resource, **request, **on_creation)
        assert not deployer.may("sagemaker:AddTags", resource, **request)


def test_deployer_writes_below_its_own_prefix_only(deployer):
    for action in ("PutObject", "PutObjectTagging"):
        assert deployer.may(f"s3:{action}", s3(f"{deployer.prefix}d/weights/model.bin"))
        for foreign in ("lca-call-recordings/x.wav", "whisper-sagemaker/other/x", "manifest.json"):
            assert not deployer.may(f"s3:{action}", s3(foreign))
        assert not deployer.may(f"s3:{action}", s3(f"{deployer.prefix}x", "another-bucket"))
    bucket = f"arn:aws:s3:::{LCA['S3BucketName']}"
    assert deployer.may("s3:ListBucketVersions", bucket, s3__prefix=deployer.prefix)
    assert not deployer.may("s3:ListBucketVersions", bucket, s3__prefix="lca-call-recordings/")
    assert not deployer.may("s3:ListBucket", bucket)


def test_deployer_deletes_its_own_prefix_in_a_bucket_that_the_stack_used_before(deployer):
    for action in ("s3:AbortMultipartUpload", "s3:DeleteObject", "s3:DeleteObjectVersion"):
        for bucket in (LCA["S3BucketName"], "the-bucket-before"):
            assert deployer.may(action, s3(f"{deployer.prefix}d/weights/model.bin", bucket))
            for foreign in ("lca-call-recordings/x.wav", "whisper-sagemaker/other/x", "x"):
                assert not deployer.may(action, s3(foreign, bucket))
    before = "arn:aws:s3:::the-bucket-before"
    assert deployer.may("s3:ListBucketVersions", before, s3__prefix=deployer.prefix)
    assert not deployer.may("s3:ListBucketVersions", before, s3__prefix="")
    assert not deployer.may("s3:ListBucketVersions", before)
    uploads = "s3:ListBucketMultipartUploads"
    assert deployer.may(uploads, f"arn:aws:s3:::{LCA['S3BucketName']}")
    assert deployer.may(uploads, before)


def test_no_bucket_of_another_account_is_an_archives(template, deployer):
    """Its name may have been ours: who has taken it would have the endpoint run theirs."""
    key, bucket = s3(f"{deployer.prefix}d/weights/model.bin"), f"arn:aws:s3:::{LCA['S3BucketName']}"
    of_objects = ("GetObject", "PutObject", "DeleteObject", "DeleteObjectVersion")
    of_buckets = ("ListBucket", "ListBucketVersions", "ListBucketMultipartUploads")
    needs = [(f"s3:{action}", key) for action in of_objects]
    needs += [(f"s3:{action}", bucket) for action in of_buckets]
    for action, resource in needs:
        below = {"s3__prefix": deployer.prefix}
        assert deployer.may(action, resource, **below)
        assert not deployer.may(action, resource, **below, aws__ResourceAccount=ELSEWHERE)
    container = statements(template, "WhisperExecutionRole", LCA)
    for action, resource in (("s3:GetObject", key), ("s3:ListBucket", bucket)):
        for account in (HERE, ELSEWHERE):
            context = {"aws:ResourceAccount": account, "s3:prefix": f"{deployer.prefix}d/"}
            assert allows(container, action, resource, context) is (account == HERE)


def test_roles_are_assumed_for_this_account_alone(template):
    for role in ROLES:
        properties = resolver(template, {}).resolve(template["Resources"][role]["Properties"])
        (trust,) = properties["AssumeRolePolicyDocument"]["Statement"]
        assert trust["Condition"] == {"StringEquals": {"aws:SourceAccount": HERE}}


def test_a_hub_token_under_a_customers_key_is_decrypted_and_nothing_else(template, deployer):
    everything = Deployer(template, SETS["everything"].parameters)
    secret = SETS["everything"].parameters["HubTokenSecretArn"]
    key = "arn:aws:kms:us-east-1:111122223333:key/0"
    of_secret = {
        "kms:EncryptionContext:SecretARN": secret,
        "kms:ViaService": "secretsmanager.us-east-1.amazonaws.com",
    }
    assert allows(everything.policy, "kms:Decrypt", key, of_secret)
    for name in of_secret:
        assert not allows(everything.policy, "kms:Decrypt", key, {**of_secret, name: "another"})
    assert not allows(deployer.policy, "kms:Decrypt", key, of_secret)


def test_only_variants_are_scaled(deployer):
    target = f"arn:aws:application-autoscaling:us-east-1:{HERE}:scalable-target/0"
    service = "application-autoscaling"
    context = {
        f"{service}:service-namespace": "sagemaker",
        f"{service}:scalable-dimension": "sagemaker:variant:DesiredInstanceCount",
    }
    for action in ("DeregisterScalableTarget", "PutScalingPolicy", "RegisterScalableTarget"):
        assert allows(deployer.policy, f"{service}:{action}", target, context)
        for name in context:
            assert not allows(
                deployer.policy, f"{service}:{action}", target, {**context, name: "another"}
            )


def test_deployer_reads_the_given_model_and_secret_only_where_given(template, deployer):
    everything = Deployer(template, SETS["everything"].parameters)
    model = s3("whisper/legal/model.bin", "my-models")
    secret = SETS["everything"].parameters["HubTokenSecretArn"]
    assert everything.may("s3:GetObject", model)
    assert everything.may("s3:ListBucket", "arn:aws:s3:::my-models", s3__prefix="whisper/legal/")
    assert not everything.may("s3:GetObject", s3("other/model.bin", "my-models"))
    assert not everything.may("s3:ListBucket", "arn:aws:s3:::my-models", s3__prefix="other/")
    assert not everything.may("s3:PutObject", model)
    assert everything.may("secretsmanager:GetSecretValue", secret)
    assert not everything.may("secretsmanager:GetSecretValue", secret[:-1] + "x")
    assert not deployer.may("s3:GetObject", model)
    assert not deployer.may("secretsmanager:GetSecretValue", secret)


def test_deployer_passes_one_role_to_one_service(deployer):
    role = "<WhisperExecutionRole.Arn>"
    to = {"iam:PassedToService": "sagemaker.amazonaws.com"}
    assert deployer.may("iam:PassRole", role, **to)
    assert not deployer.may("iam:PassRole", role, **{"iam:PassedToService": "ec2.amazonaws.com"})
    assert not deployer.may("iam:PassRole", "arn:aws:iam::123456789012:role/admin", **to)


def test_deployer_polls_by_rules_named_for_its_custom_resources(template, deployer):
    custom = [
        name for name, item in template["Resources"].items() if item["Type"].startswith("Custom::")
    ]
    assert len(custom) == 2
    rules = "arn:aws:events:us-east-1:123456789012:rule/"
    for action in ("PutRule", "DeleteRule", "PutTargets", "RemoveTargets", "ListTargetsByRule"):
        for name in custom:
            assert deployer.may(f"events:{action}", f"{rules}{name}aBcD1234")
        assert not deployer.may(f"events:{action}", f"{rules}nightly")
    for action in ("AddPermission", "RemovePermission"):
        assert deployer.may(f"lambda:{action}", "<WhisperDeploymentFunction.Arn>")
        function = "arn:aws:lambda:us-east-1:123456789012:function:other"
        assert not deployer.may(f"lambda:{action}", function)


def test_container_logs_to_its_endpoints_group_only(template):
    groups = "arn:aws:logs:us-east-1:123456789012:log-group:/aws/sagemaker/Endpoints/"
    given = statements(template, "WhisperExecutionRole", LCA)
    stream = "whisper-endpoint-LCA:log-stream:AllTraffic/i-1"
    assert allows(given, "logs:PutLogEvents", f"{groups}{stream}")
    assert not allows(given, "logs:PutLogEvents", f"{groups}whisper-endpoint-LCA2:log-stream:x")

    from whisper_sagemaker.names import generated_endpoint_name

    generated = generated_endpoint_name(Deployer(template, {}).stack)
    alone = statements(template, "WhisperExecutionRole", {})
    assert allows(alone, "logs:PutLogEvents", f"{groups}{generated}:log-stream:AllTraffic/i-1")
    assert allows(alone, "logs:CreateLogGroup", f"{groups}{generated}")
    assert not allows(alone, "logs:PutLogEvents", f"{groups}another:log-stream:x")


def test_container_reads_its_archive_and_the_given_audio(template):
    parameters = SETS["everything"].parameters
    prefix = Deployer(template, parameters).prefix
    policy = statements(template, "WhisperExecutionRole", parameters)
    here = {"aws:ResourceAccount": HERE}
    assert allows(policy, "s3:GetObject", s3(f"{prefix}d/manifest.json"), here)
    assert not allows(policy, "s3:GetObject", s3("lca-call-recordings/x.wav"))
    assert allows(policy, "s3:GetObject", s3("calls/a.wav", "my-recordings"))
    assert allows(policy, "s3:GetObject", s3("a/b.wav", "my-archive"))
    assert not allows(policy, "s3:GetObject", s3("private/a.wav", "my-recordings"))
    assert not any(
        action.startswith(("s3:Put", "s3:Delete"))
        for statement in policy
        for action in listed(statement["Action"])
    )
    nothing_given = statements(template, "WhisperExecutionRole", LCA)
    assert not allows(nothing_given, "s3:GetObject", s3("calls/a.wav", "my-recordings"))


def test_the_containers_role_is_small_enough_with_all_the_audio_that_may_be_given(template):
    most = SETS["everything"].parameters | {
        "AudioInputS3Prefixes": ",".join(f"s3://a{number:02}/" for number in range(102)),
        "VpcSubnetIds": ",".join(f"subnet-0123456789abcd{number:03}" for number in range(16)),
        "VpcSecurityGroupIds": ",".join(f"sg-0123456789abcd{number:03}" for number in range(5)),
        "EndpointName": "e" * 63,
    }
    # The most that the function takes; IAM counts the inline policies of a role together.
    assert 1_000 < len(most["AudioInputS3Prefixes"]) <= 1_024
    policy = statements(template, "WhisperExecutionRole", most)
    assert len(json.dumps(policy, separators=(",", ":"))) < 10_240 * 0.75


def test_container_pulls_one_repository(template):
    def pulls(name, image):
        policy = statements(
            template, "WhisperExecutionRole", SETS[name].parameters, SETS[name].region
        )
        return allows(policy, "ecr:BatchGetImage", image)

    repository = "arn:aws:ecr:us-east-1:763104351884:repository/"
    assert pulls("alone", f"{repository}ray")
    assert not pulls("alone", f"{repository}pytorch-inference")
    assert pulls("everything", "arn:aws:ecr:us-east-1:111122223333:repository/team/whisper")
    assert not pulls("everything", f"{repository}ray")
    assert pulls("china", "arn:aws-cn:ecr:cn-north-1:111122223333:repository/team/whisper")
    assert not pulls("china", "arn:aws-cn:ecr:cn-north-1:111122223333:repository/teamwork")
