# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Who may ask: whoever API Gateway has let in by IAM, has a key, or signs with the own pair."""

import hmac
from collections.abc import Callable
from dataclasses import dataclass

from recordings.api.messages import ApiRequest
from recordings.api.sigv4 import PAIR_ID, PairSignatures, is_signed
from recordings.errors import NotAdmitted

KEY_HEADER = "x-admin-api-key"
"""As insanely-fast-whisper's API has it."""


@dataclass(frozen=True)
class ApiAccess:
    """The API's door.

    Attributes
    ----------
    keys : callable
        Returns the keys that are valid now; without any it raises, and nobody is let in.
    signatures : PairSignatures, optional
        Checks signatures by the deployment's own pair; None: no such signature is taken.
    """

    keys: Callable[[], tuple[str, ...]]
    signatures: PairSignatures | None = None

    def require(self, request: ApiRequest) -> None:
        """Refuse whoever has none of them.

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
        # Each of them is compared, in the same time whether or not one fits.
        if not sum(hmac.compare_digest(given, key.encode()) for key in self.keys()):
            raise NotAdmitted(f"Send the header {KEY_HEADER} with a valid key{self._otherwise}.")

    @property
    def _otherwise(self) -> str:
        if self.signatures:
            return f", or sign the request as {PAIR_ID} with the secret in JobsApiPairArn"
        return (
            ": signatures are taken where the stack's parameter JobsApiAuthorization is iam, "
            "outside of /ifw, or pair"
        )
