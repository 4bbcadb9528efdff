# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""What is refused before the ingress has heard of it."""

import logging
import uuid

from starlette.responses import JSONResponse

from whisper_endpoint.errors import EndpointError

logger = logging.getLogger(__name__)


def refusal(error: EndpointError, *, is_openai: bool = False) -> JSONResponse:
    """Return the answer; its connection cannot be used for anything else, as a body may be left."""
    request_id = uuid.uuid4().hex
    logger.warning("request %s status=%d code=%s", request_id, error.status, error.code)
    document = error.openai_document(request_id) if is_openai else error.document(request_id)
    return JSONResponse(document, error.status, {"Connection": "close"})
