# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Serve the sample calls over https, on this machine only, for requests with a ``url``."""

import functools
import http.server
import ipaddress
import ssl
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

ADDRESS = "127.86.0.1"
"""Also on the loopback interface (Linux), where nothing else listens."""


@dataclass(frozen=True)
class SampleServer:
    """Its address, and the file of trusted certificates, which includes its own."""

    url: str
    trusted: Path

    @property
    def setting(self) -> str:
        """Endpoint settings for fetching from it, in the format of EndpointEnvironment."""
        return f"WHISPER_URL_SOURCES=on,WHISPER_URL_PRIVATE_NETWORKS={ADDRESS}/32"


@contextmanager
def sample_server(folder: Path) -> Iterator[SampleServer]:
    """Serve the files of a folder until the end of the block."""
    with tempfile.TemporaryDirectory(prefix="samples-") as scratch:
        own, trusted = Path(scratch) / "own.pem", Path(scratch) / "trusted.pem"
        certificate, key = _certificate()
        own.write_bytes(key + certificate)
        known = ssl.get_default_verify_paths().cafile
        trusted.write_bytes((Path(known).read_bytes() if known else b"") + certificate)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(own)
        handler = functools.partial(_Files, directory=str(folder))
        with http.server.ThreadingHTTPServer((ADDRESS, 0), handler) as server:
            server.socket = context.wrap_socket(server.socket, server_side=True)
            threading.Thread(target=server.serve_forever, daemon=True).start()
            yield SampleServer(f"https://{ADDRESS}:{server.server_port}", trusted)
            server.shutdown()


class _Files(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *arguments: object) -> None:
        """Keep requests out of the terminal."""


def _certificate() -> tuple[bytes, bytes]:
    """Return a self-signed certificate and its key, in PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "sample calls")])
    now = datetime.now(UTC)
    address = x509.IPAddress(ipaddress.ip_address(ADDRESS))
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=365))
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    )
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    signed = builder.sign(key, hashes.SHA256())
    return signed.public_bytes(serialization.Encoding.PEM), private
