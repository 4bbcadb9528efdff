# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Generates the texts of a batch with CTranslate2 and turns its results into attempts.

The beam size and other parameters are chosen per request, in
``ingress/planning/decoding_parameters.py``.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from whisper_endpoint.engine.attempts import gates
from whisper_endpoint.engine.attempts.gates import Attempt
from whisper_endpoint.engine.jobs import DecodeTask, Search

# Number of positions of Whisper's decoder.
_MAX_LENGTH = 448
# The first timestamp is at most 1 s (faster-whisper's max_initial_timestamp), in steps of 20 ms.
_MAX_INITIAL_TIMESTAMP_INDEX = 50


def generate(
    model: Any,
    encoded: Any,
    batch: Sequence[DecodeTask],
    tokenizers: Sequence[Any],
    suppressed: Sequence[int],
) -> list[Attempt]:
    """Generate the texts of a batch, each limited as if it were decoded alone.

    CTranslate2 has one token limit per call. Most texts end long before their own; those that reach
    it are generated again with it, since a beam that is cut later may hold another text.

    Parameters
    ----------
    model : ctranslate2.models.Whisper
    encoded : ctranslate2.StorageView
        The encoder's output for the batch.
    tokenizers : sequence of faster_whisper.tokenizer.Tokenizer
        One for each window, for its language and task.
    suppressed : sequence of int
        Tokens that are never generated.

    Raises
    ------
    RuntimeError
        CTranslate2 failed; the device may be unusable.
    """
    search = batch[0].search
    prompts = [_prompt(task, tokenizer) for task, tokenizer in zip(batch, tokenizers, strict=True)]

    def up_to(limit: int) -> list[Attempt]:
        results = model.generate(
            encoded,
            prompts,
            max_length=_max_length(limit, max(map(len, prompts))),
            return_scores=True,
            return_no_speech_prob=True,
            suppress_tokens=list(suppressed),
            max_initial_timestamp_index=_MAX_INITIAL_TIMESTAMP_INDEX,
            **_options(search),
        )
        return [
            _attempt(result, task, tokenizer)
            for result, task, tokenizer in zip(results, batch, tokenizers, strict=True)
        ]

    longest, *limits = sorted({task.max_new_tokens for task in batch}, reverse=True)
    attempts = up_to(longest)
    for limit in limits:
        over = [
            row
            for row, task in enumerate(batch)
            if task.max_new_tokens == limit <= len(attempts[row].tokens)
        ]
        again = up_to(limit) if over else []
        for row in over:
            attempts[row] = again[row]
    return attempts


def _prompt(task: DecodeTask, tokenizer: Any) -> list[int]:
    context = task.context
    previous = [tokenizer.sot_prev, *context] if context else []
    if task.search.without_timestamps:
        begin = [tokenizer.no_timestamps]
    else:
        # Forced text follows a timestamp, because the model itself begins with one.
        begin = [tokenizer.timestamp_begin] if task.begins_with else []
    return [*previous, *tokenizer.sot_sequence, *begin, *task.begins_with]


def _max_length(new_tokens: int, longest_prompt: int) -> int:
    """Return the ``max_length`` with which CTranslate2 generates up to ``new_tokens``.

    CTranslate2 generates at most ``max_length / 2`` tokens, and at most ``max_length`` minus the
    prompt without its last token; a prompt longer than ``max_length`` ends the process (4.8.5).
    """
    return min(_MAX_LENGTH, max(2 * new_tokens, longest_prompt - 1 + new_tokens))


def _options(search: Search) -> Mapping[str, float]:
    """Return CTranslate2's options: beam search at temperature 0, sampling above."""
    common = {
        "length_penalty": search.length_penalty,
        "repetition_penalty": search.repetition_penalty,
        "no_repeat_ngram_size": search.no_repeat_ngram_size,
    }
    if search.temperature > 0:
        return {
            **common,
            "beam_size": 1,
            "num_hypotheses": search.best_of,
            "sampling_topk": 0,
            "sampling_temperature": search.temperature,
        }
    return {
        **common,
        "beam_size": search.beam_size,
        "patience": search.patience,
        # As many as are compared anyway: another may do where the first is a loop.
        "num_hypotheses": min(search.beam_size, max(1, round(search.beam_size * search.patience))),
    }


def _attempt(result: Any, task: DecodeTask, tokenizer: Any) -> Attempt:
    """Return the most probable text; if it is a loop, the most probable one that is none."""
    texts = (
        _text(result, number, task.search, tokenizer) for number in range(len(result.sequences_ids))
    )
    first = next(texts)
    parameters = task.job.parameters
    if not gates.is_repetitive(first, parameters):
        return first
    others = (one for one in texts if one.text and not gates.is_loop(one, parameters))
    return next(others, first)


def _text(result: Any, number: int, search: Search, tokenizer: Any) -> Attempt:
    tokens = result.sequences_ids[number]
    # Undo CTranslate2's length normalisation; faster-whisper's mean counts the end token.
    # Without tokens it is 0, as in faster-whisper: 0 to a negative power is a division by zero.
    score = result.scores[number] * len(tokens) ** search.length_penalty if tokens else 0.0
    log_prob = score / (len(tokens) + 1)
    return Attempt(
        tokens=tuple(tokens),
        text=tokenizer.decode(tokens).strip(),
        temperature=search.temperature,
        avg_logprob=min(0.0, log_prob),
        no_speech_prob=min(1.0, result.no_speech_prob),
    )
