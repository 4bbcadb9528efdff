# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""A long recording goes to the engine in pieces, so that no process holds all its features.

The features of an hour take 115 MB, of a model with 128 Mel bins 184 MB; a piece takes a ninth.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

from whisper_endpoint.ingress.preparation import Recording
from whisper_endpoint.messages import Parameters, Prepared
from whisper_endpoint.transcript import Transcript, join

# One is decoded while the next is on its way.
_AHEAD = 2
# More than the model's 223 tokens of earlier text in any language; the engine keeps their end.
_PROMPT_CHARACTERS = 4000


async def transcribe(
    recording: Recording,
    parameters: Parameters,
    prepare: Callable[[Callable[[], Prepared]], Awaitable[Prepared]],
    ask: Callable[[Prepared, Parameters], Awaitable[Transcript]],
    reached: Callable[[float], None] = lambda _: None,
) -> Transcript:
    """Transcribe a recording piece by piece; most have one.

    The first piece finds the language for the others, and it alone gets the initial prompt and
    the prefix. Where each window is given the text before it, pieces follow one another, each with
    the end of that text for a prompt. When one is refused, so is the recording, and its pieces in
    progress are cancelled.

    Parameters
    ----------
    prepare : callable
        Computes a piece's features, in a thread.
    ask : callable
        Has the engine transcribe a piece.
    reached : callable
        Is told up to which second of the recording there is text.

    Raises
    ------
    EndpointError
        What ``prepare`` or ``ask`` refused with.
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
    """Return the end of what was said, with what was given for it before."""
    said = (prompt or "") + "".join(one.text for part in parts for one in part.segments)
    return said[-_PROMPT_CHARACTERS:]
