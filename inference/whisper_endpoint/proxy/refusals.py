# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""What is refused before the ingress has heard of it."""

import logging
import uuid

from starlette.responses import JSONResponse

from whisper_endpoint.errors import EndpointError

logger = logging.getLogger(__name__)


def refusal(error: EndpointError) -> JSONResponse:
    """Return the answer; its connection cannot be used for anything else, as a body may be left."""
    request_id = uuid.uuid4().hex
    logger.warning("request %s status=%d code=%s", request_id, error.status, error.code)
    return JSONResponse(error.document(request_id), error.status, {"Connection": "close"})
