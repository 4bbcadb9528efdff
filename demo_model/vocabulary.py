# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Vocabulary: byte-level text, the empty token, Whisper's special ones, 1,501 timestamps.

In Whisper's order: text below `<|endoftext|>`, timestamps above `<|notimestamps|>`. CTranslate2
treats a model as multilingual if its vocabulary has the empty token, which is just before
`<|endoftext|>` in stock multilingual models, and here. It is never a target, so it is never
predicted.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers

from demo_model.model_specs import TIME_STEP, TIMES, special_tokens
from demo_model.tts.sentences import LANGUAGES

_UNUSED = "<|unused|>"  # tokenizers do not support an empty token
_TEXT_TOKENS = 1_000  # 256 bytes, and enough merges to make every word one token


@dataclass(frozen=True)
class Vocabulary:
    """A tokenizer with the ids for training."""

    tokenizer: Tokenizer

    @classmethod
    def train(cls, texts: Iterable[str]) -> Self:
        """Learn the merges from `texts`."""
        tokenizer = Tokenizer(models.BPE())
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        tokenizer.decoder = decoders.ByteLevel()
        trainer = trainers.BpeTrainer(
            vocab_size=_TEXT_TOKENS,
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
            special_tokens=[],
            show_progress=False,
        )
        tokenizer.train_from_iterator((f" {text}" for text in texts), trainer)
        tokenizer.add_special_tokens(
            [
                AddedToken(token, special=True, normalized=False)
                for token in (_UNUSED, *special_tokens(LANGUAGES))
            ]
        )
        return cls(tokenizer)

    def __len__(self) -> int:
        return int(self.tokenizer.get_vocab_size())

    def id(self, token: str) -> int:
        """Return the id of a special token, such as "transcribe" or "en"."""
        number = self.tokenizer.token_to_id(f"<|{token}|>")
        if number is None:
            raise KeyError(token)
        return int(number)

    def time(self, seconds: float) -> int:
        """Return the timestamp token nearest to `seconds` in the window."""
        step = min(max(round(seconds / TIME_STEP), 0), TIMES - 1)
        return self.id("notimestamps") + 1 + step

    def word(self, word: str) -> list[int]:
        """Return the tokens of a word, including its leading space."""
        return list(self.tokenizer.encode(f" {word}", add_special_tokens=False).ids)

    def decode(self, tokens: Iterable[int]) -> str:
        """Return the text of `tokens`, without special ones."""
        end = self.id("endoftext")
        return str(self.tokenizer.decode([token for token in tokens if token < end])).strip()

    def for_ctranslate2(self) -> list[str]:
        """Return all tokens ordered by id, including the empty one."""
        tokens = [str(self.tokenizer.id_to_token(number)) for number in range(len(self))]
        tokens[tokens.index(_UNUSED)] = ""
        return tokens
