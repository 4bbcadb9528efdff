# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Webhook signatures as defined by https://www.standardwebhooks.com."""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterable

from recordings.errors import InvalidFunctionSetting


def signed(body: bytes, message_id: str, at: int, keys: Iterable[str]) -> dict[str, str]:
    """Return the headers that sign a body.

    Parameters
    ----------
    message_id : str
        Stays the same across retries.
    at : int
        Seconds since 1970.
    keys : iterable of str
        In base64, with or without ``whsec_``; each adds a signature.

    Raises
    ------
    InvalidFunctionSetting
        A key is not base64.
    """
    content = f"{message_id}.{at}.".encode() + body
    try:
        decoded = [base64.b64decode(one.removeprefix("whsec_"), validate=True) for one in keys]
    except binascii.Error:
        raise InvalidFunctionSetting("Set the webhooks' keys to base64.") from None
    signatures = (hmac.digest(key, content, hashlib.sha256) for key in decoded)
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(at),
        "webhook-signature": " ".join(f"v1,{base64.b64encode(s).decode()}" for s in signatures),
    }
