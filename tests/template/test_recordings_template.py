# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""The template for recordings: its form, its roles, its order, and what the functions are told."""

import json
import re
from functools import partial
from pathlib import Path

import pytest

from deploy_whisper.endpoint.declared_scaling import declared_scaling
from local_cloud.cloudformation.intrinsics import references_in
from local_cloud.cloudformation.parameters import resolver
from recordings.job import JobStatus
from recordings.settings import RecordingSettings
from recordings.stack_deletion import StackDeletion
from tests.chaos.recordings.world import BUCKET, RecordingsWorld
from tests.template.iam import allows, granted, listed, statements
from tests.template.test_template_form import form_problems
from tests.template.test_template_resources import numbers, properties
from tests.unit.recordings.http_api import AskedApi

ROOT = Path(__file__).parents[2]
ACCOUNT = "111122223333"
HERE = "123456789012"
DEPLOYER = "WhisperDeploymentRole"
TAG = "whisper-sagemaker:stack"
GIVEN = {
    "DeploymentFunctionArn": f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:deploy",
    "DeploymentRoleName": "deployment",
    "DependenciesLayerArn": f"arn:aws:lambda:us-east-1:{ACCOUNT}:layer:packages:1",
    "ModelDataUri": "s3://models/whisper-sagemaker/stack-1/digest/",
    "ImageUri": f"{ACCOUNT}.dkr.ecr.us-east-1.amazonaws.com/ray:v1.4",
    "RecordingsBucketName": "mine",
    "InputS3Prefixes": "s3://archive/calls/",
    "EnableJobsApi": "true",
}
ACTIONS = {
    "abort_multipart_upload": {"s3:AbortMultipartUpload"},
    "delete_objects": {"s3:DeleteObject", "s3:DeleteObjectVersion"},
    "get_item": {"dynamodb:GetItem"},
    "get_object": {"s3:GetObject", "s3:ListBucket"},  # without the second, missing is forbidden
    "head_object": {"s3:GetObject", "s3:ListBucket"},
    "invoke_endpoint_async": {"sagemaker:InvokeEndpointAsync"},
    "list_executions": {"states:ListExecutions"},
    "list_multipart_uploads": {"s3:ListBucketMultipartUploads"},
    "list_object_versions": {"s3:ListBucketVersions"},
    "publish": {"sns:Publish"},
    "put_events": {"events:PutEvents"},
    "put_item": {"dynamodb:PutItem"},
    "put_object": {"s3:PutObject"},
    "query": {"dynamodb:Query"},
    "send_task_success": {"states:SendTaskSuccess"},
    "start_execution": {"states:StartExecution"},
    "stop_execution": {"states:StopExecution"},
    "transact_write_items": {"dynamodb:PutItem"},  # of puts alone
    "update_item": {"dynamodb:UpdateItem"},
}
LOGS = {"logs:CreateLogStream", "logs:PutLogEvents"}
FUNCTIONS = (
    "Accept",
    "Submit",
    "Collect",
    "Finish",
    "Notify",
    "Jobs",
    "Removal",
    "Api",
    "Webhook",
)


@pytest.fixture(scope="module")
def calls():
    """Which function calls what, in a life that comes to everything."""
    world = RecordingsWorld()
    for number, kind in enumerate(["good", "odd", "hopeless"]):
        world.upload(f"incoming/{number}.wav", f"{kind} {number}", copies=(0.0, 1.0))
    world.endpoint.fates = [()]
    world.quiesce()
    world.upload("uploads/a.wav", "good a", copies=())
    request = {"action": "submit", "s3_uri": f"s3://{BUCKET}/uploads/a.wav"}
    job_id = (world.ask(request) or {})["job"]["id"]
    world.pass_time(5)
    for action in ("status", "cancel"):
        world.ask({"action": action, "id": job_id})
    world.ask({"action": "list"})
    world.ask({"action": "batch", "name": "b", "prefix": f"s3://{BUCKET}/incoming/"})
    world.ask({"action": "batch-status", "name": "b"})
    world.upload("incoming/b.wav", "good b")
    world.pass_time(5)
    stopped = world.table.newest([JobStatus.TRANSCRIBING], 1)[0]
    world.executions[stopped.execution].stop()
    _ask_over_http(world)
    world.ask(request)
    world.pass_time(2)
    world.clients["s3"].create_multipart_upload(Bucket=BUCKET, Key="uploads/half.wav")
    removal = StackDeletion(world.clients["s3"], lambda _: world.jobs)
    for kind in ("RunningJobs", "RecordingFiles"):
        properties = {"BatchMachine": "arn", "Bucket": BUCKET, "IsOwn": "true"}
        event = {"ResourceType": f"Custom::{kind}", "ResourceProperties": properties}
        world.run("RemovalFunction", partial(removal.delete, event))
    assert world.store.buckets[BUCKET].keys == {}
    assert world.store.buckets[BUCKET].uploads == {}
    return world.calls


def _ask_over_http(world):
    api, uri = AskedApi(world), f"s3://{BUCKET}/uploads/a.wav"
    task = {"url": uri, "is_async": True, "webhook": {"url": "https://a/"}, "managed_task_id": "1"}
    api.ask("POST", "/ifw", task)
    world.quiesce()
    (job,) = world.table.newest([JobStatus.SUCCEEDED], 1)
    assert api.ask("GET", "/ifw/status/1")[1]["status"] == "completed"
    assert api.ask("POST", f"/jobs/{job.id}/resend")[0] == 202
    assert api.ask("GET", "/jobs")[0] == 200
    job_id = api.ask("POST", "/jobs", {"s3_uri": uri})[1]["id"]
    world.pass_time(5)
    assert api.ask("GET", f"/jobs/{job_id}")[1]["status"] == "TRANSCRIBING"
    assert api.ask("DELETE", f"/jobs/{job_id}")[0] == 200


def test_form(recordings):
    assert list(form_problems({"Rules": {}, **recordings})) == []


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_may_do_what_it_does_and_nothing_else(recordings, calls, function):
    did = {operation for name, operation in calls if name == f"{function}Function"}
    needed = set().union(*(ACTIONS[operation] for operation in did)) | LOGS
    allowed = granted(recordings, f"{function}Role", GIVEN)
    if function == "Accept":
        needed.add("s3:GetObjectVersion")  # of a bucket with versions
    if function == "Finish":
        needed.add("dynamodb:PutItem")  # of a job whose first state has failed
        needed.add("sqs:SendMessage")  # Lambda's own, of what it gives up
        needed.add("states:DescribeExecution")  # of an input that is too long for an event
    if function in ("Api", "Removal", "Webhook"):
        needed.add("secretsmanager:GetSecretValue")
    if function == "Removal":
        needed.add("dynamodb:GetItem")  # of a job that ends at the same time
    assert allowed == needed


@pytest.mark.parametrize(
    ("role", "action", "key", "expected"),
    [
        ("SubmitRole", "s3:GetObject", "mine/incoming/a", True),
        ("SubmitRole", "s3:GetObject", "archive/calls/a", True),
        ("SubmitRole", "s3:GetObject", "archive/other/a", False),
        ("SubmitRole", "s3:GetObject", "mine/transcripts/a", False),
        ("CollectRole", "s3:PutObject", "mine/transcripts/a", True),
        ("CollectRole", "s3:PutObject", "mine/incoming/a", False),
        ("EndpointRole", "s3:PutObject", "mine/raw/a", True),
        ("EndpointRole", "s3:PutObject", "mine/transcripts/a", False),
        ("EndpointRole", "s3:GetObject", "models/whisper-sagemaker/stack-1/digest/a", True),
        ("EndpointRole", "s3:GetObject", "models/whisper-sagemaker/stack-2/digest/a", False),
        ("JobsRole", "s3:PutObject", "mine/progress/1.json.stop", True),
        ("JobsRole", "s3:PutObject", "mine/progress/1.json", False),
        ("ApiRole", "s3:PutObject", "mine/uploads/a", True),
        ("ApiRole", "s3:PutObject", "mine/incoming/a", False),
        ("ApiRole", "s3:GetObject", "mine/transcripts/a", True),
        ("ApiRole", "s3:GetObject", "mine/raw/a", False),
        ("WebhookRole", "s3:GetObject", "mine/transcripts/a", True),
        ("WebhookRole", "s3:GetObject", "mine/incoming/a", False),
        ("ConversionRole", "s3:PutObject", "mine/converted/a", True),
    ],
)
def test_each_prefix_is_for_those_who_need_it(recordings, role, action, key, expected):
    policy = statements(recordings, role, GIVEN)
    here = {"aws:ResourceAccount": HERE}
    assert allows(policy, action, f"arn:aws:s3:::{key}", here) is expected


@pytest.mark.parametrize(
    ("bucket", "key", "expected"),
    [("mine", "raw/a", True), ("mine", "transcripts/a", False), ("", "transcripts/a", True)],
)
def test_only_a_bucket_of_the_stacks_own_is_emptied(recordings, bucket, key, expected):
    policy = statements(recordings, "RemovalRole", {**GIVEN, "RecordingsBucketName": bucket})
    arn = f"arn:aws:s3:::{bucket}" if bucket else "<RecordingsBucket.Arn>"
    assert allows(policy, "s3:DeleteObject", f"{arn}/{key}") is expected


def of_sagemaker(policy):
    """Return the statements on SageMaker by their Sid, with what is asked for at once left out."""
    calls = {"sagemaker:InvokeEndpoint", "sagemaker:InvokeEndpointAsync"}
    return {
        statement["Sid"]: {**statement, "Action": set(listed(statement["Action"])) - calls}
        for statement in policy
        if statement["Sid"] in {"CreateWithOurTag", "TagWhatIsCreated", "ChangeWhatCarriesOurTag"}
    }


def test_the_deployment_function_may_do_the_same_for_both_kinds_of_endpoints(template, recordings):
    """What template.yaml grants is shown by stacks' lives to be what the function calls."""
    document = resolver(recordings, GIVEN).resolve(recordings["Resources"]["DeploymentAccess"])
    policy = document["Properties"]["PolicyDocument"]["Statement"]
    ours, theirs = of_sagemaker(policy), of_sagemaker(statements(template, DEPLOYER, {}))
    assert len(ours) == 3
    assert ours == theirs
    arn = f"arn:aws:sagemaker:us-east-1:{HERE}:endpoint/whisper-a"
    stack = theirs["CreateWithOurTag"]["Condition"]["StringEquals"][f"aws:RequestTag/{TAG}"]
    assert allows(policy, "sagemaker:InvokeEndpointAsync", arn, {f"aws:ResourceTag/{TAG}": stack})


def test_the_deployment_function_polls_for_each_kind_of_endpoint_in_the_same_way(
    template, recordings
):
    document = resolver(recordings, GIVEN).resolve(recordings["Resources"]["DeploymentAccess"])
    policies = (
        document["Properties"]["PolicyDocument"]["Statement"],
        statements(template, DEPLOYER, {}),
    )
    ours, theirs = ({s["Sid"]: s for s in policy}["PollByRule"] for policy in policies)
    assert ours["Action"] == theirs["Action"]
    rule = f"arn:aws:events:us-east-1:{HERE}:rule/RecordingsEndpointABC"
    assert allows(policies[0], "events:ListTargetsByRule", rule, {})
    assert not allows(policies[1], "events:ListTargetsByRule", rule, {})


@pytest.mark.parametrize("action", ["s3:GetBucketLocation", "s3:GetBucketNotification"])
def test_the_deployment_function_sees_whether_a_bucket_of_yours_tells_of_uploads(
    recordings, action
):
    def allowed(bucket, name):
        given = {**GIVEN, "RecordingsBucketName": bucket}
        document = resolver(recordings, given).resolve(recordings["Resources"]["DeploymentAccess"])
        policy = document["Properties"]["PolicyDocument"]["Statement"]
        return allows(policy, action, f"arn:aws:s3:::{name}")

    assert allowed("mine", "mine")
    assert not allowed("mine", "another")
    assert not allowed("", "mine")


def test_the_roles_are_taken_on_for_this_account_alone(template, recordings):
    theirs = template["Resources"]["WhisperExecutionRole"]["Properties"]
    (asked,) = theirs["AssumeRolePolicyDocument"]["Statement"]
    for name, one in recordings["Resources"].items():
        if one["Type"] == "AWS::IAM::Role":
            (ours,) = one["Properties"]["AssumeRolePolicyDocument"]["Statement"]
            of_events = ours["Principal"]["Service"] == "events.amazonaws.com"
            assert of_events or ours["Condition"] == asked["Condition"], name


def test_the_endpoint_reads_the_archive_of_this_account_and_pulls_its_own_image(recordings):
    policy = statements(recordings, "EndpointRole", GIVEN)
    archive = f"arn:aws:s3:::{GIVEN['ModelDataUri'].removeprefix('s3://')}model.bin"
    assert allows(policy, "s3:GetObject", archive, {"aws:ResourceAccount": HERE})
    assert not allows(policy, "s3:GetObject", archive, {"aws:ResourceAccount": ACCOUNT})
    repository = f"arn:aws:ecr:us-east-1:{ACCOUNT}:repository"
    assert allows(policy, "ecr:BatchGetImage", f"{repository}/ray")
    assert not allows(policy, "ecr:BatchGetImage", f"{repository}/other")


def test_a_distributed_map_may_write_its_results(recordings):
    policy = statements(recordings, "BatchRole", GIVEN)
    for action in ("AbortMultipartUpload", "GetObject", "ListMultipartUploadParts", "PutObject"):
        assert allows(policy, f"s3:{action}", "arn:aws:s3:::mine/batches/b/manifest.json"), action


def test_a_batch_may_have_the_rows_recorded_that_were_not_started(recordings):
    policy = statements(recordings, "BatchRole", GIVEN)
    assert allows(policy, "lambda:InvokeFunction", "<FinishFunction.Arn>")
    assert not allows(policy, "lambda:InvokeFunction", "<AcceptFunction.Arn>")


def test_what_rules_cannot_deliver_is_kept_and_sets_off_an_alarm(recordings):
    resources = resolver(recordings, GIVEN).resolve(recordings["Resources"])
    rules = {name: one for name, one in resources.items() if one["Type"] == "AWS::Events::Rule"}
    (allowed,) = resources["LostEventsPolicy"]["Properties"]["PolicyDocument"]["Statement"]
    assert len(rules) == 2
    for rule in rules.values():
        for target in rule["Properties"]["Targets"]:
            assert target["DeadLetterConfig"] == {"Arn": "<LostEvents.Arn>"}
    known = allowed["Condition"]["ArnEquals"]["aws:SourceArn"]
    assert set(known) == {f"<{name}.Arn>" for name in rules}
    given_up = resources["FinishInvocation"]["Properties"]["DestinationConfig"]["OnFailure"]
    assert given_up == {"Destination": allowed["Resource"]}
    (of,) = resources["LostEventsAlarm"]["Properties"]["Dimensions"]
    assert of["Value"] == "<LostEvents.QueueName>"


def test_what_is_answered_is_the_same_of_both_endpoints(template, recordings):
    """Redaction above all: what is left out of live answers is left out of transcripts."""
    nested = template["Resources"]["Recordings"]["Properties"]["Parameters"]
    live = template["Resources"]["WhisperModelDeployment"]["Properties"]["Environment"]
    environment = recordings["Resources"]["RecordingsEndpoint"]["Properties"]["Environment"]
    settings = {name: one for name, one in live.items() if name in environment}
    del settings["WHISPER_AUDIO_S3_PREFIXES"]
    assert {one["Ref"] for one in settings.values()} == {
        "AllowedLanguages",
        "ComputeType",
        "Redaction",
        "Terms",
    }
    limits = ("AllowedPattern", "AllowedValues", "Default", "MaxLength")
    for name, value in settings.items():
        assert environment[name] == value == nested[value["Ref"]]
        ours, theirs = (one["Parameters"][value["Ref"]] for one in (recordings, template))
        assert [ours.get(one) for one in limits] == [theirs.get(one) for one in limits]


def test_the_functions_are_told_what_they_read(recordings):
    resources = resolver(recordings, GIVEN).resolve(recordings["Resources"])
    for name, one in resources.items():
        if one["Type"] == "AWS::Lambda::Function":
            variables = one["Properties"]["Environment"]["Variables"]
            settings = RecordingSettings.from_environ(
                {key: str(value) for key, value in variables.items()}
            )
            assert settings.bucket == "mine", name
            assert settings.days_kept == 90
    source = (ROOT / "recordings/settings.py").read_text()
    known = set(re.findall(r'"([A-Z][A-Z_]+)"', source))
    given = {
        variable
        for one in resources.values()
        if one["Type"] == "AWS::Lambda::Function"
        for variable in one["Properties"]["Environment"]["Variables"]
    }
    assert given == known


@pytest.mark.parametrize(
    ("machine", "path"),
    [
        ("RecordingStateMachine", "state_machine.asl.json"),
        ("BatchStateMachine", "batch.asl.json"),
        ("WebhookStateMachine", "webhook.asl.json"),
    ],
)
def test_every_placeholder_of_a_definition_is_filled(recordings, machine, path):
    properties = recordings["Resources"][machine]["Properties"]
    assert properties["DefinitionS3Location"] == f"recordings/{path}"
    wanted = set(re.findall(r"\$\{(\w+)\}", (ROOT / "recordings" / path).read_text()))
    assert set(properties["DefinitionSubstitutions"]) == wanted


def depends(template, name, seen=()):
    """Return all that a resource needs, directly or not; it is deleted before them."""
    found = set()
    resource = template["Resources"][name]
    direct = set(references_in(resource)) | set(_listed(resource.get("DependsOn", [])))
    for other in direct & set(template["Resources"]) - {name, *seen}:
        found |= {other, *depends(template, other, (*seen, name))}
    return found


def _listed(value):
    return value if isinstance(value, list) else [value]


def test_a_deletion_goes_from_the_uploads_to_the_files(recordings):
    """No job begins, what runs is cancelled, the endpoint ends, and only then is all deleted."""
    assert "RunningJobs" in depends(recordings, "UploadRule")
    for name in ("JobsApiRoute", "JobsApiKeyRoute", "JobsApiStage", "JobsApiPermission"):
        assert "RunningJobs" in depends(recordings, name), name
    running = depends(recordings, "RunningJobs")
    assert {"RecordingsEndpoint", "RecordingStateMachine", "BatchStateMachine"} <= running
    assert {"JobTable", "FinishFunction", "NotifyFunction", "CollectFunction"} <= running
    assert "RecordingFiles" in depends(recordings, "RecordingsEndpoint")
    assert "RecordingsBucket" in depends(recordings, "RecordingFiles")
    assert "DeploymentAccess" in depends(recordings, "RecordingsEndpoint")


def test_the_policy_for_the_deployment_function_fits_iams_limit(recordings):
    resolved = resolver(recordings, GIVEN).resolve(recordings["Resources"]["DeploymentAccess"])
    assert len(json.dumps(resolved["Properties"]["PolicyDocument"], separators=(",", ":"))) < 6144


def test_what_is_nested_is_given_every_parameter_without_a_default(template, recordings):
    nested = template["Resources"]["Recordings"]["Properties"]
    assert nested["TemplateURL"] == "recordings.yaml"
    known = recordings["Parameters"]
    assert set(nested["Parameters"]) <= set(known)
    assert {name for name, one in known.items() if "Default" not in one} <= set(
        nested["Parameters"]
    )
    for name in filter(re.compile("Recordings").match, sorted(template["Parameters"])):
        ours = name if name in known else name.removeprefix("Recordings")
        pattern = template["Parameters"][name].get("AllowedPattern")
        assert pattern == known[ours].get("AllowedPattern"), name


def test_the_job_tables_indexes_are_those_that_are_asked(recordings):
    indexes = recordings["Resources"]["JobTable"]["Properties"]["GlobalSecondaryIndexes"]
    assert [one["IndexName"] for one in indexes] == ["by-status", "by-batch"]


def test_a_parameter_that_a_sentence_names_is_there_in_both_templates(template, recordings):
    """Whoever reads it has either stack: within that of the endpoint, or beside it."""
    sources = [path.read_text() for path in (ROOT / "recordings").rglob("*.py")]
    words = set(re.findall(r"\b[A-Z][a-z]+[A-Z]\w+", "".join(sources)))
    named = words & set(recordings["Parameters"])
    assert {"AllowUrlSources", "InputS3Prefixes"} <= named
    for name in named - set(template["Parameters"]):
        assert f"Recordings{name}" in words & set(template["Parameters"]), name


def test_it_is_nested_where_it_is_enabled_alone(template):
    nested = template["Resources"]["Recordings"]
    assert resolver(template, {"EnableRecordings": "true"}).exists(nested)
    assert not resolver(template, {}).exists(nested)


def test_what_is_put_back_is_what_the_template_declares(recordings):
    kind = properties(recordings, "RecordingsEndpoint", GIVEN)
    remembered = declared_scaling(kind, "<RecordingsEndpoint>")
    target = properties(recordings, "EndpointScaling", GIVEN)
    assert remembered is not None
    assert numbers(remembered.limits) == numbers({key: target[key] for key in remembered.limits})
    made = [properties(recordings, f"{name}Policy", GIVEN) for name in ("Backlog", "Wake", "Sleep")]
    for policy in made:
        del policy["ScalingTargetId"]
    assert numbers(made) == numbers(remembered.policies)
