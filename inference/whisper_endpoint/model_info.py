# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""What has to be known of a model before a request can be prepared for it."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from whisper_endpoint.errors import UnsupportedLanguage, UnsupportedTask

if TYPE_CHECKING:
    from whisper_endpoint.messages import Parameters


@dataclass(frozen=True)
class ModelFacts:
    """A model's facts.

    Attributes
    ----------
    n_mels : int
        Mel bins of its features.
    languages : tuple of str
        Whisper's codes, sorted.
    multilingual : bool
        Whether it takes a language and a task at all; otherwise it is English-only.
    pause_s : float or None
        Seconds of silence after which it needs a new window, if it was trained on single
        utterances.
    """

    n_mels: int
    languages: tuple[str, ...]
    multilingual: bool
    pause_s: float | None = None

    def settle(self, parameters: "Parameters") -> "Parameters":
        """Check language and task against the model; an English-only one settles on English.

        Raises
        ------
        UnsupportedLanguage, UnsupportedTask
            400: the model does not have it.
        """
        language = parameters.language
        if language is not None and language not in self.languages:
            raise UnsupportedLanguage(
                f"This model does not have the language {language!r}: use "
                f"{' or '.join(self.languages)}{', or null to detect it' * self.multilingual}.",
                field="parameters.language",
            )
        if self.multilingual:
            return parameters
        if parameters.task != "transcribe":
            raise UnsupportedTask(
                f"This model is English-only and cannot {parameters.task}: use the task "
                "transcribe, or deploy a multilingual model.",
                field="parameters.task",
            )
        return replace(parameters, language="en")
