# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Maps SageMaker's two routes to Serve's, for our own image, where SageMaker calls Serve directly.

In AWS's image another server handles them and calls Serve's routes.
"""

from starlette.types import ASGIApp, Receive, Scope, Send

from whisper_endpoint.errors import NotFound
from whisper_endpoint.proxy.health import HEALTH_ROUTE
from whisper_endpoint.proxy.refusals import refusal

_ROUTES = {"/ping": HEALTH_ROUTE, "/invocations": "/"}


class RoutesMiddleware:
    """Rewrites the paths of SageMaker's routes to Serve's.

    Parameters
    ----------
    app : ASGI application
        Serve's proxy with the inner middlewares.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, unless it is for the server as a whole, which Serve cannot route."""
        if scope["type"] == "http" and scope["path"] == "*":
            nothing = NotFound("There is nothing at '*': send POST / (on SageMaker, invoke).")
            await refusal(nothing)(scope, receive, send)
            return
        if scope["type"] == "http" and scope["path"] in _ROUTES:
            path = _ROUTES[scope["path"]]
            scope = {**scope, "path": path, "raw_path": path.encode()}
        await self._app(scope, receive, send)
