# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""What a template says of tables, topics, queues, secrets, workflows and buckets is made so."""

import copy
import io
import json
import zipfile

import pytest

from local_cloud import inventory

ROLE = "arn:aws:iam::123456789012:role/any"
WAITS = {"StartAt": "Wait", "States": {"Wait": {"Type": "Wait", "Seconds": 1, "End": True}}}
KEY = [{"AttributeName": "id", "KeyType": "HASH"}]


def typed(kind, **properties):
    return {"Type": f"AWS::{kind}", "Properties": properties}


def get(name, attribute="Arn"):
    return {"Fn::GetAtt": [name, attribute]}


def attribute(name):
    return {"AttributeName": name, "AttributeType": "S"}


def index(name):
    return {
        "IndexName": name,
        "KeySchema": [{"AttributeName": name, "KeyType": "HASH"}],
        "Projection": {"ProjectionType": "ALL"},
    }


RESOURCES = {
    "Jobs": typed(
        "DynamoDB::Table",
        AttributeDefinitions=[attribute("id"), attribute("status")],
        BillingMode="PAY_PER_REQUEST",
        GlobalSecondaryIndexes=[index("status")],
        KeySchema=KEY,
        PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": "true"},
        SSESpecification={"SSEEnabled": "true"},
        StreamSpecification={"StreamViewType": "NEW_IMAGE"},
        TimeToLiveSpecification={"AttributeName": "expires", "Enabled": "true"},
    ),
    "Topic": typed("SNS::Topic", DisplayName="Done"),
    "TopicPolicy": typed(
        "SNS::TopicPolicy",
        Topics=[{"Ref": "Topic"}],
        PolicyDocument={"Version": "2012-10-17", "Statement": [{"Sid": "Ours"}]},
    ),
    "Dead": typed("SQS::Queue", MessageRetentionPeriod="1209600"),
    "Queue": typed(
        "SQS::Queue",
        VisibilityTimeout=60,
        SqsManagedSseEnabled=True,
        RedrivePolicy={"deadLetterTargetArn": get("Dead"), "maxReceiveCount": 3},
    ),
    "QueuePolicy": typed(
        "SQS::QueuePolicy",
        Queues=[{"Ref": "Queue"}],
        PolicyDocument={
            "Version": "2012-10-17",
            "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage"}],
        },
    ),
    "Subscription": typed(
        "SNS::Subscription",
        TopicArn={"Ref": "Topic"},
        Protocol="sqs",
        Endpoint=get("Queue"),
        FilterPolicy={"status": ["FAILED"]},
        RawMessageDelivery="true",
    ),
    "Secret": typed(
        "SecretsManager::Secret",
        GenerateSecretString={
            "SecretStringTemplate": '{"user": "a"}',
            "GenerateStringKey": "key",
            "PasswordLength": "40",
            "ExcludePunctuation": True,
        },
    ),
    "Flow": typed(
        "StepFunctions::StateMachine",
        DefinitionString=json.dumps(WAITS | {"Comment": "for ${Table}, ${Unknown}"}),
        DefinitionSubstitutions={"Table": {"Ref": "Jobs"}},
        RoleArn=ROLE,
        LoggingConfiguration={"Level": "ALL", "IncludeExecutionData": "false"},
        TracingConfiguration={"Enabled": "true"},
    ),
    "Uploads": typed(
        "Events::Rule",
        EventPattern={"source": ["aws.s3"], "detail-type": ["Object Created"]},
        Targets=[
            {
                "Id": "flow",
                "Arn": {"Ref": "Flow"},
                "RoleArn": ROLE,
                "RetryPolicy": {"MaximumRetryAttempts": "4"},
            }
        ],
    ),
    "Bucket": typed(
        "S3::Bucket",
        NotificationConfiguration={"EventBridgeConfiguration": {"EventBridgeEnabled": "true"}},
        VersioningConfiguration={"Status": "Enabled"},
        CorsConfiguration={
            "CorsRules": [
                {
                    "AllowedMethods": ["PUT"],
                    "AllowedOrigins": ["https://example.com"],
                    "ExposedHeaders": ["ETag"],
                    "MaxAge": "600",
                }
            ]
        },
        LifecycleConfiguration={
            "Rules": [
                {"Id": "old", "Status": "Enabled", "Prefix": "raw/", "ExpirationInDays": "30"},
                {
                    "Status": "Enabled",
                    "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1},
                },
            ]
        },
    ),
}


class Stack:
    """A stack called ``types`` of a cloud."""

    def __init__(self, cloud):
        self.cloud = cloud
        self.client = cloud.client("cloudformation")

    def create(self, resources):
        self.client.create_stack(StackName="types", TemplateBody=_template(resources), **_IAM)
        assert self.status() == "CREATE_COMPLETE", self.reasons()

    def update(self, resources):
        self.client.update_stack(StackName="types", TemplateBody=_template(resources), **_IAM)
        assert self.status() == "UPDATE_COMPLETE", self.reasons()

    def status(self):
        self.cloud.operations.join()
        (stack,) = self.client.describe_stacks(StackName="types")["Stacks"]
        return stack["StackStatus"]

    def reasons(self):
        events = self.client.describe_stack_events(StackName="types")["StackEvents"]
        return [event["ResourceStatusReason"] for event in events]

    def ids(self):
        found = self.client.describe_stack_resources(StackName="types")["StackResources"]
        return {item["LogicalResourceId"]: item["PhysicalResourceId"] for item in found}


_IAM = {"Capabilities": ["CAPABILITY_IAM"]}


def _template(resources):
    return json.dumps({"Resources": resources})


@pytest.fixture
def stack(cloud):
    before = inventory.take(cloud)
    stack = Stack(cloud)
    yield stack
    stack.client.delete_stack(StackName="types")
    cloud.operations.join()
    assert inventory.take(cloud) == before


def without_one_index(resources):
    changed = copy.deepcopy(resources)
    table = changed["Jobs"]["Properties"]
    table["AttributeDefinitions"] = [attribute("id"), attribute("owner")]
    table["GlobalSecondaryIndexes"] = [index("owner")]
    table["PointInTimeRecoverySpecification"] = {"PointInTimeRecoveryEnabled": False}
    return changed


def test_a_table(cloud, stack):
    stack.create({"Jobs": RESOURCES["Jobs"]})
    client, name = cloud.client("dynamodb"), stack.ids()["Jobs"]
    table = client.describe_table(TableName=name)["Table"]
    assert table["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"
    assert table["SSEDescription"]["Status"] == "ENABLED"
    assert table["StreamSpecification"]["StreamEnabled"]
    expiry = client.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
    assert expiry == {"TimeToLiveStatus": "ENABLED", "AttributeName": "expires"}
    client.put_item(TableName=name, Item={"id": {"S": "kept"}})

    stack.update(without_one_index({"Jobs": RESOURCES["Jobs"]}))
    assert stack.ids()["Jobs"] == name
    assert client.scan(TableName=name)["Count"] == 1
    (found,) = client.describe_table(TableName=name)["Table"]["GlobalSecondaryIndexes"]
    assert found["IndexName"] == "owner"
    backups = client.describe_continuous_backups(TableName=name)["ContinuousBackupsDescription"]
    status = backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"]
    assert status == "DISABLED"

    other = copy.deepcopy(RESOURCES["Jobs"])
    other["Properties"]["TableName"] = "other"
    stack.update({"Jobs": other})
    assert client.list_tables()["TableNames"] == ["other"]


def test_topics_and_queues(cloud, stack):
    kinds = ("Topic", "TopicPolicy", "Dead", "Queue", "QueuePolicy", "Subscription")
    resources = {name: RESOURCES[name] for name in kinds}
    stack.create(resources)
    sns, sqs, ids = cloud.client("sns"), cloud.client("sqs"), stack.ids()
    topic = sns.get_topic_attributes(TopicArn=ids["Topic"])["Attributes"]
    assert (topic["DisplayName"], json.loads(topic["Policy"])["Statement"]) == (
        "Done",
        [{"Sid": "Ours"}],
    )
    asked = {"QueueUrl": ids["Queue"], "AttributeNames": ["All"]}
    queue = sqs.get_queue_attributes(**asked)["Attributes"]
    assert (queue["VisibilityTimeout"], queue["SqsManagedSseEnabled"]) == ("60", "true")
    assert str(json.loads(queue["RedrivePolicy"])["maxReceiveCount"]) == "3"
    for status in ("FAILED", "SUCCEEDED"):
        said = {"status": {"DataType": "String", "StringValue": status}}
        sns.publish(TopicArn=ids["Topic"], Message=f"it {status}", MessageAttributes=said)
    received = sqs.receive_message(QueueUrl=ids["Queue"], MaxNumberOfMessages=10)["Messages"]
    assert [message["Body"] for message in received] == ["it FAILED"]

    changed = copy.deepcopy(resources)
    del changed["TopicPolicy"]
    changed["Topic"]["Properties"]["DisplayName"] = "All done"
    changed["Queue"]["Properties"]["VisibilityTimeout"] = "90"
    changed["Subscription"]["Properties"]["RawMessageDelivery"] = False
    stack.update(changed)
    topic = sns.get_topic_attributes(TopicArn=ids["Topic"])["Attributes"]
    assert topic["DisplayName"] == "All done"
    assert "Ours" not in topic["Policy"]
    assert sqs.get_queue_attributes(**asked)["Attributes"]["VisibilityTimeout"] == "90"
    found = sns.get_subscription_attributes(SubscriptionArn=ids["Subscription"])["Attributes"]
    assert found["RawMessageDelivery"] == "false"


def test_a_secret_that_is_made_up(cloud, stack):
    stack.create({"Secret": RESOURCES["Secret"]})
    client, arn = cloud.client("secretsmanager"), stack.ids()["Secret"]
    made_up = json.loads(client.get_secret_value(SecretId=arn)["SecretString"])
    assert (made_up["user"], len(made_up["key"])) == ("a", 40)
    stack.update({"Secret": typed("SecretsManager::Secret", SecretString="given")})
    assert client.get_secret_value(SecretId=arn)["SecretString"] == "given"


def test_a_state_machine_and_its_rule(cloud, stack):
    resources = {name: RESOURCES[name] for name in ("Jobs", "Flow", "Uploads")}
    stack.create(resources)
    client, ids = cloud.client("stepfunctions"), stack.ids()
    made = client.describe_state_machine(stateMachineArn=ids["Flow"])
    assert json.loads(made["definition"])["Comment"] == f"for {ids['Jobs']}, ${{Unknown}}"
    assert made["loggingConfiguration"] == {"level": "ALL", "includeExecutionData": False}
    assert made["tracingConfiguration"] == {"enabled": True}
    events = cloud.client("events")
    rule = events.describe_rule(Name=ids["Uploads"])
    pattern = RESOURCES["Uploads"]["Properties"]["EventPattern"]
    assert json.loads(rule["EventPattern"]) == pattern
    (target,) = events.list_targets_by_rule(Rule=ids["Uploads"])["Targets"]
    assert (target["Arn"], target["RetryPolicy"]) == (ids["Flow"], {"MaximumRetryAttempts": 4})

    changed = {"RoleArn": ROLE, "Definition": WAITS | {"Comment": "another"}}
    stack.update(resources | {"Flow": typed("StepFunctions::StateMachine", **changed)})
    assert stack.ids()["Flow"] == ids["Flow"]
    made = client.describe_state_machine(stateMachineArn=ids["Flow"])
    assert json.loads(made["definition"])["Comment"] == "another"


def test_a_definition_from_a_bucket(cloud, stack):
    s3 = cloud.client("s3")
    s3.create_bucket(Bucket="definitions")
    s3.put_object(Bucket="definitions", Key="flow.json", Body=json.dumps(WAITS))
    place = {"Bucket": "definitions", "Key": "flow.json"}
    flow = typed("StepFunctions::StateMachine", DefinitionS3Location=place, RoleArn=ROLE)
    stack.create({"Flow": flow})
    client = cloud.client("stepfunctions")
    made = client.describe_state_machine(stateMachineArn=stack.ids()["Flow"])
    assert json.loads(made["definition"]) == WAITS
    s3.delete_object(Bucket="definitions", Key="flow.json")
    s3.delete_bucket(Bucket="definitions")


def test_a_bucket_that_tells_of_uploads(cloud, stack):
    told = copy.deepcopy(RESOURCES["Uploads"])
    told["Properties"]["Targets"] = [{"Id": "queue", "Arn": get("Dead")}]
    resources = {"Dead": RESOURCES["Dead"], "Uploads": told}
    stack.create(resources | {"Bucket": RESOURCES["Bucket"]})
    s3, name = cloud.client("s3"), stack.ids()["Bucket"]
    s3.put_object(Bucket=name, Key="a call.wav", Body=b"RIFF")
    assert uploads(cloud, stack) == [(name, "a call.wav")]
    assert s3.get_bucket_versioning(Bucket=name)["Status"] == "Enabled"
    (rule,) = s3.get_bucket_cors(Bucket=name)["CORSRules"]
    assert (rule["ExposeHeaders"], rule["MaxAgeSeconds"]) == (["ETag"], 600)
    old, unfinished = s3.get_bucket_lifecycle_configuration(Bucket=name)["Rules"]
    assert (old["Filter"], old["Expiration"]) == ({"Prefix": "raw/"}, {"Days": 30})
    assert unfinished["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 1}

    stack.update(resources | {"Bucket": typed("S3::Bucket", BucketName=name)})
    s3.put_object(Bucket=name, Key="another.wav", Body=b"RIFF")
    assert uploads(cloud, stack) == []
    with pytest.raises(s3.exceptions.ClientError, match="NoSuchCORSConfiguration"):
        s3.get_bucket_cors(Bucket=name)
    for item in s3.list_object_versions(Bucket=name)["Versions"]:
        s3.delete_object(Bucket=name, Key=item["Key"], VersionId=item["VersionId"])


def uploads(cloud, stack):
    asked = {"QueueUrl": stack.ids()["Dead"], "MaxNumberOfMessages": 10}
    received = cloud.client("sqs").receive_message(**asked).get("Messages", [])
    details = [json.loads(message["Body"])["detail"] for message in received]
    return [(detail["bucket"]["name"], detail["object"]["key"]) for detail in details]


def test_a_function_that_reads_a_queue(cloud, stack):
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as files:
        files.writestr("index.py", "def handler(event, context): pass")
    trust = {"Action": "sts:AssumeRole", "Principal": {"Service": "lambda.amazonaws.com"}}
    document = json.dumps({"Statement": [trust | {"Effect": "Allow"}]})
    role = cloud.client("iam").create_role(RoleName="reads", AssumeRolePolicyDocument=document)
    cloud.client("lambda").create_function(
        FunctionName="reads",
        Runtime="python3.13",
        Role=role["Role"]["Arn"],
        Handler="index.handler",
        Code={"ZipFile": archive.getvalue()},
    )
    source = typed(
        "Lambda::EventSourceMapping",
        FunctionName="reads",
        EventSourceArn=get("Dead"),
        BatchSize="5",
        FunctionResponseTypes=["ReportBatchItemFailures"],
    )
    stack.create({"Dead": RESOURCES["Dead"], "Source": source})
    functions = cloud.client("lambda")
    (found,) = functions.list_event_source_mappings()["EventSourceMappings"]
    assert (found["UUID"], found["BatchSize"]) == (stack.ids()["Source"], 5)
    functions.delete_function(FunctionName="reads")
    cloud.client("iam").delete_role(RoleName="reads")


def test_a_policy_of_its_own(cloud, stack):
    role = typed("IAM::Role", AssumeRolePolicyDocument={"Version": "2012-10-17", "Statement": []})
    allow = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}
    policy = typed(
        "IAM::ManagedPolicy",
        Roles=[{"Ref": "Role"}],
        PolicyDocument={"Version": "2012-10-17", "Statement": [allow]},
    )
    stack.create({"Role": role, "Access": policy})
    iam, ids = cloud.client("iam"), stack.ids()
    attached = iam.list_attached_role_policies(RoleName=ids["Role"])["AttachedPolicies"]
    assert [item["PolicyArn"] for item in attached] == [ids["Access"]]
    changed = copy.deepcopy(policy)
    changed["Properties"]["PolicyDocument"]["Statement"][0]["Action"] = "s3:PutObject"
    changed["Properties"]["Roles"] = []
    stack.update({"Role": role, "Access": changed})
    assert stack.ids()["Access"] == ids["Access"]
    assert iam.list_attached_role_policies(RoleName=ids["Role"])["AttachedPolicies"] == []
    version = iam.get_policy(PolicyArn=ids["Access"])["Policy"]["DefaultVersionId"]
    found = iam.get_policy_version(PolicyArn=ids["Access"], VersionId=version)["PolicyVersion"]
    assert found["Document"]["Statement"][0]["Action"] == "s3:PutObject"


@pytest.mark.parametrize(
    ("resource", "path"),
    [
        (typed("Logs::LogGroup", RetentionInDays="2.5"), "#/RetentionInDays"),
        (
            typed(
                "CloudWatch::Alarm",
                AlarmName="late",
                ComparisonOperator="GreaterThanThreshold",
                EvaluationPeriods="2.5",
            ),
            "#/EvaluationPeriods",
        ),
        (
            typed(
                "S3::Bucket",
                LifecycleConfiguration={
                    "Rules": [{"Status": "Enabled", "ExpirationInDays": "2.5"}]
                },
            ),
            "#/ExpirationInDays",
        ),
        (
            typed("SecretsManager::Secret", GenerateSecretString={"PasswordLength": "2.5"}),
            "#/PasswordLength",
        ),
    ],
    ids=lambda one: one if isinstance(one, str) else one["Type"],
)
def test_what_is_no_whole_number_is_said_as_cloudformation_says_it(stack, resource, path):
    stack.client.create_stack(StackName="types", TemplateBody=_template({"One": resource}))
    assert stack.status() == "ROLLBACK_COMPLETE"
    said = f"[{path}: expected type: Integer, found: String (2.5)]"
    assert any(said in reason for reason in stack.reasons() if reason)
