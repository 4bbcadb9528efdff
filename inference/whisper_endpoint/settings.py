# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""What the operator decides, read from the environment once.

The fields below and the text under each are the only place that says what settings there are:
``make generate`` writes ``docs/settings.md`` and ``settings.schema.json`` from them.
"""

import ipaddress
import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    WithJsonSchema,
)

from whisper_endpoint.errors import InvalidSetting


def variable(name: str) -> str:
    """Return the environment variable of a setting."""
    return f"WHISPER_{name.upper()}"


def takes(schema: Mapping[str, Any]) -> str:
    """Say which values a setting takes, by its part of the JSON schema."""
    if "takes" in schema:
        return str(schema["takes"])
    if "enum" in schema:
        return f"one of {', '.join(sorted(filter(None, schema['enum'])))}"
    kind = "a whole number" if schema["type"] == "integer" else "a number"
    return f"{kind} from {schema['minimum']:,} to {schema['maximum']:,}"


def _split(separator: str) -> BeforeValidator:
    """Take a text apart where the regular expression matches."""

    def parts(value: object) -> object:
        if not isinstance(value, str):
            return value
        return [part.strip() for part in re.split(separator, value) if part.strip()]

    return BeforeValidator(parts)


def _text(part: str, separator: str, takes: str, **more: str) -> WithJsonSchema:
    """Describe a list as the text that it is in the environment."""
    pattern = f"^{part}({separator}{part})*$"
    return WithJsonSchema({"type": "string", "pattern": pattern, "takes": takes, **more})


def _s3_prefix(text: str) -> str:
    """Put the slash after the bucket: ``s3://calls`` must not allow ``s3://calls-2/...``."""
    bucket, _, key = text.removeprefix("s3://").partition("/")
    if not text.startswith("s3://") or not bucket:
        raise ValueError
    return f"s3://{bucket}/{key}"


def _network(text: str) -> str:
    return str(ipaddress.ip_network(text))


_ComputeType = Literal[
    "",
    "default",
    "auto",
    "int8",
    "int8_float32",
    "int8_float16",
    "int8_bfloat16",
    "int16",
    "float16",
    "bfloat16",
    "float32",
]
_Switch = Literal["on", "off"]
_S3Prefix = Annotated[
    str,
    AfterValidator(_s3_prefix),
    WithJsonSchema(
        {
            "type": "string",
            "pattern": "^(s3://[^/,]+(/[^,]*)?)?$",
            "takes": "a prefix such as s3://bucket/jobs/",
        }
    ),
]
_S3Prefixes = Annotated[
    tuple[Annotated[str, AfterValidator(_s3_prefix)], ...],
    _split(","),
    _text("s3://[^/,]+(/[^,]*)?", " *, *", "comma-separated prefixes such as s3://bucket/calls/"),
]
# Spaces too: in the stack's list of variables a comma ends the value.
_Networks = Annotated[
    tuple[Annotated[str, AfterValidator(_network)], ...],
    _split(r"[,\s]"),
    _text(
        "[0-9a-fA-F.:]+(/[0-9]+)?",
        "[, ]+",
        "networks such as 10.1.0.0/16, between spaces",
        format="ip-networks",
    ),
]

_Origins = Annotated[
    tuple[Annotated[str, Field(pattern=r"^https?://[^\s/,]+$")], ...],
    _split(r"[,\s]"),
    _text(r"https?://[^\s/,]+", "[, ]+", "origins such as https://a.example, between spaces"),
]
_Languages = Annotated[
    tuple[Annotated[str, Field(pattern="^[a-z]{2,3}$")], ...],
    _split(r"[,\s]"),
    _text("[a-z]{2,3}", "[, ]+", "Whisper's codes such as en es, between spaces"),
]
_Terms = Annotated[
    tuple[Annotated[str, Field(max_length=200)], ...],
    _split("[,\n]"),
    _text("[^,]*", ",", "names and words, separated by commas"),
]


class EndpointSettings(BaseModel):
    """The endpoint's settings, each from the environment variable ``WHISPER_<NAME>``."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    compute_type: _ComputeType = ""
    """CTranslate2's type of computation.

    Empty: ``float16`` on a GPU and ``int8`` on a CPU; where the device lacks that, the type in
    which the weights are stored, or the nearest that it has.
    """
    encoder: Literal["auto", "ctranslate2", "openvino"] = "auto"
    """Which program encodes; CTranslate2 generates the text in any case.

    ``auto``: on a CPU with instructions for bfloat16 (AVX512-BF16 or AMX) OpenVINO, in bfloat16,
    where it is installed and faster by a short measurement at the start, otherwise CTranslate2;
    with ``compute_type`` ``float32`` always CTranslate2. OpenVINO is in our own image for CPUs.
    """
    cpu_threads: int = Field(default=0, ge=0, le=1024)
    """Threads of the engine on a CPU; 0: one per core."""
    engine_workers: int = Field(default=0, ge=0, le=16)
    """Batches that the engine decodes at once, sharing weights and ``cpu_threads``: with two, one
    is encoded while the other's text is generated. 0: one on a GPU; on a CPU one or as many as
    there are threads, by a short measurement at the start.
    """
    max_batch_size: int = Field(default=0, ge=0, le=256)
    """Windows decoded together; 0: found by a short measurement at the start, and on a CPU those of
    files up to 60 s, since more take memory and save no time there.
    """
    final_windows: Literal["auto", "declared", "short", "full"] = "auto"
    """How long a window the encoder gets for finals and files.

    ``auto``: as ``short`` on a CPU where speech is detected, otherwise as ``declared``;
    ``declared``: 30 s, or shorter ones if the model declares them (``windows.json``); ``short``:
    10, 15, 20 or 30 s, whatever the model was trained on, which is up to three times faster; it
    cost Whisper's base no accuracy, larger models are not measured; ``full``: always 30 s.
    Partials get the shortest in any case.
    """
    ingress_replicas: int = Field(default=0, ge=0, le=256)
    """Processes that decode audio; 0: one per two cores."""
    audio_s3_prefixes: _S3Prefixes = ()
    """What ``s3_uri`` requests may read, as ``s3://bucket/prefix``. Empty: nothing."""
    progress_s3_prefix: _S3Prefix = ""
    """Below what ``progress_s3_uri`` of a request may be, as ``s3://bucket/prefix``. Empty: no
    request may name one.
    """
    max_body_bytes: int = Field(default=25 * 1024 * 1024, ge=1024, le=2**31)
    """Bytes of a request."""
    body_timeout_s: float = Field(default=30, ge=1, le=3600)
    """Seconds that a request's body may take to arrive; 408 after them."""
    max_source_bytes: int = Field(default=256 * 1024 * 1024, ge=1024, le=2**33)
    """Bytes of the file that a request names by ``s3_uri`` or ``url``."""
    source_timeout_s: float = Field(default=20, ge=1, le=3600)
    """Seconds that fetching may take, of ``s3_uri`` without the decoding in between."""
    url_sources: _Switch = "off"
    """``on``: ``url`` requests are fetched from public addresses; ``off``: they are refused.

    ``on`` lets every caller have the endpoint fetch what it likes from the internet.
    """
    url_private_networks: _Networks = ()
    """Networks, such as ``10.1.0.0/16``, that ``url`` requests may be fetched from although they
    are not public. Empty: none.
    """
    max_disk_bytes: int = Field(default=8 * 1024**3, ge=2**20, le=2**43)
    """Bytes that a process of the ingress has on disk at any time, in the folder for temporary
    files (``TMPDIR``): 115 MB for an hour of each channel or track of what is longer than a minute,
    and what is fetched from a ``url``. 503 where there is no room.
    """
    max_audio_s: float = Field(default=3600, ge=1, le=86400)
    """Seconds of audio, counted while decoding."""
    max_channels: int = Field(default=8, ge=1, le=64)
    """Channels of audio."""
    max_queued_windows: int = Field(default=512, ge=1, le=100_000)
    """Windows that wait in the engine at any time; those of 30 s reach 224 MiB before 250."""
    max_fallbacks: int = Field(default=2, ge=0, le=5)
    """Further temperatures tried for a window that a gate refused.

    Two: unbounded fallback made a live result ten times slower without making it better.
    """
    max_requests: int = Field(default=128, ge=1, le=10_000)
    """Requests that one ingress process works on at any time."""
    deadline_s: float = Field(default=55, ge=1, le=3600)
    """Seconds from arrival until a request is answered with 504.

    SageMaker itself gives up at 60.
    """
    start_timeout_s: float = Field(default=3600, ge=1, le=86400)
    """Seconds that the engine may take to load."""
    self_test: Literal["words", "text"] = "words"
    """``words``: the model has to recognise an English sentence at start; ``text``: any text will
    do (for weights fine-tuned away from English). Where ``language_override`` is another language,
    or the model has no English, any text will do in either case.
    """
    max_beam_size: int = Field(default=0, ge=0, le=10)
    """A request that asks for a wider beam gets this one; 0: no limit.

    It changes the text of finals too.
    """
    language_override: str = Field(
        default="",
        pattern="^([a-z]{2,3}|auto)?$",
        json_schema_extra={"takes": "auto, or Whisper's code such as en"},
    )
    """Whisper's code, or ``auto`` to detect it: the language of every request, whatever it asks for
    (Live Call Analytics always asks for English). Empty: as asked.
    """
    languages: _Languages = ()
    """Whisper's codes of the languages that are detected where a request names none, the usual one
    first, such as ``en es``. Empty: every language of the model.
    """
    terms: _Terms = ()
    """Names and other words that callers say, spelled as they are to be written, the most important
    first, such as ``Nguyen, Kowalczyk, Acme Direct``: they follow those of a request in the model's
    223 tokens for them (``terms`` in requests.md). Empty: none.
    """
    redaction: _Switch = "off"
    """``on``: numbers of cards, accounts, social security and telephones, what is spelled digit by
    digit and e-mail addresses are left out of every answer, whatever its request says; ``off``:
    where a request asks for it (``redaction`` in requests.md).
    """
    recognise_partials: _Switch = "on"
    """``on``: requests in the form of Live Call Analytics, which does not say what is partial, are
    recognised as partials by how their audio ends; ``off``: only what a request says itself counts.
    """
    partial_beam_size: int = Field(default=1, ge=0, le=10)
    """Beam of a partial, whatever it asks for; 0: as asked."""
    partial_prefix: _Switch = "on"
    """``on``: a partial begins with the words in which the last two of its utterance agreed;
    ``off``: each is decoded from nothing.
    """
    metrics_file: str = Field(default="", json_schema_extra={"takes": "a path, or off"})
    """File or pipe that gets CloudWatch's embedded-metric lines; ``off``: none.

    Empty: the container's own standard output on SageMaker, elsewhere none.
    """
    metrics_period_s: float = Field(default=60, ge=0.1, le=3600)
    """Seconds between these lines."""
    endpoint_name: str = Field(default="", json_schema_extra={"takes": "a name"})
    """The metrics' dimension ``EndpointName``; empty: no dimension. The stack sets it."""
    account_id: str = Field(
        default="",
        pattern="^([0-9]{12})?$",
        json_schema_extra={"takes": "the twelve digits of an AWS account"},
    )
    """The AWS account, as an answer in Amazon Transcribe's form names it; empty: zeros.

    The stack sets it.
    """
    max_sessions: int = Field(default=1000, ge=0, le=100_000)
    """WebSockets that are open at any time; 0: none are taken."""
    session_s: float = Field(default=1740, ge=1, le=86400)
    """Seconds after which a WebSocket's session ends; its client goes on with another one.

    SageMaker itself ends connections at 1800.
    """
    session_idle_s: float = Field(default=600, ge=1, le=86400)
    """Seconds after which a session ends to which nothing came."""
    allowed_origins: _Origins = ()
    """Origins of the web pages that may send requests and open WebSockets, such as
    ``https://a.example``. Empty: none; programs, which have no origin, always may.
    """
    max_engine_failures: int = Field(default=5, ge=1, le=1000)
    """When the engine had to be started again this often within ten minutes, the health check
    fails, so that SageMaker replaces the container.
    """

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "EndpointSettings":
        """Read every setting; a variable that is missing or blank keeps its default.

        Parameters
        ----------
        environment : mapping of str to str
            Usually ``os.environ``.

        Raises
        ------
        InvalidSetting
            Naming the variable, its value and what it takes.
        """
        given = {name: environment.get(variable(name), "").strip() for name in cls.model_fields}
        try:
            return cls.model_validate({name: text for name, text in given.items() if text})
        except ValidationError as error:
            name = str(error.errors()[0]["loc"][0])
            remedy = takes(cls.model_json_schema()["properties"][name])
            raise InvalidSetting(f"{variable(name)} is {given[name]!r}: use {remedy}.") from None
