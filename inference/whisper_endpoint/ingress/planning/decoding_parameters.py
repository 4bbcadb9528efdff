# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Fits decoding parameters to the operator's limits, to the model, and to partials."""

from dataclasses import replace

from whisper_endpoint.errors import InvalidSetting, UnsupportedLanguage, UnsupportedTask
from whisper_endpoint.messages import Parameters
from whisper_endpoint.model_info import ModelInfo
from whisper_endpoint.settings import EndpointSettings


def check_settings(settings: EndpointSettings, facts: ModelInfo) -> None:
    """Check the operator's languages against the model at start.

    Raises
    ------
    InvalidSetting
        The model does not support one of them.
    """
    for one in settings.languages:
        if one not in facts.languages:
            raise InvalidSetting(
                f"WHISPER_LANGUAGES has {one!r}, which this model does not support: use "
                f"some of {', '.join(facts.languages)}."
            )
    language = settings.language_override
    if language and language != "auto" and language not in facts.languages:
        raise InvalidSetting(
            f"WHISPER_LANGUAGE_OVERRIDE is {language!r}, which this model does not "
            f"support: use auto or one of {', '.join(facts.languages)}."
        )


def within_limits(parameters: Parameters, settings: EndpointSettings) -> Parameters:
    """Apply the operator's settings for every request: beam size, languages, terms, redaction."""
    if settings.max_beam_size:
        beam = min(parameters.beam_size, settings.max_beam_size)
        parameters = replace(parameters, beam_size=beam)
    if settings.language_override:
        language = settings.language_override
        parameters = replace(parameters, language=None if language == "auto" else language)
    return replace(
        parameters,
        languages=parameters.languages or settings.languages,
        terms=tuple(dict.fromkeys((*parameters.terms, *settings.terms))),
        redaction=parameters.redaction or settings.redaction == "on",
    )


def for_model(parameters: Parameters, facts: ModelInfo) -> Parameters:
    """Check language and task against the model; set English for an English-only model.

    Raises
    ------
    UnsupportedLanguage, UnsupportedTask
        400: the model does not support it.
    """
    asked = [("language", parameters.language)] if parameters.language else []
    for field, language in [*asked, *(("languages", one) for one in parameters.languages)]:
        if language not in facts.languages:
            raise UnsupportedLanguage(
                f"This model does not support the language {language!r}: use "
                f"{' or '.join(facts.languages)}{', or null to detect it' * facts.multilingual}.",
                field=f"parameters.{field}",
            )
    if facts.multilingual:
        return parameters
    if parameters.task != "transcribe":
        raise UnsupportedTask(
            f"This model is English-only and cannot {parameters.task}: use the task "
            "transcribe, or deploy a multilingual model.",
            field="parameters.task",
        )
    return replace(parameters, language="en", languages=())


def for_partial(parameters: Parameters, settings: EndpointSettings) -> Parameters:
    """Return the parameters for partials, whose text is replaced within a second.

    The operator sets the beam size, and there is no fallback to a higher temperature. Timestamps
    stay on: without them, stock weights drop the first of several sentences in a short window.
    """
    return replace(
        parameters,
        beam_size=settings.partial_beam_size or parameters.beam_size,
        temperature=(0.0,),
    )
