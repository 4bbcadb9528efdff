# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Targets for the benchmark's rows."""

import gc
import json
import timeit
from collections.abc import Callable, Iterable, Iterator

from benchmarks.bench import clips
from benchmarks.bench.rows import BenchRow, cpu_ratio, ratio
from benchmarks.lca_client.client import request_body, wav_file
from benchmarks.references import sample_calls
from benchmarks.reporting import target
from whisper_contract.transcription_pb2 import AUDIO_ENCODING_MULAW, Parameters, TranscribeRequest
from whisper_endpoint import parsing

RATIOS = (
    ("engine", "lock", ("tiny-shape", "equal", 16), 1.15),
    ("engine", "lock", ("demo", "live", 16), 4.0),
    ("engine", "lock", ("base", "partials", 16), 4.0),
    ("engine", "lock", ("base", "finals", 16), 3.0),
    ("http", "engine", ("tiny-shape", "equal", 16), 0.8),
)
PARSE_RATIO = 2.5
SIZE_SHARE = 0.08

_PARSES = 20


def lines(rows: Iterable[BenchRow]) -> Iterator[str]:
    """Yield a line for each target that the rows cover."""
    rows = list(rows)
    for over, under, load, wanted in RATIOS:
        found = ratio(rows, over, under, load)
        if found is not None:
            model, policy, callers = load
            name = f"{over}/{under}, {model} {policy}, {callers} callers"
            by_cpu = cpu_ratio(rows, over, under, load)
            shown = f"{found:.2f}" + (f", by CPU time {by_cpu:.2f}" if by_cpu else "")
            yield target(name, shown, f"at least {wanted:g}", found >= wanted)
    counts = {row.tokens for row in rows if (row.model, row.policy) == ("tiny-shape", "equal")}
    if counts:
        shown = " and ".join(f"{count:g}" for count in sorted(counts))
        yield target("tokens a request, tiny-shape equal", shown, "one number", len(counts) == 1)


def parse_line() -> str:
    """Measure how much faster the endpoint parses a request than ``json`` parses its bytes.

    The endpoint's time includes validation against the contract.
    """
    body = clips.utterances("equal", {})[0][0].body(0)
    slow = _fastest(lambda: bytes(json.loads(body)["audio_input"]))
    fast = _fastest(lambda: parsing.parse(body, "application/json"))
    found = slow / fast
    name = f"byte array of {len(body) / 1e6:.1f} MB, json/endpoint"
    return target(name, f"{found:.2f}", f"at least {PARSE_RATIO:g}", found >= PARSE_RATIO)


def size_line() -> str:
    """Compare the size of the sample calls as protobuf with LCA's JSON."""
    arrays = messages = 0
    for call, reference in sample_calls():
        for said in reference.utterances:
            begin, end = (round(second * call.sample_rate) for second in (said.start, said.end))
            samples = call.samples[begin:end, said.channel]
            arrays += len(request_body(wav_file(samples, call.sample_rate)))
            messages += _message(len(samples)).ByteSize()
    share = messages / arrays
    name = "bytes of telephone audio, protobuf/byte array"
    return target(name, f"{share:.1%}", f"at most {SIZE_SHARE:.0%}", share <= SIZE_SHARE)


def _message(samples: int) -> TranscribeRequest:
    return TranscribeRequest(
        audio=bytes(samples),
        encoding=AUDIO_ENCODING_MULAW,
        call_id="0123456789abcdef0123456789abcdef",
        utterance_id="0123456789abcdef0123456789abcdef/17",
        partial=True,
        parameters=Parameters(language="en", beam_size=5),
    )


def _fastest(work: Callable[[], object]) -> float:
    """Return the seconds of the least disturbed run."""
    return min(timeit.repeat(work, setup=gc.enable, number=1, repeat=_PARSES))
