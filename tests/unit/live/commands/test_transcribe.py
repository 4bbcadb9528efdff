# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pytest

from live_whisper.__main__ import main
from live_whisper.transport import http

if TYPE_CHECKING:
    from pathlib import Path

    from tests.unit.live.conftest import RuntimeServer

ATTRIBUTES = "X-Amzn-SageMaker-Custom-Attributes"


@pytest.fixture
def audio(tmp_path: Path) -> str:
    path = tmp_path / "note.m4a"
    path.write_bytes(b"not looked at here")
    return str(path)


@pytest.mark.parametrize(("path", "asked"), [("", "/"), ("/", "/"), ("/a/b?c", "/a/b?c")])
def test_a_file_goes_to_an_address_as_it_is(
    runtime: RuntimeServer, audio: str, capsysbinary: pytest.CaptureFixture[bytes], path, asked
) -> None:
    runtime.body = "1\n00:00:00,000 --> 00:00:01,000\n¿Cómo?\n".encode()
    assert main(["transcribe", audio, "--url", runtime.url + path, "--format", "srt"]) == 0
    ((found, headers, body),) = runtime.requests
    assert found == asked
    assert headers["Content-Type"] == "application/octet-stream"
    assert headers[ATTRIBUTES] == "response_format=srt"
    assert body == b"not looked at here"
    assert capsysbinary.readouterr() == (runtime.body, b"")


def test_a_file_goes_to_an_endpoint_by_its_name(
    runtime: RuntimeServer, audio: str, capsys: pytest.CaptureFixture[str]
) -> None:
    where = ["--endpoint-name", "whisper", "--endpoint-url", runtime.url, "--region", "eu-west-3"]
    assert main(["transcribe", audio, *where, "--language", "es", "--format", "json"]) == 0
    ((path, headers, body),) = runtime.requests
    assert path == "/endpoints/whisper/invocations"
    assert "/eu-west-3/sagemaker/" in headers["Authorization"]
    assert headers[ATTRIBUTES] == "response_format=verbose_json;language=es"
    assert body == b"not looked at here"
    assert capsys.readouterr().out == '{"text": " hello "}\n'


def test_terms_go_with_the_file(
    runtime: RuntimeServer, audio: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    more = tmp_path / "names.txt"
    more.write_text("Kowalczyk\n\nZoë; Söhne, Nguyen\n", "utf-8")
    given = ["--terms", "Nguyen, Acme  Direct", "--terms-file", str(more), "--redaction"]
    assert main(["transcribe", audio, "--url", runtime.url, *given]) == 0
    ((_, headers, _),) = runtime.requests
    assert headers[ATTRIBUTES] == (
        "response_format=text;redaction=true;"
        "terms=Nguyen,Acme Direct,Kowalczyk,Zo%C3%AB%3B S%C3%B6hne"
    )
    where = ["--endpoint-name", "whisper", "--endpoint-url", runtime.url, "--region", "eu-west-3"]
    assert main(["transcribe", audio, *where, "--terms", "x" * 1024]) == 2
    assert "these terms have 1,051; use fewer terms" in capsys.readouterr().err
    assert main(["transcribe", audio, "--openai-base-url", runtime.url, *given]) == 0
    assert "Nguyen,Acme Direct,Kowalczyk,Zoë; Söhne\r\n".encode() in runtime.requests[-1][2]


def test_parties_and_languages_go_with_the_file(runtime: RuntimeServer, audio: str) -> None:
    given = ["--channels", "--diarize", "--languages", "en,Spanish"]
    assert main(["transcribe", audio, "--url", runtime.url, *given]) == 0
    ((_, headers, _),) = runtime.requests
    assert headers[ATTRIBUTES] == (
        "response_format=text;languages=en,es;channel_identification=true;diarize=true"
    )


def test_a_known_number_of_speakers_tells_them_apart(runtime: RuntimeServer, audio: str) -> None:
    assert main(["transcribe", audio, "--url", runtime.url, "--num-speakers", "3"]) == 0
    ((_, headers, _),) = runtime.requests
    assert headers[ATTRIBUTES] == "response_format=text;diarize=true;num_speakers=3"


def test_what_sagemaker_does_not_take_is_refused_before_it_is_sent(
    runtime: RuntimeServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    where = ["--endpoint-name", "whisper", "--endpoint-url", runtime.url, "--region", "eu-west-3"]
    for size, said in (
        (0, "is empty (0 bytes)"),
        (6_291_457, "has more than 6 MB, the most that SageMaker accepts"),
    ):
        path = tmp_path / f"{size}.wav"
        path.write_bytes(bytes(size))
        assert main(["transcribe", str(path), *where]) == 2
        assert said in capsys.readouterr().err
    assert runtime.requests == []


def test_what_has_no_end_is_read_no_further_than_sagemaker_takes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "endless.wav"
    os.mkfifo(path)
    written: list[int | None] = []

    def write() -> None:
        with contextlib.suppress(BrokenPipeError), path.open("wb", buffering=0) as pipe:
            written.extend(pipe.write(bytes(1 << 20)) for _ in range(20))

    writer = threading.Thread(target=write)
    writer.start()
    assert (
        main(["transcribe", str(path), "--endpoint-name", "whisper", "--region", "eu-west-3"]) == 2
    )
    writer.join()
    assert "has more than 6 MB" in capsys.readouterr().err
    assert len(written) < 20


def test_terms_that_cannot_be_read_are_refused(
    runtime: RuntimeServer, audio: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "names.xls").write_bytes(b"\xff\xfe")
    (tmp_path / "long.txt").write_text("Ann," * 250_001)
    for name, said in (
        ("names.xls", "is no text in UTF-8"),
        ("long.txt", "has more than 1,000,000 characters"),
        ("none.txt", "cannot be read (No such file or directory)"),
        ("", "cannot be read (Is a directory)"),
    ):
        path = str(tmp_path / name)
        assert main(["transcribe", audio, "--url", runtime.url, "--terms-file", path]) == 2
        assert f"{path} {said}; give --terms-file" in capsys.readouterr().err
    assert main(["transcribe", audio, "--url", runtime.url, "--terms", "Nguy\udce9n"]) == 2
    assert "--terms is not text in UTF-8" in capsys.readouterr().err


def test_a_file_goes_to_a_server_with_openais_api(
    runtime: RuntimeServer, audio: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-local")
    runtime.body = b"WEBVTT\n"
    where = ["--openai-base-url", f"{runtime.url}/v1/"]
    assert main(["transcribe", audio, *where, "--language", "es", "--format", "vtt"]) == 0
    ((path, headers, body),) = runtime.requests
    assert path == "/v1/audio/transcriptions"
    assert headers["Authorization"] == "Bearer sk-local"
    assert headers["Content-Type"].startswith("multipart/form-data; boundary=")
    for part in (
        b'name="file"; filename="note.m4a"\r\n',
        b"\r\n\r\nnot looked at here\r\n",
        b'name="model"\r\n\r\nwhisper-1\r\n',
        b'name="response_format"\r\n\r\nvtt\r\n',
        b'name="language"\r\n\r\nes\r\n',
    ):
        assert part in body


@pytest.mark.parametrize(
    ("answer", "rc", "said"),
    [
        ((422, {"error": "The audio is empty."}), 2, "HTTP 422: The audio is empty.\n"),
        ((503, {"error": "Try later."}), 1, "HTTP 503: Try later.\n"),
        ((400, {"error": {"message": "No."}}), 2, "HTTP 400: No.\n"),
        ((500, {}), 1, "HTTP 500: {}\n"),
        (
            (401, {"error": {"message": "Who?"}}),
            2,
            "refused the request (Who?); check OPENAI_API_KEY",
        ),
        ((404, {"error": "Nothing is here."}), 2, "(Nothing is here); check the address."),
    ],
)
def test_a_refusal_is_one_sentence_and_a_status(
    runtime: RuntimeServer, audio: str, capsys: pytest.CaptureFixture[str], answer, rc, said
) -> None:
    status, body = answer
    runtime.fail(status, "", **body)
    assert main(["transcribe", audio, "--url", runtime.url]) == rc
    out, err = capsys.readouterr()
    assert out == ""
    assert said in err
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://127.0.0.1:1", "Nothing answers at http://127.0.0.1:1; check"),
        ("not a url", "not a url is not an address; use one such as http://127.0.0.1:8080."),
        ("ftp://127.0.0.1", "is not an address"),
    ],
)
def test_an_address_that_cannot_be_used_is_refused_in_a_sentence(
    audio: str, capsys: pytest.CaptureFixture[str], url: str, said: str
) -> None:
    assert main(["transcribe", audio, "--url", url]) == 2
    err = capsys.readouterr().err
    assert said in err
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("http", "rc", "said"),
    [
        (
            404,
            2,
            "answers with a web page (HTTP 404 Not Found), so it is not an endpoint; check the",
        ),
        (501, 2, "answers with a web page (HTTP 501 Not Implemented), so it is not an endpoint"),
        (502, 1, "HTTP 502: Bad Gateway"),
    ],
)
def test_a_web_page_is_no_sentence(
    runtime: RuntimeServer, audio: str, capsys: pytest.CaptureFixture[str], http, rc, said
) -> None:
    runtime.fail(http, "")
    runtime.body = b"<!DOCTYPE html><html><h1>No</h1></html>"
    assert main(["transcribe", audio, "--url", runtime.url]) == rc
    err = capsys.readouterr().err
    assert said in err
    assert "<" not in err


@pytest.mark.parametrize("name", ["bad name!", "-a", "a" * 64, ""])
@pytest.mark.parametrize("command", ["transcribe", "live", "console"])
def test_what_is_no_endpoints_name_is_refused_at_once(
    audio: str, capsys: pytest.CaptureFixture[str], command: str, name: str
) -> None:
    files = [] if command == "console" else [audio]
    with pytest.raises(SystemExit, match="2"):
        main([command, *files, f"--endpoint-name={name}"])
    assert "not an endpoint name; use 1 to 63 letters" in capsys.readouterr().err


def test_the_command_says_its_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        main(["--version"])
    assert capsys.readouterr().out.startswith("whisper-sagemaker ")


def test_an_endpoint_that_goes_away_is_told_in_a_sentence(
    audio: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def close_one() -> None:
            server.accept()[0].close()

        hang_up = threading.Thread(target=close_one)
        hang_up.start()
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
        assert main(["transcribe", audio, "--url", url]) == 1
        hang_up.join()
    err = capsys.readouterr().err
    assert err.startswith("The endpoint gave no answer (")
    assert err.endswith("); try again, or see its log.\n")
    assert "Error(" not in err


@pytest.mark.parametrize(
    ("form", "body"),
    [
        ("text", b"<!DOCTYPE html><title>Hello</title>"),
        ("text", b"\xff\xfe\0"),
        ("srt", b"<?xml version='1.0'?><ListAllMyBucketsResult/>"),
        ("vtt", b""),
        ("json", b"{}"),
        ("json", b"[1]"),
        ("json", b""),
    ],
)
def test_what_is_no_transcript_is_not_shown_as_one(
    runtime: RuntimeServer, audio: str, capsys: pytest.CaptureFixture[str], form: str, body: bytes
) -> None:
    runtime.body = body
    assert main(["transcribe", audio, "--url", runtime.url, "--format", form]) == 2
    said = (
        f"The answer is not a transcript in the format {form}; check the address of the endpoint."
    )
    assert capsys.readouterr() == ("", f"{said}\n")


@pytest.mark.parametrize("form", ["text", "srt"])
def test_silence_is_an_empty_text(
    runtime: RuntimeServer, audio: str, capsys: pytest.CaptureFixture[str], form: str
) -> None:
    runtime.body = b""
    assert main(["transcribe", audio, "--url", runtime.url, "--format", form]) == 0
    assert capsys.readouterr() == ("\n", "")


def test_nobody_who_reads_is_no_traceback(runtime: RuntimeServer, audio: str) -> None:
    command = [sys.executable, "-m", "live_whisper", "transcribe", audio, "--url", runtime.url]
    reader, writer = os.pipe()
    os.close(reader)
    ended = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, check=False)
    os.close(writer)
    assert (ended.returncode, ended.stderr) == (1, b"")


def test_a_file_that_is_not_there_is_refused_before_anything_is_sent(
    runtime: RuntimeServer, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["transcribe", "absent.mp3", "--url", runtime.url]) == 2
    assert capsys.readouterr().err == "There is no file absent.mp3; name an audio file.\n"
    assert runtime.requests == []


def test_what_is_no_language_is_refused_before_anything_is_sent(
    runtime: RuntimeServer, audio: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for text in ("en;beam_size=1", "en\nX-Evil: 1", "español"):
        with pytest.raises(SystemExit) as ended:
            main(["transcribe", audio, "--url", runtime.url, "--language", text])
        assert ended.value.code == 2
        assert "not a Whisper language; use a code such as en" in capsys.readouterr().err
    assert runtime.requests == []


def test_one_place_to_send_it_to_must_be_named(audio: str, capsys) -> None:
    for where in ([], ["--url", "http://a", "--endpoint-name", "b"]):
        with pytest.raises(SystemExit) as ended:
            main(["transcribe", audio, *where])
        assert ended.value.code == 2
    assert "--openai-base-url" in capsys.readouterr().err


@pytest.mark.parametrize("where", ["--url", "--openai-base-url", "--endpoint-url"])
def test_an_answer_that_drips_ends_with_its_time(
    audio: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    monkeypatch.setattr(http, "LIMIT_S", 2.0)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    over = threading.Event()

    def drip(server: socket.socket) -> None:
        server.settimeout(30)
        connection, _ = server.accept()
        with connection:
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
            while not over.wait(0.05):
                connection.sendall(b"a")

    with socket.create_server(("127.0.0.1", 0)) as server:
        dripping = threading.Thread(target=drip, args=(server,))
        dripping.start()
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
        more = ["--endpoint-name", "e", "--region", "eu-west-3"] if "endpoint" in where else []
        try:
            assert main(["transcribe", audio, where, url, *more]) == 1
        finally:
            over.set()
            dripping.join()
    assert capsys.readouterr().err == "The endpoint's answer was not complete after 2.0 s.\n"


def test_without_its_packages_it_says_which_python_has_none(audio: str) -> None:
    # No site-packages, as of a Python that is not the environment's.
    command = [sys.executable, "-S", "-m", "live_whisper", "transcribe", audio]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 2
    assert f" is not installed for {sys.executable}; run: pip install . (" in ended.stderr
    assert ended.stderr.count("\n") == 1
