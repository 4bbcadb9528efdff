# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Stand-ins with real protocols: a container that is ready at once, a hub, an S3."""

import hashlib
import json
import threading
import urllib.parse
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from botocore.exceptions import ClientError

from local_cloud.sagemaker.hosting import Container, Health
from tests.fakes.content import BLOCK, Content
from tests.fakes.object_store import ObjectStore

File = bytes | Content
TRANSCRIPT = {"text": " thank you for calling", "language": "en", "segments": []}


class _Server:
    """An HTTP server on the loopback interface."""

    def __init__(self, handler: type[BaseHTTPRequestHandler]) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class ScriptedHosting:
    """Containers without processes: their health is scripted.

    ``outcome`` applies to containers started afterwards; ``answer`` is their
    response.
    """

    def __init__(self, *_: Any) -> None:
        self.outcome: tuple[Health, str] = (Health.READY, "")
        self.answer: tuple[int, dict[str, Any]] = (200, TRANSCRIPT)
        self.running: dict[str, tuple[Health, str]] = {}
        self.started: list[Container] = []
        self.requests: list[dict[str, Any]] = []
        hosting = self

        class Handler(_Handler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                hosting.requests.append({"headers": dict(self.headers), "body": body})
                status, answer = hosting.answer
                headers = {"Content-Type": "application/json", "Retry-After": "1"}
                self.answer(status, json.dumps(answer).encode(), headers)

        self._server = _Server(Handler)

    def start(self, container: Container) -> None:
        self.started.append(container)
        self.running[container.name] = self.outcome

    def health(self, container: Container) -> tuple[Health, str]:
        return self.running[container.name]

    def address(self, container: Container) -> str:
        del container
        return self._server.url

    def stop(self, container: Container) -> None:
        self.running.pop(container.name, None)

    def is_stopped(self, container: Container) -> bool:
        return container.name not in self.running

    def close(self) -> None:
        self._server.close()


@dataclass
class HubScript:
    """Scripted misbehaviour of the hub's stand-in.

    Attributes
    ----------
    truncate : list of int
        One entry per interruption: number of bytes sent before the connection breaks.
    busy : list of str
        One entry per 429: the value of Retry-After.
    broken : list of int
        One entry per refusal: the status.
    cut : list of int
        One entry per interruption of the tree's response: number of bytes sent.
    ignores_ranges : bool
        Send whole files with 200 regardless of the requested range.
    """

    truncate: list[int] = field(default_factory=list)
    busy: list[str] = field(default_factory=list)
    broken: list[int] = field(default_factory=list)
    cut: list[int] = field(default_factory=list)
    ignores_ranges: bool = False
    token: str = ""
    requests: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)


class StandInHub:
    """A model hub: the tree of a revision, and files behind a redirect to another host.

    Parameters
    ----------
    repository, revision : str
    files : dict of str to bytes or Content
        Those above 1 MB are listed with a SHA-256, others with git's blob hash.
    """

    def __init__(self, repository: str, revision: str, files: Mapping[str, File]) -> None:
        self.script = HubScript()
        self.files: dict[str, File] = dict(files)
        self.announced = {name: _entry(name, data) for name, data in files.items()}
        hub, tree = self, f"/api/models/{repository}/tree/{revision}"
        base = f"/{repository}/resolve/{revision}/"

        class Front(_Handler):
            def do_GET(self) -> None:
                path = urllib.parse.urlsplit(self.path).path
                hub.script.requests.append(("hub", path, dict(self.headers)))
                if hub.script.busy:
                    self.answer(429, b"", {"Retry-After": hub.script.busy.pop(0)})
                elif hub.script.broken:
                    self.answer(hub.script.broken.pop(0), b"")
                elif hub.script.token and self.headers.get("Authorization") != (
                    f"Bearer {hub.script.token}"
                ):
                    self.answer(401, b"")
                elif path == tree:
                    body = json.dumps(list(hub.announced.values())).encode()
                    sent = body[: hub.script.cut.pop(0)] if hub.script.cut else body
                    self.answer(200, sent, length=len(body))
                elif path.startswith(base) and path.removeprefix(base) in hub.files:
                    # Presigned, as by real storage hosts: such a URL must not be logged.
                    where = f"{hub.storage_url}/{path.removeprefix(base)}?X-Amz-Signature=a1b2c3"
                    self.answer(302, b"", {"Location": where})
                else:
                    self.answer(404, b"")

        class Storage(_Handler):
            def do_GET(self) -> None:
                path = urllib.parse.urlsplit(self.path).path
                hub.script.requests.append(("storage", path, dict(self.headers)))
                data = hub.files[path.strip("/")]
                begin, status, end = 0, 200, len(data)
                if "Range" in self.headers and not hub.script.ignores_ranges:
                    begin = int(self.headers["Range"].removeprefix("bytes=").rstrip("-"))
                    status = 206
                if hub.script.truncate and end > 1000:
                    end = min(end, begin + hub.script.truncate.pop(0))
                self.answer(status, b"", length=len(data) - begin)
                with suppress(ConnectionError):  # a poll of the deployer may end midway
                    self.wfile.writelines(_pieces(data, begin, end))

        self._front, self._storage = _Server(Front), _Server(Storage)
        # A different host name, so that the redirect leaves the hub.
        self.storage_url = self._storage.url.replace("127.0.0.1", "localhost")
        self.url = self._front.url

    def close(self) -> None:
        self._front.close()
        self._storage.close()


class _Handler(BaseHTTPRequestHandler):
    def answer(
        self,
        status: int,
        body: bytes,
        headers: dict[str, str] | None = None,
        length: int | None = None,
    ) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *arguments: Any) -> None:
        del arguments


def _entry(name: str, data: File) -> dict[str, Any]:
    blob, whole = hashlib.sha1(f"blob {len(data)}\0".encode()), hashlib.sha256()
    for piece in _pieces(data, 0, len(data)):
        blob.update(piece)
        whole.update(piece)
    size = {"size": len(data)}
    lfs = {"lfs": {"oid": whole.hexdigest(), **size}} if len(data) > 1_000_000 else {}
    return {"type": "file", "path": name, "oid": blob.hexdigest(), **size, **lfs}


def _pieces(data: File, start: int, end: int) -> Iterator[bytes]:
    return (data[at : min(end, at + BLOCK)] for at in range(start, end, BLOCK))


_S3_OPERATIONS = {
    ("HEAD", ""): "head_object",
    ("GET", "uploads"): "list_multipart_uploads",
    ("POST", "uploads"): "create_multipart_upload",
    ("PUT", "partNumber"): "upload_part",
    ("POST", "uploadId"): "complete_multipart_upload",
    ("PUT", "tagging"): "put_object_tagging",
}
_S3_PARAMETERS = {"prefix": "Prefix", "uploadId": "UploadId", "partNumber": "PartNumber"}


@contextmanager
def served(store: ObjectStore) -> Iterator[tuple[str, Counter[str]]]:
    """Serve a store over HTTP, with the operations of a multipart upload.

    Yields
    ------
    str, Counter of str
        The URL, and the number of calls per operation.
    """
    calls: Counter[str] = Counter()

    class Handler(_Handler):
        protocol_version = "HTTP/1.1"

        def _serve(self) -> None:
            address = urllib.parse.urlsplit(self.path)
            query = dict(urllib.parse.parse_qsl(address.query, keep_blank_values=True))
            marks = [m for (verb, m) in _S3_OPERATIONS if verb == self.command and m in query]
            operation = _S3_OPERATIONS[self.command, marks[0] if marks else ""]
            calls[operation] += 1
            bucket, _, key = urllib.parse.unquote(address.path)[1:].partition("/")
            request: dict[str, Any] = {"Bucket": bucket} | ({"Key": key} if key else {})
            request |= {_S3_PARAMETERS[n]: v for n, v in query.items() if n in _S3_PARAMETERS}
            body = self._body(int(self.headers.get("Content-Length", 0)))
            if operation == "upload_part":
                request |= {"PartNumber": int(query["partNumber"]), "Body": body}
            elif operation == "complete_multipart_upload":
                request["MultipartUpload"] = {"Parts": _rows(body, "{*}Part")}
            elif operation == "put_object_tagging":
                request["Tagging"] = {"TagSet": _rows(body, "{*}TagSet/{*}Tag")}
            try:
                answer = store.call(operation, request)
            except ClientError as error:
                self.answer(error.response["ResponseMetadata"]["HTTPStatusCode"], b"")
                return
            headers = {"ETag": answer["ETag"]} if "ETag" in answer else {}
            said = "".join(f"<{n}>{v}</{n}>" for n, v in answer.items() if isinstance(v, str))
            payload = f"<Answer>{said}</Answer>".encode()
            self.answer(200, payload, headers, answer.get("ContentLength"))

        def _body(self, left: int) -> Iterator[bytes]:
            while left:
                yield (piece := self.rfile.read(min(left, BLOCK)))
                left -= len(piece)

        do_HEAD = do_GET = do_POST = do_PUT = _serve  # noqa: N815

    server = _Server(Handler)
    try:
        yield server.url, calls
    finally:
        server.close()


def _rows(body: Iterator[bytes], path: str) -> list[dict[str, Any]]:
    found = ElementTree.fromstring(b"".join(body)).iterfind(path)
    return [{item.tag.partition("}")[2]: item.text for item in row} for row in found]


def write_tree(root: Path, files: dict[str, bytes]) -> Path:
    """Write files below a folder; return it."""
    for name, data in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return root
