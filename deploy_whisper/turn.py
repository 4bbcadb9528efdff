# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""One invocation at a time works for a custom resource: a tag of this function for each that runs.

Lambda may deliver an event twice, crhelper's rule fires whether or not the last poll still runs,
and CloudFormation may ask for something else meanwhile. Each invocation writes a tag of its own and
then looks for others: of two, the later to write sees the other. A tag ends when Lambda would end
its invocation, so nobody waits for one that does not run.
"""

import logging
import time
import uuid
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

log = logging.getLogger(__name__)

_RUNS = "whisper-sagemaker:runs:"


class Turn:
    """The right to work for a custom resource, of this process's one invocation of the moment."""

    def __init__(self) -> None:
        self._function = ""
        self._own = ""

    def take(self, event: dict[str, Any], function_arn: str, seconds: float) -> bool:
        """Take the turn; False where another invocation has it.

        Parameters
        ----------
        event : dict
            CloudFormation's request.
        function_arn : str
        seconds : float
            Until Lambda ends this invocation.

        Returns
        -------
        bool
        """
        client, mine = boto3.client("lambda"), f"{_RUNS}{event['LogicalResourceId']}:"
        # Before the call: its answer may be lost, and `end` must find it all the same.
        self._function, self._own = function_arn, mine + uuid.uuid4().hex
        now = time.time()
        client.tag_resource(Resource=function_arn, Tags={self._own: str(int(now + seconds) + 1)})
        tags = client.list_tags(Resource=function_arn)["Tags"]
        ended = [key for key, end in tags.items() if key.startswith(_RUNS) and float(end) <= now]
        if ended:
            client.untag_resource(Resource=function_arn, TagKeys=ended)
        others = [key for key in tags if key.startswith(mine) and key not in {self._own, *ended}]
        if others:
            log.info("another invocation works for %s", event["LogicalResourceId"])
        return not others

    def end(self) -> None:
        """Let the next one go on; where that fails, it has to wait until Lambda's limit."""
        if not self._own:
            return
        own, self._own = self._own, ""
        try:
            boto3.client("lambda").untag_resource(Resource=self._function, TagKeys=[own])
        except (BotoCoreError, ClientError):
            log.warning("the tag %s stays until its time is over", own, exc_info=True)
