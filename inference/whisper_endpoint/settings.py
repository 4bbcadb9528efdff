# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""What the operator decides, read from the environment once."""

import ipaddress
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from whisper_endpoint.errors import InvalidSetting

_T = TypeVar("_T", int, float)

_COMPUTE_TYPES = frozenset(
    {
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
    }
)
_SELF_TESTS = frozenset({"words", "text"})
_FINAL_WINDOWS = frozenset({"declared", "short", "full"})
_SWITCH = frozenset({"on", "off"})


@dataclass(frozen=True, kw_only=True)
class EndpointSettings:
    """The endpoint's settings, each from the environment variable named beside it.

    Attributes
    ----------
    compute_type : str
        ``WHISPER_COMPUTE_TYPE``. CTranslate2's type of computation; empty: ``float16`` on a GPU,
        and on a CPU the type in which the weights are stored.
    cpu_threads : int
        ``WHISPER_CPU_THREADS``. Threads of the engine on a CPU; 0: one per core.
    engine_workers : int
        ``WHISPER_ENGINE_WORKERS``. Batches that the engine decodes at once, sharing weights and
        ``cpu_threads``: with two, one is encoded while the other's text is generated. 0: one on a
        GPU; on a CPU one or as many as there are threads, by a short measurement at the start.
    max_batch_size : int
        ``WHISPER_MAX_BATCH_SIZE``. Windows decoded together; 0: found by a short measurement at
        the start.
    final_windows : str
        ``WHISPER_FINAL_WINDOWS``. How long a window the encoder gets for finals and files.
        ``declared``: 30 s, or shorter ones if the model declares them (``windows.json``);
        ``short``: 10, 15, 20 or 30 s, whatever the model was trained on, which is up to three
        times faster and less accurate with most models; ``full``: always 30 s. Partials get the
        shortest in any case.
    ingress_replicas : int
        ``WHISPER_INGRESS_REPLICAS``. Processes that decode audio; 0: one per two cores.
    audio_s3_prefixes : tuple of str
        ``WHISPER_AUDIO_S3_PREFIXES``. Comma-separated ``s3://bucket/prefix``; what ``s3_uri``
        requests may read. Empty: nothing.
    max_body_bytes : int
        ``WHISPER_MAX_BODY_BYTES``. Bytes of a request.
    max_source_bytes : int
        ``WHISPER_MAX_SOURCE_BYTES``. Bytes fetched for a request.
    source_timeout_s : float
        ``WHISPER_SOURCE_TIMEOUT_S``. Seconds that fetching may take.
    url_sources : str
        ``WHISPER_URL_SOURCES``. ``on``: ``url`` requests are fetched from public addresses;
        ``off``: they are refused.
    url_private_networks : tuple of str
        ``WHISPER_URL_PRIVATE_NETWORKS``. Comma-separated networks, such as ``10.1.0.0/16``, that
        ``url`` requests may be fetched from although they are not public. Empty: none.
    max_audio_s : float
        ``WHISPER_MAX_AUDIO_S``. Seconds of audio, counted while decoding.
    max_channels : int
        ``WHISPER_MAX_CHANNELS``. Channels of audio.
    min_sample_rate, max_sample_rate : int
        ``WHISPER_MIN_SAMPLE_RATE``, ``WHISPER_MAX_SAMPLE_RATE``. Samples per second of audio.
    max_queued_windows : int
        ``WHISPER_MAX_QUEUED_WINDOWS``. Windows that wait in the engine at any time.
    max_fallbacks : int
        ``WHISPER_MAX_FALLBACKS``. Further temperatures tried for a window that a gate refused.
        Two: unbounded fallback made a live result ten times slower without making it better.
    max_requests : int
        ``WHISPER_MAX_REQUESTS``. Requests that one ingress process has in hand at any time.
    deadline_s : float
        ``WHISPER_DEADLINE_S``. Seconds from arrival until a request is answered with 504.
        SageMaker itself gives up at 60.
    start_timeout_s : float
        ``WHISPER_START_TIMEOUT_S``. Seconds that the engine may take to load.
    self_test : str
        ``WHISPER_SELF_TEST``. ``words``: the model has to recognise an English sentence at
        start; ``text``: any text will do (for weights fine-tuned away from English).
    max_beam_size : int
        ``WHISPER_MAX_BEAM_SIZE``. A request that asks for a wider beam gets this one; 0: no limit.
        It changes the text of finals too.
    language_override : str
        ``WHISPER_LANGUAGE_OVERRIDE``. Whisper's code, or ``auto`` to detect it: the language of
        every request, whatever it asks for (Live Call Analytics always asks for English). Empty:
        as asked.
    recognise_partials : str
        ``WHISPER_RECOGNISE_PARTIALS``. ``on``: requests in the form of Live Call Analytics, which
        does not say what is partial, are recognised as partials by how their audio ends;
        ``off``: only what a request says itself counts.
    partial_beam_size : int
        ``WHISPER_PARTIAL_BEAM_SIZE``. Beam of a partial, whatever it asks for; 0: as asked.
    partial_prefix : str
        ``WHISPER_PARTIAL_PREFIX``. ``on``: a partial begins with the words in which the last two
        of its utterance agreed; ``off``: each is decoded from nothing.
    metrics_file : str
        ``WHISPER_METRICS_FILE``. File or pipe that gets CloudWatch's embedded-metric lines;
        ``off``: none. Empty: the container's own standard output on SageMaker, elsewhere none.
    metrics_period_s : float
        ``WHISPER_METRICS_PERIOD_S``. Seconds between them.
    endpoint_name : str
        ``WHISPER_ENDPOINT_NAME``. The metrics' dimension ``EndpointName``; empty: no dimension.
    account_id : str
        ``WHISPER_ACCOUNT_ID``. The AWS account, as an answer in Amazon Transcribe's form names it;
        empty: zeros.
    max_engine_failures : int
        ``WHISPER_MAX_ENGINE_FAILURES``. When the engine had to be started again this often within
        the time below, the health check fails, so that SageMaker replaces the container.
    engine_failure_window_s : float
        ``WHISPER_ENGINE_FAILURE_WINDOW_S``. Seconds for which a failure counts.
    """

    compute_type: str = ""
    cpu_threads: int = 0
    engine_workers: int = 0
    max_batch_size: int = 0
    final_windows: str = "declared"
    ingress_replicas: int = 0
    audio_s3_prefixes: tuple[str, ...] = ()
    max_body_bytes: int = 25 * 1024 * 1024
    max_source_bytes: int = 256 * 1024 * 1024
    source_timeout_s: float = 20.0
    url_sources: str = "on"
    url_private_networks: tuple[str, ...] = ()
    max_audio_s: float = 3600.0
    max_channels: int = 8
    min_sample_rate: int = 4_000
    max_sample_rate: int = 192_000
    max_queued_windows: int = 512
    max_fallbacks: int = 2
    max_requests: int = 128
    deadline_s: float = 55.0
    start_timeout_s: float = 3600.0
    self_test: str = "words"
    max_beam_size: int = 0
    language_override: str = ""
    recognise_partials: str = "on"
    partial_beam_size: int = 1
    partial_prefix: str = "on"
    metrics_file: str = ""
    metrics_period_s: float = 60.0
    endpoint_name: str = ""
    account_id: str = ""
    max_engine_failures: int = 5
    engine_failure_window_s: float = 600.0

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
        reader = _Reader(environment)
        return cls(
            compute_type=reader.choice("WHISPER_COMPUTE_TYPE", _COMPUTE_TYPES, cls.compute_type),
            cpu_threads=reader.integer("WHISPER_CPU_THREADS", 0, 1024, cls.cpu_threads),
            engine_workers=reader.integer("WHISPER_ENGINE_WORKERS", 0, 16, cls.engine_workers),
            max_batch_size=reader.integer("WHISPER_MAX_BATCH_SIZE", 0, 256, cls.max_batch_size),
            final_windows=reader.choice("WHISPER_FINAL_WINDOWS", _FINAL_WINDOWS, cls.final_windows),
            ingress_replicas=reader.integer(
                "WHISPER_INGRESS_REPLICAS", 0, 256, cls.ingress_replicas
            ),
            audio_s3_prefixes=reader.s3_prefixes("WHISPER_AUDIO_S3_PREFIXES"),
            max_body_bytes=reader.integer(
                "WHISPER_MAX_BODY_BYTES", 1024, 2**31, cls.max_body_bytes
            ),
            max_source_bytes=reader.integer(
                "WHISPER_MAX_SOURCE_BYTES", 1024, 2**33, cls.max_source_bytes
            ),
            source_timeout_s=reader.number(
                "WHISPER_SOURCE_TIMEOUT_S", 1, 3600, cls.source_timeout_s
            ),
            url_sources=reader.choice("WHISPER_URL_SOURCES", _SWITCH, cls.url_sources),
            url_private_networks=reader.networks("WHISPER_URL_PRIVATE_NETWORKS"),
            max_audio_s=reader.number("WHISPER_MAX_AUDIO_S", 1, 86400, cls.max_audio_s),
            max_channels=reader.integer("WHISPER_MAX_CHANNELS", 1, 64, cls.max_channels),
            min_sample_rate=reader.integer(
                "WHISPER_MIN_SAMPLE_RATE", 1_000, 16_000, cls.min_sample_rate
            ),
            max_sample_rate=reader.integer(
                "WHISPER_MAX_SAMPLE_RATE", 16_000, 768_000, cls.max_sample_rate
            ),
            max_queued_windows=reader.integer(
                "WHISPER_MAX_QUEUED_WINDOWS", 1, 100_000, cls.max_queued_windows
            ),
            max_fallbacks=reader.integer("WHISPER_MAX_FALLBACKS", 0, 5, cls.max_fallbacks),
            max_requests=reader.integer("WHISPER_MAX_REQUESTS", 1, 10_000, cls.max_requests),
            deadline_s=reader.number("WHISPER_DEADLINE_S", 1, 3600, cls.deadline_s),
            start_timeout_s=reader.number("WHISPER_START_TIMEOUT_S", 1, 86400, cls.start_timeout_s),
            self_test=reader.choice("WHISPER_SELF_TEST", _SELF_TESTS, cls.self_test),
            max_beam_size=reader.integer("WHISPER_MAX_BEAM_SIZE", 0, 10, cls.max_beam_size),
            language_override=reader.language("WHISPER_LANGUAGE_OVERRIDE"),
            recognise_partials=reader.choice(
                "WHISPER_RECOGNISE_PARTIALS", _SWITCH, cls.recognise_partials
            ),
            partial_beam_size=reader.integer(
                "WHISPER_PARTIAL_BEAM_SIZE", 0, 10, cls.partial_beam_size
            ),
            partial_prefix=reader.choice("WHISPER_PARTIAL_PREFIX", _SWITCH, cls.partial_prefix),
            metrics_file=reader.text("WHISPER_METRICS_FILE"),
            metrics_period_s=reader.number(
                "WHISPER_METRICS_PERIOD_S", 0.1, 3600, cls.metrics_period_s
            ),
            endpoint_name=reader.text("WHISPER_ENDPOINT_NAME"),
            account_id=reader.account("WHISPER_ACCOUNT_ID"),
            max_engine_failures=reader.integer(
                "WHISPER_MAX_ENGINE_FAILURES", 1, 1000, cls.max_engine_failures
            ),
            engine_failure_window_s=reader.number(
                "WHISPER_ENGINE_FAILURE_WINDOW_S", 1, 86400, cls.engine_failure_window_s
            ),
        )


class _Reader:
    """Typed look-ups that refuse in words."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment

    def integer(self, name: str, low: int, high: int, default: int) -> int:
        return self._ranged(name, int, "a whole number", (low, high), default)

    def number(self, name: str, low: float, high: float, default: float) -> float:
        return self._ranged(name, float, "a number", (low, high), default)

    def choice(self, name: str, allowed: frozenset[str], default: str) -> str:
        text = self._environment.get(name, "").strip()
        if not text:
            return default
        if text not in allowed:
            raise InvalidSetting(f"{name} is {text!r}: use one of {', '.join(sorted(allowed))}.")
        return text

    def text(self, name: str) -> str:
        return self._environment.get(name, "").strip()

    def language(self, name: str) -> str:
        text = self.text(name)
        if text and text != "auto" and not re.fullmatch("[a-z]{2,3}", text):
            raise InvalidSetting(f"{name} is {text!r}: use auto, or Whisper's code such as en.")
        return text

    def account(self, name: str) -> str:
        text = self.text(name)
        if text and not re.fullmatch("[0-9]{12}", text):
            raise InvalidSetting(f"{name} is {text!r}: use the twelve digits of an AWS account.")
        return text

    def s3_prefixes(self, name: str) -> tuple[str, ...]:
        parts = (part.strip() for part in self._environment.get(name, "").split(","))
        return tuple(_s3_prefix(name, part) for part in parts if part)

    def networks(self, name: str) -> tuple[str, ...]:
        parts = (part.strip() for part in self._environment.get(name, "").split(","))
        return tuple(_network(name, part) for part in parts if part)

    def _ranged(
        self,
        name: str,
        convert: Callable[[str], _T],
        kind: str,
        bounds: tuple[_T, _T],
        default: _T,
    ) -> _T:
        text = self._environment.get(name, "").strip()
        if not text:
            return default
        refusal = InvalidSetting(
            f"{name} is {text!r}: use {kind} from {bounds[0]:,} to {bounds[1]:,}."
        )
        try:
            value = convert(text)
        except ValueError:
            raise refusal from None
        if not bounds[0] <= value <= bounds[1]:
            raise refusal
        return value


def _network(name: str, text: str) -> str:
    try:
        return str(ipaddress.ip_network(text))
    except ValueError:
        raise InvalidSetting(
            f"{name} has {text!r}: use comma-separated networks such as 10.1.0.0/16."
        ) from None


def _s3_prefix(name: str, text: str) -> str:
    """Put the slash after the bucket: ``s3://calls`` must not allow ``s3://calls-2/...``."""
    bucket, _, key = text.removeprefix("s3://").partition("/")
    if not text.startswith("s3://") or not bucket:
        raise InvalidSetting(
            f"{name} has {text!r}: use comma-separated prefixes such as s3://bucket/calls/."
        )
    return f"s3://{bucket}/{key}"
