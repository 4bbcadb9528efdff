# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
from typing import Any

import jsonschema
import pytest

import whisper_contract
from whisper_endpoint.errors import InvalidSetting
from whisper_endpoint.settings import EndpointSettings

EVERY = {
    "WHISPER_COMPUTE_TYPE": "int8_float16",
    "WHISPER_ENCODER": "openvino",
    "WHISPER_CPU_THREADS": "3",
    "WHISPER_ENGINE_WORKERS": "2",
    "WHISPER_MAX_BATCH_SIZE": "12",
    "WHISPER_FINAL_WINDOWS": "short",
    "WHISPER_INGRESS_REPLICAS": "2",
    "WHISPER_AUDIO_S3_PREFIXES": "s3://calls/in/, s3://other",
    "WHISPER_PROGRESS_S3_PREFIX": "s3://recordings/jobs/",
    "WHISPER_MAX_BODY_BYTES": "2048",
    "WHISPER_BODY_TIMEOUT_S": "4",
    "WHISPER_MAX_SOURCE_BYTES": "4096",
    "WHISPER_SOURCE_TIMEOUT_S": "2.5",
    "WHISPER_MAX_AUDIO_S": "60",
    "WHISPER_MAX_DISK_BYTES": "2097152",
    "WHISPER_MAX_QUEUED_WINDOWS": "7",
    "WHISPER_MAX_FALLBACKS": "0",
    "WHISPER_MAX_REQUESTS": "9",
    "WHISPER_MAX_CHANNELS": "2",
    "WHISPER_URL_SOURCES": "on",
    "WHISPER_URL_PRIVATE_NETWORKS": "10.1.0.0/16, fd00::/8",
    "WHISPER_DEADLINE_S": "30",
    "WHISPER_START_TIMEOUT_S": "100",
    "WHISPER_SELF_TEST": "text",
    "WHISPER_MAX_BEAM_SIZE": "2",
    "WHISPER_LANGUAGE_OVERRIDE": "es",
    "WHISPER_LANGUAGES": "es, en fr",
    "WHISPER_TERMS": "Acme Ltd",
    "WHISPER_REDACTION": "on",
    "WHISPER_RECOGNISE_PARTIALS": "off",
    "WHISPER_PARTIAL_BEAM_SIZE": "0",
    "WHISPER_PARTIAL_PREFIX": "off",
    "WHISPER_METRICS_FILE": "/tmp/metrics",
    "WHISPER_METRICS_PERIOD_S": "5",
    "WHISPER_ENDPOINT_NAME": "calls",
    "WHISPER_ACCOUNT_ID": "111122223333",
    "WHISPER_MAX_SESSIONS": "6",
    "WHISPER_SESSION_S": "90",
    "WHISPER_SESSION_IDLE_S": "20",
    "WHISPER_ALLOWED_ORIGINS": "https://a.example http://b.example:8000",
    "WHISPER_MAX_ENGINE_FAILURES": "3",
}

BAD = [
    ("WHISPER_ALLOWED_ORIGINS", "a.example", "origins such as https://a.example"),
    ("WHISPER_DEADLINE_S", "soon", "use a number from 1 to 3,600"),
    ("WHISPER_DEADLINE_S", "nan", "use a number from 1 to 3,600"),
    ("WHISPER_MAX_FALLBACKS", "1.5", "use a whole number from 0 to 5"),
    ("WHISPER_MAX_FALLBACKS", "6", "use a whole number from 0 to 5"),
    ("WHISPER_COMPUTE_TYPE", "fp8", "use one of auto, bfloat16"),
    ("WHISPER_SELF_TEST", "off", "use one of text, words"),
    ("WHISPER_FINAL_WINDOWS", "long", "use one of auto, declared, full, short"),
    ("WHISPER_LANGUAGE_OVERRIDE", "English", "use auto, or a Whisper language code"),
    ("WHISPER_LANGUAGES", "en Spanish", "Whisper language codes such as en es"),
    ("WHISPER_RECOGNISE_PARTIALS", "yes", "use one of off, on"),
    ("WHISPER_MAX_ENGINE_FAILURES", "0", "use a whole number from 1 to 1,000"),
    ("WHISPER_ACCOUNT_ID", "1111-2222", "use a 12-digit AWS account ID"),
    ("WHISPER_AUDIO_S3_PREFIXES", "calls/in", "such as s3://bucket/calls/"),
    ("WHISPER_PROGRESS_S3_PREFIX", "jobs/", "such as s3://bucket/jobs/"),
    ("WHISPER_PROGRESS_S3_PREFIX", "s3:///jobs/", "such as s3://bucket/jobs/"),
    ("WHISPER_URL_PRIVATE_NETWORKS", "10.1.0.0-16", "networks such as 10.1.0.0/16"),
    ("WHISPER_AUDIO_S3_PREFIXES", "s3:///in", "such as s3://bucket/calls/"),
]


def test_blank_environment_gives_defaults() -> None:
    blank = {"WHISPER_DEADLINE_S": " ", "WHISPER_AUDIO_S3_PREFIXES": ""}
    assert EndpointSettings.from_environment(blank) == EndpointSettings()


def test_every_setting_is_read() -> None:
    read = EndpointSettings.from_environment(EVERY)
    assert read == EndpointSettings(
        compute_type="int8_float16",
        encoder="openvino",
        cpu_threads=3,
        engine_workers=2,
        max_batch_size=12,
        final_windows="short",
        ingress_replicas=2,
        audio_s3_prefixes=("s3://calls/in/", "s3://other/"),
        progress_s3_prefix="s3://recordings/jobs/",
        max_body_bytes=2048,
        body_timeout_s=4,
        max_source_bytes=4096,
        source_timeout_s=2.5,
        max_audio_s=60,
        max_disk_bytes=2_097_152,
        max_queued_windows=7,
        max_fallbacks=0,
        max_requests=9,
        max_channels=2,
        url_sources="on",
        url_private_networks=("10.1.0.0/16", "fd00::/8"),
        deadline_s=30,
        start_timeout_s=100,
        self_test="text",
        max_beam_size=2,
        language_override="es",
        languages=("es", "en", "fr"),
        terms=("Acme Ltd",),
        redaction="on",
        recognise_partials="off",
        partial_beam_size=0,
        partial_prefix="off",
        metrics_file="/tmp/metrics",
        metrics_period_s=5,
        endpoint_name="calls",
        account_id="111122223333",
        max_sessions=6,
        session_s=90,
        session_idle_s=20,
        allowed_origins=("https://a.example", "http://b.example:8000"),
        max_engine_failures=3,
    )
    defaults = EndpointSettings()
    assert all(getattr(read, name) != getattr(defaults, name) for name in vars(defaults))


@pytest.mark.parametrize(("name", "value", "remedy"), BAD)
def test_bad_values_are_refused_in_words(name: str, value: str, remedy: str) -> None:
    with pytest.raises(InvalidSetting, match=remedy) as refusal:
        EndpointSettings.from_environment({name: value})
    assert name in str(refusal.value)
    assert value in str(refusal.value)


def test_networks_may_stand_between_spaces() -> None:
    spaced = {"WHISPER_URL_PRIVATE_NETWORKS": " 10.1.0.0/16  fd00::/8"}
    read = EndpointSettings.from_environment(spaced).url_private_networks
    assert read == ("10.1.0.0/16", "fd00::/8")


def allowed_by_the_schema(name: str, text: str) -> bool:
    schema = whisper_contract.settings_schema()["properties"][name]
    value: Any = text
    if schema["type"] in ("integer", "number"):
        try:
            value = int(text) if schema["type"] == "integer" else float(text)
        except ValueError:
            return False
    return bool(jsonschema.Draft202012Validator(schema).is_valid(value))


@pytest.mark.parametrize(("name", "text"), EVERY.items())
def test_the_schema_allows_what_the_program_takes(name: str, text: str) -> None:
    assert allowed_by_the_schema(name, text)


@pytest.mark.parametrize(("name", "value", "remedy"), BAD)
def test_the_schema_refuses_what_the_program_refuses(name: str, value: str, remedy: str) -> None:
    if value != "nan":  # a comparison with it is never true, and so it is no less than anything
        assert not allowed_by_the_schema(name, value)
    assert remedy in f"use {whisper_contract.settings_schema()['properties'][name]['takes']}"
