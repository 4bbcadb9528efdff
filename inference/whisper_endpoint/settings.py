# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""The operator's settings, read from the environment once.

The fields below and the docstring under each are the only definition of the settings:
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
    """Describe the allowed values of a setting, from its part of the JSON schema."""
    if "takes" in schema:
        return str(schema["takes"])
    if "enum" in schema:
        return f"one of {', '.join(sorted(filter(None, schema['enum'])))}"
    kind = "a whole number" if schema["type"] == "integer" else "a number"
    return f"{kind} from {schema['minimum']:,} to {schema['maximum']:,}"


def _split(separator: str) -> BeforeValidator:
    """Split a text where the regular expression matches."""

    def parts(value: object) -> object:
        if not isinstance(value, str):
            return value
        return [part.strip() for part in re.split(separator, value) if part.strip()]

    return BeforeValidator(parts)


def _text(part: str, separator: str, takes: str, **more: str) -> WithJsonSchema:
    """Describe a list by its text form in the environment."""
    pattern = f"^{part}({separator}{part})*$"
    return WithJsonSchema({"type": "string", "pattern": pattern, "takes": takes, **more})


def _s3_prefix(text: str) -> str:
    """Add the slash after the bucket: ``s3://calls`` must not allow ``s3://calls-2/...``."""
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
        "networks such as 10.1.0.0/16, separated by spaces",
        format="ip-networks",
    ),
]

_Origins = Annotated[
    tuple[Annotated[str, Field(pattern=r"^https?://[^\s/,]+$")], ...],
    _split(r"[,\s]"),
    _text(r"https?://[^\s/,]+", "[, ]+", "origins such as https://a.example, separated by spaces"),
]
_Languages = Annotated[
    tuple[Annotated[str, Field(pattern="^[a-z]{2,3}$")], ...],
    _split(r"[,\s]"),
    _text("[a-z]{2,3}", "[, ]+", "Whisper language codes such as en es, separated by spaces"),
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
    """Compute type of CTranslate2.

    Empty: ``float16`` on a GPU and ``int8`` on a CPU; if the device does not support it, the type
    the weights are stored in, or the closest supported one.
    """
    encoder: Literal["auto", "ctranslate2", "openvino"] = "auto"
    """Library that runs the encoder; CTranslate2 always runs the decoder.

    ``auto``: OpenVINO in bfloat16 on a CPU that supports bfloat16 (AVX512-BF16 or AMX), if it is
    installed and at least 20 % faster in a short measurement at startup; otherwise CTranslate2.
    CTranslate2 always encodes if ``compute_type`` is ``float32`` or the weights are below 32 MiB.
    Our CPU image includes OpenVINO.
    """
    cpu_threads: int = Field(default=0, ge=0, le=1024)
    """CPU threads of the engine. 0: one per core."""
    engine_workers: int = Field(default=0, ge=0, le=16)
    """Batches that the engine decodes at the same time; they share the weights and
    ``cpu_threads``. With two, one batch is encoded while text is generated for the other. 0: one on
    a GPU; on a CPU either one or one per thread (at most 16), chosen by a short measurement at
    startup, and always one if the weights exceed 256 MiB.
    """
    max_batch_size: int = Field(default=0, ge=0, le=256)
    """Most windows in one batch. 0: chosen by a short measurement at startup; on a CPU, batches of
    file windows are also limited to 60 s of audio, because more use memory and save no time.
    """
    final_windows: Literal["auto", "declared", "short", "full"] = "auto"
    """Length of the encoder's windows for finals and files.

    ``auto``: ``short`` on a CPU for requests with speech detection, otherwise ``declared``;
    ``declared``: 30 s, or the shorter lengths that the model declares in ``windows.json``;
    ``short``: 10, 15, 20 or 30 s, whatever the model was trained on. This is up to three times
    faster and cost Whisper base no accuracy; larger models have not been measured. ``full``: always
    30 s. Partials always use the shortest window that fits.
    """
    ingress_replicas: int = Field(default=0, ge=0, le=256)
    """Processes that receive requests and decode audio. 0: one per two cores."""
    audio_s3_prefixes: _S3Prefixes = ()
    """S3 prefixes that requests may read from with ``s3_uri``. Empty: such requests are refused
    with 403.
    """
    progress_s3_prefix: _S3Prefix = ""
    """S3 prefix that a request's ``progress_s3_uri`` must begin with. Empty: requests with
    ``progress_s3_uri`` are refused with 403.
    """
    max_body_bytes: int = Field(default=25 * 1024 * 1024, ge=1024, le=2**31)
    """Maximum size of a request's body, in bytes; a larger one is refused with 413."""
    body_timeout_s: float = Field(default=30, ge=1, le=3600)
    """Seconds in which a request's body has to arrive; after that the request is refused with 408.
    """
    max_source_bytes: int = Field(default=256 * 1024 * 1024, ge=1024, le=2**33)
    """Maximum size of the file that ``s3_uri`` or ``url`` names, in bytes; a larger one is refused
    with 413.
    """
    source_timeout_s: float = Field(default=20, ge=1, le=3600)
    """Seconds in which a file named by ``s3_uri`` or ``url`` has to be fetched; after that the
    request fails with 424. For ``s3_uri``, the time spent decoding between reads does not count.
    """
    url_sources: _Switch = "off"
    """``on``: the endpoint fetches the ``url`` of a request from any public address; ``off``:
    requests with ``url`` are refused with 403.

    With ``on``, every caller can make the endpoint send HTTPS requests to the internet.
    """
    url_private_networks: _Networks = ()
    """Private networks, such as ``10.1.0.0/16``, that a ``url`` may point to in addition to public
    addresses. Empty: none.
    """
    max_disk_bytes: int = Field(default=8 * 1024**3, ge=2**20, le=2**43)
    """Most bytes that each ingress process may use in the temporary folder (``TMPDIR``) at one
    time; requests that need more are refused with 503. Audio longer than a minute uses 115 MB per
    hour for each channel or track; files fetched from a ``url`` are stored there too.
    """
    max_audio_s: float = Field(default=3600, ge=1, le=86400)
    """Maximum length of the audio, in seconds, checked during decoding; longer audio is refused
    with 413.
    """
    max_channels: int = Field(default=8, ge=1, le=64)
    """Maximum number of audio channels; more are refused with 413."""
    max_queued_windows: int = Field(default=512, ge=1, le=100_000)
    """Most windows that wait in the engine's queue; further requests are refused with 503. Files
    may use three quarters of it. The queue is also limited to 224 MiB, which is about 240 windows
    of 30 s (150 for a model with 128 Mel bins).
    """
    max_fallbacks: int = Field(default=2, ge=0, le=5)
    """Most retries at higher temperatures for a window whose text a quality gate rejected.

    Without a limit, fallback made a live result ten times slower and no more accurate.
    """
    max_requests: int = Field(default=128, ge=1, le=10_000)
    """Most requests in progress in each ingress process; further ones are refused with 503."""
    deadline_s: float = Field(default=55, ge=1, le=3600)
    """Seconds after arrival at which an unfinished request is answered with 504.

    SageMaker's own timeout is 60 s.
    """
    start_timeout_s: float = Field(default=3600, ge=1, le=86400)
    """Seconds in which the engine has to load; after that the endpoint fails to start."""
    self_test: Literal["words", "text"] = "words"
    """Self-test at startup on an English sentence. ``words``: the model has to recognise at least a
    third of its words; ``text``: any text passes, for weights that were fine-tuned for another
    language. If ``language_override`` is another language, or the model has no English, any text
    passes in both modes.
    """
    max_beam_size: int = Field(default=0, ge=0, le=10)
    """Maximum beam size; requests that ask for more use this one. 0: no limit.

    It also changes the text of finals.
    """
    language_override: str = Field(
        default="",
        pattern="^([a-z]{2,3}|auto)?$",
        json_schema_extra={"takes": "auto, or a Whisper language code such as en"},
    )
    """Language of every request, whatever the request asks for: a Whisper language code, or
    ``auto`` to detect it. Live Call Analytics always asks for English. Empty: the request's own.
    """
    languages: _Languages = ()
    """Languages to choose from when the language is detected, as Whisper language codes, the most
    common one first, such as ``en es``. A request can replace them with ``languages``. Empty: every
    language of the model.
    """
    terms: _Terms = ()
    """Names and other words to expect in calls, spelled as they should appear in transcripts, the
    most important first, such as ``Nguyen, Kowalczyk, Acme Direct``. They are added after a
    request's own ``terms``; the model has room for 223 tokens in all (see ``terms`` in
    requests.md). Empty: none.
    """
    redaction: _Switch = "off"
    """Redaction of card, account, social security and telephone numbers, of anything spelled out
    digit by digit, and of e-mail addresses. ``on``: in every answer, whatever the request says;
    ``off``: only for requests that ask for it (``redaction`` in requests.md).
    """
    recognise_partials: _Switch = "on"
    """Detection of partials in requests from Live Call Analytics, which does not mark them.
    ``on``: a request whose audio does not end in silence is treated as a partial; ``off``: only
    requests that say so are partials.
    """
    partial_beam_size: int = Field(default=1, ge=0, le=10)
    """Beam size of partials, whatever the request asks for. 0: the request's own."""
    partial_prefix: _Switch = "on"
    """``on``: a partial starts from the words on which the last two partials of its utterance
    agreed; ``off``: every partial is decoded from the beginning.
    """
    metrics_file: str = Field(default="", json_schema_extra={"takes": "a path, or off"})
    """File or pipe that metrics are written to, in CloudWatch's embedded metric format; ``off``:
    no metrics.

    Empty: the container's standard output on SageMaker, no metrics elsewhere.
    """
    metrics_period_s: float = Field(default=60, ge=0.1, le=3600)
    """Seconds between two writes of the metrics."""
    endpoint_name: str = Field(default="", json_schema_extra={"takes": "a name"})
    """Value of the metrics' dimension ``EndpointName``. Empty: no such dimension. The stack sets
    it.
    """
    account_id: str = Field(
        default="",
        pattern="^([0-9]{12})?$",
        json_schema_extra={"takes": "a 12-digit AWS account ID"},
    )
    """AWS account ID in answers in Amazon Transcribe's format. Empty: zeros. The stack sets it."""
    max_sessions: int = Field(default=1000, ge=0, le=100_000)
    """Most WebSocket sessions open at one time; further ones are refused with 503. 0: all are
    refused.
    """
    session_s: float = Field(default=1740, ge=1, le=86400)
    """Maximum length of a WebSocket session, in seconds; after that the client has to open another.

    SageMaker itself closes connections after 1,800 s.
    """
    session_idle_s: float = Field(default=600, ge=1, le=86400)
    """Seconds without a message after which a WebSocket session ends."""
    allowed_origins: _Origins = ()
    """Origins whose web pages may send requests and open WebSockets, such as
    ``https://a.example``; others are refused with 403. Empty: no web page may. Clients that are not
    browsers send no ``Origin`` header and are always accepted.
    """
    max_engine_failures: int = Field(default=5, ge=1, le=1000)
    """Engine restarts within ten minutes at which the health check fails, so that SageMaker
    replaces the container.
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
            Naming the variable, its value and the allowed values.
        """
        given = {name: environment.get(variable(name), "").strip() for name in cls.model_fields}
        try:
            return cls.model_validate({name: text for name, text in given.items() if text})
        except ValidationError as error:
            name = str(error.errors()[0]["loc"][0])
            remedy = takes(cls.model_json_schema()["properties"][name])
            raise InvalidSetting(f"{variable(name)} is {given[name]!r}: use {remedy}.") from None
