# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Decides which speakers are known, by how similar they are to known voices."""

from collections.abc import Hashable, Mapping, Sequence
from typing import TypeVar

# Chosen on one half of the voices of benchmarks/speakers; docs/measurements has what it costs.
SAME_VOICE = 0.6
"""Minimum cosine similarity of two recordings of one voice."""

_Speaker = TypeVar("_Speaker", bound=Hashable)


def named(
    alike: Mapping[_Speaker, Sequence[float]], names: Sequence[str], least: float = SAME_VOICE
) -> dict[_Speaker, str]:
    """Return the names of the speakers who have one, the most similar voice first.

    Parameters
    ----------
    alike : mapping
        For each speaker, the cosine similarity with the voice of each name.
    least : float
        Minimum similarity.

    Returns
    -------
    dict
        Each name at most once.
    """
    pairs = [(alike[who][place], who, name) for place, name in enumerate(names) for who in alike]
    found: dict[_Speaker, str] = {}
    for value, who, name in sorted(pairs, key=lambda pair: -pair[0]):
        if value >= least and who not in found and name not in found.values():
            found[who] = name
    return found
