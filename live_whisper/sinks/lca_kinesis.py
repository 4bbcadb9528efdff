# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Write call events to LCA's Kinesis data stream, for its Call Event Processor.

Names and values follow LCA's Call Event Stream: START, ADD_TRANSCRIPT_SEGMENT per result, END. All
events of a call share a partition key, so they stay in order.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from botocore import exceptions

from live_whisper.errors import SinkFailed
from live_whisper.transport import aws
from whisper_stream.events import CallEnded, Event, TranscriptResult, UtteranceEvent, UtteranceLost

CHANNEL_OF_ROLE = {"AGENT": "AGENT", "CUSTOMER": "CALLER"}
LOST = "[no transcript: the speech service did not answer]"
"""Text shown for a lost utterance: LCA has no event for it."""


@dataclass(frozen=True)
class CallFacts:
    """Call details that LCA shows next to the transcript.

    Attributes
    ----------
    customer_number, system_number : str
        Telephone numbers.
    """

    customer_number: str = ""
    system_number: str = ""
    agent_id: str | None = None


class KinesisSink:
    """Writes the events of one call.

    Parameters
    ----------
    stream : str
        Name of LCA's call data stream.
    region : str, optional
        AWS region; default: from the environment or profile.
    client : boto3 client, optional
        Kinesis client. Default: one for that region, or for the environment's AWS_ENDPOINT_URL.
    now : callable
        Returns the current, timezone-aware time.

    Raises
    ------
    SinkFailed
        If no region is set.
    """

    def __init__(
        self,
        stream: str,
        call_id: str,
        facts: CallFacts | None = None,
        *,
        region: str | None = None,
        client: Any = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._stream = stream
        self._call_id = call_id
        facts = facts or CallFacts()
        self._numbers = {
            "CustomerPhoneNumber": facts.customer_number,
            "SystemPhoneNumber": facts.system_number,
        }
        self._agent = {"AgentId": facts.agent_id} if facts.agent_id else {}
        self._client = client or aws.client(
            "kinesis", region, SinkFailed, what=f"The Kinesis stream {stream}"
        )
        self._now = now

    def start(self) -> None:
        """Write START.

        Raises
        ------
        SinkFailed
            The stream did not accept it despite the SDK's retries.
        """
        self._put("START", {**self._numbers, **self._agent})

    def write(self, event: Event) -> None:
        """Write an event, if LCA has one for it; raises SinkFailed as `start` does."""
        if isinstance(event, TranscriptResult):
            self._segment(event, event.text, is_partial=event.is_partial)
        elif isinstance(event, UtteranceLost):
            self._segment(event, LOST, is_partial=False)
        elif isinstance(event, CallEnded):
            self._put("END", self._numbers)

    def _segment(self, event: UtteranceEvent, text: str, *, is_partial: bool) -> None:
        self._put(
            "ADD_TRANSCRIPT_SEGMENT",
            {
                "Channel": CHANNEL_OF_ROLE[event.role],
                "SegmentId": event.result_id,
                "StartTime": round(event.start, 3),
                "EndTime": round(event.end, 3),
                "Transcript": text,
                "IsPartial": is_partial,
            },
        )

    def _put(self, kind: str, more: dict[str, Any]) -> None:
        moment = self._now().astimezone(UTC).isoformat(timespec="milliseconds")
        created = moment.replace("+00:00", "Z")
        record = {"EventType": kind, "CallId": self._call_id, "CreatedAt": created, **more}
        try:
            self._client.put_record(
                StreamName=self._stream,
                PartitionKey=self._call_id,
                Data=json.dumps(record).encode(),
            )
        except aws.CREDENTIAL_ERRORS as error:
            raise SinkFailed(aws.without_credentials(error)) from error
        except (exceptions.BotoCoreError, exceptions.ClientError) as error:
            raise SinkFailed(
                f"The Kinesis stream {self._stream} did not accept an event of type "
                f"{kind} ({error}); check its name, the Region and kinesis:PutRecord."
            ) from error
