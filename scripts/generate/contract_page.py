# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Writes the tables of ``docs/requests.md`` from the schemas, the refusals and the settings.

``make generate`` after a change of these; a test sees to it.
"""

from __future__ import annotations

import inspect
import json
import re
from typing import TYPE_CHECKING, Any

import whisper_contract
from scripts.publish.build import ROOT
from whisper_endpoint import errors
from whisper_endpoint.parsing import schema_words
from whisper_endpoint.settings import EndpointSettings

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

PAGE = ROOT / "docs" / "requests.md"

LIMITS = (
    "WHISPER_MAX_BODY_BYTES",
    "WHISPER_MAX_AUDIO_S",
    "WHISPER_MAX_CHANNELS",
    "WHISPER_MIN_SAMPLE_RATE",
    "WHISPER_MAX_SAMPLE_RATE",
    "WHISPER_MAX_SOURCE_BYTES",
    "WHISPER_SOURCE_TIMEOUT_S",
    "WHISPER_DEADLINE_S",
    "WHISPER_URL_SOURCES",
    "WHISPER_URL_PRIVATE_NETWORKS",
    "WHISPER_AUDIO_S3_PREFIXES",
)


def with_tables(text: str) -> str:
    """Return the page's text with all tables as they are now."""
    schema = whisper_contract.request_schema()
    defined = schema["$defs"]
    fields = {name: one for name, one in schema["properties"].items() if name != "parameters"}
    tables = {
        "fields": _described(fields),
        "parameters": _described(defined["parameters"]["properties"]),
        "vad_parameters": _described(defined["vad_parameters"]["properties"]),
        "form": _described(defined["form"]["properties"]),
        "flat": _described(defined["flat"]["properties"]),
        "refusals": _table(("status", "code", "when"), _refusals()),
        "limits": _table(("variable", "default", "what it bounds"), _limits()),
    }
    for name, table in tables.items():
        pattern = re.compile(f"(<!-- {name}: [^>]*-->\n).*?(<!-- end of {name} -->)", re.DOTALL)
        if not pattern.search(text):
            raise ValueError(f"{PAGE.name} has no place marked for the {name}")
        text = pattern.sub(lambda found, t=table: f"{found[1]}{t}\n{found[2]}", text)  # type: ignore[misc]
    return text


def main() -> None:
    """Rewrite the page."""
    PAGE.write_text(with_tables(PAGE.read_text(encoding="utf-8")), encoding="utf-8")


def _described(described: Mapping[str, Any]) -> str:
    """Return the table of some properties; with a column for defaults if any has one."""
    rows = [
        (f"`{name}`", _takes(one), _default(one), one.get("description", "see below"))
        for name, one in described.items()
    ]
    if any(row[2] for row in rows):
        return _table(("name", "takes", "default", "what it does"), rows)
    return _table(("name", "takes", "what it does"), [(row[0], row[1], row[3]) for row in rows])


def _takes(schema: Mapping[str, Any]) -> str:
    return "an object" if "$ref" in schema else schema_words.describe(schema)


def _default(schema: Mapping[str, Any]) -> str:
    return f"`{json.dumps(schema['default'])}`" if "default" in schema else ""


def _refusals() -> Iterator[tuple[str, ...]]:
    kinds = sorted(_leaves(errors.EndpointError), key=lambda kind: (kind.status, kind.__name__))
    for kind in kinds:
        if kind is not errors.Superseded:  # answered with 200
            yield str(kind.status), f"`{kind.__name__}`", inspect.cleandoc(kind.__doc__ or "")


def _leaves(kind: type[errors.EndpointError]) -> Iterator[type[errors.EndpointError]]:
    children = kind.__subclasses__()
    for child in children:
        yield from _leaves(child)
    # AudioNotDecodable is raised itself, beside what derives from it.
    if not children or kind is errors.AudioNotDecodable:
        yield kind


def _limits() -> Iterator[tuple[str, ...]]:
    told = inspect.cleandoc(EndpointSettings.__doc__ or "").split("Attributes\n")[1]
    for variable in LIMITS:
        names, text = _told_of(variable, told)
        name = next(one for one in names if one.upper() in variable)
        default = getattr(EndpointSettings, name)
        shown = f"{default:,}" if isinstance(default, int | float) else default or "none"
        yield f"`{variable}`", str(shown), text


def _told_of(variable: str, told: str) -> tuple[list[str], str]:
    """Return the settings and the sentences of the docstring's entry about a variable."""
    for entry in re.finditer(r"^(\w[\w, ]*) : .*\n((?:    .*\n?|\n)+)", told, re.MULTILINE):
        text = " ".join(entry[2].split())
        if f"``{variable}``" in text:
            return entry[1].split(", "), re.sub(r"^(``\w+``(, )?)+\. ", "", text)
    raise LookupError(f"EndpointSettings says nothing of {variable}")


def _table(titles: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [titles, ("---",) * len(titles), *rows]
    return "\n".join(f"| {' | '.join(map(_cell, line))} |" for line in lines)


def _cell(text: str) -> str:
    return " ".join(text.replace("``", "`").split()).replace("|", "\\|")


if __name__ == "__main__":
    main()
