# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""A SageMaker endpoint through boto3, with errors classified and put into sentences."""

from typing import Any

from botocore import exceptions
from botocore.config import Config

from live_whisper.errors import EndpointUnusable, InvocationFailed, LiveError
from live_whisper.transport import aws
from live_whisper.transport.refusals import PASSING, sentence_of, shortened
from live_whisper.transport.total_timeout import Exchanges

# Three attempts, as LCA's AWS SDK for JavaScript; SageMaker limits a response to 60 s.
ATTEMPTS = 3
CONNECT_TIMEOUT_S = 5
READ_TIMEOUT_S = 65
CONNECTIONS = 10

NOT_ALLOWED = frozenset(
    {
        "AccessDenied",
        "AccessDeniedException",
        "ExpiredToken",
        "ExpiredTokenException",
        "IncompleteSignature",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "MissingAuthenticationToken",
        "UnrecognizedClientException",
    }
)


class SageMakerEndpoint:
    """Invokes an endpoint: request body in, response body out. Thread-safe.

    Parameters
    ----------
    name : str
        The endpoint's name.
    url : str, optional
        Address of SageMaker Runtime other than AWS's own.
    region : str, optional
        AWS region; default: from the environment or profile.
    attempts : int
        Attempts of the SDK; 1 for callers with their own deadlines.
    read_timeout : float
        Seconds to wait for a response.
    connections : int
        Size of the connection pool, for concurrent threads.

    Raises
    ------
    EndpointUnusable
        If no region is set or the address is invalid.
    """

    def __init__(
        self,
        name: str,
        url: str | None = None,
        region: str | None = None,
        *,
        attempts: int = ATTEMPTS,
        read_timeout: float = READ_TIMEOUT_S,
        connections: int = CONNECTIONS,
    ) -> None:
        self._name = name
        self._exchanges = Exchanges()
        config = Config(
            connect_timeout=CONNECT_TIMEOUT_S,
            read_timeout=read_timeout,
            retries={"total_max_attempts": attempts, "mode": "standard"},
            max_pool_connections=connections,
            tcp_keepalive=True,
        )
        self._client = aws.client(
            "sagemaker-runtime",
            region,
            EndpointUnusable,
            what=f"The endpoint {name}",
            url=url,
            config=config,
        )

    @property
    def region(self) -> str:
        """AWS region of its requests."""
        return str(self._client.meta.region_name)

    @property
    def url(self) -> str:
        """Address of SageMaker Runtime."""
        return str(self._client.meta.endpoint_url)

    def stop(self) -> None:
        """Give up the invocations that have a limit, those in progress and later ones."""
        self._exchanges.stop()

    def __call__(self, body: bytes) -> bytes:
        """Invoke the endpoint as LCA does: JSON, and no Accept header; see `invoke`."""
        return self.invoke(body, "application/json")

    def invoke(
        self,
        body: bytes,
        content_type: str,
        accept: str | None = None,
        attributes: str | None = None,
        *,
        within: float | None = None,
    ) -> bytes:
        """Send a request body and return the response body.

        Parameters
        ----------
        attributes : str, optional
            SageMaker's custom attributes.
        within : float, optional
            Limit of the whole exchange in seconds, from connecting to the last byte.

        Raises
        ------
        EndpointUnusable
            If the endpoint is unknown, unreachable or forbidden.
        InvocationFailed
            If this request failed: 424 from the container, 413, 429, 5xx, or no answer in time or
            before `stop`.
        """
        headers = {"Accept": accept, "CustomAttributes": attributes}
        wanted = {name: value for name, value in headers.items() if value}
        if within is None:
            return self._invoke(body, content_type, wanted)
        return self._exchanges.within(within, lambda: self._invoke(body, content_type, wanted))

    def _invoke(self, body: bytes, content_type: str, wanted: dict[str, str]) -> bytes:
        try:
            answer = self._client.invoke_endpoint(
                EndpointName=self._name, ContentType=content_type, Body=body, **wanted
            )
            return bytes(answer["Body"].read())
        except exceptions.ClientError as error:
            raise self._of_status(error.response) from None
        except (exceptions.EndpointConnectionError, exceptions.ConnectTimeoutError):
            raise EndpointUnusable(
                f"Nothing answers at {self._client.meta.endpoint_url}; check the network, the "
                "region and the endpoint URL."
            ) from None
        except aws.CREDENTIAL_ERRORS as error:
            raise EndpointUnusable(aws.without_credentials(error)) from None
        except exceptions.BotoCoreError as error:
            raise InvocationFailed(
                f"The endpoint gave no answer ({shortened(str(error))})."
            ) from None

    def _of_status(self, response: dict[str, Any]) -> LiveError:
        code = str(response["Error"].get("Code", ""))
        message = str(response["Error"].get("Message", ""))
        status = response["ResponseMetadata"]["HTTPStatusCode"]
        if code == str(status) and status not in PASSING:
            # SageMaker Runtime names every error; botocore uses the status if there is no name.
            return EndpointUnusable(
                f"The service at {self._client.meta.endpoint_url} is not SageMaker Runtime "
                f"(HTTP {status}); check the endpoint URL."
            )
        if code in NOT_ALLOWED:
            return EndpointUnusable(
                f"Invoking the endpoint {self._name} was refused ({code}); allow "
                "sagemaker:InvokeEndpoint on it and check the credentials."
            )
        if status == 404 or (code.startswith("Validation") and "not f" in message.lower()):
            return EndpointUnusable(
                f"There is no endpoint {self._name} at {self._client.meta.endpoint_url}; check "
                "its name, the region and the endpoint URL."
            )
        said = shortened(sentence_of(str(response.get("OriginalMessage", ""))))
        # SageMaker wraps the container's own status in a 424.
        real = response.get("OriginalStatusCode", status) if status == 424 else status
        is_passing = real in PASSING or not real
        reason = said or shortened(message)
        return InvocationFailed(f"HTTP {status} {code}: {reason}", is_passing=is_passing, said=said)
