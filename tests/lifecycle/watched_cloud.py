# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""The local cloud's parts, watched: what is called, answered, logged and served."""

import functools
import importlib
import json
import logging
import threading
import time
from collections import Counter
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import boto3
import crhelper.utils
import moto.backends
import pytest

from deploy_whisper import invocations
from local_cloud import ACCOUNT_ID, server
from local_cloud.aws_lambda import bootstrap as lambda_bootstrap
from local_cloud.aws_lambda.process_pool import LambdaProcesses
from local_cloud.cloudformation import custom_resources
from local_cloud.cloudformation.provider import ResourceFailed
from local_cloud.sagemaker.control_plane import SageMaker
from local_cloud.sagemaker.hosting import Health
from scripts.local_stack import aws_settings
from tests.fakes.stand_ins import ScriptedHosting
from tests.lifecycle.calls import Calls
from tests.lifecycle.publishing import ARTIFACTS
from tests.lifecycle.world import World

MOST_POLLS = 40


class WarmFunctions(LambdaProcesses):
    """Runs the deployment function in this process, one invocation at a time; others apart."""

    calls: Calls

    def __init__(self, region, folder, environment):
        super().__init__(region, folder, environment)
        self._lock = threading.Lock()
        self._polls: Counter[str] = Counter()
        self.events = []
        self.before_invocation = lambda event: None

    @functools.cached_property
    def handler(self) -> Any:
        """The function's module, made anew for this cloud: its helper is made as it is imported."""
        return importlib.reload(importlib.import_module("deploy_whisper.handler"))

    def invoke(self, function_arn, event):
        backend = moto.backends.get_backend("lambda")[ACCOUNT_ID][self._region]
        function = backend.get_function(function_arn)
        if function.handler != "deploy_whisper.handler.handler":  # the older stack's
            super().invoke(function_arn, event)
            return
        self._polls[event["RequestId"]] += 1
        if self._polls[event["RequestId"]] > MOST_POLLS:
            raise ResourceFailed(f"{event['LogicalResourceId']} polls without end")
        self.before_invocation(event)
        with self._lock:
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


class KeptProcesses(LambdaProcesses):
    """Runs custom resources' functions, too, in processes that are kept, as Lambda does."""

    def invoke(self, function_arn, event):
        self.call(self.backend.get_function(function_arn), event)


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
    cloud.in_process.register(boto3.DEFAULT_SESSION.events)
    calls = cloud.functions.calls = Calls(cloud)
    calls.watch(boto3.DEFAULT_SESSION)
    return calls


@contextmanager
def opened(functions, hosting, built, template):
    """Run a cloud with these functions and this hosting, its artifacts and two models in S3."""
    with pytest.MonkeyPatch.context() as patch, LoggingKept():
        patch.setattr(server, "LambdaProcesses", functions)
        patch.setattr(server, "ResponseBox", RecordingBox)
        patch.setattr(server, "SageMaker", WatchedSageMaker)
        patch.setattr(custom_resources, "_POLL_SECONDS", 0.02)
        patch.setattr(crhelper.utils, "HTTPSConnection", lambda_bootstrap._PlainConnection)
        # Which certificates are trusted is read for each answer, and here none is shown.
        without = SimpleNamespace(create_default_context=lambda: None)
        patch.setattr(invocations, "ssl", without)
        with WorldCloud(hosting) as cloud, aws_settings(cloud.environment()):
            reset_default_session()
            calls = watched(cloud)
            lines = Lines(cloud.functions.lines)
            logging.getLogger().addHandler(lines)
            world = World(cloud, template, calls)
            world.s3.create_bucket(Bucket=ARTIFACTS)
            for key, data in built.items():
                world.s3.put_object(Bucket=ARTIFACTS, Key=key, Body=data)
            world.put_model("model-a")
            world.put_model("model-b", model_bin=b"other weights " * 4000)
            yield world
            logging.getLogger().removeHandler(lines)
        reset_default_session()


class LoggingKept:
    """Puts back what crhelper does to logging."""

    def __enter__(self):
        root = logging.getLogger()
        self._level = root.level
        self._formatters = [(handler, handler.formatter) for handler in root.handlers]
        names = ("boto", "boto3", "botocore", "urllib3")
        self._levels = [(logging.getLogger(name), logging.getLogger(name).level) for name in names]

    def __exit__(self, *error):
        logging.getLogger().setLevel(self._level)
        for handler, formatter in self._formatters:
            handler.setFormatter(formatter)
        for logger, level in self._levels:
            logger.setLevel(level)
