# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Whether a request is a partial, and of which utterance: said by the caller, or detected.

Live Call Analytics' client says neither. It sends the whole utterance so far every second, and
once more when its voice detector has heard ten silent frames in a row: 600 ms on an 8 kHz line,
300 ms at 16 kHz. Those frames are part of what it sends, so a final ends in silence and a partial
rarely does. A partial taken for a final costs time; a final taken for a partial would cost words,
so in doubt it is a final.
"""

from whisper_endpoint.audio import vad
from whisper_endpoint.ingress import fingerprint
from whisper_endpoint.messages import Samples, UtteranceState
from whisper_endpoint.parsing.request import LiveFields

# On the sample calls, finals end in at least 192 ms by Silero's detector; of partials 86 % do not
# end in this.
FINAL_SILENCE_S = 0.15


def detect(samples: Samples, said: LiveFields, *, guess: bool) -> UtteranceState | None:
    """Return the state of an utterance that a request is; None if it is not part of a call.

    Parameters
    ----------
    samples : Samples, 16 kHz mono
    said : LiveFields
        What the request says of itself wins.
    guess : bool
        Whether a request that does not say so may be taken for a live one.
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
