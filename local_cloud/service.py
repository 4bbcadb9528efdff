# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Base of our own services: one method per operation, with moto's wire protocols."""

import threading
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar

from botocore import xform_name
from moto.core.model import OperationModel
from moto.core.parse import PROTOCOL_PARSERS
from moto.core.serialize import get_serializer_class
from moto.core.utils import get_service_model
from werkzeug.wrappers import Request, Response

if TYPE_CHECKING:
    from collections.abc import Callable

ApiRequest = dict[str, Any]
ApiAnswer = dict[str, Any]


class ServiceError(Exception):
    """An error response (HTTP 400) with the service's code and message."""

    code = "ValidationException"

    def __init__(self, message: str, code: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.code = code or self.code


class Service:
    """A service of one account and Region: ``_create_endpoint`` implements ``CreateEndpoint``."""

    title: ClassVar[str]
    service: ClassVar[str]
    refusal: ClassVar[type[ServiceError]] = ServiceError

    def __init__(self) -> None:
        self._lock = threading.RLock()
        names = {name: f"_{xform_name(name)}" for name in _model(self.service).operation_names}
        self._operations: dict[str, Callable[[ApiRequest], ApiAnswer]] = {
            name: getattr(self, method) for name, method in names.items() if hasattr(self, method)
        }

    @property
    def signing_name(self) -> str:
        """The service name in signatures."""
        return str(_model(self.service).signing_name)

    def handle(self, operation: str, request: ApiRequest) -> ApiAnswer:
        """Execute an API call such as ``CreateEndpoint``; raises ServiceError."""
        if operation not in self._operations:
            raise self.refusal(f"The local cloud has no {self.title} {operation}")
        with self._lock:
            return self._operations[operation](request)


def respond(service: Service, request: Request) -> Response:
    """Answer an HTTP request in the service's protocol."""
    model = _model(service.service)
    request.max_form_memory_size = None  # the service checks the template's size
    target = request.headers.get("X-Amz-Target", "").rpartition(".")[2]
    name = target or request.values.get("Action", "")
    is_known = name in model.operation_names
    operation = model.operation_model(name) if is_known else OperationModel({"name": name}, model)
    protocol = model.resolved_protocol  # the SDKs' choice, if there are several
    serializer = get_serializer_class(model.service_name, protocol)(operation)
    try:
        parser = PROTOCOL_PARSERS[protocol](operation)
        body = {"values": request.values, "body": request.get_data(), "headers": request.headers}
        answer = serializer.serialize(service.handle(name, parser.parse(body)))
    except ServiceError as error:
        answer = serializer.serialize(error)
    # XML cannot represent most control characters; JSON escapes them.
    text = "".join(c for c in answer["body"] if c.isprintable() or c in "\t\n")
    return Response(text, status=answer["status_code"], headers=dict(answer["headers"]))


@cache
def _model(service: str) -> Any:
    return get_service_model(service)
