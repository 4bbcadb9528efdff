# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""The local cloud: one endpoint URL for any AWS SDK and the AWS CLI.

SageMaker with quotas and Runtime, Application Auto Scaling, the Tagging API and CloudFormation are
our own; everything else is moto's.
"""

import functools
import logging
import socket
import tempfile
import threading
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any, Self, cast

import boto3
import moto.backends
import psutil
from botocore.config import Config
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server
from werkzeug.wrappers import Request, Response

from local_cloud import ACCOUNT_ID, REGION, http_apis
from local_cloud.access import Access, AccessRefused, RawHeadersHandler, RunKeys, Scope, refusal
from local_cloud.aws_lambda.asynchronous import AsynchronousInvocations
from local_cloud.aws_lambda.process_pool import LambdaProcesses
from local_cloud.aws_lambda.queue_poller import QueuePoller
from local_cloud.cloudformation.api import CloudFormation
from local_cloud.cloudformation.custom_resources import (
    CustomResources,
    EventBridgePolls,
    ResponseBox,
)
from local_cloud.cloudformation.nested_stacks import NestedStacks
from local_cloud.cloudformation.operations import OperationThreads
from local_cloud.cloudformation.registry import ResourceRegistry
from local_cloud.cloudformation.stack_engine import StackEngine
from local_cloud.cloudformation.templates import Templates
from local_cloud.http2_server import Http2Server
from local_cloud.http_apis import HttpApis
from local_cloud.in_process import InProcessTransport
from local_cloud.model_hub import ModelHub
from local_cloud.moto_patches import patched, step_functions
from local_cloud.moto_patches.parts import Cloud
from local_cloud.processes import uninterrupted
from local_cloud.sagemaker.asynchronous import AsynchronousRuntime
from local_cloud.sagemaker.control_plane import SageMaker
from local_cloud.sagemaker.hosting import Hosting
from local_cloud.sagemaker.permissions import RolePolicies
from local_cloud.sagemaker.quotas import ServiceQuotas
from local_cloud.sagemaker.runtime import Runtime, RuntimeAnswer
from local_cloud.sagemaker.scaling import ApplicationAutoScaling
from local_cloud.sagemaker.streams import BidirectionalStreams
from local_cloud.sagemaker.tagging import TaggingApi
from local_cloud.service import Service, respond

log = logging.getLogger(__name__)


_END_SECONDS = 15
_OWN = "_local"
"""First segment of unsigned paths, which continue with a secret."""

_MOTO_SERVICES = (
    "s3",
    "iam",
    "lambda",
    "logs",
    "events",
    "secretsmanager",
    "sts",
    "cloudwatch",
    "dynamodb",
    "sns",
    "sqs",
    "stepfunctions",
    "apigatewayv2",
)


class LocalCloud:
    """A cloud of one account and Region; a context manager.

    `hosting` takes a function that returns an S3 client, a folder, and AWS SDK variables for the
    containers. Port 0 picks a free one; raises OSError if the port is taken. `models`, as in
    `ModelHub`, are served by a hub in the cloud, which functions then use.
    """

    def __init__(
        self,
        hosting: Callable[[Callable[[], Any], Path, dict[str, str]], Hosting],
        *,
        port: int = 0,
        models: Mapping[str, Path] | None = None,
        function_environment: dict[str, str] | None = None,
        invocation_timeout: float = 60,
    ) -> None:
        _require_free(port)
        self._scratch = tempfile.TemporaryDirectory(
            prefix="local-cloud-", ignore_cleanup_errors=True
        )
        self._earlier = frozenset(psutil.Process().children(recursive=True))
        self.folder = Path(self._scratch.name)
        self.region = REGION
        _reset_moto()
        self._moto = DomainDispatcherApplication(create_backend_app)
        # Cached: it lists moto's folders on every request, a tenth of a stack's time.
        self._moto.get_backend_for_host = functools.cache(self._moto.get_backend_for_host)
        self._server = make_server(
            "127.0.0.1", port, self._route, threaded=True, request_handler=_QuietHandler
        )
        at = f":{self._server.server_port}"
        self.url = f"http://127.0.0.1{at}"
        self.keys = RunKeys()
        self._access = Access(self.keys, (f"127.0.0.1{at}", f"localhost{at}"))
        self._session = boto3.Session(self.keys.key_id, self.keys.secret, region_name=REGION)
        self.in_process = InProcessTransport(self._route, self.url)
        self.in_process.register(self._session.events)
        self._clients: dict[tuple[str, str], Any] = {}
        self._making = threading.Lock()
        self._streams: Http2Server | None = None
        self.hosting = hosting(
            lambda: self.client("s3"), self.folder / "endpoints", self.environment()
        )
        self.scaling = ApplicationAutoScaling(REGION)
        tagging, self.quotas = TaggingApi(), ServiceQuotas()
        self.sagemaker = SageMaker(
            self.hosting, REGION, scaling=self.scaling, tagging=tagging, quotas=self.quotas
        )
        self.sagemaker.roles = RolePolicies(lambda: self.client("iam"))
        self.runtime = Runtime(self.sagemaker, invocation_timeout)
        self.asynchronous = AsynchronousRuntime(self.sagemaker, self.client)
        self._box = ResponseBox(self.url.replace("http://", "https://"))
        self._hub = ModelHub(models or {})
        hub = {"HF_ENDPOINT": f"{self.unsigned_url}/hub"} if models else {}
        self.functions = LambdaProcesses(
            REGION,
            self.folder / "functions",
            {**self.environment(), **hub, **(function_environment or {})},
        )
        self._http_apis = HttpApis(self._access, self.functions, self.client, REGION)
        self._events = AsynchronousInvocations(self.functions.call, self._tell)
        self._queues = QueuePoller(
            lambda: self.functions.backend, lambda: self.client("sqs"), self.functions.call
        )
        self._patches = ExitStack()
        custom = CustomResources(self.functions, self._box, EventBridgePolls(self.client))
        templates = Templates(self.client, REGION)
        # Nested stacks use the same engine.
        nested = NestedStacks(templates, lambda: engine)
        self.operations = OperationThreads()
        registry = ResourceRegistry(self.client, custom, nested)
        engine = StackEngine(registry, self.operations)
        self.cloudformation = CloudFormation(engine, templates, REGION)
        ours = (self.cloudformation, self.sagemaker, self.scaling, self.quotas, tagging)
        self._services: dict[str, Service] = {service.signing_name: service for service in ours}
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def __enter__(self) -> Self:
        """Start serving."""
        parts = Cloud(self.functions.call, self._events.add, self.client)
        self._patches.enter_context(patched(parts))
        self._thread.start()
        self._queues.start()
        self.asynchronous.start()
        return self

    def __exit__(self, *_: object) -> None:
        """End every process, then the server, whatever signals arrive in the meantime."""
        with uninterrupted():
            self._end()

    def _end(self) -> None:
        self._queues.close()
        self.asynchronous.close()
        self._events.close()
        if self._streams is not None:
            self._streams.stop()
        step_functions.stop_executions()
        self.functions.close()
        self.hosting.close()
        # Operations in progress now end by themselves, because their functions are refused.
        self.operations.join(_END_SECONDS)
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        self._patches.close()
        self._scratch.cleanup()

    @property
    def unsigned_url(self) -> str:
        """Secret URL prefix for unsigned requests.

        Endpoints are at ``/endpoints/<name>`` below it: ``/invocations`` for SageMaker's API,
        ``/v1`` for clients of OpenAI's API.
        """
        return f"{self.url}/{_OWN}/{self.keys.path}"

    def streams(self) -> Http2Server:
        """Return the server of InvokeEndpointWithBidirectionalStream, started on first use."""
        with self._making:
            if self._streams is None:
                self._streams = Http2Server(self.folder)
                at = f":{self._streams.port}"
                access = Access(self.keys, (f"127.0.0.1{at}", f"localhost{at}"))
                self._streams.start(BidirectionalStreams(self.sagemaker, access))
        return self._streams

    def client(self, service: str, **config: Any) -> Any:
        """Return a boto3 client for this cloud; `config` is for ``botocore.config.Config``."""
        key = service, repr(sorted(config.items()))
        # Clients are thread-safe, sessions are not; creating a client is slow.
        with self._making:
            if key not in self._clients:
                self._clients[key] = self._session.client(
                    service, endpoint_url=self.url, config=Config(max_pool_connections=64, **config)
                )
            return self._clients[key]

    def environment(self) -> dict[str, str]:
        """Return environment variables for other clients of this cloud, with this run's keys."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": self.keys.key_id,
            "AWS_SECRET_ACCESS_KEY": self.keys.secret,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_REGION": REGION,
        }

    def processes(self) -> list[psutil.Process]:
        """Return this process's descendants started since the cloud was created."""
        self.functions.end_idle()
        running = psutil.Process().children(recursive=True)
        return [process for process in running if process not in self._earlier]

    def _tell(self, destination: str, message: str) -> None:
        """Send a message to a queue or a topic."""
        service, name = destination.split(":")[2], destination.rpartition(":")[2]
        if service == "sqs":
            url = self.client("sqs").get_queue_url(QueueName=name)["QueueUrl"]
            self.client("sqs").send_message(QueueUrl=url, MessageBody=message)
        else:
            self.client(service).publish(TopicArn=destination, Message=message)

    def _route(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        try:
            answer = self._answer(environ)
        except AccessRefused as refused:
            answer = refusal(refused, environ)
        return cast("Iterable[bytes]", answer(environ, start_response))

    def _answer(self, environ: dict[str, Any]) -> Any:
        """Return the WSGI application for a request; raises AccessRefused."""
        self._access.refuse_pages(environ)
        parts = environ["PATH_INFO"].strip("/").split("/")
        if parts[0] == _OWN:
            return self._unsigned(parts[1:] or [""], Request(environ))
        if parts[0] == http_apis.ROOT:
            return self._http_apis.respond(environ)
        self._access.require_signature(environ)
        request, service = Request(environ), self._services.get(_service(environ))
        if parts[0] == "endpoints" and parts[2:] == ["invocations"]:
            return _passed_on(self.runtime.invoke, parts[1], request)
        if parts[0] == "endpoints" and parts[2:] == ["async-invocations"]:
            return _passed_on(self.asynchronous.invoke, parts[1], request)
        return respond(service, request) if service else self._moto

    def _unsigned(self, parts: list[str], request: Request) -> Response:
        """Answer a request below a secret path: a response box, or this run's."""
        if parts[0] == "responses":
            taken = self._box.put(parts[-1], request.get_data())
            return Response(status=200 if taken else 403)
        if not self.keys.is_path(parts[0]):
            raise AccessRefused("There is no such path: take the whole address that this run told.")
        kind, *rest = parts[1:] or [""]
        if kind == "hub":
            return self._hub.respond("/".join(rest), request)
        if kind == "endpoints" and rest[1:] == ["invocations"]:
            return _passed_on(self.runtime.invoke, rest[0], request)
        if kind == "endpoints" and rest[1:2] == ["v1"]:
            ask = partial(self.runtime.ask, request.method, f"/{'/'.join(rest[1:])}")
            return _passed_on(ask, rest[0], request)
        return Response(status=404)


def _passed_on(
    ask: Callable[[str, Mapping[str, str], bytes], RuntimeAnswer], endpoint: str, request: Request
) -> Response:
    answer = ask(endpoint, dict(request.headers), request.get_data())
    return Response(answer.body, status=answer.status, headers=answer.headers)


class _QuietHandler(RawHeadersHandler):
    """Keeps access logs off the terminal."""

    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002 - werkzeug's name
        """Write to our debug log instead."""
        log.debug("%s %s", type, message % args if args else message)


def _require_free(port: int) -> None:
    """Raise OSError if a port is taken; werkzeug would exit the process."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", port))


def _service(environ: dict[str, Any]) -> str:
    """Return the service that a request is signed for."""
    scope = Scope.of(environ)
    return scope.service if scope else ""


def _reset_moto() -> None:
    """Reset moto's backends, which are global to the process."""
    for service in _MOTO_SERVICES:
        moto.backends.get_backend(service)[ACCOUNT_ID].reset()
    step_functions.forget_state_machines()
