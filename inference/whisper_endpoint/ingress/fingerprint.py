# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""What audio begins with: a longer state of the same utterance is recognised by it."""

import hashlib

from whisper_endpoint.messages import Fingerprint, Samples

# The frame by which Live Call Analytics' utterances grow: 30 ms at 16 kHz.
BLOCK_SAMPLES = 480
_DIGEST_BYTES = 16
# Longer recordings are not utterances: nobody sends them again every second.
_MAX_BLOCKS = 60 * 16_000 // BLOCK_SAMPLES


def of(samples: Samples) -> Fingerprint:
    """Return one digest for each block, of all the audio up to its end.

    The file's header does not matter, and nothing about the audio can be derived from it. Audio
    begins with other audio if its fingerprint holds the other's last digest.

    Parameters
    ----------
    samples : Samples, 16 kHz mono

    Returns
    -------
    tuple of bytes
        Empty for what is shorter than a block or longer than a minute. The last whole block is
        left out where there is more than one: resampling changes the end of what it is given.
    """
    blocks = len(samples) // BLOCK_SAMPLES
    if not 1 <= blocks <= _MAX_BLOCKS:
        return ()
    running = hashlib.blake2b(digest_size=_DIGEST_BYTES)
    digests = []
    for start in range(0, max(1, blocks - 1) * BLOCK_SAMPLES, BLOCK_SAMPLES):
        running.update(samples[start : start + BLOCK_SAMPLES].tobytes())
        digests.append(running.digest())
    return tuple(digests)
