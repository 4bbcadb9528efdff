# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""A local cloud with our stack's artifacts, quick enough for dozens of stacks.

The deployment function runs in this process, as it does in a Lambda that is warm; containers are
scripted. Everything between (template, engine, custom resources, EventBridge, S3, SageMaker) is the
local cloud's own.
"""

import hashlib
import itertools
import json
import uuid
from dataclasses import dataclass, field
from typing import Any

from botocore import xform_name

from local_cloud import inventory
from tests.lifecycle.publishing import ARTIFACTS

TAG = "whisper-sagemaker:stack"

MODEL = {
    "model.bin": b"weights " * 4000,
    "config.json": b"{}",
    "tokenizer.json": b"{}",
    "vocabulary.json": b"[]",
    "README.md": b"not part of a model",
}
"""As far as the deployer looks at a model; containers are scripted."""


@dataclass
class DeployedStack:
    """A stack and CloudFormation's description of it after the last operation."""

    id: str
    description: dict[str, Any] = field(default_factory=dict)

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

    def begin(self, template=None, name=None, tags=None, **parameters):
        name = name or f"stack-{next(self._numbers)}"
        answer = self.cloudformation.create_stack(
            StackName=name, **self._request(template, parameters, tags)
        )
        stack = DeployedStack(answer["StackId"])
        self.stacks.append(stack)
        return stack

    def create(self, template=None, name=None, tags=None, **parameters):
        stack = self.begin(template, name, tags, **parameters)
        return self.settled(stack)

    def begin_update(self, stack, template=None, tags=None, **parameters):
        # As the AWS CLI's deploy: what is not given stays as it was.
        kept = {p["ParameterKey"]: p["ParameterValue"] for p in stack.description["Parameters"]}
        self.cloudformation.update_stack(
            StackName=stack.id, **self._request(template, kept | parameters, tags)
        )

    def update(self, stack, template=None, tags=None, **parameters):
        self.begin_update(stack, template, tags, **parameters)
        return self.settled(stack)

    def delete(self, stack):
        self.cloudformation.delete_stack(StackName=stack.id)
        return self.settled(stack)

    def settled(self, stack):
        self.cloud.operations.join()
        stack.description = self.cloudformation.describe_stacks(StackName=stack.id)["Stacks"][0]
        return stack

    def _request(self, template, parameters, tags=None):
        body = (template or self.template).encode()
        # One object for each template: every inventory lists them.
        key = f"template-{hashlib.sha256(body).hexdigest()}.yaml"
        self.s3.put_object(Bucket=ARTIFACTS, Key=key, Body=body)
        # None: the template has no such parameter.
        given = {"ModelS3Uri": f"s3://{ARTIFACTS}/model-a/"} | parameters
        given = {name: value for name, value in given.items() if value is not None}
        return {
            "TemplateURL": f"https://s3.us-east-1.amazonaws.com/{ARTIFACTS}/{key}",
            "Parameters": [
                {"ParameterKey": key, "ParameterValue": value} for key, value in given.items()
            ],
            "Capabilities": ["CAPABILITY_IAM"],
            **({"Tags": _tag_list(tags)} if tags is not None else {}),
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
        return self._names("Endpoint")

    def models(self):
        return self._names("Model")

    def configs(self):
        return self._names("EndpointConfig")

    def _names(self, kind):
        operation = f"list_{xform_name(kind)}s"
        pages = self.sagemaker.get_paginator(operation).paginate()
        return {item[f"{kind}Name"] for page in pages for item in page[f"{kind}s"]}

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


def _tag_list(tags):
    return [{"Key": key, "Value": value} for key, value in tags.items()]
