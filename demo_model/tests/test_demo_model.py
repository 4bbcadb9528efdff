# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Tests of the training with tones instead of voices; run make train-demo-model for PyTorch."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest
from faster_whisper import WhisperModel

torch = pytest.importorskip("torch", reason="run make train-demo-model for PyTorch")

from demo_model import training  # noqa: E402
from demo_model.alignment import HeadMeasure, best_heads, measure_heads  # noqa: E402
from demo_model.batches import IGNORED, BatchMaker  # noqa: E402
from demo_model.convert import WINDOWS, convert  # noqa: E402
from demo_model.corpus import Clip  # noqa: E402
from demo_model.features import log_mel  # noqa: E402
from demo_model.network import FRAMES, NetworkShape, Whisper  # noqa: E402
from demo_model.tts.synthesis import Spoken  # noqa: E402
from demo_model.vocabulary import Vocabulary  # noqa: E402
from demo_model.warm_start import start_from  # noqa: E402
from scripts.publish.errors import CommandError  # noqa: E402

if TYPE_CHECKING:
    from demo_model.tts.sentences import Language

WORDS = {"one": 1, "two": 2, "número": 3}
TINY = NetworkShape(width=64, heads=1, encoder_layers=1, decoder_layers=2)


def clip(language: Language, text: str, *, is_timed: bool = True) -> Clip:
    words = text.split()
    tone = 8_000 * np.sin(np.arange(6_400 * len(words)) * 0.2)
    starts = tuple(0.4 * index for index in range(len(words))) if is_timed else None
    return Clip(language, text, tone.astype(np.int16), starts)


CLIPS = [clip("en", "one two"), clip("en", "two one two"), clip("es", "número")]


@pytest.fixture(scope="module")
def vocabulary() -> Vocabulary:
    return Vocabulary.train(each.text for each in CLIPS)


def maker(vocabulary, clips=CLIPS, seed=1) -> BatchMaker:
    return BatchMaker(clips, vocabulary, WORDS, seed)


def test_tokens_are_in_whispers_order(vocabulary):
    tokens = vocabulary.for_ctranslate2()
    assert tokens.count("") == 1
    assert tokens.index("") + 1 == vocabulary.id("endoftext")
    assert vocabulary.id("endoftext") < vocabulary.id("en") < vocabulary.id("notimestamps")
    assert tokens[vocabulary.time(0)] == "<|0.00|>"
    assert tokens[vocabulary.time(1.5)] == "<|1.50|>"
    assert tokens[vocabulary.time(99)] == "<|30.00|>" == tokens[-1]


def test_words_come_back_from_their_tokens(vocabulary):
    tokens = [t for word in ("one", "número") for t in vocabulary.word(word)]
    assert vocabulary.decode([vocabulary.id("en"), *tokens, vocabulary.time(2)]) == "one número"


def test_features_are_whispers():
    from faster_whisper.feature_extractor import FeatureExtractor

    audio = np.random.default_rng(1).standard_normal(32_000).astype(np.float32) * 0.1
    theirs = FeatureExtractor()(audio, padding=0)
    ours = log_mel(torch.from_numpy(audio)[None])[0].numpy()
    assert ours.shape == (80, 200)
    assert ours[:, :199] == pytest.approx(theirs[:, :199], abs=1e-3)


def test_pieces_label_every_frame_and_every_token(vocabulary):
    batch = maker(vocabulary).pieces(16)
    frames = batch.features.shape[-1] // 2
    assert batch.frame_words.shape == (16, frames)
    assert 0 <= int(batch.offsets.min()) < int(batch.offsets.max()) <= FRAMES - frames
    assert set(batch.frame_words.unique().tolist()) <= {0, *WORDS.values()}
    sums = batch.attended.sum(-1)
    assert torch.allclose(sums[sums > 0], torch.ones(int((sums > 0).sum())))
    for row in range(16):
        predicted = [int(t) for t in batch.targets[row] if t != IGNORED]
        text = [t for t in predicted if t < vocabulary.id("endoftext")]
        assert int((sums[row] > 0).sum()) == len(text)


def test_a_token_is_looked_for_where_its_word_is_spoken(vocabulary):
    batch = maker(vocabulary, [clip("en", "one two")]).pieces(8)
    for row in range(8):
        for position in range(batch.targets.shape[1]):
            looked = batch.attended[row, position].nonzero().flatten()
            if len(looked):
                word = vocabulary.decode([int(batch.targets[row, position])])
                labels = batch.frame_words[row, looked].unique().tolist()
                # A word may have several pieces, and rounding may touch an adjacent frame.
                said = [number for whole, number in WORDS.items() if word in whole]
                assert set(said) & set(labels)
                assert len(labels) <= 2


def test_timestamps_count_from_the_begin_of_the_window_not_of_the_piece(vocabulary):
    batch = maker(vocabulary, seed=3).pieces(32)
    seen = 0
    for row, offset in enumerate(batch.offsets.tolist()):
        times = batch.targets[row][batch.targets[row] > vocabulary.id("notimestamps")]
        if len(times):
            seen += 1
            first = vocabulary.time(offset * 0.02)
            assert first <= int(times.min()) < first + 30
    assert seen > 5


def test_rearranged_words_keep_their_own_audio(vocabulary):
    loud = {"one": 1_000, "two": 2_000, "número": 3_000}
    words = ["one", "two", "número", "two"]
    samples = np.concatenate([np.full(4_000, loud[word], np.int16) for word in words])
    spoken = Clip("en", " ".join(words), samples, (0.0, 0.25, 0.5, 0.75))
    batches = maker(vocabulary)
    orders = set()
    for _ in range(20):
        mixed = batches._rearranged(spoken)
        assert sorted(mixed.text.split()) == sorted(words)
        orders.add(mixed.text)
        assert mixed.starts
        for word, start in zip(mixed.text.split(), mixed.starts, strict=True):
            assert mixed.samples[round(start * 16_000) + 2_000] == loud[word]
    assert len(orders) > 5


def test_a_clip_without_times_is_not_rearranged(vocabulary):
    untimed = clip("en", "one two", is_timed=False)
    assert maker(vocabulary)._rearranged(untimed) is untimed


def test_unknown_times_are_learnt_in_order_alone(vocabulary):
    batch = maker(vocabulary, [clip("en", "two one", is_timed=False)], seed=2).pieces(8)
    spoken = [words for words in batch.spoken if words]
    assert spoken
    assert all(words == [2, 1] for words in spoken)
    for row, words in enumerate(batch.spoken):
        assert bool((batch.frame_words[row] == IGNORED).all()) == bool(words)
    assert not batch.attended.any()


def test_whole_windows_are_padded_both_ways_and_some_hold_no_speech(vocabulary):
    batch = maker(vocabulary).windows(40, 10.0)
    assert batch.features.shape == (40, 80, 1_000)
    has_zeros = [bool((row[:, -20:] == 0).all()) for row in batch.features]
    assert 0 < sum(has_zeros) < 40
    silent = (batch.targets == vocabulary.id("nospeech")).any(1)
    assert 0 < int(silent.sum()) < 20
    text = (batch.targets >= 0) & (batch.targets < vocabulary.id("endoftext"))
    assert not text[silent].any()


def test_one_in_five_has_previous_text_that_no_loss_counts(vocabulary):
    batch = maker(vocabulary).windows(200, 10.0)
    prompted = batch.tokens[:, 0] == vocabulary.id("startofprev")
    assert 0.1 < prompted.float().mean() < 0.3
    for row in prompted.nonzero().flatten():
        start = int((batch.tokens[row] == vocabulary.id("startoftranscript")).nonzero()[0])
        assert (batch.targets[row, :start] == IGNORED).all()
        assert batch.targets[row, start] != IGNORED


def test_the_decoder_does_not_look_ahead_and_the_encoder_knows_its_place():
    torch.manual_seed(0)
    network = Whisper(TINY, 50, 4).eval()
    features = torch.randn(1, 80, 40)
    encoded = network.encode(features)
    long, _ = network.decode(torch.tensor([[1, 2, 3, 4]]), encoded)
    short, _ = network.decode(torch.tensor([[1, 2]]), encoded)
    assert torch.allclose(long[:, :2], short, atol=1e-5)
    assert not torch.allclose(encoded, network.encode(features, torch.tensor([100])))


def test_training_goes_on_where_it_was_and_its_model_loads(vocabulary, tmp_path, monkeypatch):
    monkeypatch.setattr(training, "_EVERY_CHECKPOINT", 2)
    monkeypatch.setattr(training, "_WINDOWS", ((2.0, 1.0, 2),))
    monkeypatch.setattr(training, "NetworkShape", lambda: TINY)
    sizes = training.ClassCounts(len(vocabulary), len(WORDS) + 1)
    checkpoint = tmp_path / "checkpoint.pt"
    told: list[str] = []
    halves = [training.Schedule(2, 0, batch=2), training.Schedule(2, 2, batch=2)]
    for schedule in halves:
        network = training.train(maker(vocabulary), sizes, schedule, checkpoint, told.append)
    assert [line.split(":")[0] for line in told] == ["step 2 of 2", "step 4 of 4"]
    folder = tmp_path / "model"
    convert(network, vocabulary, [(1, 0)], folder)
    assert json.loads((folder / "windows.json").read_text()) == WINDOWS
    model = WhisperModel(str(folder), device="cpu", compute_type="int8")
    assert model.model.is_multilingual
    audio = np.zeros(16_000, np.float32)
    assert model.detect_language(audio)[0] in {"en", "es"}
    segments, info = model.transcribe(audio, language="es", beam_size=1, temperature=0)
    assert info.language == "es"
    assert all(segment.end <= 30 for segment in segments)


def test_the_mean_of_two_trainings_is_between_them():
    first, second = (Whisper(TINY, 10, 3) for _ in range(2))
    both = training.mean_with(second, first, 0.25).state_dict()
    name = "encoder.0.feed_in.weight"
    wanted = 0.25 * first.state_dict()[name] + 0.75 * second.state_dict()[name]
    assert torch.allclose(both[name], wanted)
    assert not torch.allclose(wanted, second.state_dict()[name])


def test_ctranslate2_says_what_pytorch_says(vocabulary, tmp_path):
    """With random weights, the next token is the same: every weight is in its place."""
    import ctranslate2

    torch.manual_seed(3)
    network = Whisper(TINY, len(vocabulary), 4).eval()
    convert(network, vocabulary, [(0, 0)], tmp_path)
    features = log_mel(torch.randn(1, 32_000) * 0.1)
    prompt = [vocabulary.id(name) for name in ("startoftranscript", "en", "transcribe")]
    tokens = [*prompt, vocabulary.id("notimestamps")]
    with torch.no_grad():
        encoded = network.encode(features)
        scores, _ = network.decode(torch.tensor([tokens]), encoded)
    best = scores[0, -1].topk(3).indices.tolist()
    model = ctranslate2.models.Whisper(str(tmp_path), compute_type="float32")
    view = ctranslate2.StorageView.from_array(np.ascontiguousarray(features.numpy()))
    [result] = model.generate(view, [tokens], beam_size=1, max_length=len(tokens) + 1)
    assert result.sequences_ids[0][0] in best


def test_a_warm_start_is_the_model_it_started_from(vocabulary, tmp_path):
    torch.manual_seed(4)
    old = Whisper(TINY, len(vocabulary), 4).eval()
    convert(old, vocabulary, [(0, 0)], tmp_path)
    deeper = NetworkShape(width=64, heads=1, encoder_layers=1, decoder_layers=2)
    new = Whisper(deeper, len(vocabulary), 4).eval()
    features, tokens = torch.randn(1, 80, 60), torch.tensor([[1, 2, 3]])
    start_from(new, vocabulary, tmp_path)
    ours, _ = new.decode(tokens, new.encode(features))
    theirs, _ = old.decode(tokens, old.encode(features))
    assert torch.allclose(ours, theirs, atol=0.1)  # int8 lies between them


def test_a_warm_start_from_something_else_is_refused(vocabulary, tmp_path):
    network = Whisper(TINY, len(vocabulary), 4)
    with pytest.raises(CommandError, match="give --start another one"):
        start_from(network, vocabulary, tmp_path)
    wide = Whisper(
        NetworkShape(width=128, heads=1, encoder_layers=1, decoder_layers=1), len(vocabulary), 4
    )
    convert(wide, vocabulary, [(0, 0)], tmp_path)
    with pytest.raises(CommandError, match="width 128"):
        start_from(network, vocabulary, tmp_path)


def test_heads_are_measured_and_the_best_kept(vocabulary):
    torch.manual_seed(0)
    network = Whisper(
        NetworkShape(width=64, heads=1, encoder_layers=1, decoder_layers=2), len(vocabulary), 4
    )
    said = Spoken("one two", "tone", np.full(12_800, 0.1, np.float32), (0.0, 0.4))
    measures = measure_heads(network.eval(), vocabulary, [("en", said)])
    assert {(m.layer, m.head) for m in measures} == {(0, 0), (1, 0)}
    assert measures[0].median_s <= measures[1].median_s
    assert all(0 <= m.forward <= 1 for m in measures)
    good, near, backward, bad = (
        HeadMeasure(1, 0, 0.99, 0.04),
        HeadMeasure(1, 1, 0.95, 0.045),
        HeadMeasure(0, 1, 0.5, 0.041),
        HeadMeasure(0, 0, 0.99, 0.2),
    )
    assert best_heads([good, backward, near, bad]) == [(1, 0), (1, 1)]
    assert best_heads([backward]) == [(0, 1)]
