# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
from pathlib import Path

import pytest

from benchmarks.references import CALLS
from scripts.sample_server import ADDRESS, sample_server
from whisper_endpoint.audio.disk import Disk
from whisper_endpoint.audio.sources.web import fetch
from whisper_endpoint.errors import SourceNotAllowed, SourceNotFetchable
from whisper_endpoint.settings import EndpointSettings

CALL = "agent-and-caller-overlap.wav"


def test_the_endpoint_fetches_a_sample_call_from_it_and_from_nowhere_else_here(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    disk = Disk(10**9)
    with sample_server(CALLS) as samples:
        given = dict(pair.split("=") for pair in samples.setting.split(","))
        settings = EndpointSettings.from_environment(given)
        url = f"{samples.url}/{CALL}"
        with pytest.raises(SourceNotFetchable):  # its certificate is its own
            fetch(url, "url", settings, disk)
        monkeypatch.setenv("SSL_CERT_FILE", str(samples.trusted))
        fetched = fetch(url, "url", settings, disk)
        assert fetched.read(0, len(fetched)) == (CALLS / CALL).read_bytes()
        with pytest.raises(SourceNotAllowed):
            fetch(url.replace(ADDRESS, "127.0.0.1"), "url", settings, disk)
        assert b"BEGIN CERTIFICATE" in samples.trusted.read_bytes()
    assert not Path(samples.trusted).exists()
