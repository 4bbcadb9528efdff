# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""What is done for a request: within the operator's limits, for the model that is deployed.

Whether a request is part of a live call is decided here, once: how its audio is searched and how
urgent it is both follow from that.
"""

from dataclasses import dataclass, replace

from whisper_contract import formats
from whisper_contract.formats import Form
from whisper_endpoint.audio.decode import Audio
from whisper_endpoint.audio.sources import Source
from whisper_endpoint.errors import (
    InvalidParameter,
    InvalidSetting,
    UnsupportedLanguage,
    UnsupportedTask,
)
from whisper_endpoint.ingress import answers, partial_detection
from whisper_endpoint.messages import Parameters, Samples, UtteranceState
from whisper_endpoint.model_info import ModelInfo
from whisper_endpoint.parsing.request import LiveFields, Request
from whisper_endpoint.settings import EndpointSettings

# Live Call Analytics' largest request holds 54 s. What is longer is a file, and must not hold up
# those who wait for a sentence.
_LONGEST_UTTERANCE_S = 60.0


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What is done for a request.

    Attributes
    ----------
    source : Source
        Where its audio is.
    parameters : Parameters
        How finals and files are transcribed.
    partial_parameters : Parameters
        How partials are.
    form : Form
        Of the answer.
    has_words : bool
        Whether it has the times of words, if the transcript has them.
    live : LiveFields
        What the request says of its place in a call.
    detects_partials : bool
        Whether it may be part of a call without saying so.
    progress_s3_uri : str or None
        Where its progress is written.
    """

    source: Source
    parameters: Parameters
    partial_parameters: Parameters
    form: Form
    has_words: bool
    live: LiveFields
    detects_partials: bool
    progress_s3_uri: str | None = None

    def utterance(self, audio: Audio[Samples], channel: int | None = None) -> UtteranceState | None:
        """Decide whether audio is part of a live call.

        Parameters
        ----------
        channel : int, optional
            Which channel of the request's audio it is, if each is transcribed for itself.

        Returns
        -------
        UtteranceState or None
            The state of an utterance that it is. None: it is a file, and so is all that is longer
            than any utterance, whatever the request says.
        """
        if audio.duration > _LONGEST_UTTERANCE_S:
            return None
        said = self.live if channel is None else replace(self.live, channel=channel)
        return partial_detection.detect(audio.samples, said, guess=self.detects_partials)


def make_plan(
    request: Request,
    request_id: str,
    settings: EndpointSettings,
    facts: ModelInfo,
    *,
    can_diarize: bool = False,
) -> Plan:
    """Decide what is done for a request.

    Parameters
    ----------
    request_id : str
        The job's name in an answer that has one, unless the request names its call.
    can_diarize : bool
        Whether there are models that tell speakers apart.

    Raises
    ------
    InvalidParameter
        400: options of the answer that do not go together, or speakers without models for them.
    UnsupportedLanguage, UnsupportedTask
        400: the model does not have it.
    NotAcceptable
        406: the Accept header takes none of the forms.
    """
    form = answers.negotiate(request, request_id, settings.account_id)
    parameters = for_model(within_limits(request.parameters, settings), facts)
    if parameters.diarize and not can_diarize:
        raise InvalidParameter(
            "diarize is true, and this deployment has no models for it: set the stack's parameter "
            "Diarization to on or give DiarizationModelS3Uri, or leave diarize out.",
            field="parameters.diarize",
        )
    if formats.needs_words(form) or parameters.diarize:
        parameters = replace(parameters, word_timestamps=True)
    if parameters.condition_on_previous_text is None:
        parameters = replace(
            parameters, condition_on_previous_text=_gives_text_on(request, parameters, facts)
        )
    has_words = parameters.word_timestamps
    return Plan(
        source=request.source,
        # Of a final they cost nothing, and give what is left out its times.
        parameters=replace(parameters, word_timestamps=has_words or parameters.redaction),
        partial_parameters=for_partial(parameters, settings),
        form=form,
        has_words=has_words,
        live=request.live,
        detects_partials=request.is_lca_form and settings.recognise_partials == "on",
        progress_s3_uri=request.progress_s3_uri,
    )


def _gives_text_on(request: Request, parameters: Parameters, facts: ModelInfo) -> bool:
    """Whether each window gets the text before it, where the request does not say.

    On one channel of a job it takes words wrong from 3.2 to 2.3 %; on two, of which one says
    little but "okay", it adds some; a model of single utterances has never seen a text before
    (docs/measurements/2026-11-29-recordings.md). Where somebody waits, windows go together.
    """
    is_job = request.progress_s3_uri is not None
    return is_job and not parameters.channel_identification and facts.pause_s is None


def check_settings(settings: EndpointSettings, facts: ModelInfo) -> None:
    """Refuse to start with a language that the model does not have.

    Raises
    ------
    InvalidSetting
    """
    for one in settings.languages:
        if one not in facts.languages:
            raise InvalidSetting(
                f"WHISPER_LANGUAGES has {one!r}, which this model does not have: use some of "
                f"{', '.join(facts.languages)}."
            )
    language = settings.language_override
    if language and language != "auto" and language not in facts.languages:
        raise InvalidSetting(
            f"WHISPER_LANGUAGE_OVERRIDE is {language!r}, which this model does not have: use auto "
            f"or one of {', '.join(facts.languages)}."
        )


def within_limits(parameters: Parameters, settings: EndpointSettings) -> Parameters:
    """Apply what the operator decides for every request: beam, languages, terms, redaction."""
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
    """Check language and task against the model; the language of an English-only one is English.

    Raises
    ------
    UnsupportedLanguage, UnsupportedTask
        400: the model does not have it.
    """
    asked = [("language", parameters.language)] if parameters.language else []
    for field, language in [*asked, *(("languages", one) for one in parameters.languages)]:
        if language not in facts.languages:
            raise UnsupportedLanguage(
                f"This model does not have the language {language!r}: use "
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
    """Search for a text that is replaced within a second.

    The beam is the operator's, and there is no fallback to a higher temperature. Timestamps stay:
    without them stock weights leave out the first sentence of several in a short window. The final
    is searched as its request asks.
    """
    return replace(
        parameters,
        beam_size=settings.partial_beam_size or parameters.beam_size,
        temperature=(0.0,),
    )
