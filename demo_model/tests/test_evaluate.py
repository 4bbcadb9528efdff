# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from benchmarks.accuracy import WordErrors
from demo_model import evaluate
from demo_model.evaluate import LIMITS, Scores, _start_errors
from demo_model.tts.synthesis import Spoken

if TYPE_CHECKING:
    from pathlib import Path


def scores(**changes) -> Scores:
    usual = Scores(
        errors={
            ("clean", "en"): [WordErrors(1, 0, 0, 60)],
            ("clean", "es"): [WordErrors(1, 0, 0, 40)],
            ("telephone", "en"): [WordErrors(5, 0, 0, 100)],
            ("held_out", "en"): [WordErrors(10, 0, 0, 100)],
        },
        languages=[True] * 99 + [False],
        quiet={"music": [True] * 99 + [False], "noise": [True] * 100},
        missed=[False] * 99 + [True],
        starts=[0.05] * 95 + [0.5] * 5,
        library_starts=[0.1] * 100,
    )
    for name, value in changes.items():
        setattr(usual, name, value)
    return usual


def test_figures_are_pooled_over_languages_and_kinds():
    figures = scores().figures()
    assert figures["clean"] == pytest.approx(0.02)
    assert figures["silent"] == pytest.approx(199 / 200)
    assert figures["language"] == pytest.approx(0.99)
    assert figures["start_median"] == pytest.approx(0.05)
    assert scores().precision() == pytest.approx(199 / 200)
    assert scores().hold()


@pytest.mark.parametrize(
    "changes",
    [
        {
            "errors": {
                (k, "en"): [WordErrors(30, 0, 0, 100)] for k in ("clean", "telephone", "held_out")
            }
        },
        {"languages": [True] * 97 + [False] * 3},
        {"quiet": {"tones": [True] * 90 + [False] * 10}},
        {"starts": [0.15] * 100},
        {"starts": [0.01] * 85 + [0.3] * 15},
    ],
)
def test_one_missed_limit_is_enough(changes):
    missed = scores(**changes)
    assert not missed.hold()
    assert "MISSED" in "\n".join(missed.lines())


def test_the_promised_limits():
    bounds = {key: (limit.bound, limit.is_upper) for key, limit in LIMITS.items()}
    assert bounds == {
        "clean": (0.04, True),
        "telephone": (0.07, True),
        "held_out": (0.20, True),
        "language": (0.98, False),
        "silent": (0.99, False),
        "start_median": (0.1, True),
        "start_p90": (0.2, True),
    }


def test_start_errors_are_those_of_words_heard_right():
    said = Spoken("a b c", "v", np.zeros(16_000, np.float32), (0.0, 0.2, 0.5))
    words = [("a", 1.1), ("x", 1.3), ("c", 1.4)]
    assert _start_errors(said, 1.0, words) == pytest.approx([0.1, 0.1])


def test_a_folder_without_a_model_is_refused(tmp_path: Path, capsys):
    assert evaluate.main(["--model", str(tmp_path)]) == 1
    assert "give --model" in capsys.readouterr().err
