# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""What AWS's Post Call Analytics asks of Amazon Transcribe, and reads in its answers."""

import io
import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given

from tests.chaos.recordings.world import BUCKET, RecordingsWorld
from tests.contract.rendering import anything
from tests.contract.test_speakers import conversations
from tests.contract.transcripts import segment
from tests.unit.recordings.http_api import AskedApi
from whisper_contract import formats
from whisper_contract.formats import protobuf
from whisper_contract.transcript import Segment, Transcript

KEY = "uploads/call one.wav"
HEADER = b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0\x01\0\x02\0" + (8000).to_bytes(4, "little") + bytes(40)
ROLE = "arn:aws:iam::123456789012:role/transcribe"
CHANNELS = {"ShowSpeakerLabels": False, "ChannelIdentification": True}
SPEAKERS = {"ShowSpeakerLabels": True, "ChannelIdentification": False, "MaxSpeakerLabels": 2}
ONE_LANGUAGE = {"IdentifyLanguage": False, "LanguageCode": "en-US"}
LANGUAGES = {
    "IdentifyLanguage": True,
    "LanguageOptions": ["en-US", "es-US"],
    "LanguageIdSettings": {"en-US": {}, "es-US": {}},
}


@pytest.fixture
def world(monkeypatch):
    world = RecordingsWorld()
    world.upload(KEY, "good 1", copies=())
    ordinary = world.store.call

    def call(operation, request):
        answer = ordinary(operation, request)
        if request.get("Key") == KEY and "Range" in request:
            answer["Body"] = io.BytesIO(HEADER)
        return answer

    monkeypatch.setattr(world.store, "call", call)
    return world


def asked(settings, language):
    """Return a job as its function for that starts it, with what it always sends."""
    return {
        "TranscriptionJobName": "call-one.wav",
        "Media": {"MediaFileUri": f"s3://{BUCKET}/{KEY}"},
        "OutputBucketName": BUCKET,
        "OutputKey": "transcripts/pca/",
        "Settings": {"VocabularyFilterMethod": "mask", **settings},
        "JobExecutionSettings": {"AllowDeferredExecution": True, "DataAccessRoleArn": ROLE},
        **language,
    }


@pytest.mark.parametrize("settings", [CHANNELS, SPEAKERS], ids=["channels", "speakers"])
@pytest.mark.parametrize("language", [ONE_LANGUAGE, LANGUAGES], ids=["one", "several"])
def test_its_jobs_are_taken_and_have_what_it_reads(world, settings, language):
    client = AskedApi(world).transcribe()
    with pytest.raises(client.exceptions.BadRequestException):  # it looks for an older one first
        client.get_transcription_job(TranscriptionJobName="call-one.wav")
    client.start_transcription_job(**asked(settings, language))
    world.quiesce()
    job = client.get_transcription_job(TranscriptionJobName="call-one.wav")["TranscriptionJob"]
    assert job["TranscriptionJobStatus"] == "COMPLETED"
    assert job["Settings"]["ChannelIdentification"] == settings["ChannelIdentification"]
    assert (job["MediaFormat"], job["MediaSampleRateHertz"]) == ("wav", 8000)
    assert job["LanguageCode"]
    # It has the key by cutting off the scheme, the host and the bucket.
    cut = "/".join(job["Transcript"]["TranscriptFileUri"].split("/")[4:])
    assert cut == "transcripts/pca/call-one.wav.json"
    assert cut in world.written
    (event,) = world.events
    assert event["TranscriptionJobName"] == "call-one.wav"


def deleted(world):
    world.store.call("delete_object", {"Bucket": BUCKET, "Key": KEY})


def replaced_by_another(world):
    world.upload(KEY, "good 2", copies=())


@pytest.mark.parametrize("happen", [deleted, replaced_by_another])
def test_a_recording_that_is_gone_has_no_rate(world, happen):
    client = AskedApi(world).transcribe()
    client.start_transcription_job(**asked(CHANNELS, ONE_LANGUAGE))
    world.quiesce()
    happen(world)
    job = client.get_transcription_job(TranscriptionJobName="call-one.wav")["TranscriptionJob"]
    assert job["MediaFormat"] == "wav"
    assert "MediaSampleRateHertz" not in job


def test_its_vocabularies_are_not_there_and_its_redaction_is_refused_by_name(world):
    client = AskedApi(world).transcribe()
    with pytest.raises(client.exceptions.BadRequestException, match="not support GetVocabulary"):
        client.get_vocabulary(VocabularyName="undefined-en-us")
    with pytest.raises(client.exceptions.BadRequestException, match="Leave out ContentRedaction"):
        client.start_transcription_job(
            **asked(CHANNELS, ONE_LANGUAGE),
            ContentRedaction={"RedactionType": "PII", "RedactionOutput": "redacted"},
        )
    with pytest.raises(client.exceptions.BadRequestException, match="not support StartCallA"):
        client.start_call_analytics_job(
            CallAnalyticsJobName="a", Media={"MediaFileUri": "s3://a/b"}
        )


def at_once(start: float, said: str, **labels: Any) -> Segment:
    """Return a segment whose words all have the same times, as short ones may."""
    one = segment(start, start + 0.1, f" {said}", "|".join(f" {word}" for word in said.split()))
    words = tuple(replace(word, start=one.start, end=one.end) for word in one.words or ())
    return replace(one, words=words, **labels)


SAID = ["Hello, hello, hello!", "Yes? Yes.", "It's 5 o'clock.", "¿Qué? No, no."]


def transcript(*labels: str) -> Transcript:
    said = enumerate(SAID)
    segments = tuple(at_once(n / 20, one, **dict.fromkeys(labels, n % 2)) for n, one in said)
    channels, speakers = (2 if label in labels else None for label in ("channel", "speaker"))
    return Transcript("en", segments, duration=9.0, channels=channels, speakers=speakers)


def results_of(transcript: Transcript) -> dict[str, Any]:
    """Return what a job writes of an endpoint's answer."""
    answer = formats.render(transcript, formats.Form(response_format="protobuf"))
    form = formats.Form(response_format="transcribe", job_name="a")
    results: dict[str, Any] = json.loads(formats.render(protobuf.read(answer), form))["results"]
    return results


def found(word: dict[str, Any], items: list[dict[str, Any]]) -> str:
    """Return a word by its times, with the item after it if that is punctuation."""
    same = [
        number
        for number, one in enumerate(items)
        if one["type"] == "pronunciation"
        and (one["start_time"], one["end_time"]) == (word["start_time"], word["end_time"])
    ]
    content: str = items[same[-1]]["alternatives"][0]["content"]
    assert float(items[same[-1]]["alternatives"][0]["confidence"]) > 0
    after = items[same[0] + 1 : same[0] + 2]
    return content + "".join(
        one["alternatives"][0]["content"] for one in after if one["type"] == "punctuation"
    )


def read_channels(results: dict[str, Any]) -> list[str]:
    return [
        found(word, channel["items"])
        for channel in results["channel_labels"]["channels"]
        for word in channel["items"]
        if word["type"] == "pronunciation"
    ]


def read_speakers(results: dict[str, Any]) -> list[str]:
    return [
        found(word, results["items"])
        for one in results["speaker_labels"]["segments"]
        for word in one["items"]
    ]


@pytest.mark.parametrize(
    ("labels", "read"),
    [
        (["channel"], read_channels),
        (["speaker"], read_speakers),
        (["channel", "speaker"], read_speakers),
        (["channel", "speaker"], read_channels),
    ],
    ids=["ch", "spk", "both-spk", "both-ch"],
)
def test_it_loses_no_word(labels, read):
    results = results_of(transcript(*labels))
    wanted = [word.lstrip("¿") for said in SAID for word in said.split()]
    assert sorted(read(results)) == sorted(wanted)


@anything
@given(conversations())
def test_every_word_has_its_speaker(transcript: Transcript) -> None:
    results = results_of(transcript)
    words = [one for one in results["items"] if one["type"] == "pronunciation"]
    names = ("start_time", "end_time", "speaker_label")
    labelled = [tuple(one[name] for name in names) for one in words]
    stretches = results["speaker_labels"]["segments"]
    found = [tuple(one[name] for name in names) for each in stretches for one in each["items"]]
    assert found == labelled
    assert len({(start, end) for start, end, _ in labelled}) == len(labelled)
    assert {one["speaker_label"] for each in stretches for one in each["items"]} == {
        one["speaker_label"] for one in stretches
    }


@pytest.mark.parametrize("said", [SAID[:1], []], ids=["one channel", "nobody"])
def test_a_silent_channel_is_there(said):
    segments = tuple(at_once(1.0, one, channel=0) for one in said)
    labels = results_of(Transcript("en", segments, channels=2))["channel_labels"]
    assert [one["channel_label"] for one in labels["channels"]] == ["ch_0", "ch_1"]
    assert labels["channels"][1]["items"] == []
