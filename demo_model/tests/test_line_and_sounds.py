# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
from __future__ import annotations

import io

import av
import numpy as np
import pytest

from demo_model.tts import line
from demo_model.tts.sounds import SOUNDS

RATE = 16_000


def tone(seconds: float, frequency: float = 440, rate: int = RATE, level: float = 0.3):
    time = np.arange(round(seconds * rate)) / rate
    return (level * np.sin(2 * np.pi * frequency * time)).astype(np.float32)


def decoded_by_ffmpeg(signal, codec: str):
    """Encode and decode with FFmpeg's G.711, which uses the standard's tables."""
    file = io.BytesIO()
    with av.open(file, "w", format="wav") as out:
        stream = out.add_stream(codec, rate=8_000)
        stream.layout = "mono"
        pcm = np.rint(signal * 32767).astype(np.int16)[None]
        frame = av.AudioFrame.from_ndarray(pcm, format="s16", layout="mono")
        frame.sample_rate = 8_000
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            out.mux(packet)
    file.seek(0)
    with av.open(file) as read:
        frames = [frame.to_ndarray() for frame in read.decode(audio=0)]
    return np.concatenate(frames, axis=1)[0].astype(np.float32) / 32768


@pytest.mark.parametrize(("law", "codec"), [("mu", "pcm_mulaw"), ("a", "pcm_alaw")])
def test_companding_is_as_coarse_as_g711(law, codec):
    signal = tone(0.5, rate=8_000) * np.linspace(0.01, 2.5, 4_000, dtype=np.float32)
    ours, theirs = line.companded(signal, law), decoded_by_ffmpeg(signal, codec)
    noise, reference = (np.mean((x - signal) ** 2) for x in (ours, theirs))
    assert noise == pytest.approx(reference, rel=0.5)


@pytest.mark.parametrize("law", ["mu", "a"])
def test_companding_twice_is_companding_once(law):
    once = line.companded(tone(0.2, rate=8_000), law)
    assert line.companded(once, law) == pytest.approx(once, abs=1e-6)


def test_the_line_halves_the_rate_and_the_band():
    low, high = tone(1, 1_000), tone(1, 6_000)
    assert len(line.to_line(low)) == 8_000
    assert np.std(line.from_line(line.to_line(low))) == pytest.approx(np.std(low), rel=0.05)
    assert np.std(line.to_line(high)) < 0.02 * np.std(high)


def test_doubling_repeats_every_sample():
    assert line.doubled(np.array([1, 2], np.float32)).tolist() == [1, 1, 2, 2]


def test_levels_are_met_unless_the_peak_forbids():
    loud = line.at_level(tone(1), -20)
    assert 20 * np.log10(np.sqrt(np.mean(loud**2))) == pytest.approx(-20, abs=0.01)
    assert np.abs(line.at_level(tone(1), 20)).max() == pytest.approx(0.95, abs=1e-4)
    assert not line.at_level(np.zeros(100, np.float32), -20).any()


@pytest.mark.parametrize("kind", sorted(SOUNDS))
@pytest.mark.parametrize("length", [1_600, RATE, 5 * RATE + 7])
def test_sounds_have_their_length_and_stay_in_range(kind, length):
    for seed in range(5):
        sound = SOUNDS[kind](length, RATE, np.random.default_rng(seed))
        assert sound.shape == (length,)
        assert sound.dtype == np.float32
        assert np.isfinite(sound).all()
        assert np.abs(sound).max() <= 1


def test_sounds_are_what_they_are_called():
    def energy(kind, seed=3):
        sound = SOUNDS[kind](4 * RATE, RATE, np.random.default_rng(seed))
        return 10 * np.log10(max(1e-12, float(np.mean(sound**2))))

    assert energy("silence") < -70
    assert -40 < energy("music") < -10
    hum = np.abs(np.fft.rfft(SOUNDS["hum"](RATE, RATE, np.random.default_rng(1))))
    assert int(hum.argmax()) % 50 == 0 or int(hum.argmax()) % 60 == 0


def test_the_same_seed_plays_the_same_tune():
    play = SOUNDS["music"]
    first, again, other = (play(RATE, RATE, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
