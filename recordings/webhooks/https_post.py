# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""POST to an address of the internet, and to nothing else."""

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
    """Sends a body; redirects are answers like others.

    Attributes
    ----------
    is_allowed : callable
        Whether an address may be connected to.
    seconds : float
        That a receiver has for connection, request and answer together.
    tls : callable
        Returns what certificates are checked with.
    """

    is_allowed: Callable[[Address], bool] = is_public
    seconds: float = _SECONDS
    tls: Callable[[], ssl.SSLContext] = ssl.create_default_context

    def __call__(self, url: str, body: bytes, headers: Mapping[str, str]) -> int:
        """Return the status of the answer; its body is not read.

        Raises
        ------
        AddressRefused
            It leads to an address that is not public.
        WebhookNotTold
            It could not be reached, or did not answer in time.
        """
        try:
            return self._post(url, body, headers)
        except (OSError, http.client.HTTPException) as error:
            raise WebhookNotTold(
                f"The webhook could not be reached, or has not answered within {self.seconds:g} s "
                f"({type(error).__name__}): check that it runs."
            ) from None

    def _post(self, url: str, body: bytes, headers: Mapping[str, str]) -> int:
        target = resolved(url, self.is_allowed)
        # To the address that was checked; name and certificate are the host's.
        plain = socket.create_connection((target.address, target.port), self.seconds)
        secured = self.tls().wrap_socket(
            plain, server_hostname=target.host, do_handshake_on_connect=False
        )
        # However slowly it answers: a time-out of the socket begins anew with each byte.
        closing = threading.Timer(self.seconds, _end, [secured])
        closing.daemon = True
        closing.start()
        connection = http.client.HTTPSConnection(target.host, target.port)
        connection.sock = secured
        try:
            secured.do_handshake()
            connection.request("POST", target.path, body, dict(headers))
            return connection.getresponse().status
        finally:
            closing.cancel()
            connection.close()


def _end(sock: socket.socket) -> None:
    # Not TLS's own, which would take the session from under whoever is in its handshake.
    with contextlib.suppress(OSError):
        socket.socket.shutdown(sock, socket.SHUT_RDWR)
