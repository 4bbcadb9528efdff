# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""A file that goes into the archive, as the place that it comes from announces it."""

import hashlib
from dataclasses import dataclass


@dataclass(frozen=True)
class SourceFile:
    """A file of the program or of a model.

    Attributes
    ----------
    path : str
        Within the program's or the model's folder.
    size : int
        Bytes.
    digest : str
        Identity of its content: ``sha256:…``; of a small file of the hub ``git:…``, the blob's
        SHA-1; of an object in S3 ``etag:…``.
    """

    path: str
    size: int
    digest: str

    def hasher(self) -> "hashlib._Hash":
        """Return the hash object that yields the announced digest: SHA-256, or git's of a blob.

        Git's header is already fed in.
        """
        if self.digest.startswith("sha256:"):
            return hashlib.sha256()
        return hashlib.sha1(f"blob {self.size}\0".encode(), usedforsecurity=False)
