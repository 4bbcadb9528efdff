# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Who may ask: whoever API Gateway has let in by IAM, or has a key."""

import hmac
from collections.abc import Callable
from dataclasses import dataclass

from recordings.api.messages import ApiRequest
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
    """

    keys: Callable[[], tuple[str, ...]]

    def require(self, request: ApiRequest) -> None:
        """Refuse whoever has neither.

        Raises
        ------
        NotAdmitted
        """
        if request.is_signed:
            return
        given = request.headers.get(KEY_HEADER, "").encode()
        # Each of them is compared, in the same time whether or not one fits.
        if not sum(hmac.compare_digest(given, key.encode()) for key in self.keys()):
            raise NotAdmitted(
                f"Send the header {KEY_HEADER} with a valid key, or sign the request for "
                "execute-api with credentials that may invoke this API."
            )
