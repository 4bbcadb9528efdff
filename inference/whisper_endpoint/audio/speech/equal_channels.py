# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Finds channels with the same sound, as where a call of one channel was saved as stereo.

Transcribed separately, each says everything again.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from whisper_endpoint.messages import SAMPLE_RATE, Samples

# Squared correlation in a second. Channels are the same after MP3 (0.99) and with some noise on
# each; two parties who hear each other are not.
_SAME: Final = 0.95
# At most this much louder, in power (10 dB): a quieter copy is an echo (see `echoes.py`).
_LOUDER: Final = 10.0
# Seconds this far below the loudest, in power (25 dB), have no speech. Power of an idle line.
_RANGE: Final = 10**2.5
_SILENT: Final = 10**-7.5
_LEAST_SHARE: Final = 0.95


def warnings(
    channels: Sequence[Samples], check: Callable[[], None] = lambda: None
) -> Iterator[str]:
    """Yield a sentence for each group of channels with the same sound.

    Parameters
    ----------
    channels : sequence of Samples, 16 kHz mono
    check : callable, optional
        Called every second of the recording; may raise to abort.
    """
    for group in equal_channels(channels, check):
        names = f"{', '.join(map(str, group[:-1]))} and {group[-1]}"
        yield (
            f"Channels {names} have the same sound, so that everything said is in the transcript "
            f"{'twice' if len(group) == 2 else f'{len(group)} times'}: send "
            "channel_identification=false to have it once."
        )


def equal_channels(
    channels: Sequence[Samples], check: Callable[[], None] = lambda: None
) -> list[list[int]]:
    """Return the groups of channels with the same sound, which may be inverted.

    Returns
    -------
    list of list of int
        Numbers of at least two channels, in ascending order; silent channels are in no group.
    """
    if len(channels) < 2:
        return []
    groups = dict[int, list[int]]()
    found = list(_covariances(channels, check))
    covariances = np.array(found).reshape(-1, len(channels), len(channels))
    for number in range(len(channels)):
        first = next((one for one in groups if _are_same(covariances, one, number)), number)
        groups.setdefault(first, []).append(number)
    return [group for group in groups.values() if len(group) > 1]


def _covariances(
    channels: Sequence[Samples], check: Callable[[], None]
) -> Iterator[NDArray[np.float64]]:
    """Yield the covariances of all pairs of channels in each whole second."""
    for start in range(0, len(channels[0]) - SAMPLE_RATE + 1, SAMPLE_RATE):
        check()
        second = np.stack([one[start : start + SAMPLE_RATE] for one in channels])
        second -= second.mean(axis=1, keepdims=True)
        yield (second @ second.T).astype(np.float64) / SAMPLE_RATE


def _are_same(covariances: NDArray[np.float64], one: int, other: int) -> bool:
    """Whether two channels are the same in nearly all seconds in which either has sound."""
    first, second = covariances[:, one, one], covariances[:, other, other]
    loudest = np.maximum(first, second)
    has_sound = loudest > max(_SILENT, loudest.max(initial=0.0) / _RANGE)
    if not has_sound.any():
        return False
    quietest = np.minimum(first, second)
    are_same = np.square(covariances[:, one, other]) >= _SAME * first * second
    are_same &= loudest <= _LOUDER * quietest
    return bool(are_same[has_sound].mean() >= _LEAST_SHARE)
