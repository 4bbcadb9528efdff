# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from benchmarks.accuracy import WordErrors
from benchmarks.eval import __main__ as command
from benchmarks.eval import report, targets
from benchmarks.eval.alignment import AlignedWord, align
from benchmarks.eval.measure import Comparison
from benchmarks.eval.recordings import recordings
from benchmarks.real_calls.transcripts import FasterWhisper, HeardCall, HeardSegment
from live_whisper.errors import InvocationFailed
from scripts.publish.errors import CommandError
from tests.unit.endpoint.helpers import CLIP
from whisper_stream.audio.samples import wav_bytes

if TYPE_CHECKING:
    from collections.abc import Mapping

TITLES = report.Titles("an endpoint", "texts")


def call(folder: Path, name: str, texts: Mapping[str, str], channels: int = 2) -> None:
    """Write three seconds of silence, and texts by the ending of their files' names."""
    samples = np.zeros((24_000, channels), np.int16)
    (folder / f"{name}.wav").write_bytes(wav_bytes(samples, 8000))
    for ending, text in texts.items():
        (folder / f"{name}.{ending}").write_text(text, encoding="utf-8")


def answering(*segments: dict[str, Any]) -> Any:
    body = json.dumps({"segments": segments, "text": "", "language": "en"}).encode()
    return lambda _: body


def segment(text: str, channel: int | None = None) -> dict[str, Any]:
    return {"start": 0.0, "end": 2.0, "text": text, "channel": channel}


def no_reference() -> FasterWhisper:
    pytest.fail("every recording has its text")


def test_each_channel_is_compared_with_its_text(tmp_path: Path) -> None:
    call(tmp_path, "one", {"0.txt": "Good morning, how are you?", "1.txt": "Fine."})
    (recording,) = recordings(tmp_path)
    ask = answering(segment(" Good morning how old are you", 0), segment(" Mine.", 1))
    agent, caller = Comparison(ask, no_reference, "en").rows(recording)
    assert (agent.channel, agent.errors) == (0, WordErrors(0, 0, 1, 5))
    assert (caller.channel, caller.errors) == (1, WordErrors(1, 0, 0, 1))


def test_a_text_for_the_whole_file_has_it_compared_as_one(tmp_path: Path) -> None:
    call(tmp_path, "one", {"txt": "\ufeffGood morning."})
    (recording,) = recordings(tmp_path)
    asked: list[dict[str, Any]] = []

    def ask(body: bytes) -> bytes:
        asked.append(json.loads(body)["parameters"])
        return bytes(answering(segment(" Good morning."))(body))

    (row,) = Comparison(ask, no_reference, None).rows(recording)
    assert (row.channel, row.errors) == (None, WordErrors(0, 0, 0, 2))
    assert asked == [{"channel_identification": False, "response_format": "verbose_json"}]


def test_what_has_no_text_is_compared_with_the_reference_channel_by_channel(
    tmp_path: Path,
) -> None:
    class Library:
        def transcribe(self, channels: list[Any], language: str | None) -> HeardCall:
            assert [len(one) for one in channels] == [48_000, 48_000]
            heard = HeardSegment(1, 0.0, 1.0, " Quite right.", ())
            return HeardCall((heard,), "", "en")

    call(tmp_path, "one", {})
    (recording,) = recordings(tmp_path)
    ask = answering(segment(" Quite wrong.", 1))
    comparison = Comparison(ask, Library, "en")  # type: ignore[arg-type]
    assert [row.errors for row in comparison.rows(recording)] == [
        WordErrors(0, 0, 0, 0),
        WordErrors(1, 0, 0, 2),
    ]


def test_speech_without_text_is_counted(tmp_path: Path) -> None:
    (tmp_path / "clip.wav").write_bytes(CLIP)
    (tmp_path / "clip.txt").write_text("hello this is john how can i help you today")
    (recording,) = recordings(tmp_path)
    (row,) = Comparison(answering(), no_reference, "en").rows(recording)
    seconds = len(recording.channels[0]) / 16_000
    assert seconds / 2 < row.textless_s <= seconds


def test_a_refusal_is_in_the_table_and_on_the_page(tmp_path: Path) -> None:
    def refuse(_: bytes) -> bytes:
        raise InvocationFailed("The audio is too long: send it in parts.")

    call(tmp_path, "one", {})
    (row,) = Comparison(refuse, no_reference, "en").rows(recordings(tmp_path)[0])
    sentence = "one.wav: The audio is too long: send it in parts."
    assert list(report.lines([row]))[-1] == sentence
    assert sentence in report.page([row], TITLES)


def test_words_are_aligned_with_the_fewest_errors() -> None:
    assert align("Press two to go on.", "please press 2 to on", "en") == [
        AlignedWord("insert", "", "please"),
        AlignedWord("equal", "press", "press"),
        AlignedWord("equal", "2", "2"),
        AlignedWord("equal", "to", "to"),
        AlignedWord("delete", "go", ""),
        AlignedWord("equal", "on", "on"),
    ]
    assert align("", "a b", "en") == [
        AlignedWord("insert", "", "a"),
        AlignedWord("insert", "", "b"),
    ]


def test_the_page_shows_each_error_and_nothing_of_it_is_markup(tmp_path: Path) -> None:
    call(tmp_path, "a<b", {"0.txt": "yes sir", "1.txt": "no"})
    (recording,) = recordings(tmp_path)
    ask = answering(segment(" yes madam", 0), segment(" no no", 1))
    rows = list(Comparison(ask, no_reference, "en").rows(recording))
    page = report.write(rows, TITLES, tmp_path / "out").read_text(encoding="utf-8")
    assert '<span class="w substitute"><b>sir</b><i>madam</i></span>' in page
    assert '<span class="w insert"><b></b><i>no</i></span>' in page
    assert "a&lt;b.wav, channel 1" in page
    assert "a<b" not in page
    assert [line.split() for line in report.lines(rows)][1:3] == [
        [
            "a<b.wav",
            "0",
            "50.0%",
            "1",
            "0",
            "0",
            "2",
            "0.0",
            "s",
            f"{rows[0].real_time_factor:.2f}",
        ],
        [
            "a<b.wav",
            "1",
            "100.0%",
            "0",
            "0",
            "1",
            "1",
            "0.0",
            "s",
            f"{rows[1].real_time_factor:.2f}",
        ],
    ]


def test_texts_that_do_not_belong_together_are_refused(tmp_path: Path) -> None:
    call(tmp_path, "one", {"txt": "a", "0.txt": "b"})
    with pytest.raises(CommandError, match=r"keep one\.txt or one\.0\.txt"):
        recordings(tmp_path)


def test_a_folder_without_recordings_and_none_at_all_are_refused(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="has no recordings: put files such as"):
        recordings(tmp_path)
    with pytest.raises(CommandError, match="is no folder: give AUDIO="):
        recordings(tmp_path / "none")


def test_a_text_that_is_not_utf_8_is_refused(tmp_path: Path) -> None:
    call(tmp_path, "one", {})
    (tmp_path / "one.txt").write_bytes("Grüße".encode("latin-1"))
    with pytest.raises(CommandError, match=r"one\.txt is not UTF-8"):
        recordings(tmp_path)


def test_one_that_cannot_be_measured_has_a_row_that_says_why(tmp_path: Path) -> None:
    call(tmp_path, "one", {"2.txt": "Hello?"})
    (tmp_path / "two.wav").write_bytes(b"no audio at all")
    comparison = Comparison(answering(), no_reference, "en")
    one, two = (row for found in recordings(tmp_path) for row in comparison.rows(found))
    assert one.refusal.startswith("there is a text for channel 2, but the file has 2 channels")
    assert "could not be decoded" in two.refusal
    assert f"two.wav: {two.refusal}" in list(report.lines([one, two]))


@pytest.mark.parametrize("model", ["no/such/folder", str(Path(__file__).parent)])
def test_what_is_no_model_is_refused(model: str) -> None:
    with pytest.raises(CommandError, match="in CTranslate2's form"):
        targets.folder_of(model)


def test_the_command_measures_the_small_model_in_this_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "clip.wav").write_bytes(CLIP)
    (tmp_path / "clip.txt").write_text("hello this is john how can i help you today")
    out = tmp_path / "out"
    options = [str(tmp_path), "--model", "demo", "--language", "en", "--out", str(out)]
    monkeypatch.setattr("sys.argv", ["eval", *options])
    assert command.main() == 0
    printed = capsys.readouterr().out
    assert "demo in this process (int8), compared with the texts next to the recordings" in printed
    assert "clip.wav" in printed
    assert (out / "errors.html").exists()
