# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""SageMaker's two routes, where it asks Serve's proxy itself: in our own image.

In AWS's image another server takes them, and asks Serve for the routes on the right.
"""

from starlette.types import ASGIApp, Receive, Scope, Send

from whisper_endpoint.proxy.health import HEALTH_ROUTE

_ROUTES = {"/ping": HEALTH_ROUTE, "/invocations": "/"}


class RoutesMiddleware:
    """Passes requests on, those for SageMaker's routes under Serve's.

    Parameters
    ----------
    app : ASGI application
        Serve's proxy, and what stands before it.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if scope["type"] == "http" and scope["path"] in _ROUTES:
            path = _ROUTES[scope["path"]]
            scope = {**scope, "path": path, "raw_path": path.encode()}
        await self._app(scope, receive, send)
