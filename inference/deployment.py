# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Ray Serve wiring: the applications ``engine`` and ``api`` that ``config.yaml`` names.

Serve's own health route answers 200 once both builders have returned. The builder of ``api``
returns only when the engine has transcribed a known clip, and ``proxy/readiness.py`` keeps the
route at 503 until the ingress has answered a request too.
"""

import asyncio
import os
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import ray
from ray import serve
from ray.exceptions import RayActorError, RayTaskError
from ray.serve.exceptions import RayServeException
from ray.serve.schema import ApplicationStatus
from starlette.requests import Request
from starlette.responses import Response

from whisper_endpoint import garbage, logs, selftest
from whisper_endpoint.audio.features import Features
from whisper_endpoint.engine import environment
from whisper_endpoint.engine.decoder import WhisperEngine
from whisper_endpoint.engine.observer import EngineSignals
from whisper_endpoint.engine.service import EngineService
from whisper_endpoint.errors import EndpointError, ModelNotLoadable
from whisper_endpoint.ingress.engine_client import EngineClient, EngineLost
from whisper_endpoint.ingress.handler import HttpRequest, RequestHandler
from whisper_endpoint.ingress.preparation import prepare
from whisper_endpoint.metrics import emf
from whisper_endpoint.metrics.collector import ENGINE_COUNTS, INGRESS_COUNTS, Signals
from whisper_endpoint.model_info import ModelInfo
from whisper_endpoint.proxy.cluster import ENGINE_PLACE, engine_replicas
from whisper_endpoint.proxy.engine_restarts import EngineRestarts
from whisper_endpoint.proxy.ray_store import ENGINE_STARTS, RayStore
from whisper_endpoint.serve_ports import listen_at_node_only
from whisper_endpoint.settings import EndpointSettings
from whisper_endpoint.speakers import processes as speakers

ENGINE_APP = "engine"
ARCHIVE = Path(__file__).resolve().parent
WEIGHTS = ARCHIVE / "weights"
SPEAKERS = WEIGHTS / "speakers"

# Replicas ask for little of a CPU: on a small machine Ray would leave a second whole one pending.
_SHARE_OF_CPU = 0.1
# The scheduler's queue is the bound; a limit here would let a ping wait behind transcriptions.
_ENGINE_CALLS = 10_000
# Above the ingress's own limit, so that it is the ingress that refuses, in the contract's words.
_SPARE_CALLS = 64
_POLL_S = 0.5
# Serve's own is 10: so long a process may be gone before another one is started.
_HEALTH_S = 2.0
# The request handler writes a line of its own for each request.
_LOGGING = {"enable_access_log": False}


class Engine(EngineService):
    """Holds the model: one replica per GPU, or one on the CPU."""

    def __init__(self, settings: EndpointSettings, device: str) -> None:
        logs.configure()
        listen_at_node_only()
        EngineRestarts(RayStore(ENGINE_STARTS)).record()
        signals = Signals(ENGINE_COUNTS)
        model = WhisperEngine.load(WEIGHTS, device, settings)
        super().__init__(model, settings, EngineSignals(signals))
        emf.publish(signals, "engine", settings, ARCHIVE)
        garbage.exempt_start()

    async def describe(self) -> ModelInfo:
        """Return what the model is, now that it has transcribed the known clip."""
        return self.facts

    async def ping(self) -> None:
        """Show that the event loop runs and the worker works."""
        await self.check_health()


class Ingress:
    """Takes HTTP requests and does all work that needs no model."""

    def __init__(self, settings: EndpointSettings, facts: ModelInfo) -> None:
        logs.configure()
        listen_at_node_only()
        signals = Signals(INGRESS_COUNTS)
        # Else the first caller waits for the speech detector to be loaded.
        clip = selftest.CLIP.read_bytes()
        prepare(clip, Features(facts.n_mels), max_seconds=10, vad_filter=True)
        handle = serve.get_deployment_handle("Engine", ENGINE_APP)
        client = EngineClient(_remote(handle, "transcribe"), _remote(handle, "ping"))
        diarizer = speakers.diarizer(SPEAKERS)
        self._handler = RequestHandler(settings, facts, client, signals, diarizer)
        emf.publish(signals, "ingress", settings, ARCHIVE)
        garbage.exempt_start()

    async def __call__(self, request: Request) -> Response:
        """Answer one request."""
        answer = await self._handler.answer(HttpRequest.of(request))
        return Response(answer.body, answer.status, answer.headers, answer.content_type)


def _remote(handle: Any, method: str) -> Callable[..., Coroutine[Any, Any, Any]]:
    """Return the caller of a method behind a Serve handle; a lost process becomes EngineLost."""

    async def call(*arguments: Any) -> Any:
        response = getattr(handle, method).remote(*arguments)
        try:
            return await response
        except asyncio.CancelledError:
            response.cancel()
            raise
        except RayTaskError as error:
            if isinstance(error.cause, EndpointError):
                raise EngineLost from error
            raise
        except (RayActorError, RayServeException) as error:
            raise EngineLost from error

    return call


def engine(_args: dict[str, str]) -> serve.Application:
    """Build the application that holds the model, on the devices that Ray has found."""
    settings = EndpointSettings.from_environment(os.environ)
    gpus = int(_cluster_has("GPU"))
    device = "cuda" if gpus else "cpu"
    options: dict[str, Any] = {
        "num_cpus": _SHARE_OF_CPU,
        "num_gpus": 1 if gpus else 0,
        "runtime_env": {"env_vars": environment.for_process(device)},
    }
    if not gpus and _cluster_has(ENGINE_PLACE):
        options["resources"] = {ENGINE_PLACE: 1}
    deployment: Any = serve.deployment(
        Engine,
        num_replicas=engine_replicas(),
        ray_actor_options=options,
        max_ongoing_requests=_ENGINE_CALLS,
        health_check_period_s=_HEALTH_S,
        graceful_shutdown_timeout_s=10,
        logging_config=_LOGGING,
    )
    application: serve.Application = deployment.bind(settings, device)
    return application


def api(_args: dict[str, str]) -> serve.Application:
    """Build the application that answers HTTP, once the engine has shown that it works."""
    settings = EndpointSettings.from_environment(os.environ)
    facts = _wait_for_engine(settings)
    deployment: Any = serve.deployment(
        Ingress,
        num_replicas=settings.ingress_replicas or max(1, int(_cluster_has("CPU") / 2)),
        ray_actor_options={"num_cpus": _SHARE_OF_CPU},
        max_ongoing_requests=settings.max_requests + _SPARE_CALLS,
        health_check_period_s=_HEALTH_S,
        graceful_shutdown_timeout_s=10,
        logging_config=_LOGGING,
    )
    application: serve.Application = deployment.bind(settings, facts)
    return application


def _cluster_has(resource: str) -> float:
    resources: dict[str, float] = ray.cluster_resources()  # type: ignore[no-untyped-call]
    return resources.get(resource, 0.0)


def _wait_for_engine(settings: EndpointSettings) -> ModelInfo:
    deadline = time.monotonic() + settings.start_timeout_s
    while time.monotonic() < deadline:
        state = serve.status().applications.get(ENGINE_APP)
        if state is not None and state.status == ApplicationStatus.RUNNING:
            handle: Any = serve.get_app_handle(ENGINE_APP)
            facts: ModelInfo = handle.describe.remote().result(timeout_s=settings.deadline_s)
            return facts
        if state is not None and state.status == ApplicationStatus.DEPLOY_FAILED:
            raise ModelNotLoadable(f"The engine did not start: {state.message}")
        time.sleep(_POLL_S)
    raise ModelNotLoadable(
        f"The engine did not start within {settings.start_timeout_s:g} s: use a larger "
        "instance, or raise WHISPER_START_TIMEOUT_S (in EndpointEnvironment of the "
        "stack)."
    )
