# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
import argparse

import numpy as np
import pytest

from live_whisper.commands import languages
from whisper_contract import transcription_pb2 as wire
from whisper_stream.protobuf import encode
from whisper_stream.requests import TranscriptionRequest
from whisper_stream.transcript.language_lock import LanguageLock

SHORT, LONG = 1.9, 2.0
ANY = (0.5, SHORT, LONG, 30.0)


def test_the_language_with_the_most_evidence_goes_first() -> None:
    lock = LanguageLock(None, allowed=("en", "es", "fr"))
    assert lock.allowed == ("en", "es", "fr")
    lock.hear("fr", 2.0, 0.9)
    assert lock.allowed == ("fr", "en", "es")
    assert LanguageLock(None, lock.evidence, ("en", "fr")).allowed == ("fr", "en")
    assert LanguageLock(None).allowed == ()


def test_a_language_is_kept_when_there_is_three_times_as_much_for_it_as_for_all_others() -> None:
    lock = LanguageLock(None, {"en": 5.9, "es": 1.0, "fr": 1.0})
    assert lock.language_of(LONG) is None
    lock.hear("en", 0.2, 0.5)
    assert {lock.language_of(one) for one in ANY} == {"en"}
    assert LanguageLock(None, {"en": 4.9}).language_of(LONG) is None


def test_with_a_list_what_is_long_is_detected_and_what_is_short_is_in_the_latest_language() -> None:
    lock = LanguageLock(None, allowed=("en", "es"))
    assert {lock.language_of(one) for one in ANY} == {None}
    lock.hear("en", 60.0, 1.0)
    assert [lock.language_of(one) for one in ANY] == ["en", "en", None, None]


def test_a_caller_who_changes_to_another_language_of_the_list_is_heard_in_it() -> None:
    lock = LanguageLock(None, {"en": 60.0}, ("en", "es"))
    lock.hear("es", 3.0, 0.9)
    assert (lock.language_of(SHORT), lock.allowed) == ("es", ("es", "en"))
    lock.hear("en", 3.0, 0.9)
    assert (lock.language_of(SHORT), lock.allowed) == ("en", ("en", "es"))


def test_one_wrong_detection_changes_no_language() -> None:
    lock = LanguageLock(None, {"en": 60.0}, ("en", "es"))
    lock.hear("es", 4.0, 0.6)
    assert (lock.language_of(SHORT), lock.allowed) == ("en", ("en", "es"))


@pytest.mark.parametrize("lock", [LanguageLock("en", allowed=("en", "es")), LanguageLock("en")])
def test_a_given_language_is_kept_whatever_is_heard(lock: LanguageLock) -> None:
    lock.hear("es", 60.0, 1.0)
    assert {lock.language_of(one) for one in ANY} == {"en"}


def test_what_is_not_in_the_list_is_no_evidence() -> None:
    lock = LanguageLock(None, {"en": 60.0, "de": 2.0}, ("fr", "de"))
    assert (lock.evidence, lock.language_of(1.0)) == ({"de": 2.0}, "de")
    lock.hear("es", 60.0, 1.0)  # asked for before the list was changed
    assert lock.language_of(1.0) == "de"


@pytest.mark.parametrize("allowed", [(), ("en",)])
def test_without_a_list_a_language_is_kept_once_it_is_known(allowed: tuple[str, ...]) -> None:
    lock = LanguageLock(None, {"en": 6.0}, allowed)
    lock.hear("es", 60.0, 1.0)
    assert {lock.language_of(one) for one in ANY} == {"en"}


@pytest.mark.parametrize(("language", "sent"), [(None, ["es", "en"]), ("en", [])])
def test_the_list_is_sent_where_the_language_is_not_known(
    language: str | None, sent: list[str]
) -> None:
    request = TranscriptionRequest(
        call_id="c",
        channel=0,
        utterance_id="u",
        sequence=1,
        is_partial=False,
        audio=np.zeros(160, np.int16),
        start=0.0,
        end=0.01,
        until=0.01,
        language=language,
        want_words=False,
        beam_size=1,
        asked_at=0.0,
        languages=("es", "en"),
    )
    said = wire.TranscribeRequest.FromString(encode(request, 1.0)).parameters
    assert list(said.languages) == sent
    assert said.language == (language or "")


def test_codes_stand_between_commas() -> None:
    assert languages("en, es") == ("en", "es")
    with pytest.raises(argparse.ArgumentTypeError, match="'en;es' is not a Whisper language"):
        languages("en;es")
