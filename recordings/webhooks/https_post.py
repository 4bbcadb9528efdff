# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""POST to public internet addresses only."""

import contextlib
import http.client
import socket
import ssl
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from recordings.errors import WebhookNotTold
from recordings.web_address import resolved
from whisper_contract.addresses import Address, is_public

_SECONDS = 15.0


@dataclass(frozen=True)
class HttpsPost:
    """Sends POST requests; redirects are not followed.

    Attributes
    ----------
    is_allowed : callable
        Returns whether connecting to an address is allowed.
    seconds : float
        Total time-out for connection, request and response.
    tls : callable
        Returns the TLS context that verifies certificates.
    """

    is_allowed: Callable[[Address], bool] = is_public
    seconds: float = _SECONDS
    tls: Callable[[], ssl.SSLContext] = ssl.create_default_context

    def __call__(self, url: str, body: bytes, headers: Mapping[str, str]) -> int:
        """Return the status of the response; its body is not read.

        Raises
        ------
        AddressRefused
            It resolves to an address that is not public.
        WebhookNotTold
            It could not be reached, or did not respond in time.
        """
        try:
            return self._post(url, body, headers)
        except (OSError, http.client.HTTPException) as error:
            raise WebhookNotTold(
                "The webhook could not be reached or did not answer within "
                f"{self.seconds:g} s ({type(error).__name__}): check that it is running."
            ) from None

    def _post(self, url: str, body: bytes, headers: Mapping[str, str]) -> int:
        target = resolved(url, self.is_allowed)
        # Connect to the checked address; SNI and certificate check use the host's name.
        plain = socket.create_connection((target.address, target.port), self.seconds)
        secured = self.tls().wrap_socket(
            plain, server_hostname=target.host, do_handshake_on_connect=False
        )
        # A total time-out: the socket's own restarts with every byte.
        closing = threading.Timer(self.seconds, _end, [secured])
        closing.daemon = True
        closing.start()
        connection = http.client.HTTPSConnection(target.host, target.port)
        connection.sock = secured
        try:
            secured.do_handshake()
            # Who answers without reading the body has answered all the same.
            with contextlib.suppress(ConnectionError, ssl.SSLEOFError):
                connection.request("POST", target.path, body, dict(headers))
            return connection.getresponse().status
        finally:
            closing.cancel()
            connection.close()


def _end(sock: socket.socket) -> None:
    # Not SSLSocket.shutdown, which would drop the TLS session during a handshake.
    with contextlib.suppress(OSError):
        socket.socket.shutdown(sock, socket.SHUT_RDWR)
