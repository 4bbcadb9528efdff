# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
import json
from pathlib import Path

import pytest

from tests.unit.endpoint.helpers import WEIGHTS
from whisper_endpoint.engine import window_lengths
from whisper_endpoint.errors import ModelNotLoadable


@pytest.mark.parametrize(
    ("content", "frames"),
    [(1, 1000), (800, 1000), (801, 1500), (1300, 1500), (1800, 2000), (1801, 3000), (3000, 3000)],
)
def test_the_shortest_window_with_two_seconds_of_margin(content: int, frames: int) -> None:
    lengths = window_lengths.make(window_lengths.DEFAULT_SECONDS, 80)
    assert [lengths.frames_for(content, is_partial=which) for which in (False, True)] == [
        frames
    ] * 2


def test_without_a_declaration_the_usual_lengths_and_nothing_declared(tmp_path: Path) -> None:
    lengths = window_lengths.read(tmp_path, 128)
    assert (lengths.frames, lengths.is_declared) == ((1000, 1500, 2000, 3000), False)


def test_a_model_declares_its_lengths_and_30_s_are_always_among_them(tmp_path: Path) -> None:
    (tmp_path / "windows.json").write_text('{"window_seconds": [12.5, 5]}')
    lengths = window_lengths.read(tmp_path, 80)
    assert (lengths.frames, lengths.is_declared) == ((500, 1250, 3000), True)
    assert lengths.pause_s is None
    demonstration = window_lengths.read(WEIGHTS, 80)
    assert demonstration.frames == (400, 600, 800, 1000, 1500, 2000, 3000)
    assert (demonstration.pause_s, demonstration.margin_s) == (0.9, 0.5)


@pytest.mark.parametrize(
    ("content", "partial", "final"),
    [(300, 500, 500), (301, 500, 1250), (450, 500, 1250), (451, 1250, 1250), (1200, 1250, 3000)],
)
def test_a_model_declares_the_margin_of_its_partials(
    tmp_path: Path, content: int, partial: int, final: int
) -> None:
    declared = {"window_seconds": [12.5, 5], "margin_seconds": 0.5}
    (tmp_path / "windows.json").write_text(json.dumps(declared))
    lengths = window_lengths.read(tmp_path, 80)
    assert lengths.frames_for(content, is_partial=True) == partial
    assert lengths.frames_for(content, is_partial=False) == final


def test_a_final_has_no_less_margin_than_a_partial(tmp_path: Path) -> None:
    (tmp_path / "windows.json").write_text('{"window_seconds": [10], "margin_seconds": 4}')
    lengths = window_lengths.read(tmp_path, 80)
    assert (
        lengths.frames_for(601, is_partial=True)
        == lengths.frames_for(601, is_partial=False)
        == 3000
    )


@pytest.mark.parametrize(
    ("margin", "words"), [("-1", "use 0 to 10"), ("11", "use 0 to 10"), ("[]", "list the lengths")]
)
def test_a_margin_that_cannot_be(tmp_path: Path, margin: str, words: str) -> None:
    (tmp_path / "windows.json").write_text(
        f'{{"window_seconds": [10], "margin_seconds": {margin}}}'
    )
    with pytest.raises(ModelNotLoadable, match=words):
        window_lengths.read(tmp_path, 80)


@pytest.mark.parametrize(
    "content", ["", "[10]", "{}", '{"window_seconds": 10}', '{"window_seconds": ["a"]}']
)
def test_a_declaration_that_says_nothing_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "windows.json").write_text(content)
    with pytest.raises(ModelNotLoadable, match="list the lengths in seconds"):
        window_lengths.read(tmp_path, 80)


@pytest.mark.parametrize("seconds", [0.5, 30.5])
def test_lengths_that_the_encoder_cannot_take(tmp_path: Path, seconds: float) -> None:
    (tmp_path / "windows.json").write_text(json.dumps({"window_seconds": [seconds]}))
    with pytest.raises(ModelNotLoadable, match="use 1 to 30 s"):
        window_lengths.read(tmp_path, 80)


@pytest.mark.parametrize(("n_mels", "frames"), [(80, 159), (80, 160), (128, 255), (128, 256)])
def test_no_length_whose_encoder_output_looks_like_features(n_mels: int, frames: int) -> None:
    with pytest.raises(ModelNotLoadable, match="cannot be told from features"):
        window_lengths.make((frames / 100,), n_mels)
    window_lengths.make((frames / 100,), 208 - n_mels)


@pytest.mark.parametrize(
    ("pause", "words"), [("0.1", "use 0.2 to 30"), ('"a"', "list the lengths")]
)
def test_a_pause_that_cannot_be_used(tmp_path: Path, pause: str, words: str) -> None:
    (tmp_path / "windows.json").write_text(f'{{"window_seconds": [10], "pause_seconds": {pause}}}')
    with pytest.raises(ModelNotLoadable, match=words):
        window_lengths.read(tmp_path, 80)
