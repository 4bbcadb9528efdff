# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Read templates from text or S3, and check them with their parameters."""

import urllib.parse
from typing import Any

from local_cloud.cloudformation import parameters, template_format
from local_cloud.cloudformation.intrinsics import UnresolvedReference
from local_cloud.cloudformation.resource_types.base import Clients
from local_cloud.cloudformation.stack import Template
from local_cloud.service import ServiceError
from local_cloud.template_reader import read_template

_MAX_INLINE_BYTES = 51_200
_MAX_S3_BYTES = 1_000_000


class CloudFormationError(ServiceError):
    """An error response of CloudFormation."""

    code = "ValidationError"


class Templates:
    """Reads and checks templates."""

    def __init__(self, clients: Clients, region: str) -> None:
        self._clients = clients
        self._region = region

    def read(self, request: dict[str, Any]) -> Template:
        """Return the template at ``TemplateURL`` or in ``TemplateBody``."""
        if not {"TemplateBody", "TemplateURL"} & request.keys():
            raise CloudFormationError("Either Template URL or Template Body must be specified.")
        text, limit = request.get("TemplateBody", ""), _MAX_INLINE_BYTES
        if "TemplateURL" in request:
            text, limit = self._fetched(request["TemplateURL"]), _MAX_S3_BYTES
        if len(text.encode()) > limit:
            raise CloudFormationError(f"Template may not exceed {limit} bytes in size.")
        try:
            template = read_template(text)
        except ValueError as error:
            raise CloudFormationError(str(error)) from error
        for objection in template_format.objections(template, self._region):
            raise CloudFormationError(objection)
        return template

    def check(self, template: Template, values: dict[str, str], capabilities: list[str]) -> None:
        """Raise CloudFormationError if CloudFormation would refuse to start."""
        try:
            objections = parameters.check(template, values, self._region, capabilities)
            if not objections:  # the engine only evaluates them after the start
                parameters.conditions(template, values, self._region)
        except (UnresolvedReference, RecursionError) as error:
            raise CloudFormationError(f"Template error: {error}") from error
        if objections:
            insufficient = all("CAPABILITY" in sentence for sentence in objections)
            code = "InsufficientCapabilitiesException" if insufficient else ""
            raise CloudFormationError(" ".join(objections), code)

    def _fetched(self, url: str) -> str:
        """Read ``https://<S3 host>/<bucket>/<key>`` or ``https://<bucket>.s3….com/<key>``."""
        parts = urllib.parse.urlsplit(url)
        host, path = parts.hostname or "", urllib.parse.unquote(parts.path).lstrip("/")
        if ".s3." in host:
            bucket, key = host.split(".s3.")[0], path
        else:
            bucket, _, key = path.partition("/")
        try:
            body: bytes = self._clients("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
        except Exception as error:
            raise CloudFormationError(f"S3 error: cannot read {url}: {error}") from error
        return body.decode()
