# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Faster-whisper models on the hub: their repositories and revisions, and reading their files.

Only two calls of the hub are used: the tree of a revision, which declares sizes and digests, and
the file itself, which is redirected to a storage host and read in ranges.
"""

import json
import time
from collections.abc import Callable, Iterator

import urllib3

from deploy_whisper.archive.source_file import SourceFile
from whisper_sagemaker.errors import WeightsCorrupt, WeightsNotFound, WeightsRefused

HUB_MODELS: dict[str, tuple[str, str]] = {
    "tiny": ("Systran/faster-whisper-tiny", "d90ca5fe260221311c53c58e660288d3deb8d356"),
    "tiny.en": ("Systran/faster-whisper-tiny.en", "0d3d19a32d3338f10357c0889762bd8d64bbdeba"),
    "base": ("Systran/faster-whisper-base", "ebe41f70d5b6dfa9166e2c581c45c9c0cfc57b66"),
    "base.en": ("Systran/faster-whisper-base.en", "3d3d5dee26484f91867d81cb899cfcf72b96be6c"),
    "small": ("Systran/faster-whisper-small", "536b0662742c02347bc0e980a01041f333bce120"),
    "small.en": ("Systran/faster-whisper-small.en", "d1d751a5f8271d482d14ca55d9e2deeebbae577f"),
    "medium": ("Systran/faster-whisper-medium", "08e178d48790749d25932bbc082711ddcfdfbc4f"),
    "medium.en": ("Systran/faster-whisper-medium.en", "a29b04bd15381511a9af671baec01072039215e3"),
    # "large" is large-v3 today, as in faster-whisper 1.2.1.
    "large": ("Systran/faster-whisper-large-v3", "edaa852ec7e145841d8ffdb056a99866b5f0a478"),
    "large-v1": ("Systran/faster-whisper-large-v1", "b07c8d4be0be90092aa01a29c975077acb8d15c9"),
    "large-v2": ("Systran/faster-whisper-large-v2", "f0fe81560cb8b68660e564f55dd99207059c092e"),
    "large-v3": ("Systran/faster-whisper-large-v3", "edaa852ec7e145841d8ffdb056a99866b5f0a478"),
    "large-v3-turbo": (
        "dropbox-dash/faster-whisper-large-v3-turbo",
        "0a363e9161cbc7ed1431c9597a8ceaf0c4f78fcf",
    ),
    "distil-small.en": (
        "Systran/faster-distil-whisper-small.en",
        "ef77d90526ccd62cde3808ee70626a01e5cf83e4",
    ),
    "distil-medium.en": (
        "Systran/faster-distil-whisper-medium.en",
        "80ddfce281f77766d8943d63109199fc8145dfa5",
    ),
    "distil-large-v2": (
        "Systran/faster-distil-whisper-large-v2",
        "fe9b404fc56de3f7c38606ef9ba6fd83526d05e4",
    ),
    "distil-large-v3": (
        "Systran/faster-distil-whisper-large-v3",
        "c3058b475261292e64a0412df1d2681c06260fab",
    ),
    "distil-large-v3.5": (
        "distil-whisper/distil-large-v3.5-ct2",
        "9793ccc07920e0f830e1dba0343efcdf0ef8c903",
    ),
}
"""Repository and commit by ``WhisperModelSize``; a commit never changes its content."""

_LARGE_V3 = "69f74147e3334731bc3a76048724833325d2ec74642fb52620eda87352e3d4f1"
HUB_WEIGHTS: dict[str, str] = {
    "tiny": "dcb76c6586fc06cbdac6dd21f14cfd129cc4cdd9dce19bf4ffa62e59cbe6e6d1",
    "tiny.en": "1a5afae06a4db91c975c9a9d78be5cc110ee4ea022ad57d55492e4550e936b2a",
    "base": "d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9",
    "small": "3e305921506d8872816023e4c273e75d2419fb89b24da97b4fe7bce14170d671",
    "medium": "9b45e1009dcc4ab601eff815b61d80e60ce3fd8c74c1a14f4a282258286b51ae",
    "large": _LARGE_V3,
    "large-v2": "bf2a9746382e1aa7ffff6b3a0d137ed9edbd9670c3b87e5d35f5e85e70d0333a",
    "large-v3": _LARGE_V3,
    "large-v3-turbo": "e76620f83d5f5b69efd3d87e3dc180c1bd21df9fbebacfd4335e5e1efcc018da",
}
"""SHA-256 of ``model.bin`` at these commits by size, as published by several independent sources.

For the other sizes, and all small files, only the hub's own digest is known.
"""

_CHUNK = 1 << 20
_ATTEMPTS = 8


class Hub:
    """Reads one revision of one repository.

    Parameters
    ----------
    url : str
        The hub's address, without a slash at the end.
    token : str
        Access token for gated repositories, or empty. Never sent to the storage host.
    sleep : callable, optional
        Waits the given number of seconds between attempts; replaced in tests.
    instead : str, optional
        The template's parameter that replaces the hub; for error messages.
    """

    def __init__(
        self,
        url: str,
        repository: str,
        revision: str,
        token: str = "",
        sleep: Callable[[float], None] = time.sleep,
        instead: str = "ModelS3Uri",
    ) -> None:
        self._url = url
        self._repository = repository
        self._revision = revision
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._sleep = sleep
        self._instead = instead
        # urllib3 follows redirects and drops Authorization if the host changes; all other retries
        # are made here, with our pauses.
        retries = urllib3.Retry(
            total=None,
            redirect=5,
            connect=0,
            read=0,
            status=0,
            other=0,
            respect_retry_after_header=False,
        )
        self._pool = urllib3.PoolManager(
            retries=retries, timeout=urllib3.Timeout(connect=10, read=30)
        )

    def files(self) -> list[SourceFile]:
        """Return the files of the revision.

        Raises
        ------
        WeightsNotFound, WeightsRefused
        """
        address = f"{self._url}/api/models/{self._repository}/tree/{self._revision}"
        answer = self._request(address, is_read=True).data
        try:
            return [_file(entry) for entry in json.loads(answer) if entry["type"] == "file"]
        except (ValueError, TypeError, KeyError) as error:
            raise WeightsRefused(
                f"Check HubUrl or give {self._instead}: {self._url[:100]} does not answer as a "
                "model hub does."
            ) from error

    def read(self, file: SourceFile, start: int = 0) -> Iterator[bytes]:
        """Yield the bytes of a file from an offset; resume after lost connections.

        Parameters
        ----------
        start : int
            Offset in bytes.

        Yields
        ------
        bytes
            At most 1 MiB at a time.

        Raises
        ------
        WeightsCorrupt
            If the connection repeatedly breaks without progress, or the file is too long.
        WeightsNotFound, WeightsRefused
        """
        address = f"{self._url}/{self._repository}/resolve/{self._revision}/{file.path}"
        position, futile = start, 0
        while position < file.size:
            before = position
            try:
                with self._request(address, position) as response:
                    for chunk in response.stream(_CHUNK):
                        position += len(chunk)
                        if position > file.size:
                            raise WeightsCorrupt(
                                f"Try again or give {self._instead}: {file.path} of the hub is "
                                f"longer than the {file.size} bytes announced."
                            )
                        yield chunk
            except urllib3.exceptions.HTTPError:
                pass
            futile = 0 if position > before else futile + 1
            if futile == _ATTEMPTS:
                raise WeightsCorrupt(f"Try again later: {file.path} stops at byte {position}.")

    def _request(
        self, address: str, start: int = 0, *, is_read: bool = False
    ) -> urllib3.BaseHTTPResponse:
        """Send a request, with retries; with ``is_read``, also read the whole response."""
        headers = dict(self._headers)
        if start:
            headers["Range"] = f"bytes={start}-"
        for attempt in range(_ATTEMPTS):
            wait = 2.0**attempt
            try:
                response = self._pool.request(
                    "GET", address, headers=headers, preload_content=is_read
                )
            except urllib3.exceptions.HTTPError as error:
                cause = f"no connection ({type(getattr(error, 'reason', error)).__name__})"
            else:
                is_page = response.headers.get("Content-Type", "").startswith("text/html")
                if response.status == (206 if start else 200) and (is_read or not is_page):
                    return response
                wait = self._seconds_until_asked_again(address, response, wait)
                cause = f"status {response.status}"
            if attempt + 1 < _ATTEMPTS:
                self._sleep(wait)
        raise WeightsRefused(
            f"Check HubUrl, if given, try again later, or give {self._instead}: {self._url[:100]} "
            f"gives {cause}."
        )

    def _seconds_until_asked_again(
        self, address: str, response: urllib3.BaseHTTPResponse, otherwise: float
    ) -> float:
        """Return the pause after a 429 or 5xx in seconds; raise for a permanent error."""
        status, wait = response.status, response.headers.get("Retry-After", "")
        # Close instead of release: a connection with an unread body cannot be reused.
        response.close()
        if status in {401, 403}:
            raise WeightsRefused(
                f"Give a token with HubTokenSecretArn, or {self._instead}: "
                f"{self._repository} gives {status}."
            )
        if status == 404:
            raise WeightsNotFound(
                f"Check HubUrl, if given, or give {self._instead}: {address[-150:]} is not there."
            )
        if status in {200, 206}:  # a web page, or the whole file instead of the rest
            raise WeightsRefused(
                f"Check HubUrl, if given, or give {self._instead}: {self._url[:100]} answers with "
                "a web page or another file, not with the one asked for."
            )
        if status != 429 and status < 500:
            raise WeightsRefused(
                f"Give {self._instead} instead: {self._repository} gives {status}."
            )
        return min(float(wait), 60) if wait.isdecimal() else otherwise


def _file(entry: dict[str, object]) -> SourceFile:
    lfs = entry.get("lfs")
    digest = f"sha256:{lfs['oid']}" if isinstance(lfs, dict) else f"git:{entry['oid']}"
    return SourceFile(path=str(entry["path"]), size=int(str(entry["size"])), digest=digest)
