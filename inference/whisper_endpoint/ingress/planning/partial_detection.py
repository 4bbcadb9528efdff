# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Decides whether a request is a partial, and of which utterance: as declared, or by detection.

Live Call Analytics' client declares neither. It sends the whole utterance so far every second, and
once more after ten silent frames in a row: 600 ms on an 8 kHz line, 300 ms at 16 kHz. Those frames
are part of the audio, so a final ends in silence and a partial rarely does. Mistaking a partial for
a final costs time; mistaking a final for a partial would cost words, so in doubt it is a final.
"""

from whisper_endpoint.audio import vad
from whisper_endpoint.ingress import fingerprint
from whisper_endpoint.messages import Samples, UtteranceState
from whisper_endpoint.parsing.request import LiveFields

# On the sample calls, finals end in at least 192 ms of silence by Silero's detector; 86 % of the
# partials end in less than this.
FINAL_SILENCE_S = 0.15


def detect(samples: Samples, said: LiveFields, *, guess: bool) -> UtteranceState | None:
    """Return the utterance state that a request represents; None if it is not part of a call.

    Parameters
    ----------
    samples : Samples, 16 kHz mono
    said : LiveFields
        Fields declared by the request; they take precedence.
    guess : bool
        Whether a request that does not declare itself live may be taken for a live one.
    """
    if not guess and not said.is_live:
        return None
    is_partial = said.partial
    if is_partial is None:
        is_partial = guess and vad.trailing_silence(samples) < FINAL_SILENCE_S
    return UtteranceState(
        is_partial=is_partial,
        scope=(said.call_id or "", "" if said.channel is None else str(said.channel)),
        utterance_id=said.utterance_id,
        sequence=said.sequence,
        fingerprint=fingerprint.of(samples),
    )
