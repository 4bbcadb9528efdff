# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""``/transcribe``: Amazon Transcribe's batch API, for existing clients of that service."""

import re
import uuid
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

from recordings.api.media import media_of
from recordings.api.messages import ApiRequest, ApiResponse
from recordings.api.names import JobNames
from recordings.api.transcribe_model import require_supported, require_valid, service_model
from recordings.errors import (
    InvalidJob,
    JobEnded,
    NameTaken,
    RecordingError,
    SignatureRefused,
)
from recordings.job import JobStatus, RecordingJob
from recordings.jobs import Jobs
from recordings.paging import page
from recordings.settings import TRANSCRIPTS
from recordings.webhooks.notice import address_of
from whisper_contract.languages import NAMES

_JSON = "application/x-amz-json-1.1"
_TARGET = "Transcribe."
_FORM = "transcribe"
_STATUSES = {
    JobStatus.SUBMITTED: "QUEUED",
    JobStatus.CONVERTING: "IN_PROGRESS",
    JobStatus.TRANSCRIBING: "IN_PROGRESS",
    JobStatus.SUCCEEDED: "COMPLETED",
    JobStatus.FAILED: "FAILED",
    JobStatus.CANCELLED: "FAILED",
}
_ERRORS = {400: "BadRequestException", 401: "AccessDeniedException", 409: "ConflictException"}
_LISTED = 5
_REGION = r"s3[.-][a-z0-9-]+\.amazonaws\.com(?:\.cn)?"
_URIS = (
    re.compile(r"s3://(?P<bucket>[^/]+)/(?P<key>.+)", re.DOTALL),
    re.compile(rf"https://(?:s3\.amazonaws\.com|{_REGION})/(?P<bucket>[^/]+)/(?P<key>[^?#]+)"),
    re.compile(
        rf"https://(?P<bucket>[a-z0-9.-]+)\.(?:s3\.amazonaws\.com|{_REGION})/(?P<key>[^?#]+)"
    ),
)
_WHISPERS = {"jv": "jw"}
_SPOKEN = ("LanguageCode", "IdentifyLanguage", "IdentifyMultipleLanguages")
_USUAL = {"ar": "ar-SA", "en": "en-US", "es": "es-US", "fa": "fa-IR", "fr": "fr-FR", "de": "de-DE"}
_USUAL |= {"pt": "pt-BR", "sw": "sw-KE", "zh": "zh-CN", "et": "et-EE", "yue": "zh-HK"}


@dataclass(frozen=True)
class TranscribeDialect:
    """Answers requests below ``/transcribe``."""

    jobs: Jobs

    @property
    def _names(self) -> JobNames:
        return JobNames(self.jobs.table, "transcribe")

    def answer(self, request: ApiRequest) -> ApiResponse:
        """Answer a request in AWS's JSON 1.1 protocol."""
        operations = {
            "StartTranscriptionJob": self._start,
            "GetTranscriptionJob": self._get,
            "ListTranscriptionJobs": self._list,
            "DeleteTranscriptionJob": self._delete,
        }
        target = request.headers.get("x-amz-target", "")
        if not target:
            raise InvalidJob(
                "Use Amazon Transcribe's JSON 1.1 protocol, with the header X-Amz-Target: "
                "this deployment does not support its other protocols "
                "(smithy-rpc-v2-cbor)."
            )
        name = target.removeprefix(_TARGET)
        if name not in operations:
            raise InvalidJob(
                f"This deployment does not support {name:.100}: it supports "
                f"{', '.join(operations)}."
            )
        given = _present(request.document())
        if name == "StartTranscriptionJob":
            require_supported(given)
        require_valid(name, given)
        return ApiResponse(200, operations[name](given), {"content-type": _JSON})

    def refusal(self, error: RecordingError | None, status: int) -> ApiResponse:
        """Return an error as one of the exceptions in the service's model."""
        kind = _ERRORS.get(status, "BadRequestException")
        sentence = str(error)
        if error is None:
            kind = "InternalFailureException"
            sentence = "The deployment failed: try again, and see its log if it fails again."
        elif status == 404:  # Amazon Transcribe's clients expect this error
            kind, status = "BadRequestException", 400
            sentence = f"The requested job couldn't be found. {sentence}"
        elif isinstance(error, JobEnded):
            kind, status = "BadRequestException", 400
        elif isinstance(error, SignatureRefused):  # clients correct their clock on this error
            kind, status = "InvalidSignatureException", 403
        body = {"__type": kind, "Message": sentence, "message": sentence}
        return ApiResponse(status, body, {"content-type": _JSON, "x-amzn-errortype": kind})

    def _start(self, given: dict[str, Any]) -> dict[str, Any]:
        name = given["TranscriptionJobName"]
        wanted = {
            "s3_uri": _s3_uri(given["Media"].get("MediaFileUri", "")),
            "parameters": _parameters(given),
            "formats": [_FORM, *_subtitles(given)],
            "output_key": self._output_key(given),
            "name": name,
            "asked": {**given, "nonce": uuid.uuid4().hex},
        }
        job_id = self._names.free_id(name)
        if not self.jobs.start({**wanted, "id": job_id}):
            raise NameTaken(f"A job {name!r} already exists: delete it, or use another name.")
        return {"TranscriptionJob": self._told(self.jobs.table.get(job_id))}

    def _get(self, given: dict[str, Any]) -> dict[str, Any]:
        job = self._names.find(given["TranscriptionJobName"])
        return {"TranscriptionJob": self._told(job)}

    def _list(self, given: dict[str, Any]) -> dict[str, Any]:
        wanted = given.get("Status")
        statuses = [one for one, told in _STATUSES.items() if wanted in (None, told)]
        part = given.get("JobNameContains", "").lower()
        found = page(
            self.jobs.table,
            statuses,
            given.get("MaxResults", _LISTED),
            given.get("NextToken", ""),
            wanted=lambda job: part in job.known_as.lower(),
        )
        answer: dict[str, Any] = {"TranscriptionJobSummaries": [*map(_summary, found.jobs)]}
        if wanted is not None:
            answer["Status"] = wanted
        return answer | ({"NextToken": found.next} if found.next else {})

    def _delete(self, given: dict[str, Any]) -> None:
        job = self._names.find(given["TranscriptionJobName"])
        if not job.has_ended:
            self.jobs.end_now(job.id, "The job was deleted.")
        self.jobs.table.mark_deleted(job.id)

    def _told(self, job: RecordingJob) -> dict[str, Any]:
        echoed = (
            "MediaSampleRateHertz",
            "MediaFormat",
            "Settings",
            "JobExecutionSettings",
            "LanguageIdSettings",
            "Tags",
        )
        asked = {name: job.asked[name] for name in echoed if name in job.asked}
        told = {**_common(job), "Media": {"MediaFileUri": job.source}, **asked}
        for name in ("IdentifyLanguage", "IdentifyMultipleLanguages", "LanguageOptions"):
            if name in job.asked:
                told[name] = job.asked[name]
        if job.status is JobStatus.SUCCEEDED:
            told = {**media_of(job, self.jobs.s3), **told}
        if _FORM in job.outputs:
            uri = self._address(job, job.outputs[_FORM])
            told["Transcript"] = {"TranscriptFileUri": uri}
        if "Subtitles" in job.asked:
            wanted = _subtitles(job.asked)
            there = [one for one in wanted if one in job.outputs]
            told["Subtitles"] = {"Formats": wanted, "OutputStartIndex": 1}
            if there:
                uris = [self._address(job, job.outputs[one]) for one in there]
                told["Subtitles"]["SubtitleFileUris"] = uris
        return told

    def _address(self, job: RecordingJob, uri: str) -> str:
        """Return a file's URL: unsigned if the caller named the bucket, presigned otherwise.

        The unsigned URL has the bucket in its path, as Amazon's has: clients cut the key out of it.
        """
        address = address_of(uri, self.jobs.s3)
        if "OutputBucketName" not in job.asked:
            return address
        place, bucket = urlsplit(address), self.jobs.settings.bucket
        host = place.netloc.removeprefix(f"{bucket}.")
        path = place.path if host == place.netloc else f"/{bucket}{place.path}"
        return f"{place.scheme}://{host}{path}"

    def _output_key(self, given: dict[str, Any]) -> str:
        """Return the requested output key; empty for the default location."""
        bucket, key = given.get("OutputBucketName"), given.get("OutputKey")
        own = self.jobs.settings.bucket
        if bucket is None:
            if key is not None:
                raise InvalidJob("Give OutputBucketName with OutputKey, or leave both out.")
            return ""
        if bucket != own:
            raise InvalidJob(
                f"Leave out OutputBucketName or give {own}: this deployment writes to no other."
            )
        key = key or TRANSCRIPTS
        if not key.startswith(TRANSCRIPTS):
            raise InvalidJob(
                f"Give an OutputKey below {TRANSCRIPTS}: this deployment writes to no other place."
            )
        return f"{key}{given['TranscriptionJobName']}.json" if key.endswith("/") else str(key)


def _present(given: dict[str, Any]) -> dict[str, Any]:
    """Drop null members, on both levels: null counts as absent."""
    return {
        name: {inner: value for inner, value in one.items() if value is not None}
        if isinstance(one, dict)
        else one
        for name, one in given.items()
        if one is not None
    }


def _s3_uri(uri: str) -> str:
    for number, pattern in enumerate(_URIS):
        if match := pattern.fullmatch(uri):
            key = unquote(match["key"]) if number else match["key"]
            return f"s3://{match['bucket']}/{key}"
    raise InvalidJob(f"Give Media.MediaFileUri as s3://bucket/key; it is {uri!r:.200}.")


def _parameters(given: dict[str, Any]) -> dict[str, Any]:
    parameters = _language(given)
    settings = given.get("Settings", {})
    if settings.get("ChannelIdentification"):
        parameters["channel_identification"] = True
    if settings.get("ShowSpeakerLabels"):
        if "MaxSpeakerLabels" not in settings:
            raise InvalidJob("Give Settings.MaxSpeakerLabels with ShowSpeakerLabels.")
        if settings.get("ChannelIdentification"):
            raise InvalidJob("Give Settings.ShowSpeakerLabels or ChannelIdentification, not both.")
        parameters |= {"diarize": True, "max_speakers": settings["MaxSpeakerLabels"]}
    elif "MaxSpeakerLabels" in settings:
        raise InvalidJob("Give Settings.ShowSpeakerLabels with MaxSpeakerLabels.")
    return parameters


def _language(given: dict[str, Any]) -> dict[str, Any]:
    said = [name for name in _SPOKEN if given.get(name)]
    if len(said) != 1:
        raise InvalidJob(f"Give one of {', '.join(_SPOKEN)}.")
    if said == ["LanguageCode"]:
        return {"language": _whispers(given["LanguageCode"])}
    languages = [_whispers(one) for one in given.get("LanguageOptions", ())]
    parameters: dict[str, Any] = {"languages": list(dict.fromkeys(languages))} if languages else {}
    return parameters | ({"multilingual": True} if said == [_SPOKEN[2]] else {})


def _whispers(code: str) -> str:
    """Convert Amazon's language code to Whisper's."""
    if code == "zh-HK":
        return "yue"
    language = code.partition("-")[0]
    language = _WHISPERS.get(language, language)
    if language not in NAMES:
        raise InvalidJob(f"Give another language than {code}, which Whisper does not support.")
    return language


def _amazons(job: RecordingJob) -> str:
    """Return Amazon's code for a job's language, preferring the codes in the request."""
    if job.asked.get("LanguageCode"):
        return str(job.asked["LanguageCode"])
    for one in job.asked.get("LanguageOptions", ()):
        if _whispers(one) == job.language:
            return str(one)
    codes = service_model().shape_for("LanguageCode").enum
    of_it = [one for one in codes if _WHISPERS.get(one[:2], one[:2]) == job.language]
    return _USUAL.get(job.language, of_it[0] if of_it else "")


def _subtitles(given: dict[str, Any]) -> list[str]:
    subtitles = given.get("Subtitles", {})
    if subtitles.get("OutputStartIndex", 1) != 1:
        raise InvalidJob(
            "Give Subtitles.OutputStartIndex as 1 or leave it out: captions are numbered from 1."
        )
    return list(dict.fromkeys(subtitles.get("Formats", ())))


def _summary(job: RecordingJob) -> dict[str, Any]:
    return {**_common(job), "OutputLocationType": _place(job)}


def _place(job: RecordingJob) -> str:
    return "CUSTOMER_BUCKET" if "OutputBucketName" in job.asked else "SERVICE_BUCKET"


def _common(job: RecordingJob) -> dict[str, Any]:
    told: dict[str, Any] = {
        "TranscriptionJobName": job.known_as,
        "TranscriptionJobStatus": _STATUSES[job.status],
        "CreationTime": round(job.submitted_at, 3),
    }
    if job.started_at:
        told["StartTime"] = round(job.started_at, 3)
    if job.ended_at:
        told["CompletionTime"] = round(job.ended_at, 3)
    if job.error:
        told["FailureReason"] = job.error
    code = _amazons(job) if job.language or job.asked else ""
    return told | ({"LanguageCode": code} if code else {})
