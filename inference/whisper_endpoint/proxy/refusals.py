# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Responses to requests that the proxy refuses before they reach the ingress."""

import logging
import uuid

from starlette.responses import JSONResponse

from whisper_endpoint.errors import EndpointError

logger = logging.getLogger(__name__)


_OPENAI = "/v1/"


def refusal(error: EndpointError, path: str = "/") -> JSONResponse:
    """Return the error response, in OpenAI's format at its paths.

    It closes the connection, where an unread body may be left.
    """
    request_id = uuid.uuid4().hex
    logger.warning("request %s status=%d code=%s", request_id, error.status, error.code)
    is_openai = path.startswith(_OPENAI)
    document = error.openai_document(request_id) if is_openai else error.document(request_id)
    return JSONResponse(document, error.status, {**error.headers, "Connection": "close"})
