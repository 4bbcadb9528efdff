# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Validate requests against botocore's model of Amazon Transcribe's API."""

import functools
import re
from collections.abc import Iterator
from typing import Any

from botocore.loaders import Loader
from botocore.model import ListShape, MapShape, ServiceModel, Shape, StringShape, StructureShape

from recordings.errors import InvalidJob

UNSUPPORTED = (
    "ContentRedaction",
    "KMSEncryptionContext",
    "LanguageIdSettings",
    "Media.RedactedMediaFileUri",
    "ModelSettings",
    "OutputEncryptionKMSKeyId",
    "Settings.MaxAlternatives",
    "Settings.ShowAlternatives",
    "Settings.VocabularyFilterName",
    "Settings.VocabularyName",
    "ToxicityDetection",
)
"""Members of StartTranscriptionJob that are not implemented: refused by name unless false.

Accepted, because they request nothing by themselves: ``Settings.VocabularyFilterMethod``, whose
filter is refused; empty language settings; and ``JobExecutionSettings``, because every job is
queued here and the deployment's own role reads the recording.
"""

_PYTHON_TYPES = {
    "string": str,
    "boolean": bool,
    "integer": int,
    "list": list,
    "map": dict,
    "structure": dict,
}


@functools.cache
def service_model() -> ServiceModel:
    """Return botocore's model of the service."""
    loaded = Loader().load_service_model("transcribe", "service-2")
    return ServiceModel(loaded, "transcribe")


def require_supported(given: dict[str, Any]) -> None:
    """Refuse a request for an unsupported feature.

    Raises
    ------
    InvalidJob
    """
    for path in UNSUPPORTED:
        outer, _, inner = path.rpartition(".")
        part = given.get(outer) if outer else given
        if isinstance(part, dict) and not _asks_nothing(path, part.get(inner)):
            raise InvalidJob(f"Leave out {path}: this deployment does not support it.")


def _asks_nothing(path: str, value: Any) -> bool:
    if path == "LanguageIdSettings" and isinstance(value, dict):
        return not any(value.values())
    return value in (None, False)


def require_valid(operation: str, given: dict[str, Any]) -> None:
    """Refuse a request that violates the model.

    Raises
    ------
    InvalidJob
    """
    shape = service_model().operation_model(operation).input_shape
    for problem in _problems(shape, given, ""):
        raise InvalidJob(problem)


def _problems(shape: Shape, value: Any, path: str) -> Iterator[str]:
    wanted = _PYTHON_TYPES.get(shape.type_name)
    is_bool = isinstance(value, bool) and shape.type_name == "integer"
    if wanted is not None and (not isinstance(value, wanted) or is_bool):
        yield f"Give {path} as {shape.type_name}; it is {value!r:.200}."
    elif isinstance(shape, StructureShape):
        yield from _problems_of_members(shape, value, path)
    elif isinstance(shape, ListShape):
        yield from _problems_of_length(shape, len(value), path)
        for place, one in enumerate(value):
            yield from _problems(shape.member, one, f"{path}[{place}]")
    elif isinstance(shape, StringShape):
        yield from _problems_of_text(shape, value, path)
    elif shape.type_name == "integer":
        yield from _problems_of_length(shape, value, path)
    elif isinstance(shape, MapShape):
        yield from _problems_of_map(shape, value, path)


def _problems_of_members(shape: StructureShape, value: dict[str, Any], path: str) -> Iterator[str]:
    for name in shape.required_members:
        if name not in value:
            yield f"Give {_joined(path, name)}."
    for name, one in value.items():
        if name not in shape.members:
            yield f"Leave out {_joined(path, name):.200}: Amazon Transcribe has no such member."
        elif one is not None:
            yield from _problems(shape.members[name], one, _joined(path, name))


def _problems_of_map(shape: MapShape, value: dict[str, Any], path: str) -> Iterator[str]:
    for name, one in value.items():
        yield from _problems(shape.key, name, path)
        yield from _problems(shape.value, one, _joined(path, name))


def _problems_of_length(shape: Shape, length: int, path: str) -> Iterator[str]:
    least, most = shape.metadata.get("min", length), shape.metadata.get("max", length)
    if not least <= length <= most:
        yield f"Give {path} from {least} to {most}; it is {length}."


def _problems_of_text(shape: StringShape, value: str, path: str) -> Iterator[str]:
    if shape.enum and value not in shape.enum:
        yield f"Give {path} out of {', '.join(shape.enum)}; it is {value!r:.100}."
    yield from _problems_of_length(shape, len(value), f"the length of {path}")
    pattern = shape.metadata.get("pattern")
    if pattern and not re.fullmatch(pattern, value):
        yield f"Give {path} as text that matches {pattern}; it is {value!r:.200}."


def _joined(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
