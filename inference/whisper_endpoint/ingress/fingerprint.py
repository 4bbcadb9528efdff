# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Fingerprints of audio, which show whether it continues an earlier state of an utterance."""

import hashlib

from whisper_endpoint.messages import Fingerprint, Samples

# 30 ms at 16 kHz, the frame by which Live Call Analytics' utterances grow.
BLOCK_SAMPLES = 480
_DIGEST_BYTES = 16
# One minute; longer recordings are not utterances that are sent again every second.
_MAX_BLOCKS = 60 * 16_000 // BLOCK_SAMPLES


def of(samples: Samples) -> Fingerprint:
    """Return for each block a digest of all audio up to its end.

    Independent of the file's header, and nothing about the audio can be derived from it. Audio
    begins with other audio if its fingerprint contains the other's last digest.

    Parameters
    ----------
    samples : Samples, 16 kHz mono

    Returns
    -------
    tuple of bytes
        Empty for audio shorter than a block or longer than a minute. The last of several whole
        blocks is left out, because resampling changes the end of its input.
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
