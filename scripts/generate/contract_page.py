# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Generate the reference of requests and settings from the code.

Writes the tables of ``docs/requests.md`` and ``docs/settings.md``, and ``settings.schema.json``.
Run ``make generate`` after a change; a test checks that they are up to date.
"""

import inspect
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import whisper_contract
from deploy_whisper.endpoint.endpoint_environment import BY_THE_STACK, OWN_PARAMETERS, PARAMETER
from scripts.generate.pages import table, with_part
from scripts.publish.build import ROOT
from whisper_contract import schema_words
from whisper_endpoint import errors
from whisper_endpoint.audio.containers import CONTAINERS
from whisper_endpoint.audio.raw import FORMS_OF_NAMES
from whisper_endpoint.settings import EndpointSettings, takes, variable

PAGE = ROOT / "docs" / "requests.md"
SETTINGS_PAGE = ROOT / "docs" / "settings.md"
SETTINGS_SCHEMA = ROOT / "whisper_contract" / "schemas" / "settings.schema.json"

LIMITS = (
    "WHISPER_MAX_BODY_BYTES",
    "WHISPER_BODY_TIMEOUT_S",
    "WHISPER_MAX_AUDIO_S",
    "WHISPER_MAX_CHANNELS",
    "WHISPER_MAX_SOURCE_BYTES",
    "WHISPER_SOURCE_TIMEOUT_S",
    "WHISPER_MAX_DISK_BYTES",
    "WHISPER_DEADLINE_S",
    "WHISPER_URL_SOURCES",
    "WHISPER_URL_PRIVATE_NETWORKS",
    "WHISPER_AUDIO_S3_PREFIXES",
    "WHISPER_PROGRESS_S3_PREFIX",
)


def generate() -> dict[Path, str]:
    """Return the new content of each file, by path."""
    schema = settings_schema()
    rows = [
        (
            f"`{name}`",
            "" if name in BY_THE_STACK else f"`{OWN_PARAMETERS.get(name, PARAMETER)}`",
            one["takes"],
            _settings_default(one),
            one["description"],
        )
        for name, one in schema["properties"].items()
    ]
    titles = ("variable", "stack parameter", "allowed values", "default", "description")
    settings = SETTINGS_PAGE.read_text(encoding="utf-8")
    return {
        PAGE: with_tables(PAGE.read_text(encoding="utf-8")),
        SETTINGS_PAGE: with_part(settings, "settings", table(titles, rows)),
        SETTINGS_SCHEMA: json.dumps(schema, indent=2) + "\n",
    }


def with_tables(text: str) -> str:
    """Return the text of ``docs/requests.md`` with all tables updated."""
    schema = whisper_contract.request_schema()
    defined = schema["$defs"]
    fields = {name: one for name, one in schema["properties"].items() if name != "parameters"}
    tables = {
        "fields": _described(fields),
        "parameters": _described(defined["parameters"]["properties"]),
        "vad_parameters": _described(defined["vad_parameters"]["properties"]),
        "form": _described(defined["form"]["properties"]),
        "flat": _described(defined["flat"]["properties"]),
        "progress": _described(whisper_contract.progress_schema()["properties"]),
        "containers": table(("file", "usual names"), _containers()),
        "refusals": table(("status", "code", "meaning"), _refusals()),
        "limits": table(("variable", "default", "limit"), _limits()),
    }
    for name, part in tables.items():
        text = with_part(text, name, part)
    return text


def _containers() -> Iterator[tuple[str, str]]:
    for title, extensions in CONTAINERS.values():
        yield title, ", ".join(f"`.{one}`" for one in extensions.split())
    for encoding in dict.fromkeys(form.encoding for form in FORMS_OF_NAMES.values()):
        names = [name for name, form in FORMS_OF_NAMES.items() if form.encoding == encoding]
        yield f"raw {encoding}, by its name", ", ".join(f"`.{name}`" for name in names)


def settings_schema() -> dict[str, Any]:
    """Return the JSON Schema of the endpoint's environment variables."""
    properties = EndpointSettings.model_json_schema()["properties"]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:whisper-live-sagemaker:settings",
        "title": "Settings",
        "description": "Environment variables of the endpoint. Their values are text: for the "
        "types integer and number, the text of such a number; a blank text keeps the default. "
        "'takes' describes the allowed values in words.",
        "type": "object",
        "additionalProperties": False,
        "properties": {variable(name): _setting(one) for name, one in properties.items()},
    }


def _setting(schema: Mapping[str, Any]) -> dict[str, Any]:
    is_list = isinstance(schema["default"], list)
    described = {
        "description": " ".join(schema["description"].replace("``", "`").split()),
        "takes": takes(schema),
        "default": "" if is_list else schema["default"],
    }
    return described | {
        name: one for name, one in schema.items() if name not in (*described, "title")
    }


def main() -> None:
    """Write the files."""
    for path, text in generate().items():
        path.write_text(text, encoding="utf-8")


def _described(described: Mapping[str, Any]) -> str:
    """Return the table of properties, with a default column if any has a default."""
    rows = [
        (f"`{name}`", _takes(one), _default(one), one.get("description", "see below"))
        for name, one in described.items()
    ]
    if any(row[2] for row in rows):
        return table(("name", "value", "default", "description"), rows)
    return table(("name", "value", "description"), [(row[0], row[1], row[3]) for row in rows])


def _takes(schema: Mapping[str, Any]) -> str:
    return "an object" if "$ref" in schema else schema_words.describe(schema)


def _default(schema: Mapping[str, Any]) -> str:
    return f"`{json.dumps(schema['default'])}`" if "default" in schema else ""


def _refusals() -> Iterator[tuple[str, ...]]:
    kinds = sorted(_leaves(errors.EndpointError), key=lambda kind: (kind.status, kind.__name__))
    for kind in kinds:
        yield str(kind.status), f"`{kind.__name__}`", inspect.cleandoc(kind.__doc__ or "")


def _leaves(kind: type[errors.EndpointError]) -> Iterator[type[errors.EndpointError]]:
    children = kind.__subclasses__()
    for child in children:
        yield from _leaves(child)
    # AudioNotDecodable is raised itself, besides its subclasses.
    if not children or kind is errors.AudioNotDecodable:
        yield kind


def _limits() -> Iterator[tuple[str, ...]]:
    properties = settings_schema()["properties"]
    for name in LIMITS:
        yield f"`{name}`", _settings_default(properties[name]), properties[name]["description"]


def _settings_default(schema: Mapping[str, Any]) -> str:
    default = schema["default"]
    return f"{default:,}" if isinstance(default, int | float) else default or "empty"


if __name__ == "__main__":
    main()
