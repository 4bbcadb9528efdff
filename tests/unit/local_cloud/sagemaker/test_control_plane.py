# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
import pytest
from botocore.exceptions import ClientError

from local_cloud.sagemaker.hosting import Health

ROLE = "arn:aws:iam::123456789012:role/endpoint"
ARN = "arn:aws:sagemaker:us-east-1:123456789012"
TAGS = [{"Key": "owner", "Value": "me"}]


class Control:
    """The control plane through boto3, with two configs of one model."""

    def __init__(self, cloud):
        self.cloud = cloud
        self.client = cloud.client("sagemaker")
        self.hosting = cloud.hosting

    def make_model(self, name="m", **more):
        source = {"S3Uri": f"s3://b/{name}/", "S3DataType": "S3Prefix", "CompressionType": "None"}
        self.client.create_model(
            ModelName=name,
            PrimaryContainer={
                "Image": "image",
                "ModelDataSource": {"S3DataSource": source},
                "Environment": {"A": "1"},
            },
            ExecutionRoleArn=ROLE,
            **more,
        )

    def make_config(self, name, model="m", count=1, instance="ml.g5.2xlarge"):
        variant = {
            "VariantName": "AllTraffic",
            "ModelName": model,
            "InstanceType": instance,
            "InitialInstanceCount": count,
            "ContainerStartupHealthCheckTimeoutInSeconds": 900,
        }
        self.client.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant])

    def make(self, outcome=Health.READY, reason=""):
        self.hosting.outcome = (outcome, reason)
        self.client.create_endpoint(EndpointName="e", EndpointConfigName="c1", Tags=TAGS)

    def update(self, config, outcome=Health.READY, reason="", **more):
        self.hosting.outcome = (outcome, reason)
        return self.client.update_endpoint(EndpointName="e", EndpointConfigName=config, **more)

    def becomes(self, outcome, reason=""):
        """Decide what becomes of the container that is starting."""
        endpoint = self.cloud.sagemaker.endpoints["e"]
        self.hosting.running[endpoint.starting.name] = (outcome, reason)

    def describe(self):
        return self.client.describe_endpoint(EndpointName="e")

    def state(self):
        answer = self.describe()
        return answer["EndpointStatus"], answer["EndpointConfigName"], answer.get("FailureReason")


@pytest.fixture
def control(cloud):
    control = Control(cloud)
    control.make_model()
    control.make_config("c1", count=2)
    control.make_config("c2", count=3)
    yield control
    for endpoint in list(cloud.sagemaker.endpoints.values()):
        endpoint.status = "Failed"
        control.client.delete_endpoint(EndpointName=endpoint.name)
    for item in control.client.list_endpoint_configs()["EndpointConfigs"]:
        control.client.delete_endpoint_config(EndpointConfigName=item["EndpointConfigName"])
    for item in control.client.list_models()["Models"]:
        control.client.delete_model(ModelName=item["ModelName"])
    assert set(cloud.sagemaker.counts().values()) == {0}


def refused(call, message, **request):
    with pytest.raises(ClientError) as refusal:
        call(**request)
    assert refusal.value.response["Error"] == {"Code": "ValidationException", "Message": message}


def test_creating_then_in_service(control):
    control.make(Health.STARTING)
    assert control.state() == ("Creating", "c1", None)
    assert control.state() == ("Creating", "c1", None)
    control.becomes(Health.READY)
    assert control.state() == ("InService", "c1", None)
    (variant,) = control.describe()["ProductionVariants"]
    assert variant["CurrentInstanceCount"] == 2
    (started,) = control.hosting.started[-1:]
    assert (started.name, started.model_data_uri) == ("e/c1", "s3://b/m/")
    assert (started.environment, started.startup_seconds) == ({"A": "1"}, 900)


def test_a_model_of_one_archive(control):
    container = {"Image": "image", "ModelDataUrl": "s3://b/whisper/model_1.tar.gz"}
    control.client.create_model(ModelName="one", PrimaryContainer=container, ExecutionRoleArn=ROLE)
    control.make_config("c3", model="one")
    control.client.create_endpoint(EndpointName="e", EndpointConfigName="c3")
    assert control.state() == ("InService", "c3", None)
    assert control.hosting.started[-1].model_data_uri == container["ModelDataUrl"]
    assert control.client.describe_model(ModelName="one")["PrimaryContainer"] == container


@pytest.mark.parametrize(
    "model", [{"PrimaryContainer": {"Image": "image"}}, {"Containers": [{"Image": "image"}]}]
)
def test_a_model_that_the_local_cloud_cannot_run_is_refused(control, model):
    with pytest.raises(ClientError, match="give it a ModelDataSource or a ModelDataUrl"):
        control.client.create_model(ModelName="other", ExecutionRoleArn=ROLE, **model)


def test_a_variant_without_instances_is_refused(control):
    serverless = {"MemorySizeInMB": 1024, "MaxConcurrency": 1}
    variant = {"VariantName": "AllTraffic", "ModelName": "m", "ServerlessConfig": serverless}
    with pytest.raises(ClientError, match="give each an InstanceType"):
        control.client.create_endpoint_config(EndpointConfigName="c", ProductionVariants=[variant])


def test_creating_then_failed(control):
    control.make(Health.STARTING)
    control.becomes(Health.FAILED, "out of memory")
    assert control.state() == ("Failed", "c1", "out of memory")
    assert "e/c1" not in control.hosting.running
    refused(
        control.client.update_endpoint,
        f'Cannot update failed endpoint "{ARN}:endpoint/e".',
        EndpointName="e",
        EndpointConfigName="c2",
    )
    control.client.delete_endpoint(EndpointName="e")


@pytest.mark.parametrize("verb", ["update", "delete"])
def test_nothing_may_be_done_while_it_is_created(control, verb):
    control.make(Health.STARTING)
    request = {"EndpointConfigName": "c2"} if verb == "update" else {}
    refused(
        getattr(control.client, f"{verb}_endpoint"),
        f'Cannot {verb} in-progress endpoint "{ARN}:endpoint/e".',
        EndpointName="e",
        **request,
    )


@pytest.mark.parametrize("verb", ["update", "delete"])
def test_nothing_may_be_done_while_it_is_updated(control, verb):
    control.make()
    control.update("c2", Health.STARTING)
    request = {"EndpointConfigName": "c1"} if verb == "update" else {}
    refused(
        getattr(control.client, f"{verb}_endpoint"),
        f'Cannot {verb} in-progress endpoint "{ARN}:endpoint/e".',
        EndpointName="e",
        **request,
    )


def test_an_update_serves_from_the_old_until_the_new_is_ready(control):
    control.make()
    assert control.state()[0] == "InService"
    control.update("c2", Health.STARTING)
    endpoint = control.cloud.sagemaker.endpoints["e"]
    assert control.state() == ("Updating", "c1", None)
    assert endpoint.serving.name == "e/c1"
    assert set(control.hosting.running) == {"e/c1", "e/c2"}
    control.becomes(Health.READY)
    assert control.state() == ("InService", "c2", None)
    assert endpoint.serving.name == "e/c2"
    assert set(control.hosting.running) == {"e/c2"}
    (variant,) = control.describe()["ProductionVariants"]
    assert variant["CurrentInstanceCount"] == 3


def test_a_failed_update_keeps_the_old_config_and_says_why(control):
    control.make()
    control.update("c2", Health.FAILED, "no capacity")
    assert control.state() == ("InService", "c1", "no capacity")
    assert set(control.hosting.running) == {"e/c1"}
    (variant,) = control.describe()["ProductionVariants"]
    assert variant["CurrentInstanceCount"] == 2
    control.update("c2")
    assert control.state() == ("InService", "c2", None)


def test_what_scaling_has_reached_can_be_retained(control):
    control.make()
    control.describe()
    control.cloud.sagemaker.endpoints["e"].instance_count = 7
    control.update("c2", RetainAllVariantProperties=True)
    (variant,) = control.describe()["ProductionVariants"]
    assert variant["CurrentInstanceCount"] == 7


def scalable_targets(control):
    client = control.cloud.client("application-autoscaling")
    return client.describe_scalable_targets(ServiceNamespace="sagemaker")["ScalableTargets"]


def test_scaling_goes_with_its_endpoint_and_holds_its_instance_type_until_then(control):
    control.make()
    control.describe()
    control.cloud.client("application-autoscaling").register_scalable_target(
        ServiceNamespace="sagemaker",
        ResourceId="endpoint/e/variant/AllTraffic",
        ScalableDimension="sagemaker:variant:DesiredInstanceCount",
        MinCapacity=1,
        MaxCapacity=3,
    )
    control.make_config("other", instance="ml.g6.2xlarge")
    refused(
        control.client.update_endpoint,
        f"The instance type of variant AllTraffic of {ARN}:endpoint/e cannot be changed while it "
        "has a scalable target: deregister it from automatic scaling first.",
        EndpointName="e",
        EndpointConfigName="other",
    )
    control.update("c2")
    assert control.state() == ("InService", "c2", None)
    assert len(scalable_targets(control)) == 1
    control.client.delete_endpoint(EndpointName="e")
    with pytest.raises(ClientError, match="Could not find endpoint"):
        control.describe()
    assert scalable_targets(control) == []


ROLLING = {"MaximumBatchSize": {"Type": "INSTANCE_COUNT", "Value": 1}, "WaitIntervalInSeconds": 0}
CANARY = {
    "Type": "CANARY",
    "CanarySize": {"Type": "INSTANCE_COUNT", "Value": 1},
    "WaitIntervalInSeconds": 60,
}


@pytest.mark.parametrize(
    "way",
    [
        {"RollingUpdatePolicy": ROLLING},
        {"BlueGreenUpdatePolicy": {"TrafficRoutingConfiguration": CANARY}},
    ],
    ids=["rolling", "canary"],
)
def test_a_gradual_update_needs_two_instances(control, way):
    control.make_config("single", count=1)
    control.client.create_endpoint(EndpointName="e", EndpointConfigName="single")
    control.describe()
    refused(
        control.client.update_endpoint,
        "A gradual update needs at least two instances.",
        EndpointName="e",
        EndpointConfigName="c2",
        DeploymentConfig=way,
    )


def test_deleting_takes_a_moment(control):
    control.make()
    control.client.delete_endpoint(EndpointName="e")
    assert control.cloud.sagemaker.endpoints["e"].status == "Deleting"
    assert control.hosting.running == {}
    refused(
        control.client.describe_endpoint,
        f'Could not find endpoint "{ARN}:endpoint/e".',
        EndpointName="e",
    )
    refused(
        control.client.list_tags,
        f"Could not find {ARN}:endpoint/e",
        ResourceArn=f"{ARN}:endpoint/e",
    )


@pytest.mark.parametrize("verb", ["describe", "delete"])
@pytest.mark.parametrize(
    ("kind", "key", "noun", "part"),
    [
        ("endpoint", "EndpointName", "endpoint", "endpoint"),
        ("endpoint_config", "EndpointConfigName", "endpoint configuration", "endpoint-config"),
        ("model", "ModelName", "model", "model"),
    ],
)
def test_what_is_not_there_is_a_validation_exception(control, verb, kind, key, noun, part):
    refused(
        getattr(control.client, f"{verb}_{kind}"),
        f'Could not find {noun} "{ARN}:{part}/none".',
        **{key: "None"},
    )


def test_names_are_taken_once(control):
    control.make()
    create = control.client.create_endpoint
    message = f'Cannot create already existing endpoint "{ARN}:endpoint/e".'
    refused(create, message, EndpointName="e", EndpointConfigName="c2")
    message = f'Cannot create already existing model "{ARN}:model/m".'
    refused(control.make_model, message)
    message = f'Cannot create already existing endpoint configuration "{ARN}:endpoint-config/c1".'
    refused(lambda: control.make_config("c1"), message)


def test_what_an_endpoint_needs_must_be_there(control):
    message = f'Could not find model "{ARN}:model/other".'
    refused(lambda: control.make_config("c3", model="other"), message)
    message = f'Could not find endpoint configuration "{ARN}:endpoint-config/c3".'
    create = control.client.create_endpoint
    refused(create, message, EndpointName="e", EndpointConfigName="c3")
    control.make()
    control.describe()
    refused(control.client.update_endpoint, message, EndpointName="e", EndpointConfigName="c3")
    control.client.delete_model(ModelName="m")
    message = f'Could not find model "{ARN}:model/m".'
    refused(control.client.update_endpoint, message, EndpointName="e", EndpointConfigName="c2")


def test_instance_types_are_those_of_the_api(control):
    control.make_config("known", instance="ml.g6e.2xlarge")
    with pytest.raises(ClientError, match=r"Value 'ml\.g99\.large' at .* enum value set"):
        control.make_config("unknown", instance="ml.g99.large")


def test_tags(control):
    control.make()
    arn = f"{ARN}:endpoint/e"
    assert control.client.list_tags(ResourceArn=arn)["Tags"] == TAGS
    control.client.add_tags(ResourceArn=arn, Tags=[{"Key": "a", "Value": "1"}])
    control.client.add_tags(ResourceArn=arn, Tags=[{"Key": "a", "Value": "2"}])
    tags = {tag["Key"]: tag["Value"] for tag in control.client.list_tags(ResourceArn=arn)["Tags"]}
    assert tags == {"owner": "me", "a": "2"}
    control.client.delete_tags(ResourceArn=arn, TagKeys=["owner"])
    assert control.client.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "a", "Value": "2"}]
    assert "Tags" not in control.client.describe_model(ModelName="m")
    refused(
        control.client.add_tags, "Could not find arn:aws:x:1", ResourceArn="arn:aws:x:1", Tags=TAGS
    )


def test_lists_by_a_part_of_the_name(control):
    control.make()
    control.make_model("other-model")
    listed = control.client.list_models(NameContains="other")["Models"]
    assert [item["ModelName"] for item in listed] == ["other-model"]
    listed = control.client.list_endpoint_configs(NameContains="c")["EndpointConfigs"]
    assert {item["EndpointConfigName"] for item in listed} == {"c1", "c2"}
    listed = control.client.list_endpoints(NameContains="e")["Endpoints"]
    assert [item["EndpointStatus"] for item in listed] == ["InService"]
    assert control.client.list_endpoints(NameContains="x")["Endpoints"] == []


def test_an_operation_that_we_do_not_have_says_so(control):
    with pytest.raises(ClientError, match="The local cloud has no SageMaker ListTrainingJobs"):
        control.client.list_training_jobs()
