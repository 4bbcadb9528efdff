# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""A file for the archive, as declared by its source."""

import hashlib
from dataclasses import dataclass


@dataclass(frozen=True)
class SourceFile:
    """A file of the program or of a model.

    Attributes
    ----------
    path : str
        Relative to the program's or the model's folder.
    size : int
        In bytes.
    digest : str
        Identity of its content: ``sha256:…``; for small files of the hub ``git:…``, the blob's
        SHA-1; for objects in S3 ``etag:…``.
    """

    path: str
    size: int
    digest: str

    def hasher(self) -> "hashlib._Hash":
        """Return a hash object for the declared digest: SHA-256, or git's blob hash.

        The latter has already been fed git's header.
        """
        if self.digest.startswith("sha256:"):
            return hashlib.sha256()
        return hashlib.sha1(f"blob {self.size}\0".encode(), usedforsecurity=False)
