# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""One attempt to notify a webhook; the state machine retries."""

import http.client
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from recordings.errors import RecordingError, WebhookNotTold, WebhookRefused
from recordings.table import JobTable
from recordings.webhooks.notice import notice
from recordings.webhooks.signature import signed

_LONGEST_PROBLEM = 300


@dataclass(frozen=True)
class WebhookSender:
    """Notifies webhooks of ended jobs.

    Attributes
    ----------
    s3 : S3 client
    table : JobTable
    keys : callable
        Returns the signing keys.
    post : callable
        Posts a body with headers to a URL, and returns the response's status.
    clock : callable
        Returns seconds since 1970.
    """

    s3: Any
    table: JobTable
    keys: Callable[[], tuple[str, ...]]
    post: Callable[[str, bytes, Mapping[str, str]], int]
    clock: Callable[[], float] = time.time

    def tell(self, job_id: str) -> int:
        """Notify the webhook of a job once, and record the outcome in the job.

        Returns
        -------
        int
            The webhook's 2xx status.

        Raises
        ------
        WebhookRefused
            The webhook answered 410.
        AddressRefused
            It resolves to an address that is not public.
        WebhookNotTold
            It was not reached, did not respond in time, or answered other than 2xx.
        UnknownJob
        ClientError
            The signing keys or the transcript cannot be read.
        """
        job = self.table.get(job_id)
        at = self.clock()
        try:
            body = notice(job, self.s3)
            headers = {
                "User-Agent": "whisper-live-sagemaker",
                **job.webhook["headers"],
                "Content-Type": "application/json",
                **signed(body, f"msg_{job.id}", int(at), self.keys()),
            }
            status = self.post(job.webhook["url"], body, headers)
            _require_taken(status)
        except (RecordingError, ClientError) as error:
            problem = str(error)[:_LONGEST_PROBLEM]
            self.table.record_delivery(job_id, {"at": at, "problem": problem})
            raise
        self.table.record_delivery(job_id, {"at": at, "status": status})
        return status


def _require_taken(status: int) -> None:
    if status == http.client.GONE:
        raise WebhookRefused("The webhook answered 410: it is not notified any more.")
    if not 200 <= status < 300:
        raise WebhookNotTold(
            f"The webhook answered {status}: it has to answer 2xx, and redirects are not followed."
        )
