# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""The stack's parameter ``EndpointEnvironment``, for settings without their own parameter."""

import difflib
import ipaddress
import re
from typing import Any

import jsonschema

import whisper_contract
from whisper_sagemaker.errors import InvalidProperty

PARAMETER = "EndpointEnvironment"

OWN_PARAMETERS = {
    "WHISPER_AUDIO_S3_PREFIXES": "AudioInputS3Prefixes",
    "WHISPER_COMPUTE_TYPE": "ComputeType",
    "WHISPER_ENDPOINT_NAME": "EndpointName",
    "WHISPER_ENGINE_WORKERS": "EngineWorkers",
    "WHISPER_FINAL_WINDOWS": "FinalWindows",
    "WHISPER_LANGUAGES": "AllowedLanguages",
    "WHISPER_LANGUAGE_OVERRIDE": "LanguageOverride",
    "WHISPER_MAX_BATCH_SIZE": "MaxBatchSize",
    "WHISPER_MAX_BEAM_SIZE": "MaxBeamSize",
    "WHISPER_PARTIAL_BEAM_SIZE": "PartialBeamSize",
    "WHISPER_REDACTION": "Redaction",
    "WHISPER_TERMS": "Terms",
}
"""Maps a setting to the stack's parameter that sets it."""

BY_THE_STACK = {"WHISPER_ACCOUNT_ID"}
_NUMBERS = {"integer": re.compile(r"-?\d+"), "number": re.compile(r"-?\d+(\.\d+)?")}
_FORMATS = jsonschema.FormatChecker(())


def _are_networks(value: object) -> bool:
    return all(ipaddress.ip_network(part) for part in re.split(r"[,\s]+", str(value)))


_FORMATS.checks("ip-networks", raises=ValueError)(_are_networks)


def further_settings(text: str) -> dict[str, str]:
    """Parse and check comma-separated ``NAME=value`` pairs.

    Parameters
    ----------
    text : str
        The parameter's value, such as ``WHISPER_SELF_TEST=text,WHISPER_URL_SOURCES=on``.

    Returns
    -------
    dict of str to str
        Environment variables of the container, without those that have no value.

    Raises
    ------
    InvalidProperty
        Names the setting and the allowed values.
    """
    settings: dict[str, str] = {}
    for pair in filter(None, map(str.strip, text.split(","))):
        name, is_pair, value = (part.strip() for part in pair.partition("="))
        if not is_pair:
            raise InvalidProperty(PARAMETER, pair, "NAME=value pairs, separated by commas")
        _check_name(name, settings, text)
        schema = whisper_contract.settings_schema()["properties"][name]
        rules = jsonschema.Draft202012Validator(schema, format_checker=_FORMATS)
        if value and not rules.is_valid(_typed(value, schema)):
            raise InvalidProperty(f"{name} in {PARAMETER}", value, schema["takes"])
        settings[name] = value
    return {name: value for name, value in settings.items() if value}


def _check_name(name: str, earlier: dict[str, str], text: str) -> None:
    known = whisper_contract.settings_schema()["properties"].keys()
    without = f"a list without {name[:40]}, which "
    if name in OWN_PARAMETERS:
        raise InvalidProperty(
            PARAMETER, text, f"{without}the parameter {OWN_PARAMETERS[name]} sets"
        )
    if name in BY_THE_STACK:
        raise InvalidProperty(PARAMETER, text, f"{without}the stack sets by itself")
    if name not in known:
        alike = difflib.get_close_matches(name, known - OWN_PARAMETERS.keys() - BY_THE_STACK, 1)
        meant = f": {alike[0]} was meant" if alike else " (docs/settings.md has them all)"
        raise InvalidProperty(PARAMETER, text, f"{without}is no setting{meant}")
    if name in earlier:
        raise InvalidProperty(PARAMETER, text, f"a list that has {name} once")


def _typed(value: str, schema: dict[str, Any]) -> str | float:
    """Convert a text to a number if the schema asks for one and the text is one."""
    kind = schema["type"]
    if kind not in _NUMBERS or not _NUMBERS[kind].fullmatch(value):
        return value
    return float(value) if "." in value else int(value)
