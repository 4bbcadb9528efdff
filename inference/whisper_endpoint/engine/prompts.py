# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Tokenises the context that a request gives the model: terms, initial prompt and prefix.

All of it is encoded as plain text, even if it looks like one of Whisper's control tokens. The
decoder's context is limited; what does not fit is reported in the response's warnings.
"""

from dataclasses import dataclass
from functools import lru_cache

import tokenizers

from whisper_endpoint.engine.jobs import MAX_CONTEXT, MAX_PREFIX
from whisper_endpoint.messages import Parameters

# Characters of a term, which may be long, quoted in a warning.
_LONGEST_NAMED = 40


@dataclass(frozen=True)
class PromptTokens:
    """The tokens of a request's terms and prompts.

    Attributes
    ----------
    terms, initial, prefix : tuple of int
        Text tokens: of names and words to expect, of text before the first window, and of the
        beginning of its text.
    warnings : tuple of str
        A sentence for each part that did not fit.
    """

    terms: tuple[int, ...]
    initial: tuple[int, ...]
    prefix: tuple[int, ...]
    warnings: tuple[str, ...]


class PromptReader:
    """Tokenises a request's terms and prompts. Thread-safe.

    Parameters
    ----------
    tokens : tokenizers.Tokenizer
        Is changed to encode control tokens as text.
    end_token : int
        Tokens below it are text.
    """

    def __init__(self, tokens: tokenizers.Tokenizer, end_token: int) -> None:
        # Otherwise "<|endoftext|>" in a prompt would end the whole batch.
        tokens.encode_special_tokens = True
        self._tokens = tokens
        self._end_token = end_token
        # Requests of one call, and calls of one operator, have the same prompts.
        self._read = lru_cache(maxsize=64)(self._read_anew)

    def read(self, parameters: Parameters) -> PromptTokens:
        """Return the tokens of a request's terms and prompts, cut to what fits."""
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
        """Return the tokens of the terms that fit, and the number of these terms."""
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
        # Some tokenizers do not mark timestamps as special.
        return tuple(token for token in encoding.ids if token < self._end_token)
