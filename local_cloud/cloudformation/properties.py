# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Resource properties: those a type supports, converted to the API's types."""

import json
from collections.abc import Callable
from typing import Any

from local_cloud.cloudformation.provider import ResourceFailed

Properties = dict[str, Any]

Names = dict[str, Any]
"""Tree of property names; a leaf includes everything below it."""


def names(*paths: str) -> Names:
    """Build a tree from dotted paths such as ``BucketEncryption.Rules``."""
    tree: Names = {}
    for path in paths:
        within = tree
        for name in path.split("."):
            within = within.setdefault(name, {})
    return tree


def names_of(shape: Any) -> Names:
    """Build a tree from a shape in botocore's model of an API."""
    if shape.type_name == "list":
        return names_of(shape.member)
    members = shape.members if shape.type_name == "structure" else {}
    return {name: names_of(member) for name, member in members.items()}


def split(value: Any, known: Names, prefix: str = "") -> tuple[Any, list[str]]:
    """Return the supported properties, and the paths (without list indices) of the rest."""
    ignored: list[str] = []
    if isinstance(value, list) and known:
        parts = [split(item, known, prefix) for item in value]
        return [kept for kept, _ in parts], [path for _, paths in parts for path in paths]
    if not isinstance(value, dict) or not known:
        return value, ignored
    kept = {}
    for name, item in value.items():
        if name in known:
            kept[name], paths = split(item, known[name], f"{prefix}{name}.")
            ignored += paths
        else:
            ignored.append(f"{prefix}{name}")
    return kept, ignored


def as_parameter(value: Any, shape: Any, path: str = "#") -> Any:
    """Convert a property to the type of its shape in botocore's model.

    A template may have ``"60"`` for an integer 60, and a policy for its JSON.

    Raises
    ------
    ResourceFailed
        If there is a string where the shape is composite or a number, such as a file name instead
        of an S3 location.
    """
    _require_parts(value, shape, path)
    if shape.type_name == "structure":
        return {
            name: as_parameter(item, shape.members[name], f"{path}/{name}")
            for name, item in value.items()
        }
    if shape.type_name == "list":
        return [as_parameter(item, shape.member, path) for item in value]
    if shape.type_name == "map":
        return {
            key: as_parameter(item, shape.value, f"{path}/{key}") for key, item in value.items()
        }
    if shape.type_name in _NUMBERS:
        return number(value, path, shape.type_name)
    return _SCALARS.get(shape.type_name, lambda same: same)(value)


def number(value: Any, path: str, kind: str = "integer") -> Any:
    """Convert a property to a number of the API's type.

    Raises
    ------
    ResourceFailed
        If it is not a number, with CloudFormation's message.
    """
    make, wanted = _NUMBERS[kind]
    try:
        return make(value)
    except (TypeError, ValueError):
        raise ResourceFailed(
            f"Properties validation failed with message: [{path}: expected type: {wanted}, "
            f"found: String ({value})]"
        ) from None


def _require_parts(value: Any, shape: Any, path: str) -> None:
    kind, wanted = _PARTED.get(shape.type_name, (object, ""))
    if not isinstance(value, kind):
        found = "String" if isinstance(value, str) else type(value).__name__
        raise ResourceFailed(
            f"Properties validation failed with message: [{path}: expected type: {wanted}, "
            f"found: {found}]"
        )


def as_strings(value: Any) -> Any:
    """Convert every scalar to a string, as CloudFormation does for functions."""
    if isinstance(value, dict):
        return {key: as_strings(item) for key, item in value.items()}
    if isinstance(value, list):
        return [as_strings(item) for item in value]
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


_PARTED: dict[str, tuple[type, str]] = {
    "structure": (dict, "JSONObject"),
    "map": (dict, "JSONObject"),
    "list": (list, "JSONArray"),
}
_SCALARS: dict[str, Callable[[Any], Any]] = {
    "boolean": lambda value: str(value).lower() == "true",
    "string": lambda value: json.dumps(value) if isinstance(value, dict) else as_strings(value),
}
_NUMBERS: dict[str, tuple[Callable[[Any], Any], str]] = {
    **dict.fromkeys(("double", "float"), (float, "Number")),
    **dict.fromkeys(("integer", "long"), (int, "Integer")),
}
"""Keyed by type name in botocore's models."""
