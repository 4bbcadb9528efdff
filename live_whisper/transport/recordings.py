# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Client of a stack with recordings: its bucket, and its function for jobs."""

import json
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from botocore import exceptions

from live_whisper.errors import CallFileError, JobRefused, RecordingsUnusable
from live_whisper.transport import aws

_OUTPUTS = ("JobsFunction", "RecordingsBucket")
_UPLOADS = "uploads/"


class RecordingJobs:
    """The jobs of a stack with recordings.

    Parameters
    ----------
    stack : str
        Name of the recordings stack, or of the stack it is nested in.
    region : str, optional
        Default: from the environment or profile.

    Raises
    ------
    RecordingsUnusable
        The stack does not exist, or has no recordings.
    """

    def __init__(self, stack: str, region: str | None = None) -> None:
        self._what = f"The stack {stack}"
        self._region = region
        outputs = self._outputs(stack)
        if not set(_OUTPUTS) <= set(outputs):
            raise RecordingsUnusable(
                f"{self._what} does not transcribe recordings: set its parameter "
                "EnableRecordings to true, or give the name of another stack."
            )
        self._function, self._bucket = (outputs[name] for name in _OUTPUTS)
        self._api_url = outputs.get("JobsApiUrl", "")

    @property
    def api_url(self) -> str:
        """URL of the HTTP API.

        Raises
        ------
        RecordingsUnusable
            The stack has no HTTP API.
        """
        if not self._api_url:
            raise RecordingsUnusable(
                f"{self._what} has no HTTP API: set its parameter EnableJobsApi to true."
            )
        return self._api_url

    def ask(self, action: str, **request: Any) -> dict[str, Any]:
        """Invoke an action of the deployment, and return its answer.

        Raises
        ------
        JobRefused
            The deployment refused; the message is its own.
        RecordingsUnusable
            The invocation failed.
        """
        payload = json.dumps({"action": action, **request}).encode()
        client = self._client("lambda")
        answer = self._call(
            lambda: client.invoke(FunctionName=self._function, Payload=payload), "be asked"
        )
        body = json.loads(answer["Payload"].read() or b"null")
        if "FunctionError" in answer or not isinstance(body, dict):
            raise RecordingsUnusable(
                f"The function {self._function} failed: try again, and see its log if it "
                "fails again."
            )
        if "error" in body:
            raise JobRefused(body["error"])
        return body

    def upload(self, path: Path, sent: Callable[[int], None]) -> str:
        """Upload a recording; return its ``s3://`` address.

        Parameters
        ----------
        sent : callable
            Progress callback: receives the number of bytes sent since the last call.
        """
        key = f"{_UPLOADS}{uuid.uuid4().hex}/{path.name}"
        client = self._client("s3")

        def send() -> None:
            with _local_file(path):
                client.upload_file(str(path), self._bucket, key, Callback=sent)

        self._call(send, f"take {path.name}")
        return f"s3://{self._bucket}/{key}"

    def download(self, uri: str, path: Path) -> None:
        """Download an ``s3://`` object to a file."""
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        client = self._client("s3")

        def receive() -> None:
            with _local_file(path):
                client.download_file(bucket, key, str(path))

        self._call(receive, f"give {uri}")

    def _outputs(self, stack: str) -> dict[str, str]:
        client = self._client("cloudformation")
        answer = self._call(lambda: client.describe_stacks(StackName=stack), "be described")
        found = answer["Stacks"][0].get("Outputs", ())
        return {one["OutputKey"]: one["OutputValue"] for one in found}

    def _client(self, service: str) -> Any:
        return aws.client(service, self._region, RecordingsUnusable, what=self._what)

    def _call(self, call: Callable[[], Any], purpose: str) -> Any:
        try:
            return call()
        except exceptions.ClientError as error:
            said = error.response["Error"].get("Message", "") or str(error)
        except (exceptions.EndpointConnectionError, exceptions.ConnectTimeoutError) as error:
            raise RecordingsUnusable(
                f"Nothing answers at {error.kwargs['endpoint_url']}; check the network, the region "
                "and, where it is set, AWS_ENDPOINT_URL."
            ) from None
        except aws.CREDENTIAL_ERRORS as error:
            raise RecordingsUnusable(aws.without_credentials(error)) from None
        except UnicodeEncodeError:
            raise RecordingsUnusable(
                f"{self._what} cannot {purpose}: the name is not text in UTF-8; give another one."
            ) from None
        except (exceptions.BotoCoreError, OSError) as error:
            said = str(error)
        except Exception as error:  # S3 transfer errors share no base class
            if type(error).__module__.partition(".")[0] not in ("boto3", "s3transfer"):
                raise
            said = str(error)
        raise RecordingsUnusable(
            f"{self._what} cannot {purpose} ({said:.300}); check its name, the region and what "
            "the credentials allow."
        )


@contextmanager
def _local_file(path: Path) -> Iterator[None]:
    """Raise `CallFileError` for an OSError of a file; some of botocore's errors are OSErrors."""
    try:
        yield
    except exceptions.BotoCoreError:
        raise
    except OSError as error:
        raise CallFileError(
            f"{path} cannot be read or written ({error.strerror}); check its folder and the free "
            "space, or give another one."
        ) from None
