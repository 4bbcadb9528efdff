# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Local HTTP/2 with TLS: AWS's SDKs require it for bidirectional streams."""

import asyncio
import socket
import threading
from collections.abc import Coroutine
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from hypercorn.asyncio import serve
from hypercorn.config import Config

_DAYS = 7
_END_SECONDS = 10


class Http2Server:
    """Serves an ASGI application in a thread, with a self-signed certificate.

    Parameters
    ----------
    folder : Path
        Folder for ``certificate.pem`` and its key.

    Attributes
    ----------
    certificate : Path
        For clients to trust (``SSL_CERT_FILE``).
    port : int
    """

    def __init__(self, folder: Path) -> None:
        self.certificate = folder / "certificate.pem"
        self._key = folder / "certificate-key.pem"
        _write_certificate(self.certificate, self._key)
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self._loop = asyncio.new_event_loop()
        self._ending = asyncio.Event()
        self._thread: threading.Thread | None = None

    def start(self, app: Any) -> None:
        """Start serving an application."""
        config = Config()
        config.bind = [f"fd://{self._socket.detach()}"]  # closed with the server
        config.certfile, config.keyfile = str(self.certificate), str(self._key)
        config.alpn_protocols = ["h2"]
        config.accesslog = config.errorlog = None
        config.graceful_timeout = 0
        serving = serve(app, config, shutdown_trigger=self._ending.wait)
        self._thread = threading.Thread(target=self._run, args=(serving,), daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop serving, and end all streams."""
        if self._thread is not None:
            # asyncio would report the cancelled streams.
            self._loop.call_soon_threadsafe(self._loop.set_exception_handler, lambda *_: None)
            self._loop.call_soon_threadsafe(self._ending.set)
            self._thread.join(_END_SECONDS)
        self._socket.close()

    def _run(self, serving: Coroutine[Any, Any, None]) -> None:
        try:
            self._loop.run_until_complete(serving)
        finally:
            self._loop.close()


def _write_certificate(certificate: Path, key: Path) -> None:
    """Create a self-signed certificate for this machine."""
    private = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "local cloud")])
    names = [x509.DNSName("localhost"), x509.IPAddress(IPv4Address("127.0.0.1"))]
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + timedelta(days=_DAYS))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(private, hashes.SHA256())
    )
    certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    key.touch(mode=0o600)
    key.write_bytes(
        private.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
