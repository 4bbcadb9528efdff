# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Access control: requests pass by IAM, by an API key, or by a signature with our own key pair."""

import hmac
from collections.abc import Callable
from dataclasses import dataclass

from recordings.api.messages import ApiRequest
from recordings.api.sigv4 import PAIR_ID, PairSignatures, is_signed
from recordings.errors import NotAdmitted

KEY_HEADER = "x-admin-api-key"
"""The header that insanely-fast-whisper's API uses."""


@dataclass(frozen=True)
class ApiAccess:
    """Access control of the API.

    Attributes
    ----------
    keys : callable
        Returns the valid keys; raises if there are none, so nobody is let in.
    signatures : PairSignatures, optional
        Checks signatures with the deployment's own key pair; None: they are not accepted.
    """

    keys: Callable[[], tuple[str, ...]]
    signatures: PairSignatures | None = None

    def require(self, request: ApiRequest) -> None:
        """Refuse a request without valid credentials.

        Raises
        ------
        NotAdmitted
        """
        if request.is_signed:
            return
        if self.signatures and KEY_HEADER not in request.headers and is_signed(request):
            self.signatures.require(request)
            return
        given = request.headers.get(KEY_HEADER, "").encode()
        # Compare all keys, in constant time, so that timing reveals nothing.
        if not sum(hmac.compare_digest(given, key.encode()) for key in self.keys()):
            raise NotAdmitted(f"Send the header {KEY_HEADER} with a valid key{self._otherwise}.")

    @property
    def _otherwise(self) -> str:
        if self.signatures:
            return f", or sign with {PAIR_ID} and the secret key in JobsApiPairArn"
        return (
            ": signatures are accepted if the stack's parameter JobsApiAuthorization is "
            "pair, or iam outside of /ifw"
        )
