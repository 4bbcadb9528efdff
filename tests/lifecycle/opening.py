# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""A world for the tests of a module: a local cloud with its parts watched."""

import logging
from contextlib import contextmanager

import crhelper.utils
import pytest

from local_cloud import server
from local_cloud.aws_lambda import bootstrap as lambda_bootstrap
from local_cloud.cloudformation import custom_resources
from scripts.local_stack import aws_settings
from tests.lifecycle.publishing import ARTIFACTS
from tests.lifecycle.watched_cloud import (
    Lines,
    RecordingBox,
    WatchedSageMaker,
    WorldCloud,
    reset_default_session,
    watched,
)
from tests.lifecycle.world import World


@contextmanager
def opened(functions, hosting, built, template):
    """Run a cloud with these functions and this hosting, its artifacts and two models in S3."""
    with pytest.MonkeyPatch.context() as patch, LoggingKept():
        patch.setattr(server, "LambdaProcesses", functions)
        patch.setattr(server, "ResponseBox", RecordingBox)
        patch.setattr(server, "SageMaker", WatchedSageMaker)
        patch.setattr(custom_resources, "_POLL_SECONDS", 0.02)
        patch.setattr(crhelper.utils, "HTTPSConnection", lambda_bootstrap._PlainConnection)
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
