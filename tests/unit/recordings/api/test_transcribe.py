# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Amazon Transcribe's API, asked with boto3's own client of it."""

import json
from typing import Any

import pytest

from recordings.api.transcribe_model import UNSUPPORTED, service_model
from tests.chaos.recordings.endpoint import content_of
from tests.chaos.recordings.world import BUCKET, RecordingsWorld
from tests.unit.recordings.http_api import AskedApi

URI = f"s3://{BUCKET}/uploads/a.wav"
MEDIA = {"MediaFileUri": URI}
SIGNED = {"authorizer": {"iam": {"accessKey": "AKIA"}}}


@pytest.fixture
def world():
    world = RecordingsWorld()
    world.upload("uploads/a.wav", "good 1", copies=())
    return world


@pytest.fixture
def transcribe(world):
    return AskedApi(world).transcribe()


def start(client, name="first", **more):
    given = {"LanguageCode": "en-GB", **more}
    answer = client.start_transcription_job(TranscriptionJobName=name, Media=MEDIA, **given)
    return answer["TranscriptionJob"]


def get(client, name="first"):
    return client.get_transcription_job(TranscriptionJobName=name)["TranscriptionJob"]


def test_a_job_from_start_to_its_transcript(world, transcribe):
    tags = [{"Key": "team", "Value": "a"}]
    subtitles = {"Formats": ["vtt", "srt"], "OutputStartIndex": 1}
    job = start(
        transcribe,
        MediaFormat="wav",
        MediaSampleRateHertz=8000,
        Subtitles=subtitles,
        Tags=tags,
        Settings={"ChannelIdentification": True},
    )
    assert job["TranscriptionJobStatus"] == "QUEUED"
    assert job["CreationTime"].timestamp() == world.now
    assert "CompletionTime" not in job
    world.pass_time(5)
    assert get(transcribe)["TranscriptionJobStatus"] == "IN_PROGRESS"
    world.quiesce()
    job = get(transcribe)
    assert job["TranscriptionJobStatus"] == "COMPLETED"
    assert job["CompletionTime"] > job["StartTime"] >= job["CreationTime"]
    assert job["LanguageCode"] == "en-GB"
    assert (job["Media"], job["MediaFormat"], job["Tags"]) == (MEDIA, "wav", tags)
    assert (job["MediaSampleRateHertz"], job["Settings"]) == (8000, {"ChannelIdentification": True})
    assert job["Subtitles"]["Formats"] == ["vtt", "srt"]
    assert [uri.partition("?")[0][-4:] for uri in job["Subtitles"]["SubtitleFileUris"]] == [
        ".vtt",
        ".srt",
    ]
    uri = job["Transcript"]["TranscriptFileUri"]
    assert uri.startswith("https://")
    assert "X-Amz-Expires" in uri
    key = uri.partition(".s3.test/")[2].partition("?")[0]
    written = json.loads(content_of(world.store, f"s3://{BUCKET}/{key}") or "")
    assert written["jobName"] == "first"
    assert "good 1" in written["results"]["transcripts"][0]["transcript"]
    (event,) = world.events
    assert event["TranscriptionJobName"] == "first"
    assert event["TranscriptionJobStatus"] == "COMPLETED"


def test_boto3s_own_waiter_waits(world, transcribe, monkeypatch):
    monkeypatch.setattr("time.sleep", world.pass_time)
    start(transcribe)
    transcribe.get_waiter("transcription_job_completed").wait(TranscriptionJobName="first")
    assert get(transcribe)["TranscriptionJobStatus"] == "COMPLETED"


def test_what_cannot_be_transcribed_has_failed_with_a_reason(world, transcribe):
    world.upload("uploads/a.wav", "hopeless 2", copies=())
    start(transcribe)
    world.quiesce()
    job = get(transcribe)
    assert job["TranscriptionJobStatus"] == "FAILED"
    assert "could decode the recording" in job["FailureReason"]


def test_a_name_is_taken_until_its_job_is_deleted(world, transcribe):
    start(transcribe)
    with pytest.raises(
        transcribe.exceptions.ConflictException, match="A job 'first' already exists"
    ):
        start(transcribe)
    for _ in range(3):
        transcribe.delete_transcription_job(TranscriptionJobName="first")
        with pytest.raises(transcribe.exceptions.BadRequestException, match="couldn't be found"):
            get(transcribe)
        assert start(transcribe)["TranscriptionJobStatus"] == "QUEUED"
    world.quiesce()
    assert get(transcribe)["TranscriptionJobStatus"] == "COMPLETED"
    ended = sorted(status for *_, status in world.statuses.values())
    assert ended == ["CANCELLED", "CANCELLED", "CANCELLED", "SUCCEEDED"]
    listed = transcribe.list_transcription_jobs()["TranscriptionJobSummaries"]
    assert [one["TranscriptionJobName"] for one in listed] == ["first"]


def test_two_that_start_at_once_cannot_both_have_a_name(world, transcribe, monkeypatch):
    start(transcribe)
    (job_id,) = world.statuses
    names = "recordings.api.names.JobNames.free_id"
    monkeypatch.setattr(names, lambda *_: job_id)  # as it was a moment earlier
    with pytest.raises(transcribe.exceptions.ConflictException):
        start(transcribe)


def test_jobs_are_listed_by_status_and_name(world, transcribe):
    for number in range(7):
        start(transcribe, f"Call-{number}")
        world.pass_time(10)
    world.quiesce()
    start(transcribe, "last")
    found: list[str] = []
    token: dict[str, str] = {}
    while True:
        page = transcribe.list_transcription_jobs(
            Status="COMPLETED", JobNameContains="CALL", MaxResults=3, **token
        )
        assert page["Status"] == "COMPLETED"
        found += [one["TranscriptionJobName"] for one in page["TranscriptionJobSummaries"]]
        if "NextToken" not in page:
            break
        token = {"NextToken": page["NextToken"]}
    assert found == [f"Call-{number}" for number in range(6, -1, -1)]
    (queued,) = transcribe.list_transcription_jobs(Status="QUEUED")["TranscriptionJobSummaries"]
    assert queued["TranscriptionJobName"] == "last"
    assert queued["OutputLocationType"] == "SERVICE_BUCKET"
    assert len(transcribe.list_transcription_jobs()["TranscriptionJobSummaries"]) == 5


def test_uploads_are_jobs_here_too_by_their_id(world, transcribe):
    world.upload("incoming/b.wav", "good 2")
    world.quiesce()
    (job_id,) = world.statuses
    assert get(transcribe, job_id)["TranscriptionJobStatus"] == "COMPLETED"


@pytest.mark.parametrize(
    ("given", "parameters"),
    [
        ({"LanguageCode": "de-CH"}, {"language": "de"}),
        ({"LanguageCode": "zh-HK"}, {"language": "yue"}),
        ({"LanguageCode": "jv-ID"}, {"language": "jw"}),
        ({"IdentifyLanguage": True}, {}),
        (
            {"IdentifyLanguage": True, "LanguageOptions": ["es-US", "en-IN"]},
            {"languages": ["es", "en"]},
        ),
        ({"IdentifyMultipleLanguages": True}, {"multilingual": True}),
        (
            {"LanguageCode": "en-US", "Settings": {"ChannelIdentification": True}},
            {"language": "en", "channel_identification": True},
        ),
        (
            {
                "LanguageCode": "en-US",
                "Settings": {"ShowSpeakerLabels": True, "MaxSpeakerLabels": 3},
            },
            {"language": "en", "diarize": True, "max_speakers": 3},
        ),
    ],
)
def test_what_is_asked_for_is_what_the_endpoint_is_asked(world, transcribe, given, parameters):
    transcribe.start_transcription_job(TranscriptionJobName="a", Media=MEDIA, **given)
    (job_id,) = world.statuses
    assert world.table.get(job_id).parameters == parameters


def test_an_identified_language_is_told_as_amazon_writes_it(world, transcribe):
    for name, options in (("a", ["de-DE", "en-IN"]), ("b", ["de-DE", "fr-FR"])):
        transcribe.start_transcription_job(
            TranscriptionJobName=name, Media=MEDIA, IdentifyLanguage=True, LanguageOptions=options
        )
    world.quiesce()
    assert get(transcribe, "a")["LanguageCode"] == "en-IN"
    assert get(transcribe, "b")["LanguageCode"] == "en-US"


@pytest.mark.parametrize(
    ("key", "written"),
    [
        ("transcripts/mine/out.json", "transcripts/mine/out.json"),
        ("transcripts/mine/", "transcripts/mine/first.json"),
        (None, "transcripts/first.json"),
    ],
)
def test_an_output_key_is_where_the_file_is(world, transcribe, key, written):
    more = {"OutputKey": key} if key else {}
    start(transcribe, OutputBucketName=BUCKET, Subtitles={"Formats": ["srt"]}, **more)
    world.quiesce()
    job = get(transcribe)
    assert job["Transcript"]["TranscriptFileUri"] == f"https://s3.test/{BUCKET}/{written}"
    assert set(world.written) == {written, f"{written.removesuffix('.json')}.srt"}


def test_an_output_key_is_one_running_jobs(world, transcribe):
    more = {"OutputBucketName": BUCKET, "OutputKey": "transcripts/out.json"}
    start(transcribe, **more)
    with pytest.raises(transcribe.exceptions.ConflictException) as refused:
        start(transcribe, "second", **more)
    sentence = refused.value.response["Error"]["Message"]
    assert sentence.startswith("Give another output key, or wait until the job 'first' has ended")
    names = transcribe.list_transcription_jobs()["TranscriptionJobSummaries"]
    assert [one["TranscriptionJobName"] for one in names] == ["first"]
    world.quiesce()
    start(transcribe, "second", **more)
    world.quiesce()
    assert get(transcribe, "second")["TranscriptionJobStatus"] == "COMPLETED"


@pytest.mark.parametrize(
    "uri",
    [
        f"https://s3.eu-west-1.amazonaws.com/{BUCKET}/uploads/a.wav",
        f"https://s3-eu-west-1.amazonaws.com/{BUCKET}/uploads/a.wav",
        f"https://{BUCKET}.s3.eu-west-1.amazonaws.com/uploads/a%2Ewav",
        f"https://{BUCKET}.s3.amazonaws.com/uploads/a.wav",
    ],
)
def test_media_may_be_named_by_an_https_address_of_s3(world, transcribe, uri):
    job = transcribe.start_transcription_job(
        TranscriptionJobName="a", Media={"MediaFileUri": uri}, LanguageCode="en-US"
    )
    assert job["TranscriptionJob"]["Media"]["MediaFileUri"] == URI


UNSUPPORTED_VALUES: dict[str, Any] = {
    "ContentRedaction": {"RedactionType": "PII", "RedactionOutput": "redacted"},
    "KMSEncryptionContext": {"a": "b"},
    "LanguageIdSettings": {"en-US": {"VocabularyName": "a"}},
    "ModelSettings": {"LanguageModelName": "a"},
    "OutputEncryptionKMSKeyId": "alias/a",
    "ToxicityDetection": [{"ToxicityCategories": ["ALL"]}],
    "Media.RedactedMediaFileUri": "s3://a/b",
    "Settings.MaxAlternatives": 2,
    "Settings.ShowAlternatives": True,
    "Settings.VocabularyFilterName": "a",
    "Settings.VocabularyName": "a",
}


@pytest.mark.parametrize("path", UNSUPPORTED)
def test_what_we_do_not_have_is_refused_by_its_name(world, transcribe, path):
    outer, _, inner = path.rpartition(".")
    value = UNSUPPORTED_VALUES[path]
    given = {outer: {inner: value}} if outer else {inner: value}
    media: dict[str, object] = {**MEDIA, **given.pop("Media", {})}
    with pytest.raises(transcribe.exceptions.BadRequestException, match=f"Leave out {path}"):
        transcribe.start_transcription_job(
            TranscriptionJobName="a", Media=media, LanguageCode="en-US", **given
        )
    assert world.statuses == {}


def test_every_member_of_the_model_is_known_or_refused():
    """One that a newer botocore has must be looked at here before it is passed over."""
    shape = service_model().operation_model("StartTranscriptionJob").input_shape
    known = {
        "TranscriptionJobName", "LanguageCode", "MediaSampleRateHertz", "MediaFormat", "Media",
        "OutputBucketName", "OutputKey", "Settings", "IdentifyLanguage", "LanguageOptions",
        "IdentifyMultipleLanguages", "Subtitles", "Tags", "JobExecutionSettings",
    }  # fmt: skip
    assert set(shape.members) == known | {one for one in UNSUPPORTED if "." not in one}
    settings = {
        "ChannelIdentification", "ShowSpeakerLabels", "MaxSpeakerLabels", "VocabularyFilterMethod",
    }  # fmt: skip
    of_settings = {one.partition(".")[2] for one in UNSUPPORTED if one.startswith("Settings.")}
    assert set(shape.members["Settings"].members) == settings | of_settings


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({}, "Give one of LanguageCode, IdentifyLanguage"),
        ({"LanguageCode": "en-US", "IdentifyLanguage": True}, "Give one of LanguageCode"),
        ({"LanguageCode": "tlh-KX"}, "Give LanguageCode out of"),
        ({"LanguageCode": "zu-ZA"}, "which Whisper does not support"),
        ({"LanguageCode": "en-US", "MediaFormat": "doc"}, "Give MediaFormat out of mp3"),
        ({"LanguageCode": "en-US", "OutputBucketName": "other"}, "writes to no other"),
        ({"LanguageCode": "en-US", "OutputKey": "a"}, "Give OutputBucketName with OutputKey"),
        (
            {"LanguageCode": "en-US", "OutputBucketName": BUCKET, "OutputKey": "raw/a"},
            "Give an OutputKey below transcripts/",
        ),
        ({"LanguageCode": "en-US", "Subtitles": {"OutputStartIndex": 0}}, "numbered from 1"),
        ({"LanguageCode": "en-US", "Media": {"MediaFileUri": "https://a/b"}}, "s3://bucket/key"),
        ({"LanguageCode": "en-US", "Media": {"MediaFileUri": "s3://other/b"}}, "outside what this"),
        ({"LanguageCode": "en-US", "Media": {}}, "Give Media.MediaFileUri"),
        ({"LanguageCode": "en-US", "TranscriptionJobName": "a b"}, "Give TranscriptionJobName as"),
        ({"LanguageCode": "en-US", "Settings": {"MaxSpeakerLabels": 3}}, "Give Settings.Show"),
        ({"LanguageCode": "en-US", "Settings": {"MaxSpeakerLabels": 31}}, "from 2 to 30"),
        ({"LanguageCode": "en-US", "Settings": {"ShowSpeakerLabels": True}}, "Give Settings.Max"),
        (
            {
                "LanguageCode": "en-US",
                "Settings": {
                    "ShowSpeakerLabels": True,
                    "MaxSpeakerLabels": 3,
                    "ChannelIdentification": True,
                },
            },
            "not both",
        ),
    ],
)
def test_a_request_that_cannot_be(world, transcribe, given, sentence):
    with pytest.raises(transcribe.exceptions.BadRequestException) as refused:
        transcribe.start_transcription_job(**{"TranscriptionJobName": "a", "Media": MEDIA, **given})
    assert sentence in refused.value.response["Error"]["Message"]
    assert world.statuses == {}


@pytest.mark.parametrize(
    ("headers", "body", "sentence"),
    [
        ({"smithy-protocol": "rpc-v2-cbor"}, "", "does not support its other protocols"),
        (
            {"x-amz-target": "Transcribe.CreateVocabulary"},
            "{}",
            "does not support CreateVocabulary",
        ),
        ({"x-amz-target": "Transcribe.StartTranscriptionJob"}, "{}", "Give TranscriptionJobName."),
        ({"x-amz-target": "Transcribe.StartTranscriptionJob"}, "x", "body as JSON"),
        (
            {"x-amz-target": "Transcribe.GetTranscriptionJob"},
            '{"TranscriptionJobName": "a", "Speed": 2}',
            "Amazon Transcribe has no such member",
        ),
        (
            {"x-amz-target": "Transcribe.GetTranscriptionJob"},
            '{"TranscriptionJobName": 17}',
            "Give TranscriptionJobName as string",
        ),
        (
            {"x-amz-target": "Transcribe.ListTranscriptionJobs"},
            '{"MaxResults": true}',
            "Give MaxResults as integer",
        ),
        (
            {"x-amz-target": "Transcribe.ListTranscriptionJobs"},
            '{"MaxResults": 101}',
            "Give MaxResults from 1 to 100",
        ),
    ],
)
def test_what_no_client_would_send_is_refused_too(world, headers, body, sentence):
    answer = AskedApi(world).raw("POST", "/transcribe", body, None, headers, SIGNED)
    assert answer["statusCode"] == 400
    assert answer["headers"]["x-amzn-errortype"] == "BadRequestException"
    assert sentence in json.loads(answer["body"])["Message"]


def test_a_failure_of_ours_is_amazons_internal_failure(world, transcribe, monkeypatch):
    monkeypatch.setattr(world.jobs.table, "get", lambda _: 1 / 0)
    transcribe.meta.events.register("needs-retry.transcribe.*", lambda **_: None)
    with pytest.raises(
        transcribe.exceptions.InternalFailureException, match="The deployment failed"
    ):
        get(transcribe)


NULLS = [
    ("StartTranscriptionJob", {"Settings": None, "Subtitles": None, "Tags": None}, ""),
    ("StartTranscriptionJob", {"Subtitles": {"Formats": ["srt"], "OutputStartIndex": None}}, ""),
    ("StartTranscriptionJob", {"TranscriptionJobName": None}, "Give TranscriptionJobName."),
    ("StartTranscriptionJob", {"Media": None}, "Give Media."),
    ("StartTranscriptionJob", {"Media": {"MediaFileUri": None}}, "Give Media.MediaFileUri as"),
    ("GetTranscriptionJob", {"TranscriptionJobName": None}, "Give TranscriptionJobName."),
    ("ListTranscriptionJobs", {"JobNameContains": None, "MaxResults": None}, ""),
]


@pytest.mark.parametrize(("operation", "given", "sentence"), NULLS)
def test_a_member_that_is_null_is_as_good_as_absent(world, operation, given, sentence):
    usual = {"TranscriptionJobName": "first", "Media": MEDIA, "LanguageCode": "en-GB"}
    whole = {**(usual if operation.startswith("Start") else {}), **given}
    headers = {"x-amz-target": f"Transcribe.{operation}"}
    body = json.dumps(whole)
    answer = AskedApi(world).raw("POST", "/transcribe", body, None, headers, SIGNED)
    assert answer["statusCode"] == (400 if sentence else 200)
    assert json.loads(answer["body"]).get("Message", "").startswith(sentence)


def test_as_many_tags_as_amazon_takes_are_taken(transcribe):
    tags = [{"Key": f"{number:03}{'é' * 125}", "Value": "ж" * 256} for number in range(200)]
    assert start(transcribe, Tags=tags)["Tags"] == tags
