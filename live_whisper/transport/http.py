# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""POST to an endpoint's URL, with errors classified and put into sentences."""

from collections.abc import Mapping
from typing import Any

import urllib3
from urllib3 import exceptions

from live_whisper.errors import EndpointUnusable, InvocationFailed, LiveError
from live_whisper.transport.refusals import PASSING, is_page, sentence_of, shortened
from live_whisper.transport.total_timeout import Exchanges

CONNECT_TIMEOUT_S = 5.0
LIMIT_S = 3600.0
"""Limit of a whole exchange: an hour's recording on a CPU takes less."""

_exchanges = Exchanges()


def post(url: str, headers: Mapping[str, str], **content: Any) -> bytes:
    """Send a request and return the response body, within `LIMIT_S`.

    Parameters
    ----------
    **content
        ``body`` (bytes) or form ``fields``, as in urllib3.

    Raises
    ------
    EndpointUnusable
        Nothing answers there, the address is invalid, or authentication failed (401, 403).
    InvocationFailed
        The response is an error, missing, or incomplete in time.
    """
    return _exchanges.within(LIMIT_S, lambda: _post(url, headers, content))


def _post(url: str, headers: Mapping[str, str], content: Mapping[str, Any]) -> bytes:
    if not url.startswith(("http://", "https://")):
        raise EndpointUnusable(
            f"{url or 'An empty text'} is not an address; use one such as http://127.0.0.1:8080."
        )
    timeout = urllib3.Timeout(connect=CONNECT_TIMEOUT_S, read=LIMIT_S)
    try:
        answer = urllib3.request(
            "POST", url, headers=headers, timeout=timeout, retries=False, redirect=False, **content
        )
    except (exceptions.NewConnectionError, exceptions.ConnectTimeoutError):
        raise EndpointUnusable(
            f"Nothing answers at {url}; check the address, and whether the endpoint is running."
        ) from None
    except exceptions.LocationValueError:
        raise EndpointUnusable(
            f"{url} is not an address; use one such as http://127.0.0.1:8080."
        ) from None
    except exceptions.HTTPError as error:
        reason = shortened(str((error.args or [error])[-1]))
        raise InvocationFailed(
            f"The endpoint gave no answer ({reason}); try again, or see its log."
        ) from None
    if 200 <= answer.status < 300:
        return answer.data
    raise _refusal(url, answer)


def _refusal(url: str, answer: urllib3.BaseHTTPResponse) -> LiveError:
    page = is_page(answer.data)
    if page and answer.status not in PASSING:  # proxies may send HTML for transient errors
        return EndpointUnusable(
            f"{url} answers with a web page (HTTP {answer.status} {answer.reason}), so it "
            "is not an endpoint; check the address."
        )
    text = "" if page else sentence_of(answer.data.decode(errors="replace"))
    said = shortened(text or str(answer.reason))
    if answer.status in {401, 403}:
        return EndpointUnusable(
            f"{url} refused the request ({said.rstrip('.')}); check OPENAI_API_KEY."
        )
    if answer.status == 404:
        return EndpointUnusable(f"{url} does not exist ({said.rstrip('.')}); check the address.")
    return InvocationFailed(f"HTTP {answer.status}: {said}", is_passing=answer.status in PASSING)
