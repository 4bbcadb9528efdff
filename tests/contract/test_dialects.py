# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Whatever is asked at ``/transcribe`` and ``/ifw``, the answer is one that their clients know."""

import json
from typing import Any

from botocore.model import ListShape, MapShape, Shape, StringShape, StructureShape
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from recordings.api.transcribe_model import _problems, service_model
from tests.chaos.recordings.world import BUCKET, RecordingsWorld
from tests.unit.recordings.http_api import AskedApi

Asked = tuple[str, str, Any]
"""Method or operation, path, body."""

URI = f"s3://{BUCKET}/uploads/a.wav"
OPERATIONS = (
    "StartTranscriptionJob",
    "GetTranscriptionJob",
    "ListTranscriptionJobs",
    "DeleteTranscriptionJob",
)
_SIGNED = {"authorizer": {"iam": {"accessKey": "AKIA"}}}
_NAMES = st.sampled_from(["a", "b", "c"])
_JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=5,
)
# What the model leaves open, as far as it has to be something for a job to begin.
_KNOWN: dict[str, st.SearchStrategy[Any]] = {
    "TranscriptionJobName": _NAMES,
    "MediaFileUri": st.sampled_from([URI, URI, URI, "s3://other/a.wav", f"s3://{BUCKET}/raw/a"]),
    "OutputBucketName": st.sampled_from([BUCKET, BUCKET, "other"]),
    "OutputKey": st.sampled_from(
        ["transcripts/x.json", "transcripts/y/", "raw/x", "transcripts/x"]
    ),
    "LanguageCode": st.sampled_from(["en-US", "de-DE", "zh-HK", "ab-GE"]),
}
_OFTEN = ("Subtitles", "OutputBucketName", "OutputKey", "Settings")


def _of(shape: Shape, name: str = "") -> st.SearchStrategy[Any]:
    """Return values that the model allows for a member."""
    if name in _KNOWN:
        return _KNOWN[name]
    least, most = shape.metadata.get("min", 0), shape.metadata.get("max", 3)
    if isinstance(shape, StructureShape):
        members = {key: _of(one, key) for key, one in shape.members.items()}
        needed = {key: members.pop(key) for key in shape.required_members}
        return st.fixed_dictionaries(needed, optional=members)
    if isinstance(shape, ListShape):
        return st.lists(_of(shape.member), min_size=least, max_size=max(least, min(most, 3)))
    if isinstance(shape, MapShape):
        return st.dictionaries(_of(shape.key), _of(shape.value), max_size=2)
    if isinstance(shape, StringShape) and shape.enum:
        return st.sampled_from(shape.enum)
    kinds: dict[str, st.SearchStrategy[Any]] = {
        "string": st.text(min_size=least, max_size=max(least, min(most, 12))),
        "boolean": st.booleans(),
        "integer": st.integers(least, shape.metadata.get("max", 1_000_000)),
    }
    return kinds[shape.type_name]


def _input(operation: str) -> st.SearchStrategy[Any]:
    return _of(service_model().operation_model(operation).input_shape)


def _ordinary() -> st.SearchStrategy[Any]:
    """Return requests for jobs that begin: the members that most callers send."""
    shape = service_model().operation_model(OPERATIONS[0]).input_shape
    more = {key: _of(shape.members[key], key) for key in _OFTEN}
    media = st.just({"MediaFileUri": URI})
    needed = {"TranscriptionJobName": _NAMES, "Media": media, "LanguageCode": st.just("en-US")}
    return st.fixed_dictionaries(needed, optional=more)


@st.composite
def _broken(draw: st.DrawFn, whole: st.SearchStrategy[Any]) -> Any:
    """Return a request with something else at one place, with a member too few or too many."""
    request = part = draw(whole)
    while isinstance(part, dict) and part:
        name = draw(st.sampled_from(sorted(part)))
        if isinstance(part[name], dict) and part[name] and draw(st.booleans()):
            part = part[name]
            continue
        if draw(st.booleans()):
            part[name] = draw(_JSON)
        else:
            del part[name]
        break
    if isinstance(part, dict) and draw(st.booleans()):
        part[draw(st.text(max_size=8))] = draw(_JSON)
    return request


def _asked(operation: str, bodies: st.SearchStrategy[Any]) -> st.SearchStrategy[Asked]:
    return st.tuples(st.just(operation), st.just("/transcribe"), bodies)


TO_TRANSCRIBE: st.SearchStrategy[Asked] = st.one_of(
    _asked(OPERATIONS[0], _ordinary()),
    *(_asked(operation, _input(operation)) for operation in OPERATIONS),
    *(_asked(operation, _broken(_input(operation))) for operation in OPERATIONS),
    _asked(OPERATIONS[0], _broken(_ordinary())),
    st.sampled_from(service_model().operation_names).flatmap(lambda name: _asked(name, _JSON)),
    _asked("", _JSON),
)

_HOOK: st.SearchStrategy[Any] = st.fixed_dictionaries(
    {"url": st.just("https://a/b")}, optional={"header": st.just({})}
)
_TASK: st.SearchStrategy[Any] = st.fixed_dictionaries(
    {"url": st.sampled_from([URI, URI, "https://a/b", "ftp://a"])},
    optional={
        "task": st.sampled_from(["transcribe", "translate"]),
        "language": st.sampled_from(["None", "en", "German", "xx", "", None]),
        "batch_size": st.integers(-1, 100),
        "timestamp": st.sampled_from(["chunk", "word", "work"]),
        "diarise_audio": st.booleans(),
        "webhook": _HOOK,
        "is_async": st.booleans(),
        "managed_task_id": _NAMES,
    },
)
_ENVELOPE: st.SearchStrategy[Any] = st.fixed_dictionaries(
    {"model_input": _TASK}, optional={"webhook_endpoint": st.just("https://a/b")}
)
_ROUTES = [("GET", "/ifw/tasks"), ("GET", "/ifw/status/a"), ("DELETE", "/ifw/cancel/a")]
TO_IFW: st.SearchStrategy[Asked] = st.one_of(
    st.tuples(st.just("POST"), st.just("/ifw"), _TASK | _ENVELOPE),
    st.tuples(st.just("POST"), st.just("/ifw"), _broken(_TASK) | _broken(_ENVELOPE) | _JSON),
    st.sampled_from(_ROUTES).map(lambda one: (*one, None)),
    st.tuples(
        st.sampled_from(["GET", "POST", "DELETE", "PUT"]),
        st.text(max_size=12).map(lambda one: f"/ifw/{one}")
        | st.text(max_size=12).map(lambda one: f"/ifw/status/{one}"),
        _JSON,
    ),
)


def prepared() -> AskedApi:
    world = RecordingsWorld()
    world.upload("uploads/a.wav", "good 1", copies=())
    return AskedApi(world)


def ask_transcribe(api: AskedApi, request: Asked) -> int:
    """Ask as an SDK does; check the answer against the service's model, and return its status."""
    operation, path, body = request
    headers = {"x-amz-target": f"Transcribe.{operation}"} if operation else {}
    status, answer = api.ask("POST", path, body, headers=headers, context=_SIGNED)
    if status == 200:
        shape = service_model().operation_model(operation).output_shape
        problems = [] if shape is None else [*_problems(shape, answer, "")]
        assert problems == [], (request, answer)
        return status
    known = {"BadRequestException"}
    if operation in OPERATIONS:
        shapes = service_model().operation_model(operation).error_shapes
        known = {one.name for one in shapes}
    assert (status, answer["__type"] in known) in ((400, True), (409, True)), (request, answer)
    require_sentence(answer["Message"])
    return status


def ask_ifw(api: AskedApi, request: Asked) -> int:
    """Ask as a client of insanely-fast-whisper does; check the answer and return its status."""
    status, answer = api.ask(*request)
    if status in (200, 202):
        assert {"tasks", "status"} & set(answer), (request, answer)
        return status
    assert status in (400, 404, 405, 409, 422), (request, status, answer)
    if "error" in answer:  # of a task that has failed
        assert (status, answer["status"]) == (422, "error")
        require_sentence(answer["error"])
    elif status == 422:
        for problem in answer["detail"]:
            assert (problem["loc"][0], problem["type"]) == ("body", "value_error")
            require_sentence(problem["msg"])
    else:
        assert isinstance(answer["detail"], str), (request, answer)
        assert answer["detail"], (request, answer)
    return status


def require_sentence(text: str) -> None:
    assert text[:1].isupper(), text
    assert text.endswith((".", "…")), text
    assert json.loads(json.dumps(text)) == text


_FEW = settings(max_examples=4, deadline=None, suppress_health_check=list(HealthCheck))


@_FEW
@given(st.lists(TO_TRANSCRIBE, min_size=15, max_size=20))
def test_amazons_clients_know_every_answer(requests: list[Asked]) -> None:
    api = prepared()
    for request in requests:
        ask_transcribe(api, request)
        api.world.pass_time(7)


@_FEW
@given(st.lists(TO_IFW, min_size=15, max_size=20))
def test_insanely_fast_whispers_clients_know_every_answer(requests: list[Asked]) -> None:
    api = prepared()
    for request in requests:
        ask_ifw(api, request)
        api.world.pass_time(7)


def test_requests_as_most_callers_send_them_begin_jobs() -> None:
    media = {"MediaFileUri": URI}
    job = {"TranscriptionJobName": "a", "Media": media, "LanguageCode": "en-US"}
    api = prepared()
    assert ask_transcribe(api, ("StartTranscriptionJob", "/transcribe", job)) == 200
    assert ask_transcribe(api, ("StartTranscriptionJob", "/transcribe", job)) == 409
    assert ask_ifw(api, ("POST", "/ifw", {"url": URI})) == 202
