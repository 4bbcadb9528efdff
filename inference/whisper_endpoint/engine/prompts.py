# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""What a caller has the model read before it listens: terms, earlier text, a beginning.

All of it is text, also where it looks like one of Whisper's control tokens. The decoder has room
for so many tokens of it; what does not fit is said in the answer's warnings.
"""

from dataclasses import dataclass
from functools import lru_cache

import tokenizers

from whisper_endpoint.engine.jobs import MAX_CONTEXT, MAX_PREFIX
from whisper_endpoint.messages import Parameters

# Of a request's warnings each names one term, which may be long.
_LONGEST_NAMED = 40


@dataclass(frozen=True)
class PromptTokens:
    """The tokens of what a request gives the model.

    Attributes
    ----------
    terms, initial, prefix : tuple of int
        Text tokens: of names and words to expect, of text before the first window, and of what its
        text begins with.
    warnings : tuple of str
        What did not fit, a sentence each.
    """

    terms: tuple[int, ...]
    initial: tuple[int, ...]
    prefix: tuple[int, ...]
    warnings: tuple[str, ...]


class PromptReader:
    """Turns what a request gives the model into tokens. Safe for threads.

    Parameters
    ----------
    tokens : tokenizers.Tokenizer
        Encodes control tokens as text from now on.
    end_token : int
        Tokens below it are text.
    """

    def __init__(self, tokens: tokenizers.Tokenizer, end_token: int) -> None:
        # "<|endoftext|>" in a prompt would end its whole batch.
        tokens.encode_special_tokens = True
        self._tokens = tokens
        self._end_token = end_token
        # The windows of a call, and calls of one operator, have the same.
        self._read = lru_cache(maxsize=64)(self._read_anew)

    def read(self, parameters: Parameters) -> PromptTokens:
        """Return the tokens of what a request gives, as many as fit."""
        return self._read(parameters.terms, parameters.initial_prompt, parameters.prefix)

    def _read_anew(
        self, terms: tuple[str, ...], initial_prompt: str | None, prefix: str | None
    ) -> PromptTokens:
        expected, fitting = self._terms(terms)
        before, begin = self._text(initial_prompt), self._text(prefix)
        room = MAX_CONTEXT - len(expected)
        warnings = []
        if fitting < len(terms):
            warnings.append(
                f"Of {len(terms)} terms the first {fitting} fit into the model's {MAX_CONTEXT} "
                f"tokens for them, and those from {terms[fitting][:_LONGEST_NAMED]!r} on had no "
                "effect: give fewer, or shorter ones."
            )
        if len(before) > room:
            warnings.append(
                f"Of initial_prompt's {len(before)} tokens the last {room} had an effect, as many "
                "as fit beside the terms: make it shorter."
            )
        if len(begin) > MAX_PREFIX:
            warnings.append(
                f"Of prefix's {len(begin)} tokens the first {MAX_PREFIX} had an effect: make it "
                "shorter."
            )
        return PromptTokens(
            expected, before[max(0, len(before) - room) :], begin[:MAX_PREFIX], tuple(warnings)
        )

    def _terms(self, terms: tuple[str, ...]) -> tuple[tuple[int, ...], int]:
        """Return the tokens of the first terms, and how many of them fit."""
        tokens: list[int] = []
        for place, term in enumerate(terms):
            more = self._text(f"{term}{'.' if place == len(terms) - 1 else ','}")
            if len(tokens) + len(more) > MAX_CONTEXT:
                return tuple(tokens), place
            tokens += more
        return tuple(tokens), len(terms)

    def _text(self, text: str | None) -> tuple[int, ...]:
        if not text or not text.strip():
            return ()
        encoding = self._tokens.encode(f" {text.strip()}", add_special_tokens=False)
        # Some tokenizers have timestamps that they do not call special.
        return tuple(token for token in encoding.ids if token < self._end_token)
