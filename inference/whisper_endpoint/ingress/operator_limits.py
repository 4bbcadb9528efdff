# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""What the operator's settings make of a request's parameters."""

from dataclasses import replace
from typing import TYPE_CHECKING

from whisper_endpoint.errors import InvalidSetting

if TYPE_CHECKING:
    from whisper_endpoint.messages import Parameters
    from whisper_endpoint.model_info import ModelFacts
    from whisper_endpoint.settings import EndpointSettings


def check(settings: "EndpointSettings", facts: "ModelFacts") -> None:
    """Refuse to start with a language that the model does not have.

    Raises
    ------
    InvalidSetting
    """
    language = settings.language_override
    if language and language != "auto" and language not in facts.languages:
        raise InvalidSetting(
            f"WHISPER_LANGUAGE_OVERRIDE is {language!r}, which this model does not have: use auto "
            f"or one of {', '.join(facts.languages)}."
        )


def limit(parameters: "Parameters", settings: "EndpointSettings") -> "Parameters":
    """Apply what holds for every request: the widest beam, and the language."""
    if settings.max_beam_size:
        beam = min(parameters.beam_size, settings.max_beam_size)
        parameters = replace(parameters, beam_size=beam)
    if settings.language_override:
        language = settings.language_override
        parameters = replace(parameters, language=None if language == "auto" else language)
    return parameters


def for_partial(parameters: "Parameters", settings: "EndpointSettings") -> "Parameters":
    """Search as befits a text that is replaced in a second.

    No timestamps, no second try at a higher temperature, no hot words (the less is heard, the
    sooner they are invented), and the operator's beam. The final is searched in the way that its
    request asks for.
    """
    return replace(
        parameters,
        beam_size=settings.partial_beam_size or parameters.beam_size,
        temperature=(0.0,),
        without_timestamps=True,
        hotwords=None,
    )
