# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""`/jobs`, by its OpenAPI document: stories, and random requests that it has an answer for."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from recordings.api import openapi
from recordings.transcripts import FORMS
from tests.chaos.recordings.world import BUCKET, RecordingsWorld
from tests.unit.recordings.http_api import AskedApi

URI = f"s3://{BUCKET}/uploads/a.wav"
DOCUMENT = openapi.document()


@pytest.fixture
def api():
    return prepared()


def prepared():
    world = RecordingsWorld()
    world.upload("uploads/a.wav", "good 1", copies=())
    return AskedApi(world)


def operation(method, path):
    """Return what the document says of a request, None where it knows no such path."""
    paths = DOCUMENT["paths"]
    for known in sorted(paths, key=lambda one: one.count("{")):
        parts, wanted = path.strip("/").split("/"), known.strip("/").split("/")
        if len(parts) == len(wanted) and all(
            two.startswith("{") or one == two for one, two in zip(parts, wanted, strict=True)
        ):
            return paths[known].get(method.lower(), paths["/jobs"]["get"])
    return None


def require_documented(method, path, status, document):
    """Check an answer against the document; what has no path there is 404."""
    assert status < 500, document
    described = operation(method, path)
    if described is None:
        assert status == 404
        described = DOCUMENT["paths"]["/jobs"]["get"]
    responses = described["responses"]
    assert str(status) in responses, (method, path, status)
    schema = responses[str(status)]["content"]["application/json"]["schema"]
    if "$ref" in schema:
        openapi.validator(schema["$ref"].rpartition("/")[2]).validate(document)


def ask(api, method, path, body=None, **more):
    status, document = api.ask(method, path, body, **more)
    require_documented(method, path, status, document)
    return status, document


def test_the_document_is_openapi_and_so_are_its_schemas(api):
    assert ask(api, "GET", "/jobs/openapi.json") == (200, DOCUMENT)
    for schema in DOCUMENT["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)
    references = json.dumps(DOCUMENT).split('"$ref": "#/components/schemas/')[1:]
    assert {one.partition('"')[0] for one in references} <= set(DOCUMENT["components"]["schemas"])
    assert "response_format" not in DOCUMENT["components"]["schemas"]["parameters"]["properties"]


def untyped(schema, where):
    """Yield where generators of clients would make a type of nothing in particular."""
    if isinstance(schema, list):
        schema = dict(enumerate(schema))
    if not isinstance(schema, dict):
        return
    for kind in ("anyOf", "oneOf", "allOf"):
        for number, one in enumerate(schema.get(kind, [])):
            if not {"$ref", "type", "anyOf", "oneOf"} & one.keys():
                yield f"{where}.{kind}.{number}: has no type"
    if isinstance(schema.get("enum"), list) and "type" not in schema:
        yield f"{where}: a list of values without their type"
    if (
        schema.get("type") == "object"
        and not {"properties", "additionalProperties"} & schema.keys()
    ):
        yield f"{where}: an object that may or may not have fields"
    for name, one in schema.items():
        yield from untyped(one, f"{where}.{name}")


def test_generators_of_clients_find_a_type_for_everything():
    assert not list(untyped(DOCUMENT["paths"], "paths"))
    assert not list(untyped(DOCUMENT["components"]["schemas"], "schemas"))


def test_the_page_is_the_documents():
    path = Path(__file__).parents[4] / "docs/jobs-api.openapi.json"
    assert json.loads(path.read_text()) == DOCUMENT, "run: make generate"


def test_a_job_from_submission_to_its_transcripts(api):
    body = {"s3_uri": URI, "formats": ["srt", "txt"], "parameters": {"language": "en"}}
    status, job = ask(api, "POST", "/jobs", body)
    assert (status, job["status"], job["source"]) == (201, "SUBMITTED", URI)
    path = f"/jobs/{job['id']}"
    api.world.pass_time(5)
    assert ask(api, "GET", path)[1]["status"] == "TRANSCRIBING"
    api.world.quiesce()
    status, job = ask(api, "GET", path)
    assert (status, job["status"], job["progress"]) == (200, "SUCCEEDED", 1)
    assert set(job["outputs"]) == set(job["output_urls"]) == {"srt", "txt"}
    assert job["output_urls"]["srt"].startswith("https://")
    assert ask(api, "DELETE", path)[0] == 409


def test_an_upload_is_offered(api):
    status, upload = ask(api, "POST", "/jobs/uploads", {"name": "Gespräch 1.wav"})
    assert status == 201
    assert upload["s3_uri"].startswith(f"s3://{BUCKET}/uploads/")
    assert upload["s3_uri"].endswith("/Gespräch 1.wav")
    assert "operation=put_object" in upload["url"]
    assert ask(api, "POST", "/jobs", {"s3_uri": upload["s3_uri"]})[0] == 400  # not there yet
    api.world.upload(upload["s3_uri"].removeprefix(f"s3://{BUCKET}/"), "good 2", copies=())
    assert ask(api, "POST", "/jobs", {"s3_uri": upload["s3_uri"]})[0] == 201


def test_the_same_token_is_the_same_job(api):
    body = {"s3_uri": URI, "client_token": "17"}
    ids = {ask(api, "POST", "/jobs", body)[1]["id"] for _ in range(3)}
    assert len(ids) == 1
    status, document = ask(api, "POST", "/jobs", {**body, "formats": ["vtt"]})
    assert (status, document["code"]) == (409, "NameTaken")


def test_a_running_job_is_cancelled(api):
    job_id = ask(api, "POST", "/jobs", {"s3_uri": URI})[1]["id"]
    api.world.pass_time(5)
    assert ask(api, "DELETE", f"/jobs/{job_id}")[1]["status"] == "CANCELLED"
    assert ask(api, "DELETE", f"/jobs/{job_id}")[0] == 200  # may be asked twice


def test_a_webhook_is_told_again_on_demand(api):
    body = {"s3_uri": URI, "webhook": {"url": "https://example.com/", "headers": {"A": "b"}}}
    job_id = ask(api, "POST", "/jobs", body)[1]["id"]
    assert ask(api, "POST", f"/jobs/{job_id}/resend")[0] == 400
    api.world.quiesce()
    assert ask(api, "POST", f"/jobs/{job_id}/resend")[0] == 202
    api.world.quiesce()
    assert [one["status"] for one in ask(api, "GET", f"/jobs/{job_id}")[1]["deliveries"]] == [
        200,
        200,
    ]


def test_pages_have_every_job_once_whatever_their_time(api):
    for number in range(7):  # at one and the same time, in the end
        ask(api, "POST", "/jobs", {"s3_uri": URI, "client_token": f"{number}"})
        api.world.pass_time(10 if number < 3 else 0)
    seen, query = [], {"limit": "2"}
    while True:
        listed = ask(api, "GET", "/jobs", query=query)[1]
        seen += [job["id"] for job in listed["jobs"]]
        if "next" not in listed:
            break
        query["next"] = listed["next"]
    assert len(seen) == len(set(seen)) == 7
    middle = api.world.table.get(seen[-2]).submitted_at
    query = {"submitted_before": str(middle), "status": "SUCCEEDED"}
    api.world.quiesce()
    assert [job["id"] for job in ask(api, "GET", "/jobs", query=query)[1]["jobs"]] == [seen[-1]]


def test_a_page_of_large_jobs_fits_in_a_response(api):
    terms = ['"' * 200] * 280
    for _ in range(30):
        ask(api, "POST", "/jobs", {"s3_uri": URI, "parameters": {"terms": terms}})
    seen: list[str] = []
    query = {"limit": "100"}
    while len(seen) < 30:
        event = api.raw("GET", "/jobs", "", {**query})
        assert len(json.dumps(event).encode()) < 6 * 1024 * 1024
        listed = json.loads(event["body"])
        seen += [job["id"] for job in listed["jobs"]]
        query["next"] = listed.get("next", "")
    assert len(set(seen)) == len(seen) == 30


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "sentence"),
    [
        ("POST", "/jobs", {}, 400, "Give s3_uri, the address of the recording; POST /jobs/uploads"),
        ("POST", "/jobs", {"s3_uri": "s3://other/a"}, 400, "outside what this deployment may"),
        (
            "POST",
            "/jobs",
            {"s3_uri": f"s3://{BUCKET}/uploads/b"},
            400,
            "does not exist, or no longer",
        ),
        ("POST", "/jobs", {"s3_uri": f"s3://{BUCKET}/uploads/b/"}, 400, "uploads/b/ is a folder."),
        (
            "POST",
            "/jobs",
            {"s3_uri": URI, "speed": 2},
            400,
            'There is no field "speed": known fields are client_token, formats',
        ),
        ("POST", "/jobs", {"s3_uri": URI, "formats": ["docx"]}, 400, "use json or verbose_json"),
        (
            "POST",
            "/jobs",
            {"s3_uri": URI, "formats": {"a": 1}},
            400,
            "Correct formats: it is an object with 1 field; use a list, each json or verbose_json",
        ),
        ("POST", "/jobs", {"s3_uri": URI, "parameters": {"beam_size": 99}}, 400, "beam_size"),
        ("POST", "/jobs", {"url": "https://example.com/a.mp3"}, 400, "AllowUrlSources"),
        ("POST", "/jobs", {"s3_uri": URI, "url": "https://a/b"}, 400, "s3_uri or url, not both."),
        ("POST", "/jobs", {"s3_uri": "", "url": "https://a/b"}, 400, "s3_uri or url, not both."),
        ("POST", "/jobs", "{", 400, "Send the request's body as JSON."),
        ("POST", "/jobs", "[]", 400, "as a JSON object"),
        ("POST", "/jobs", '{"s3_uri": NaN}', 400, "Send the request's body as JSON."),
        ("POST", "/jobs", r'{"s3_uri": "\ud800"}', 400, "Send the request's body as JSON."),
        (
            "POST",
            "/jobs/uploads",
            {"name": "a/b"},
            400,
            'Correct name: it is "a/b"; use a file name of 1 to 200 characters, without slashes',
        ),
        ("POST", "/jobs/uploads", {"name": ".."}, 400, 'it is ".."; use a file name'),
        (
            "POST",
            "/jobs",
            {"s3_uri": URI, "parameters": {"language": "klingon"}},
            400,
            'Correct parameters.language: it is "klingon"; use a language code such as en or null.',
        ),
        (
            "POST",
            "/jobs",
            {"s3_uri": URI, "parameters": {"languages": ["en", "xx!"]}},
            400,
            'Correct parameters.languages.1: it is "xx!"; use a language code such as en.',
        ),
        (
            "POST",
            "/jobs",
            {"s3_uri": URI, "webhook": {}},
            400,
            "Give webhook.url, which is missing.",
        ),
        (
            "POST",
            "/jobs",
            {
                "s3_uri": URI,
                "webhook": {
                    "url": "https://a/b",
                    "headers": dict.fromkeys(map(str, range(21)), "a"),
                },
            },
            400,
            "it is an object with 21 fields; use an object of at most 20 fields.",
        ),
        ("POST", "/jobs/uploads", {}, 400, "Give name, which is missing."),
        (
            "POST",
            "/jobs",
            {
                "s3_uri": URI,
                "parameters": {"terms": ["\u0436" * 200] * 1_000},
            },
            400,
            "Shorten parameters, such as terms: as JSON they have 1,20",
        ),
        ("PUT", "/jobs", {}, 405, "Use GET, POST here, not PUT."),
        ("GET", "/jobs/17", None, 404, "There is no job '17'"),
        ("GET", f"/jobs/{'a' * 300}", None, 400, "Give the id of a job."),
        ("GET", "/jobs/17/18/19", None, 404, "does not exist: see"),
        ("GET", "/job", None, 404, "Use a path below one of /jobs, /transcribe, /ifw."),
        ("GET", "/", None, 404, "Use a path below"),
    ],
)
def test_a_refusal_is_one_sentence(api, method, path, body, status, sentence):
    answered, document = ask(api, method, path, body)
    assert answered == status
    assert sentence in document["error"]
    assert not re.search(r"\^|\b(array|propert)|unexpected", document["error"])


@pytest.mark.parametrize(
    "query",
    [
        {"limit": "0"},
        {"limit": ""},
        {"status": ""},
        {"submitted_before": ""},
        {"limit": "1.5"},
        {"limit": "nan"},
        {"limit": "x"},
        {"status": "DONE"},
        {"submitted_before": "inf"},
        {"next": "x"},
        {"next": "WzEsMl0="},
        {"next": "W251bGwsIG51bGxd"},
        {"next": "é"},
        {"Status": "FAILED"},
    ],
)
def test_a_page_that_cannot_be(api, query):
    assert ask(api, "GET", "/jobs", query=query)[0] == 400


# What a request may have, each with something that it may not.
_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=6,
)
_parameters = st.dictionaries(
    st.sampled_from(sorted(DOCUMENT["components"]["schemas"]["parameters"]["properties"])), _json
)
_submission = st.fixed_dictionaries(
    {},
    optional={
        "s3_uri": st.sampled_from([URI, f"s3://{BUCKET}/uploads/b", "s3://a/b"]) | _json,
        "url": st.sampled_from(["https://a/b", "http://a"]) | _json,
        "parameters": _parameters | _json,
        "formats": st.lists(st.sampled_from(sorted(FORMS))) | _json,
        "webhook": st.fixed_dictionaries(
            {"url": st.sampled_from(["https://a/b"]) | _json}, optional={"headers": _json}
        )
        | _json,
        "client_token": st.sampled_from(["1", "2"]) | _json,
        "other": _json,
    },
)
_ids = st.sampled_from(["a" * 32, "first"]) | st.text(max_size=40)
_paths = st.one_of(
    st.sampled_from(["/jobs", "/jobs/uploads", "/jobs/openapi.json", "/", "/jobs//"]),
    _ids.map(lambda one: f"/jobs/{one}"),
    _ids.map(lambda one: f"/jobs/{one}/resend"),
    st.text(max_size=20).map(lambda one: f"/{one}"),
)
_queries = st.dictionaries(
    st.sampled_from(["status", "limit", "submitted_before", "next", "other"]),
    st.sampled_from(["SUCCEEDED", "5", "1e9", ""]) | st.text(max_size=20),
)
_ANY = st.tuples(
    st.sampled_from(["GET", "POST", "DELETE", "PUT", "PATCH"]),
    _paths,
    _submission | st.fixed_dictionaries({"name": st.text() | _json}) | _json,
    _queries,
)
_GOOD = st.fixed_dictionaries(
    {"s3_uri": st.just(URI)},
    optional={
        "parameters": st.fixed_dictionaries({}, optional={"language": st.just("en")}),
        "formats": st.lists(st.sampled_from(sorted(FORMS))),
        "webhook": st.just({"url": "https://a/b", "headers": {"A": "b"}}),
        "client_token": st.sampled_from(["1", "2"]),
    },
)
REQUESTS: st.SearchStrategy[tuple[str, str, Any, dict[str, str]]] = st.one_of(
    _ANY,
    st.tuples(st.just("POST"), st.just("/jobs"), _GOOD, st.just({})),
    st.tuples(
        st.sampled_from(["GET", "DELETE", "POST"]),
        st.sampled_from(["/jobs/first", "/jobs/first/resend", "/jobs"]),
        st.none(),
        st.just({}),
    ),
)


def play(api, request):
    """Send a request, with the id of the first job where it says so; check its answer."""
    method, path, body, query = request
    first = next(iter(api.world.statuses), "first")
    path = path.replace("first", first)
    if not path.startswith(("/transcribe", "/ifw")):  # whose answers are other
        status, document = api.ask(method, path, body, query=query)
        require_documented(method, path.replace("//", "/"), status, document)


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(REQUESTS, min_size=15, max_size=25))
def test_every_request_has_an_answer_of_the_document(requests):
    api = prepared()
    for request in requests:
        play(api, request)
        api.world.pass_time(7)
