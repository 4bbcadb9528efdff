# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Plans a request: its parameters within the operator's limits and the model's abilities.

Whether a request is part of a live call is decided only here; decoding options and priority both
follow from that.
"""

from dataclasses import dataclass, replace

from whisper_contract import formats
from whisper_contract.formats import Form
from whisper_endpoint.audio.decode import Audio
from whisper_endpoint.audio.sources import Source
from whisper_endpoint.errors import InvalidParameter
from whisper_endpoint.ingress import answers
from whisper_endpoint.ingress.planning import partial_detection
from whisper_endpoint.ingress.planning.decoding_parameters import (
    for_model,
    for_partial,
    within_limits,
)
from whisper_endpoint.messages import Parameters, Samples, UtteranceState
from whisper_endpoint.model_info import ModelInfo
from whisper_endpoint.parsing.request import KnownSpeaker, LiveFields, Request
from whisper_endpoint.settings import EndpointSettings

# Live Call Analytics' largest request has 54 s. Longer audio is a file, which must not delay live
# calls.
LONGEST_UTTERANCE_S = 60.0


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How a request is processed.

    Attributes
    ----------
    source : Source
        Where its audio is.
    parameters : Parameters
        For finals and files.
    partial_parameters : Parameters
        For partials.
    form : Form
        Of the response.
    has_words : bool
        Whether the response has word times, if the transcript has them.
    live : LiveFields
        The request's own statement of its place in a call.
    detects_partials : bool
        Whether it may be part of a call without saying so.
    progress_s3_uri : str or None
        Where its progress is written.
    known_speakers : tuple of KnownSpeaker
        Whom the speakers are compared with.
    """

    source: Source
    parameters: Parameters
    partial_parameters: Parameters
    form: Form
    has_words: bool
    live: LiveFields
    detects_partials: bool
    progress_s3_uri: str | None = None
    known_speakers: tuple[KnownSpeaker, ...] = ()

    @property
    def known_names(self) -> list[str]:
        """Names of the known speakers."""
        return [one.name for one in self.known_speakers]

    def utterance(self, audio: Audio[Samples], channel: int | None = None) -> UtteranceState | None:
        """Decide whether audio is part of a live call.

        Parameters
        ----------
        channel : int, optional
            Channel of the request's audio, if each is transcribed separately.

        Returns
        -------
        UtteranceState or None
            The utterance state that it represents. None for a file; audio longer than 60 s is
            always a file, whatever the request says.
        """
        if audio.duration > LONGEST_UTTERANCE_S:
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
    """Plan how a request is processed.

    Parameters
    ----------
    request_id : str
        The job name, in formats that have one, unless the request names its call.
    can_diarize : bool
        Whether the deployment has models for diarization.

    Raises
    ------
    InvalidParameter
        400: output options that cannot be combined, or diarization without models for it.
    UnsupportedLanguage, UnsupportedTask
        400: the model does not support it.
    NotAcceptable
        406: the Accept header allows none of the formats.
    """
    form = answers.negotiate(request, request_id, settings.account_id)
    parameters = for_model(within_limits(request.parameters, settings), facts)
    if parameters.diarize and not can_diarize:
        is_implied = request.output.response_format == "diarized_json"
        asked = "response_format is diarized_json" if is_implied else "diarize is true"
        raise InvalidParameter(
            f"{asked}, but this deployment has no diarization models: set the stack's parameter "
            "Diarization to on or set DiarizationModelS3Uri, or "
            f"{'use another response_format' if is_implied else 'leave diarize out'}.",
            field=f"parameters.{asked.partition(' ')[0]}",
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
        # For a final, words cost nothing extra, and redacted parts get their times from them.
        parameters=replace(parameters, word_timestamps=has_words or parameters.redaction),
        partial_parameters=for_partial(parameters, settings),
        form=form,
        has_words=has_words,
        live=request.live,
        detects_partials=request.is_lca_form and settings.recognise_partials == "on",
        progress_s3_uri=request.progress_s3_uri,
        known_speakers=request.known_speakers,
    )


def _gives_text_on(request: Request, parameters: Parameters, facts: ModelInfo) -> bool:
    """Return the default of ``condition_on_previous_text``.

    On one-channel jobs it lowers the word error rate from 3.2 to 2.3 %; on two channels, of which
    one says little but "okay", it raises it; a model trained on single utterances has never seen
    earlier text (docs/measurements/2026-11-29-recordings.md). Other requests decode their windows
    together, which is faster.
    """
    is_job = request.progress_s3_uri is not None
    return is_job and not parameters.channel_identification and facts.pause_s is None
