# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""The middlewares that Ray Serve puts in front of its HTTP proxy, in the proxy process.

Enabled by the environment variable
``RAY_SERVE_HTTP_PROXY_CALLBACK_IMPORT_PATH=whisper_endpoint.proxy.middlewares:middlewares``. The
proxy process imports this module, so it must not import anything large.
"""

import os
from pathlib import Path

from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware

from whisper_endpoint import garbage, logs
from whisper_endpoint.errors import InvalidSetting
from whisper_endpoint.metrics import emf
from whisper_endpoint.metrics.collector import PROXY_COUNTS, Signals
from whisper_endpoint.proxy import connections
from whisper_endpoint.proxy.body import BodyMiddleware
from whisper_endpoint.proxy.dispatch import DispatchMiddleware
from whisper_endpoint.proxy.engine_restarts import EngineRestarts
from whisper_endpoint.proxy.health import HealthMiddleware
from whisper_endpoint.proxy.origins import OriginsMiddleware
from whisper_endpoint.proxy.readiness import ReadinessMiddleware
from whisper_endpoint.proxy.realtime.middleware import RealtimeMiddleware
from whisper_endpoint.proxy.realtime.secret_routes import SecretsMiddleware
from whisper_endpoint.proxy.routes import RoutesMiddleware
from whisper_endpoint.proxy.uploads import Uploads
from whisper_endpoint.settings import EndpointSettings

# The folder that contains the program, on SageMaker and on a laptop.
_ARCHIVE = Path(__file__).parents[2]
# Not taken from the self-test's module, which imports all of audio preparation.
_CLIP = Path(__file__).parents[1] / "selftest.wav"
# Seconds for which a failure of the engine counts.
_FAILURE_WINDOW_S = 600.0
# So that the ingress, which knows more of a request, is the first to say that its time is over.
_GRACE_S = 2.0
# Memory for bodies in this process; more if the operator allows larger bodies.
_BODY_BYTES = 256 * 1024 * 1024


def middlewares() -> list[Middleware]:
    """Return the middlewares, innermost first: Serve wraps each around those before it."""
    from whisper_endpoint.proxy.cluster import (  # noqa: PLC0415
        IngressCount,
        engine_replicas,
    )
    from whisper_endpoint.proxy.ray_store import (  # noqa: PLC0415
        ENGINE_STARTS,
        FIRST_ANSWER,
        RayStore,
    )

    logs.configure()
    connections.install()
    try:
        settings = EndpointSettings.from_environment(os.environ)
    except InvalidSetting:
        settings = EndpointSettings()  # the application reports it and does not start
    starts = EngineRestarts(RayStore(ENGINE_STARTS))

    def count_failures() -> int:
        return starts.failures(engine_replicas(), _FAILURE_WINDOW_S)

    most = settings.max_body_bytes
    uploads = Uploads(max(_BODY_BYTES, 2 * most), settings.body_timeout_s)
    signals = Signals(PROXY_COUNTS)
    emf.publish(signals, "proxy", settings, _ARCHIVE)
    ingresses = IngressCount()
    garbage.exempt_start()
    return [
        Middleware(
            DispatchMiddleware,
            signals=signals,
            seconds=settings.deadline_s + _GRACE_S,
            places=lambda: ingresses.known * settings.max_requests,
        ),
        Middleware(SecretsMiddleware, signals=signals),
        Middleware(BodyMiddleware, uploads=uploads, signals=signals, max_body_bytes=most),
        Middleware(RealtimeMiddleware, settings=settings),
        Middleware(ReadinessMiddleware, clip=_CLIP.read_bytes(), store=RayStore(FIRST_ANSWER)),
        Middleware(
            HealthMiddleware,
            count_failures=count_failures,
            max_failures=settings.max_engine_failures,
            count_ingresses=ingresses.look_up,
        ),
        Middleware(OriginsMiddleware, allowed=settings.allowed_origins, signals=signals),
        *_for_pages(settings.allowed_origins),
        Middleware(RoutesMiddleware),
    ]


def _for_pages(origins: tuple[str, ...]) -> list[Middleware]:
    """Return the CORS middleware that lets allowed pages read their responses."""
    if not origins:
        return []
    return [
        Middleware(
            CORSMiddleware, allow_origins=origins, allow_methods=["POST"], allow_headers=["*"]
        )
    ]
