# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Why SageMaker could not bring an endpoint into service, as an operator reads it."""

import logging

from whisper_sagemaker import container_log, reasons
from whisper_sagemaker.endpoints import EndpointState
from whisper_sagemaker.errors import EndpointFailed

log = logging.getLogger(__name__)

_SAYS = "SageMaker says: "


def failure(name: str, state: EndpointState, lines: list[str]) -> EndpointFailed:
    """Return the error for an endpoint that SageMaker could not bring into service.

    Parameters
    ----------
    lines : list of str
        What the containers wrote last; all of it goes into our own log, the end into the error.
    """
    reason = reasons.clean(state.failure_reason) or f"status {state.status}"
    for line in lines:
        log.error("the container wrote: %s", line)
    where = f"See {container_log.group(name)} in CloudWatch Logs. "
    last = f" The container's last line: {reasons.clean(lines[-1])[-45:]}" if lines else ""
    said = reasons.MOST - len(where) - len(last) - len(_SAYS)
    return EndpointFailed(f"{where}{_SAYS}{reasons.reason(reason, said)}{last}")
