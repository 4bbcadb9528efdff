# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Builds the error for an endpoint that SageMaker could not bring into service."""

import logging
import re
from collections.abc import Mapping
from types import MappingProxyType

from whisper_sagemaker import container_log, reasons
from whisper_sagemaker.endpoints import EndpointState
from whisper_sagemaker.errors import EndpointFailed

log = logging.getLogger(__name__)

_LOGGED = 20
_SAYS = "SageMaker says: "


def failure(
    name: str,
    state: EndpointState,
    lines: list[str],
    parameters: Mapping[str, str] = MappingProxyType({}),
) -> EndpointFailed:
    """Return the error for an endpoint that SageMaker could not bring into service.

    Parameters
    ----------
    lines : list of str
        The containers' last lines. They are logged; the error contains the message with which the
        endpoint's program refused to start or, without one, the end of the last line.
    parameters : mapping of str to str
        Maps a setting of the endpoint to the stack's parameter that sets it.
    """
    reason = reasons.clean(state.failure_reason) or f"status {state.status}"
    for line in lines[-_LOGGED:]:
        log.error("the container wrote: %s", line)
    where = f"See {container_log.group(name)} in CloudWatch Logs. "
    if cause := container_log.refusal(lines):
        log.error("SageMaker says: %s; the endpoint's program: %s", reason, cause)
        for setting in sorted(parameters, key=len, reverse=True):
            cause = re.sub(rf"\b{setting}\b", parameters[setting], cause)
        begin, end = "The endpoint's program says: ", f" See {container_log.group(name)}."
        said = reasons.MOST - len(begin) - len(end)
        return EndpointFailed(f"{begin}{reasons.reason(cause, said)}{end}")
    last = f" The container's last line: {reasons.clean(lines[-1])[-45:]}" if lines else ""
    said = reasons.MOST - len(where) - len(last) - len(_SAYS)
    return EndpointFailed(f"{where}{_SAYS}{reasons.reason(reason, said)}{last}")
