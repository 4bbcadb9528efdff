# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""A long recording goes to the engine in pieces, so that nobody ever holds all its features.

The features of an hour take 115 MB, of a model with 128 Mel bins 184 MB; a piece takes a ninth.
"""

import asyncio
from collections import deque
from dataclasses import replace
from typing import TYPE_CHECKING

from whisper_endpoint.transcript import Transcript, join

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from whisper_endpoint.preparation import Prepared, Recording
    from whisper_endpoint.request import Parameters

# One is decoded while the next is on its way.
_AHEAD = 2


async def transcribe(
    recording: "Recording",
    parameters: "Parameters",
    prepare: "Callable[[Callable[[], Prepared]], Awaitable[Prepared]]",
    ask: "Callable[[Prepared, Parameters], Awaitable[Transcript]]",
) -> Transcript:
    """Transcribe a recording piece by piece; most have one.

    The first piece finds the language for the others, and it alone gets the initial prompt. When
    one is refused the recording is, and what is under way of it is cancelled.

    Parameters
    ----------
    recording : Recording
    parameters : Parameters
    prepare : callable
        Computes a piece's features, in a thread.
    ask : callable
        Has the engine transcribe a piece.

    Raises
    ------
    EndpointError
        What ``prepare`` or ``ask`` refused with.
    """
    first = await ask(await prepare(lambda: recording.piece(0)), parameters)
    if recording.pieces == 1:
        return first
    later = replace(parameters, language=first.language or parameters.language, initial_prompt=None)
    parts, ahead = [first], deque[asyncio.Task[Transcript]]()
    try:
        for number in range(1, recording.pieces):
            piece = await prepare(lambda number=number: recording.piece(number))  # type: ignore[misc]
            ahead.append(asyncio.create_task(_ask(ask, piece, later)))
            if len(ahead) == _AHEAD:
                parts.append(await ahead[0])
                ahead.popleft()
        while ahead:
            parts.append(await ahead[0])
            ahead.popleft()
    finally:
        for task in ahead:
            task.cancel()
        await asyncio.gather(*ahead, return_exceptions=True)
    return join(parts)


async def _ask(
    ask: "Callable[[Prepared, Parameters], Awaitable[Transcript]]",
    piece: "Prepared",
    parameters: "Parameters",
) -> Transcript:
    return await ask(piece, parameters)
