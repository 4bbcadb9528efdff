# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
from collections.abc import Callable, Sequence

import numpy as np
import pytest

from tests.unit.endpoint.helpers import clip_samples, silence
from whisper_endpoint.audio.decode import Audio
from whisper_endpoint.audio.features import Features
from whisper_endpoint.audio.speech import silero
from whisper_endpoint.audio.speech.hum import WithoutBuzz, without_hum
from whisper_endpoint.audio.vad import find_speech, speech_within, trailing_silence
from whisper_endpoint.ingress.preparation import record
from whisper_endpoint.messages import Parameters, Span, VadParameters


def floats(*parts: np.ndarray) -> np.ndarray:
    return (np.concatenate(parts) / 32768).astype(np.float32)


def test_speech_is_found_where_it_is() -> None:
    clip = clip_samples()
    samples = floats(silence(4), clip, silence(5), clip, silence(3))
    first, second = find_speech(samples)
    assert abs(first.start / 16_000 - 4) < 0.6
    assert abs(second.start / 16_000 - (9 + len(clip) / 16_000)) < 0.6
    assert first.end < second.start
    assert second.end < len(samples)


def test_no_speech_in_silence_noise_and_tone() -> None:
    noise = np.random.default_rng(3).normal(0, 0.01, 48_000).astype(np.float32)
    tone = (0.2 * np.sin(np.arange(48_000) * 2 * np.pi * 425 / 16_000)).astype(np.float32)
    for samples in (floats(silence(3)), noise, tone, np.empty(0, np.float32)):
        assert find_speech(samples) == []


def test_a_click_is_no_speech_and_a_short_word_is() -> None:
    clip = clip_samples()
    for start, seconds, is_speech in ((8_000, 0.15, False), (8_000, 0.8, True)):
        part = clip[start : start + round(seconds * 16_000)]
        found = find_speech(floats(silence(3), part, silence(3)))
        assert bool(found) == is_speech


def test_the_pause_that_ends_a_stretch_can_be_set() -> None:
    samples = floats(clip_samples(), silence(1.2), clip_samples())
    assert len(find_speech(samples)) == 1
    assert len(find_speech(samples, 0.6)) == 2


def test_speech_within_a_span_leaves_out_its_margins_and_short_pauses() -> None:
    clip = clip_samples()
    samples = floats(silence(5), clip, silence(0.7), clip, silence(5))
    (span,) = find_speech(samples)
    found = speech_within(samples, span, VadParameters())
    edges = [time / 16_000 for one in found for time in one]
    pause = 5 + len(clip) / 16_000
    assert edges == sorted(edges)
    assert span.start / 16_000 + 0.3 < edges[0] == pytest.approx(5, abs=0.3)
    assert edges[-1] < span.end / 16_000 - 0.3
    assert not any(one.start / 16_000 < pause + 0.35 < one.end / 16_000 for one in found)
    assert speech_within(samples, Span(0, 16_000), VadParameters()) == []
    assert speech_within(samples, Span(0, 100), VadParameters()) == []


def loud(sound: str, seconds: float) -> np.ndarray:
    time = np.arange(round(seconds * 16_000)) / 16_000
    tone, other = (0.2 * np.sin(2 * np.pi * hertz * time) for hertz in (425, 480))
    noise = np.random.default_rng(1).normal(0, 0.1, len(time))
    made = {"tone": tone, "two tones": tone + other, "noise": noise}[sound]
    return np.asarray(made, np.float32)


@pytest.mark.parametrize("sound", ["tone", "two tones", "noise"])
@pytest.mark.parametrize("dbfs", [-30, -40, -50])
def test_a_quiet_voice_after_something_loud_is_found_in_a_file(sound: str, dbfs: float) -> None:
    line = np.random.default_rng(2).normal(0, 1e-4, 4 * 16_000).astype(np.float32)
    clip = floats(clip_samples())
    quiet = clip / np.abs(clip).max() * np.float32(10 ** (dbfs / 20))
    before = np.concatenate([loud(sound, 8), line[:8_000]])
    samples = np.concatenate([before, quiet, line] * 3)
    found = find_speech(samples, 0.6)
    starts = [number * (len(samples) // 3) + len(before) for number in range(3)]
    assert [one.start for one in found] == pytest.approx(starts, abs=9_600)
    assert [one.end for one in found] == pytest.approx(
        [at + len(clip) for at in starts], abs=13_000
    )


@pytest.mark.parametrize("sound", ["tone", "two tones", "noise"])
def test_what_becomes_quieter_is_not_heard_as_speech(sound: str) -> None:
    one = loud(sound, 8)
    assert find_speech(np.concatenate([one, one / 5, one, one / 30, silence(8) / 32768])) == []


def test_a_file_is_heard_again_only_where_it_became_quieter(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    spans: list[Span | None] = []
    blocks_of = silero.blocks_of

    def noted(samples: np.ndarray, gains: Sequence[float], span: Span | None = None) -> object:
        spans.append(span)
        return blocks_of(samples, gains, span)

    monkeypatch.setattr(silero, "blocks_of", noted)
    noise = loud("noise", 20)
    find_speech(noise)
    find_speech(np.concatenate([noise, np.zeros(16_000, np.float32)]))
    assert set(spans) == {Span(0, len(noise)), Span(0, len(noise) + 16_000)}
    find_speech(np.concatenate([noise, noise / 30]))
    (again,) = set(spans[-1:])
    assert again is not None
    assert again.start == pytest.approx(len(noise), abs=512)
    assert again.end == 2 * len(noise)


@pytest.mark.parametrize("sound", ["tone", "two tones", "noise"])
def test_a_quiet_voice_after_five_seconds_of_something_loud_is_heard_at_once(sound: str) -> None:
    before = loud(sound, 6)
    quiet = (floats(silence(0.1), clip_samples(), silence(1)) / 30).astype(np.float32)
    samples = np.concatenate([before, quiet]).astype(np.float32)
    found = speech_within(samples, Span(len(before), len(samples)), VadParameters())
    expected = speech_within(quiet, Span(0, len(quiet)), VadParameters())
    assert expected
    edges = [edge - len(before) for one in found for edge in one]
    assert edges == pytest.approx([edge for one in expected for edge in one], abs=1_600)


def test_what_is_said_before_a_span_is_not_within_it() -> None:
    clip = clip_samples()
    samples, middle = floats(silence(1), clip, clip, silence(2)), 16_000 + len(clip)
    (first, *_) = speech_within(samples, Span(middle + 1_000, len(samples)), VadParameters())
    assert middle + 1_000 <= first.start < middle + 8_000
    assert speech_within(samples, Span(middle + len(clip), len(samples)), VadParameters()) == []


def test_what_is_heard_block_by_block_is_heard_as_one(monkeypatch: pytest.MonkeyPatch) -> None:
    samples = floats(*[silence(3), clip_samples()] * 4, silence(4.01))
    for gain in (0.5, 3.0):
        monkeypatch.setattr(silero, "_BLOCK_FRAMES", len(samples))
        whole = silero.probabilities(samples, gain)
        monkeypatch.setattr(silero, "_BLOCK_FRAMES", 63)
        in_blocks = silero.probabilities(samples, gain)
        assert len(whole) == -(-len(samples) // 512)
        assert np.allclose(whole, in_blocks, atol=1e-4)


def test_what_is_heard_at_two_gains_is_the_higher_of_both() -> None:
    samples = floats(silence(1), clip_samples() // 8, silence(20))
    alone = [silero.probabilities(samples, gain) for gain in (1.0, 8.0)]
    assert np.array_equal(silero.probabilities(samples, 1.0, 8.0), np.maximum(*alone))


def test_a_recording_that_is_one_span_is_heard_once(monkeypatch: pytest.MonkeyPatch) -> None:
    samples, how = floats(clip_samples()), Parameters().vad_parameters
    recording = record(Audio(samples), Features(80), Parameters())
    ((span,),) = (window.spans for window in recording.windows)
    expected = speech_within(samples, span, how)
    assert span == Span(0, len(samples))
    monkeypatch.setattr(silero, "blocks_of", lambda *_: pytest.fail("it was heard again"))
    assert recording.whole().windows[0].speech == tuple(expected) != ()


@pytest.mark.parametrize("dbfs", [0, -12, -30, -40, -50, -60])
def test_speech_is_found_at_any_level(dbfs: float) -> None:
    clip = clip_samples() / np.abs(clip_samples()).max() * 32767 * 10 ** (dbfs / 20)
    samples = floats(silence(4), np.rint(clip), silence(4))
    (found,) = find_speech(samples)
    assert abs(found.start / 16_000 - 4) < 0.6
    assert abs(found.end / 16_000 - 4 - len(clip) / 16_000) < 0.8
    assert trailing_silence(samples) > 1.0
    spoken = speech_within(samples, found, VadParameters())
    assert 0 <= spoken[0].start / 16_000 - 4 < 0.3


def test_who_is_quieter_than_the_other_party_is_found() -> None:
    clip = clip_samples()
    loud = np.clip(clip * 4.0, -32768, 32767).astype(np.int16)
    first, quiet, last = find_speech(floats(loud, silence(4), clip // 4, silence(4), loud))
    assert first.end < quiet.start < quiet.end < last.start
    assert abs(quiet.start - len(clip) - 4 * 16_000) < 9_600


@pytest.mark.parametrize("hertz", [(0,), (50, 150, 250), (60, 180)])
@pytest.mark.parametrize("dbfs", [-40, -34, -28])
def test_speech_is_found_on_a_line_that_hums(hertz: tuple[int, ...], dbfs: float) -> None:
    clip = clip_samples() / np.abs(clip_samples()).max() * 32767 * 10 ** (-20 / 20)
    samples = floats(silence(4), clip, silence(4))
    times = np.arange(len(samples)) / 16_000
    hum = sum(np.cos(2 * np.pi * one * times) for one in hertz)
    samples += (hum / np.sqrt(np.square(hum).mean()) * 10 ** (dbfs / 20)).astype(np.float32)
    (found,) = find_speech(samples)
    assert abs(found.start / 16_000 - 4) < 0.6
    assert abs(found.end / 16_000 - 4 - len(clip) / 16_000) < 0.8
    spoken = speech_within(samples, found, VadParameters())
    assert 0 <= spoken[0].start / 16_000 - 4 < 0.3


def buzz(hertz: float, length: int) -> np.ndarray:
    """Return a saw's harmonics on a telephone line, with an RMS of 1."""
    times = np.arange(length) / 16_000
    numbers = range(int(300 / hertz) + 1, int(3_400 / hertz) + 1)
    made = sum(np.sin(2 * np.pi * hertz * one * times + one * one) / one for one in numbers)
    return np.asarray(made / np.sqrt(np.square(made).mean()), np.float32)


@pytest.mark.parametrize("hertz", [49.95, 50, 60, 60.04])
@pytest.mark.parametrize("over_db", [0, 15])
def test_speech_is_found_on_a_line_that_buzzes(hertz: float, over_db: float) -> None:
    clip = floats(clip_samples())
    level = np.sqrt(np.square(clip).mean()) * 10 ** ((over_db - 20) / 20)
    samples = floats(silence(4), clip_samples() / 10, silence(4))
    samples += buzz(hertz, len(samples)) * np.float32(level)
    (found,) = find_speech(samples)
    assert abs(found.start / 16_000 - 4) < 0.6
    assert abs(found.end / 16_000 - 4 - len(clip) / 16_000) < 0.8
    assert find_speech(floats(buzz(hertz, 20 * 16_000) * 1_638)) == []


@pytest.mark.parametrize("hertz", [50, 60.04])
def test_the_model_hears_the_voice_without_the_buzz_and_nothing_else_is_changed(
    hertz: float,
) -> None:
    clip = floats(clip_samples(), clip_samples())
    assert np.array_equal(WithoutBuzz(clip)[700:50_000], clip[700:50_000])
    low = clip + np.float32(0.1)
    assert np.array_equal(WithoutBuzz(low)[700:50_000], low[700:50_000])
    noise = buzz(hertz, len(clip)) * clip.std() * np.float32(5)
    left = WithoutBuzz(clip + noise)[16_000:-16_000] - clip[16_000:-16_000]
    assert np.square(left).mean() < np.square(clip).mean() / 10
    assert len(WithoutBuzz(clip)) == len(clip)


def test_only_hum_is_filtered() -> None:
    clip = floats(clip_samples())
    assert np.array_equal(without_hum(clip, 700, 9_000), clip[700:9_000])
    offset = without_hum(clip + np.float32(0.1), 700, 9_000)
    assert offset.dtype == np.float32
    assert abs(offset.mean()) < 0.002
    assert np.corrcoef(offset, clip[700:9_000])[0, 1] > 0.9


@pytest.mark.parametrize("dbfs", [-20, -45, -60, -70])
def test_a_line_without_anybody_is_not_heard_as_speech(dbfs: float) -> None:
    length = 20 * 16_000
    hum = np.sin(np.arange(length) * 2 * np.pi * 50 / 16_000)
    noise = np.random.default_rng(4).normal(0, 1, length) + hum
    samples = floats(np.rint(noise / noise.std() * 32768 * 10 ** (dbfs / 20)))
    assert find_speech(samples) == []
    click = samples.copy()
    click[100_000:100_040] = 0.9
    assert find_speech(click) == []


@pytest.mark.parametrize(
    "look",
    [
        find_speech,
        trailing_silence,
        lambda samples: speech_within(samples, Span(0, len(samples)), VadParameters()),
    ],
)
def test_looking_for_speech_changes_nothing(look: Callable[[np.ndarray], object]) -> None:
    samples = floats(clip_samples())
    samples = samples[: len(samples) // 512 * 512]
    before = samples.copy()
    look(samples)
    assert np.array_equal(samples, before)
