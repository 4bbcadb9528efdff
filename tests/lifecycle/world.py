# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""A local cloud with our stack's artifacts, quick enough for dozens of stacks.

The deployment function runs in this process, as it does in a Lambda that is warm; containers are
scripted. Everything between (template, engine, custom resources, EventBridge, S3, SageMaker) is the
local cloud's own.
"""

import functools
import importlib
import io
import itertools
import json
import logging
import threading
import time
import uuid
import zipfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace

import boto3
import moto.backends

from local_cloud import ACCOUNT_ID, inventory, server
from local_cloud.aws_lambda.functions import LambdaProcesses
from local_cloud.cloudformation import custom_resources
from local_cloud.cloudformation.provider import ResourceFailed
from local_cloud.sagemaker.control_plane import SageMaker
from local_cloud.sagemaker.hosting import Health
from tests.fakes.stand_ins import ScriptedHosting
from tests.lifecycle.calls import Calls

ROOT = Path(__file__).parents[2]
ARTIFACTS = "artifacts"
TAG = "whisper-sagemaker:stack"
MOST_POLLS = 40

MODEL = {
    "model.bin": b"weights " * 4000,
    "config.json": b"{}",
    "tokenizer.json": b"{}",
    "vocabulary.json": b"[]",
    "README.md": b"not part of a model",
}
"""As far as the deployer looks at a model; containers are scripted."""


def zipped(files):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def folder(path, below):
    return {
        f"{below}/{file.relative_to(path).as_posix()}": file.read_bytes()
        for file in sorted(path.rglob("*"))
        if file.is_file() and "__pycache__" not in file.parts
    }


def artifacts():
    """Return the stack's artifacts by key; the layer's third-party packages are this process's."""
    layers = ROOT / "layers/dependencies/whisper_sagemaker"
    clip = ROOT / "inference/whisper_endpoint/selftest.wav"
    return {
        "build/function.zip": zipped(folder(ROOT / "deploy_whisper", "deploy_whisper")),
        "build/dependencies.zip": zipped(
            folder(layers, "python/whisper_sagemaker")
            | folder(ROOT / "whisper_contract", "python/whisper_contract")
        ),
        "build/endpoint.zip": endpoint_layer(b"applications: []", clip.read_bytes()),
    }


def endpoint_layer(config, clip):
    return zipped(
        {
            "endpoint/config.yaml": config,
            "endpoint/code/wheels/some.whl": b"a wheel",
            "endpoint/whisper_endpoint/selftest.wav": clip,
        }
    )


def packaged_template(text, keys):
    """Do to the template what ``aws cloudformation package`` does."""
    for key in keys:
        assert text.count(key) == 1
        text = text.replace(key, f"{{S3Bucket: {ARTIFACTS}, S3Key: {key}}}")
    return text


class WarmFunctions(LambdaProcesses):
    """Runs the deployment function in this process, one invocation at a time."""

    def __init__(self, url, region, folder, environment):
        super().__init__(url, region, folder, environment)
        self._lock = threading.Lock()
        self._polls = Counter()
        self.events = []
        self.before_invocation = lambda event: None
        self.handler = None
        self.calls = None

    def invoke(self, function_arn, event):
        backend = moto.backends.get_backend("lambda")[ACCOUNT_ID][self._region]
        function = backend.get_function(function_arn)
        self._polls[event["RequestId"]] += 1
        if self._polls[event["RequestId"]] > MOST_POLLS:
            raise ResourceFailed(f"{event['LogicalResourceId']} polls without end")
        self.before_invocation(event)
        with self._lock:
            # Its clients are made as it is imported.
            self.handler = self.handler or importlib.reload(
                importlib.import_module("deploy_whisper.handler")
            )
            layers = [backend.layers_versions_by_arn(layer["Arn"]) for layer in function.layers]
            trees = [self._unpacked(layer.code_bytes) / "endpoint" for layer in layers]
            self.handler.ENVIRONMENT = self.handler.Environment(
                endpoint_tree=next(tree for tree in trees if tree.exists()),
                hub_url=self._environment.get("HF_ENDPOINT", "http://127.0.0.1:9"),
            )
            end = time.monotonic() + int(function.timeout)
            context = SimpleNamespace(
                aws_request_id=event["RequestId"],
                function_name=function.function_name,
                invoked_function_arn=function_arn,
                log_group_name="/aws/lambda/whisper",
                get_remaining_time_in_millis=lambda: int((end - time.monotonic()) * 1000),
            )
            self.events.append(json.loads(json.dumps(event)))
            self.calls.begin(function.role)
            try:
                self.handler.handler(json.loads(json.dumps(event)), context)
            finally:
                self.calls.end()


class RecordingBox(custom_resources.ResponseBox):
    """Remembers what was put into it."""

    def __init__(self, url):
        super().__init__(url)
        self.bodies = []

    def put(self, token, body):
        self.bodies.append(body)
        return super().put(token, body)


class CheckedHosting(ScriptedHosting):
    """Starts a container only from an archive that is whole, and knows what was there then."""

    def __init__(self, s3, *_):
        super().__init__()
        self._s3 = s3
        self.archives_at_start = []

    def start(self, container):
        super().start(container)
        if "/whisper-sagemaker/" not in container.model_data_uri:
            return
        bucket, _, prefix = container.model_data_uri.removeprefix("s3://").partition("/")
        pages = self._s3().get_paginator("list_objects_v2").paginate(Bucket=bucket)
        found = {o["Key"]: o["Size"] for page in pages for o in page.get("Contents", [])}
        self.archives_at_start.append(
            {f"s3://{bucket}/{k.removesuffix('manifest.json')}" for k in found if "manifest" in k}
        )
        if f"{prefix}manifest.json" not in found:
            self.running[container.name] = (Health.FAILED, "there is no manifest")
            return
        answer = self._s3().get_object(Bucket=bucket, Key=f"{prefix}manifest.json")
        for file in json.loads(answer["Body"].read())["files"]:
            if found.get(prefix + file["path"]) != file["size"]:
                self.running[container.name] = (Health.FAILED, f"{file['path']} is not whole")


class Lines(logging.Handler):
    """Keeps what the function logs."""

    def __init__(self, lines):
        super().__init__()
        self._lines = lines

    def emit(self, record):
        self._lines.append(self.format(record))


@dataclass
class DeployedStack:
    """A stack and CloudFormation's description of it after the last operation."""

    id: str
    description: dict = field(default_factory=dict)

    @property
    def name(self):
        return self.id.split("/")[1]

    @property
    def status(self):
        return self.description["StackStatus"]

    @property
    def reason(self):
        return self.description.get("StackStatusReason", "")

    @property
    def outputs(self):
        return {o["OutputKey"]: o["OutputValue"] for o in self.description.get("Outputs", [])}

    @property
    def endpoint_name(self):
        return self.outputs["WhisperSageMakerEndpointName"]


class World:
    """A local cloud and what our tests do in it."""

    def __init__(self, cloud, template, calls):
        self.cloud = cloud
        self.calls = calls
        self.hosting = cloud.hosting
        self.functions = cloud.functions
        self.box = cloud.responses
        self.sagemaker = cloud.client("sagemaker")
        self.s3 = cloud.client("s3")
        self.cloudformation = cloud.client("cloudformation")
        self.template = template
        self.stacks = []
        self.counted = None
        self._numbers = itertools.count(1)

    def put_model(self, prefix, **changes):
        files = MODEL | {name.replace("_", "."): data for name, data in changes.items()}
        for name, data in files.items():
            if data is not None:
                self.s3.put_object(Bucket=ARTIFACTS, Key=f"{prefix}/{name}", Body=data)
        return f"s3://{ARTIFACTS}/{prefix}/"

    def begin(self, template=None, name=None, **parameters):
        name = name or f"stack-{next(self._numbers)}"
        answer = self.cloudformation.create_stack(
            StackName=name, **self._request(template, parameters)
        )
        stack = DeployedStack(answer["StackId"])
        self.stacks.append(stack)
        return stack

    def create(self, template=None, name=None, **parameters):
        stack = self.begin(template, name, **parameters)
        return self.settled(stack)

    def begin_update(self, stack, template=None, **parameters):
        # As the AWS CLI's deploy: what is not given stays as it was.
        kept = {p["ParameterKey"]: p["ParameterValue"] for p in stack.description["Parameters"]}
        self.cloudformation.update_stack(
            StackName=stack.id, **self._request(template, kept | parameters)
        )

    def update(self, stack, template=None, **parameters):
        self.begin_update(stack, template, **parameters)
        return self.settled(stack)

    def delete(self, stack):
        self.cloudformation.delete_stack(StackName=stack.id)
        return self.settled(stack)

    def settled(self, stack):
        self.cloud.operations.join()
        stack.description = self.cloudformation.describe_stacks(StackName=stack.id)["Stacks"][0]
        return stack

    def _request(self, template, parameters):
        key = f"template-{uuid.uuid4().hex}.yaml"
        self.s3.put_object(Bucket=ARTIFACTS, Key=key, Body=(template or self.template).encode())
        given = {"ModelS3Uri": f"s3://{ARTIFACTS}/model-a/"} | parameters
        return {
            "TemplateURL": f"https://s3.us-east-1.amazonaws.com/{ARTIFACTS}/{key}",
            "Parameters": [
                {"ParameterKey": key, "ParameterValue": value} for key, value in given.items()
            ],
            "Capabilities": ["CAPABILITY_IAM"],
        }

    def events(self, stack):
        """Return the stack's history, oldest first: logical id, status, reason."""
        answer = self.cloudformation.describe_stack_events(StackName=stack.id)
        return [
            (e["LogicalResourceId"], e["ResourceStatus"], e.get("ResourceStatusReason", ""))
            for e in reversed(answer["StackEvents"])
        ]

    def reason_of(self, stack, logical_id):
        """Return why a resource failed, as an operator reads it."""
        reasons = [
            reason
            for name, status, reason in self.events(stack)
            if name == logical_id and status.endswith("_FAILED")
        ]
        assert reasons, self.events(stack)
        return reasons[-1]

    def resource(self, stack, logical_id):
        answer = self.cloudformation.describe_stack_resources(StackName=stack.id)
        found = {r["LogicalResourceId"]: r["PhysicalResourceId"] for r in answer["StackResources"]}
        return found[logical_id]

    def properties(self, logical_id, stack):
        """Return the properties that a custom resource was last sent."""
        return next(
            event["ResourceProperties"]
            for event in reversed(self.functions.events)
            if event["LogicalResourceId"] == logical_id and event["StackId"] == stack.id
        )

    def send(self, stack, logical_id, kind, *, times=1, **event):
        """Send an event as CloudFormation does, `times` over, and poll until no rule is left."""
        token, url = self.box.open()
        event = {
            "RequestType": kind,
            "ResponseURL": url,
            "StackId": stack.id,
            "RequestId": str(uuid.uuid4()),
            "LogicalResourceId": logical_id,
            "ResourceType": f"Custom::{logical_id}",
            "ResourceProperties": self.properties(logical_id, stack),
            **event,
        }
        function = event["ResourceProperties"]["ServiceToken"]
        for _ in range(times):
            self.functions.invoke(function, event)
        for _ in range(20):
            for poll in self.polls():
                self.functions.invoke(function, poll)
        assert self.polls() == []
        return self.box.answer(token)

    def polls(self):
        """Return the inputs of the rules that crhelper has made."""
        rules = self.cloud.client("events")
        targets = [
            rules.list_targets_by_rule(Rule=rule["Name"])["Targets"][0]
            for rule in rules.list_rules()["Rules"]
        ]
        inputs = [json.loads(target["Input"]) for target in targets]
        return [event for event in inputs if "RequestId" in event]

    def endpoint(self, name):
        return self.sagemaker.describe_endpoint(EndpointName=name)

    def endpoints(self):
        return {e["EndpointName"] for e in self.sagemaker.list_endpoints()["Endpoints"]}

    def models(self):
        return {m["ModelName"] for m in self.sagemaker.list_models()["Models"]}

    def configs(self):
        listed = self.sagemaker.list_endpoint_configs()["EndpointConfigs"]
        return {c["EndpointConfigName"] for c in listed}

    def tags(self, arn):
        listed = self.sagemaker.list_tags(ResourceArn=arn)["Tags"]
        return {tag["Key"]: tag["Value"] for tag in listed}

    def keys(self, bucket):
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=bucket)
        return {item["Key"] for page in pages for item in page.get("Contents", [])}

    def archives(self, bucket):
        keys = self.keys(bucket)
        return {f"s3://{bucket}/{k.removesuffix('manifest.json')}" for k in keys if "manifest" in k}

    def served(self, endpoint_name):
        """Return the archive that an endpoint serves, through its config and model."""
        state = self.endpoint(endpoint_name)
        config = self.sagemaker.describe_endpoint_config(
            EndpointConfigName=state["EndpointConfigName"]
        )
        model = self.sagemaker.describe_model(
            ModelName=config["ProductionVariants"][0]["ModelName"]
        )
        return model["PrimaryContainer"]["ModelDataSource"]["S3DataSource"]["S3Uri"]

    def invoke(self, endpoint_name):
        runtime = self.cloud.client("sagemaker-runtime")
        answer = runtime.invoke_endpoint(
            EndpointName=endpoint_name, ContentType="application/json", Body=b"{}"
        )
        return json.loads(answer["Body"].read())

    def inventory(self):
        counts = inventory.take(self.cloud)
        # Templates are put into our own bucket as we go.
        counts["S3 object versions"] -= len(
            [key for key in self.keys(ARTIFACTS) if not key.startswith("build/")]
        )
        return +counts


class WatchedSageMaker(SageMaker):
    """Writes down when an endpoint serves from a config or a model that is gone."""

    def __init__(self, hosting, region, **more):
        super().__init__(hosting, region, **more)
        self.violations = []

    def handle(self, operation, request):
        answer = super().handle(operation, request)
        with self._lock:
            configs, models = self._kinds["EndpointConfig"].items, self._kinds["Model"].items
            for endpoint in self.endpoints.values():
                if endpoint.status not in {"InService", "Updating"} or not endpoint.serving:
                    continue
                config = configs.get(endpoint.config)
                if not config or config["ProductionVariants"][0]["ModelName"] not in models:
                    self.violations.append(f"{endpoint.name} after {operation} {request}")
        return answer


class WorldCloud(server.LocalCloud):
    """A local cloud whose responses can be looked at."""

    @property
    def responses(self):
        return self._box


def reset_default_session():
    """Forget boto3's own session, which remembers the environment that it was made in."""
    boto3.DEFAULT_SESSION = None


def watched(cloud):
    """Return the calls of the deployment function, which uses boto3's own session, from now on."""
    boto3.setup_default_session()
    # The function makes its clients anew in every invocation, which would be half of the time here.
    boto3.DEFAULT_SESSION.client = functools.cache(boto3.DEFAULT_SESSION.client)
    calls = cloud.functions.calls = Calls(cloud)
    calls.watch(boto3.DEFAULT_SESSION)
    return calls
