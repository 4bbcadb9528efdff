# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Each parameter of the contract has the effect that the contract says."""

import base64
import itertools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import whisper_contract
from tests.unit.endpoint.helpers import CLIP, SENTENCE, clip_samples, silence, wav
from tests.unit.endpoint.http_requests import TwoHalves
from tests.unit.endpoint.media import with_tracks
from tests.unit.endpoint.multilingual_model import DETECTED
from tests.unit.endpoint.parsing.asked_endpoint import AskedEndpoint
from whisper_endpoint.audio.vad import find_speech
from whisper_endpoint.engine.decoder import WhisperEngine
from whisper_endpoint.engine.jobs import MAX_CONTEXT, MAX_PREFIX
from whisper_endpoint.messages import VadParameters

HAVE_A_TEST: set[str] = set()
TWICE = wav(np.concatenate([clip_samples(), silence(4), clip_samples()]))
# What the model of random weights says passes these gates.
LOOSE: dict[str, Any] = {
    "log_prob_threshold": None,
    "compression_ratio_threshold": None,
    "temperature": 0.0,
}


def has_effect(*names: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Mark a test as that of these parameters."""
    HAVE_A_TEST.update(names)
    return lambda test: test


@pytest.fixture(scope="module")
def demonstration(engine: WhisperEngine) -> Iterator[AskedEndpoint]:
    endpoint = AskedEndpoint(engine)
    yield endpoint
    endpoint.close()


@pytest.fixture(scope="module")
def random(multilingual_engine: WhisperEngine) -> Iterator[AskedEndpoint]:
    endpoint = AskedEndpoint(multilingual_engine)
    yield endpoint
    endpoint.close()


def said(answer: dict[str, Any]) -> list[int]:
    return [token for segment in answer["segments"] for token in segment["tokens"]]


def test_every_parameter_has_a_test_of_its_effect() -> None:
    described = set(whisper_contract.request_schema()["$defs"]["parameters"]["properties"])
    assert described - HAVE_A_TEST == set()


@has_effect("language")
def test_language(random: AskedEndpoint) -> None:
    assert random.ask(language="fr", **LOOSE)["language"] == "fr"
    assert random.token("fr") in random.prompts[0]
    assert random.ask(language=None, **LOOSE)["language"] == DETECTED
    assert random.token(DETECTED) in random.prompts[0]


@has_effect("languages")
def test_languages(random: AskedEndpoint) -> None:
    assert random.ask(languages=["fr"], **LOOSE)["language"] == "fr"
    assert random.ask(languages=["fr", DETECTED], **LOOSE)["language"] == DETECTED
    assert random.ask(languages=["fr"], language="en", **LOOSE)["language"] == "en"


@has_effect("multilingual")
def test_multilingual(random: AskedEndpoint) -> None:
    windows = short_windows() | {"language": None}
    for multilingual, detections in ((False, 1), (True, 2)):
        random.detections = 0
        random.ask(TWICE, multilingual=multilingual, **windows)
        assert (len(random.prompts), random.detections) == (2, detections)
    random.detections = 0
    random.ask(TWICE, multilingual=True, **windows | {"language": "en"})
    assert random.detections == 0


@has_effect("task")
def test_task(random: AskedEndpoint) -> None:
    random.ask(task="translate", **LOOSE)
    assert random.token("translate") in random.prompts[0]
    random.ask(**LOOSE)
    assert random.token("transcribe") in random.prompts[0]


@has_effect("temperature", "log_prob_threshold")
def test_temperatures_are_tried_in_order_while_the_model_is_unsure(random: AskedEndpoint) -> None:
    answer = random.ask(temperature=[0.3, 0.6, 0.9], log_prob_threshold=0)
    assert [one["sampling_temperature"] for one in random.options] == [0.3, 0.6, 0.9]
    assert answer["segments"][0]["temperature"] in {0.3, 0.6, 0.9}
    random.ask(temperature=[0.3, 0.6], log_prob_threshold=None, compression_ratio_threshold=None)
    assert [one["sampling_temperature"] for one in random.options] == [0.3]
    assert random.ask(**LOOSE | {"temperature": 0.7})["segments"][0]["temperature"] == 0.7


@has_effect("beam_size")
def test_beam_size(random: AskedEndpoint) -> None:
    greedy, wide = (random.ask(beam_size=size, **LOOSE) for size in (1, 5))
    assert random.options[0]["beam_size"] == 5
    assert said(greedy) != said(wide)


@has_effect("best_of")
def test_best_of(random: AskedEndpoint) -> None:
    answer = random.ask(best_of=7, **LOOSE | {"temperature": 1.0})
    assert random.options[0]["num_hypotheses"] == 7
    (sampled,) = random.results
    surest = int(np.argmax(sampled.scores))
    tokens = len(sampled.sequences_ids[surest])
    mean = sampled.scores[surest] * tokens / (tokens + 1)
    assert len(set(sampled.scores)) > 1
    assert answer["segments"][0]["avg_logprob"] == pytest.approx(mean, abs=1e-3)


@has_effect("patience")
def test_patience(random: AskedEndpoint) -> None:
    random.ask(beam_size=2, patience=1.5, **LOOSE)
    assert random.options[0]["patience"] == 1.5


@has_effect("length_penalty")
def test_length_penalty(random: AskedEndpoint) -> None:
    by_penalty = {one: random.ask(length_penalty=one, **LOOSE) for one in (0.0, 1.0)}
    assert random.options[0]["length_penalty"] == 1.0
    for answer in by_penalty.values():
        assert -20 < answer["segments"][0]["avg_logprob"] < 0


@has_effect("length_penalty")
def test_the_log_probability_is_the_same_whatever_the_length_penalty(
    demonstration: AskedEndpoint,
) -> None:
    sure = [
        demonstration.ask(length_penalty=one, language="en")["segments"][0]["avg_logprob"]
        for one in (-1.0, 0.0, 1.0, 2.0)
    ]
    assert sure == pytest.approx([sure[0]] * 4, rel=1e-3)


@has_effect("repetition_penalty")
def test_repetition_penalty(random: AskedEndpoint) -> None:
    plain = said(random.ask(beam_size=1, **LOOSE))
    hindered = said(random.ask(beam_size=1, repetition_penalty=5, **LOOSE))
    assert len(set(hindered)) / len(hindered) > len(set(plain)) / len(plain)


@has_effect("no_repeat_ngram_size")
def test_no_repeat_ngram_size(random: AskedEndpoint) -> None:
    def repeats(**how: Any) -> bool:
        tokens = said(random.ask(beam_size=1, without_timestamps=True, **LOOSE, **how))
        return len(set(tokens)) < len(tokens)

    assert repeats()
    assert not repeats(no_repeat_ngram_size=1)


@has_effect("initial_prompt")
def test_initial_prompt_goes_before_the_first_window_alone(random: AskedEndpoint) -> None:
    answer = random.ask(TWICE, initial_prompt="hello john", **short_windows())
    begin = [random.token("startofprev"), *random.tokens("hello john")]
    assert len(random.prompts) > 1
    assert random.prompts[0][: len(begin)] == begin
    assert all(prompt[0] == random.token("startoftranscript") for prompt in random.prompts[1:])
    assert answer["text"]


def short_windows() -> dict[str, Any]:
    """Parameters with which a window holds one sentence, decoded at once."""
    return LOOSE | {
        "vad_parameters": {"max_speech_duration_s": 4.0, "min_silence_duration_ms": 500},
        "without_timestamps": True,
        "language": "en",
    }


@has_effect("terms")
@has_effect("hotwords")
@pytest.mark.parametrize("given", [{"hotwords": "john, may"}, {"terms": ["john", "may"]}])
@pytest.mark.parametrize("prefix", [None, "hello"])
def test_terms_go_before_every_window(
    random: AskedEndpoint, given: dict[str, Any], prefix: str | None
) -> None:
    random.ask(TWICE, initial_prompt="hello", prefix=prefix, **given, **short_windows())
    words, prompt = random.tokens("john, may."), random.tokens("hello")
    before = [one[1 : one.index(random.token("startoftranscript"))] for one in random.prompts]
    assert before == [[*words, *prompt], words]


@has_effect("prefix")
@pytest.mark.parametrize("without_timestamps", [True, False])
def test_prefix_begins_the_text(random: AskedEndpoint, without_timestamps: bool) -> None:
    how = short_windows() | {"without_timestamps": without_timestamps}
    assert not random.ask(**how)["text"].startswith("hello john")
    assert random.ask(prefix="hello john", **how)["text"].startswith("hello john")
    second = random.ask(TWICE, prefix="hello john", **how)
    assert second["text"].count("hello john") == 1


@has_effect("redaction")
def test_redaction(random: AskedEndpoint) -> None:
    said = "call me at four one five five five five oh one three two"
    assert random.ask(prefix=said, **short_windows())["text"].startswith(said)
    answer = random.ask(prefix=said, redaction=True, **short_windows())
    assert answer["text"].startswith("call me at [PHONE]")
    assert (answer["segments"][0]["tokens"], "words" in answer["segments"][0]) == ([], False)


def test_a_prefix_stays_when_a_window_is_decoded_again(random: AskedEndpoint) -> None:
    how = short_windows() | {"temperature": [0.0, 0.5], "log_prob_threshold": 0}
    assert random.ask(prefix="hello john", **how)["text"].startswith("hello john")
    assert len(random.options) > 1


def test_the_longest_of_everything_fits_the_decoder(random: AskedEndpoint) -> None:
    much = "hello john " * 300
    random.ask(initial_prompt=much, terms=["hello john"] * 300, **short_windows())
    assert max(map(len, random.prompts)) <= MAX_CONTEXT + 6
    answer = random.ask(initial_prompt=much, prefix=much, **short_windows())
    assert len(random.prompts[0]) <= MAX_CONTEXT + MAX_PREFIX + 6
    assert len(said(answer)) > MAX_PREFIX


@has_effect("condition_on_previous_text")
def test_condition_on_previous_text(random: AskedEndpoint) -> None:
    how = short_windows() | {"initial_prompt": "hello john"}
    answer = random.ask(TWICE, condition_on_previous_text=True, **how)
    windows = [list(one) for _, one in itertools.groupby(answer["segments"], lambda s: s["seek"])]
    assert len(random.prompts) == len(windows) > 1
    before = random.tokens("hello john")
    for prompt, segments in zip(random.prompts, windows, strict=True):
        given = prompt[1 : prompt.index(random.token("startoftranscript"))]
        assert given == before[-MAX_CONTEXT:]
        before += [token for segment in segments for token in segment["tokens"]]


def test_what_was_sampled_hot_is_not_gone_on_from(random: AskedEndpoint) -> None:
    how = short_windows() | {"temperature": 0.9, "condition_on_previous_text": True}
    random.ask(TWICE, **how)
    assert all(prompt[0] == random.token("startoftranscript") for prompt in random.prompts)


@has_effect("no_speech_threshold")
def test_no_speech_threshold(random: AskedEndpoint) -> None:
    unsure = LOOSE | {"log_prob_threshold": 0}
    assert random.ask(no_speech_threshold=0, **unsure)["text"] == ""
    assert random.ask(no_speech_threshold=None, **unsure)["text"] != ""
    assert random.ask(no_speech_threshold=1, **unsure)["text"] != ""


@has_effect("compression_ratio_threshold")
def test_compression_ratio_threshold(demonstration: AskedEndpoint) -> None:
    how: dict[str, Any] = {"temperature": [0.0, 0.2], "log_prob_threshold": None, "language": "en"}
    demonstration.ask(compression_ratio_threshold=0, **how)
    assert any("sampling_temperature" in one for one in demonstration.options)
    demonstration.ask(compression_ratio_threshold=None, **how)
    assert not any("sampling_temperature" in one for one in demonstration.options)


@has_effect("vad_filter")
def test_vad_filter(random: AskedEndpoint) -> None:
    quiet = wav(silence(2))
    assert random.ask(quiet, vad_filter=True, **LOOSE)["text"] == ""
    assert not random.prompts
    random.ask(quiet, vad_filter=False, **LOOSE)
    assert random.prompts


def spans(**how: Any) -> list[float]:
    """Return edges of speech in seconds: 2.7 s, 1.2 s of silence, 2.7 s."""
    samples = np.concatenate([silence(1), clip_samples(), silence(1.2), clip_samples(), silence(1)])
    found = find_speech((samples / 32768).astype(np.float32), how=VadParameters(**how))
    return [edge / 16_000 for span in found for edge in span]


@has_effect("vad_parameters")
def test_vad_parameters(random: AskedEndpoint) -> None:
    usual = spans()
    assert len(usual) == 2
    assert len(spans(min_silence_duration_ms=600)) == 4
    assert spans(threshold=1.0) == []
    assert spans(min_speech_duration_ms=20_000) == []
    assert spans(speech_pad_ms=0)[0] - usual[0] == pytest.approx(0.4, abs=0.01)
    assert len(spans(max_speech_duration_s=3.0)) > 2
    often, seldom = (spans(neg_threshold=one, min_silence_duration_ms=0) for one in (0.45, 0.0))
    assert len(often) > len(seldom)
    assert random.ask(vad_parameters={"threshold": 1.0}, **LOOSE)["text"] == ""
    random.ask(TWICE, **LOOSE | {"without_timestamps": True})
    # One window, whose text does not end at its cap: decoded again without it.
    assert [one["max_length"] for one in random.options] == [224, 448]
    random.ask(TWICE, **short_windows())
    assert [one["max_length"] for one in random.options] == [200, 200]


@has_effect("clip_timestamps")
def test_clip_timestamps(demonstration: AskedEndpoint) -> None:
    def heard(*edges: float, vad_filter: bool = True) -> list[tuple[str, float]]:
        answer = demonstration.ask(
            TWICE, clip_timestamps=edges, vad_filter=vad_filter, language="en"
        )
        return [(segment["text"].strip(), segment["start"]) for segment in answer["segments"]]

    assert [text for text, _ in heard()] == [SENTENCE] * 2
    ((first, start),) = heard(0, 4)
    assert (first, start < 1) == (SENTENCE, True)
    ((second, start),) = heard(5)
    assert (second, start > 5) == (SENTENCE, True)
    assert [text for text, _ in heard(0, 3.5, 6)] == [SENTENCE] * 2
    assert heard(3.5, 5.5) == []
    assert heard(90) == []
    assert all(4 <= start <= 9 for _, start in heard(4, 9, vad_filter=False))


@has_effect("word_timestamps", "timestamp_granularities", "timestamp")
@pytest.mark.parametrize(
    "how", [{"word_timestamps": True}, {"timestamp": "word"}, {"timestamp_granularities": ["word"]}]
)
def test_words(demonstration: AskedEndpoint, how: dict[str, Any]) -> None:
    (segment,) = demonstration.ask(language="en", **how)["segments"]
    assert [word["word"].strip() for word in segment["words"]] == SENTENCE.split()


@has_effect("timestamp", "timestamp_granularities")
@pytest.mark.parametrize("how", [{"timestamp": "chunk"}, {"timestamp_granularities": ["segment"]}])
def test_no_words(demonstration: AskedEndpoint, how: dict[str, Any]) -> None:
    (segment,) = demonstration.ask(language="en", **how)["segments"]
    assert "words" not in segment


@has_effect("without_timestamps")
def test_without_timestamps(demonstration: AskedEndpoint) -> None:
    begin = demonstration.token("0.00")
    (timed,) = demonstration.ask(language="en")["segments"]
    (untimed,) = demonstration.ask(language="en", without_timestamps=True)["segments"]
    assert max(timed["tokens"]) >= begin > max(untimed["tokens"])


@has_effect("channel_identification")
def test_channel_identification(demonstration: AskedEndpoint) -> None:
    late = np.concatenate([silence(3.5), clip_samples()])
    early = np.concatenate([clip_samples(), silence(3.5)])
    stereo = wav(np.stack([late, early], axis=1), channels=2)
    answer = demonstration.ask(stereo, channel_identification=True, language="en")
    assert [segment["channel"] for segment in answer["segments"]] == [1, 0]
    assert [segment["text"].strip() for segment in answer["segments"]] == [SENTENCE] * 2
    assert [segment["id"] for segment in answer["segments"]] == [1, 2]
    assert "channel" not in demonstration.ask(stereo, language="en")["segments"][0]
    (one,) = demonstration.ask(CLIP, channel_identification=True, language="en")["segments"]
    assert one["channel"] == 0


@has_effect("diarize", "num_speakers", "min_speakers", "max_speakers")
def test_speakers(engine: WhisperEngine) -> None:
    voices = TwoHalves()
    endpoint = AskedEndpoint(engine, voices)
    try:
        answer = endpoint.ask(TWICE, diarize=True, language="en", min_speakers=2, max_speakers=5)
    finally:
        endpoint.close()
    assert [one["speaker"] for one in answer["segments"]] == ["SPEAKER_00", "SPEAKER_01"]
    assert {one["speaker"] for one in answer["segments"][1]["words"]} == {"SPEAKER_01"}
    (asked,) = voices.asked
    assert (asked.num_speakers, asked.min_speakers, asked.max_speakers) == (None, 2, 5)


@has_effect("known_speaker_names", "known_speaker_references")
def test_known_speakers(engine: WhisperEngine) -> None:
    voices = TwoHalves()
    endpoint = AskedEndpoint(engine, voices)
    two = np.concatenate([clip_samples(), clip_samples()])[:48_000]
    voice = f"data:audio/wav;base64,{base64.b64encode(wav(two)).decode()}"
    known = {"known_speaker_names": ["Ana"], "known_speaker_references": [voice]}
    try:
        answer = endpoint.ask(TWICE, diarize=True, language="en", **known)
        lines = endpoint.text(TWICE, diarize=True, language="en", response_format="text", **known)
    finally:
        endpoint.close()
    assert [one["speaker"] for one in answer["segments"]] == ["SPEAKER_00", "Ana"]
    assert {one["speaker"] for one in answer["segments"][1]["words"]} == {"Ana"}
    assert [line.partition(":")[0] for line in lines.splitlines()] == ["SPEAKER_00", "Ana"]
    assert [[len(one) for one in each] for each in voices.known] == [[48_000]] * 2


@has_effect("audio_track")
def test_audio_track(demonstration: AskedEndpoint) -> None:
    both = with_tracks(silence(6), np.concatenate([silence(3), clip_samples()]))
    assert demonstration.ask(both, language="en")["segments"][0]["start"] > 2
    (segment,) = demonstration.ask(both, language="en", audio_track=1)["segments"]
    assert segment["text"].strip() == SENTENCE
    assert demonstration.ask(both, language="en", audio_track=0)["text"] == ""


@has_effect("response_format", "include_segments")
def test_the_form_of_the_answer(demonstration: AskedEndpoint) -> None:
    assert "segments" not in demonstration.ask(language="en", include_segments=False)
    assert demonstration.ask(language="en", response_format="json") == {"text": SENTENCE}


@has_effect("max_line_width", "max_line_count")
def test_captions(demonstration: AskedEndpoint) -> None:
    def captions(**how: Any) -> str:
        return demonstration.text(language="en", response_format="srt", **how)

    assert SENTENCE in captions()
    lines = captions(max_line_width=20)
    assert max(map(len, lines.splitlines())) <= len("00:00:00,000 --> 00:00:00,000")
    assert lines.count("-->") == 1
    assert captions(max_line_width=20, max_line_count=1).count("-->") == 3
