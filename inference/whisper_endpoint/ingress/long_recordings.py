# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Sends a long recording to the engine in pieces, so that no process holds all its features.

The features of an hour take 115 MB, or 184 MB with 128 Mel bins; those of a piece a ninth of that.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

from whisper_endpoint.ingress.preparation import Recording
from whisper_endpoint.messages import Parameters, Prepared
from whisper_endpoint.transcript import Transcript, join

# One piece is decoded while the next is being prepared.
_AHEAD = 2
# In any language more than the model's 223 tokens of context; the engine keeps the last of them.
_PROMPT_CHARACTERS = 4000


async def transcribe(
    recording: Recording,
    parameters: Parameters,
    prepare: Callable[[Callable[[], Prepared]], Awaitable[Prepared]],
    ask: Callable[[Prepared, Parameters], Awaitable[Transcript]],
    reached: Callable[[float], None] = lambda _: None,
) -> Transcript:
    """Transcribe a recording piece by piece; most recordings have only one.

    The first piece determines the language of the others, and only it gets the initial prompt and
    the prefix. With ``condition_on_previous_text``, pieces are transcribed in turn, each with the
    end of the earlier text as its prompt. If one piece fails, so does the recording, and pieces in
    progress are cancelled.

    Parameters
    ----------
    prepare : callable
        Computes a piece's features in a thread.
    ask : callable
        Transcribes a piece with the engine.
    reached : callable
        Called with the second of the recording up to which there is text.

    Raises
    ------
    EndpointError
        Raised by ``prepare`` or ``ask``.
    """
    piece = await prepare(lambda: recording.piece(0))
    parts = [await ask(piece, parameters)]
    reached(piece.end)
    if not piece.windows_to_come:
        return parts[0]
    later = replace(parameters, initial_prompt=None, prefix=None)
    most_ahead = 1 if parameters.condition_on_previous_text else _AHEAD
    ahead = deque[tuple[float, asyncio.Future[Transcript]]]()

    async def take() -> None:
        end, answer = ahead[0]
        parts.append(await answer)
        ahead.popleft()
        reached(end)

    try:
        number = 0
        while piece.windows_to_come:
            number += 1
            piece = await prepare(lambda number=number: recording.piece(number))  # type: ignore[misc]
            if parameters.condition_on_previous_text:
                later = replace(later, initial_prompt=_end_of(parts, parameters.initial_prompt))
            piece = replace(piece, language=parts[0].language or None)
            ahead.append((piece.end, asyncio.ensure_future(ask(piece, later))))
            if len(ahead) == most_ahead:
                await take()
        while ahead:
            await take()
    finally:
        for _, task in ahead:
            task.cancel()
        await asyncio.gather(*(task for _, task in ahead), return_exceptions=True)
    return join(parts)


def _end_of(parts: Sequence[Transcript], prompt: str | None) -> str:
    """Return the end of the initial prompt and the text so far."""
    said = (prompt or "") + "".join(one.text for part in parts for one in part.segments)
    return said[-_PROMPT_CHARACTERS:]
