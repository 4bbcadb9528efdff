# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Faults in how audio is fetched, opened, decoded and cut into windows."""

from tests.mutants.mutation import Mutation

_AT = "inference/whisper_endpoint/audio"
_TESTS = "tests/unit/endpoint/audio"
_WEB = (f"{_TESTS}/test_web_source.py",)
_SOURCES = (f"{_TESTS}/test_sources.py",)
_BOUNDS = (f"{_TESTS}/test_bounds.py",)
_CONTAINERS = (f"{_TESTS}/test_containers.py", f"{_TESTS}/test_decode.py")
_DECODE = (f"{_TESTS}/test_decode.py", f"{_TESTS}/test_timeline.py", f"{_TESTS}/test_odd_audio.py")

MUTATIONS = (
    Mutation(
        "certificates are not verified",
        f"{_AT}/sources/web.py",
        "self._context = ssl.create_default_context()",
        "self._context = ssl._create_unverified_context()",
        _WEB,
    ),
    Mutation(
        "a certificate may be another host's",
        f"{_AT}/sources/web.py",
        "server_hostname=self._target.host",
        "server_hostname='localhost'",
        _WEB,
    ),
    Mutation(
        "one public address of a host is enough",
        f"{_AT}/sources/web.py",
        "    for address in addresses:\n",
        "    for address in addresses[:1]:\n",
        _WEB,
    ),
    Mutation(
        "the connection goes to what the name is then",
        f"{_AT}/sources/web.py",
        "(self._target.address, self._target.port)",
        "(self._target.host, self._target.port)",
        _WEB,
    ),
    Mutation(
        "http is as good as https",
        f"{_AT}/sources/web.py",
        'if parts.scheme != "https":',
        'if parts.scheme not in ("https", "http"):',
        _WEB,
    ),
    Mutation(
        "an answer that drips is not hung up on",
        f"{_AT}/sources/web.py",
        "        closing.start()\n",
        "        closing.daemon = True\n",
        _WEB,
    ),
    Mutation(
        "a file that ends early is taken whole",
        f"{_AT}/sources/web.py",
        "    if response.length:\n",
        "    if response.length == -1:\n",
        _WEB,
    ),
    Mutation(
        "addresses are fetched from unless the operator forbids it",
        f"{_AT}/sources/web.py",
        'if settings.url_sources != "on":',
        'if settings.url_sources == "":',
        _WEB,
    ),
    Mutation(
        "ISATAP addresses are public",
        "whisper_contract/addresses.py",
        "if address.version == 6 and (int(address)",
        "if address.version == 5 and (int(address)",
        _WEB,
    ),
    Mutation(
        "a prefix may stand anywhere in s3_uri",
        f"{_AT}/sources/s3.py",
        "not uri.startswith(prefixes)",
        "not any(one in uri for one in prefixes)",
        _SOURCES,
    ),
    Mutation(
        "dots in a key are no steps up",
        f"{_AT}/sources/s3.py",
        'dotted = {".", ".."} & set',
        'dotted = {"."} & set',
        _SOURCES,
    ),
    Mutation(
        "a prefix without a slash reaches into other buckets",
        "inference/whisper_endpoint/settings.py",
        'return f"s3://{bucket}/{key}"',
        "return text",
        ("tests/unit/endpoint/test_settings.py",),
    ),
    Mutation(
        "decoders of pictures are opened",
        f"{_AT}/containers.py",
        'if codec.type == "audio":',
        'if codec.type in ("audio", "video"):',
        _BOUNDS,
    ),
    Mutation(
        "a file that needs no decoder may be of any length",
        f"{_AT}/timeline.py",
        "if position + samples > self.room:",
        "if position + samples > 10 * self.room:",
        _DECODE,
    ),
    Mutation(
        "every channel of a track may be as long as the recording",
        f"{_AT}/timeline.py",
        "return int(seconds * SAMPLE_RATE) // lines",
        "return int(seconds * SAMPLE_RATE)",
        _DECODE,
    ),
    Mutation(
        "a hole in a clock is closed",
        f"{_AT}/tracks.py",
        "        if follows and off > 0:\n",
        "        if follows and off > 1e9:\n",
        _DECODE,
    ),
    Mutation(
        "input shorter than the resampler's filter is lost",
        f"{_AT}/tracks.py",
        "while 0 < self._given < enough:",
        "while 0 < self._given < 0:",
        (f"{_TESTS}/test_odd_audio.py",),
    ),
    Mutation(
        "speech is looked for at one level alone",
        f"{_AT}/speech/hearing.py",
        "silero.blocks_of(self.samples, gains, span)",
        "silero.blocks_of(self.samples, (1.0,), span)",
        (f"{_TESTS}/test_vad.py",),
    ),
    Mutation(
        "what became quieter is not heard again",
        f"{_AT}/speech/hearing.py",
        "        if loudness.is_idle(self._levels_in(span)):\n",
        "        if span:\n",
        (f"{_TESTS}/test_vad.py",),
    ),
    Mutation(
        "a span is heard only after what precedes it",
        f"{_AT}/vad.py",
        "    if lead:\n",
        "    if lead < 0:\n",
        (f"{_TESTS}/test_vad.py",),
    ),
    Mutation(
        "hum is left in what the detector hears",
        f"{_AT}/speech/hum.py",
        "_MOST_LOW = 0.2",
        "_MOST_LOW = 1.1",
        (f"{_TESTS}/test_vad.py",),
    ),
    Mutation(
        "a buzz is left in what the detector hears",
        f"{_AT}/speech/hum.py",
        "_MOST_BUZZ = 0.2",
        "_MOST_BUZZ = 1.1",
        (f"{_TESTS}/test_vad.py",),
    ),
    Mutation(
        "a long stretch is cut at its loudest place",
        f"{_AT}/vad.py",
        "int(energy.argmin())",
        "int(energy.argmax())",
        (f"{_TESTS}/test_vad.py", f"{_TESTS}/test_windows.py"),
    ),
    Mutation(
        "windows may be longer than 30 s",
        f"{_AT}/windows.py",
        "            if rest.end - rest.start <= left:\n",
        "            if rest.end - rest.start <= 2 * left:\n",
        (f"{_TESTS}/test_windows.py",),
    ),
    Mutation(
        "a container may have files opened",
        f"{_AT}/containers.py",
        '"protocol_whitelist": "none"',
        '"protocol_whitelist": "file,http,https,tcp,concat,data"',
        _CONTAINERS,
    ),
    Mutation(
        "reading a file has no deadline",
        f"{_AT}/containers.py",
        'at the end."""\n        self._limits.check()\n',
        'at the end."""\n',
        _CONTAINERS,
    ),
    Mutation(
        "raw samples have no deadline",
        f"{_AT}/decode.py",
        "is_mixed=timeline.is_mixed):\n        limits.check()\n",
        "is_mixed=timeline.is_mixed):\n",
        _CONTAINERS,
    ),
)
