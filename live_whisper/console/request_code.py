# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""The page's request as runnable code: a shell command and a Python program."""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote

from live_whisper.transport.whole_files import CONTENT_TYPE, attributes

_ATTRIBUTES = "X-Amzn-SageMaker-Custom-Attributes"


@dataclass(frozen=True)
class EndpointAddress:
    """Address of an endpoint.

    Attributes
    ----------
    name : str
        Name of the endpoint.
    region : str
        AWS region.
    runtime_url : str
        URL of SageMaker Runtime.
    plain_url : str or None
        URL of a local endpoint that accepts unsigned requests.
    """

    name: str
    region: str
    runtime_url: str
    plain_url: str | None = None


def curl(at: EndpointAddress, file: str, parameters: Mapping[str, str]) -> str:
    """Return the request as a command for a POSIX shell."""
    headers = f"-H {shlex.quote(f'Content-Type: {CONTENT_TYPE}')}"
    if parameters:
        headers += f" \\\n  -H {shlex.quote(f'{_ATTRIBUTES}: {attributes(parameters)}')}"
    body = f"--data-binary {shlex.quote(f'@{file}')}"
    if at.plain_url is not None:
        return f"curl {shlex.quote(at.plain_url)} \\\n  {headers} \\\n  {body}"
    url = f"{at.runtime_url}/endpoints/{quote(at.name)}/invocations"
    return (
        f"curl {shlex.quote(url)} \\\n"
        f"  --aws-sigv4 {shlex.quote(f'aws:amz:{at.region}:sagemaker')} \\\n"
        '  --user "$AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY" \\\n'
        '  ${AWS_SESSION_TOKEN:+-H "X-Amz-Security-Token: $AWS_SESSION_TOKEN"} \\\n'
        f"  {headers} \\\n  {body}"
    )


def python(at: EndpointAddress, file: str, parameters: Mapping[str, str]) -> str:
    """Return the request as a Python program."""
    given = attributes(parameters)
    if at.plain_url is not None:
        headers = {"Content-Type": CONTENT_TYPE} | ({_ATTRIBUTES: given} if given else {})
        lines = [
            "import json, urllib.request",
            "",
            f"audio = open({file!r}, 'rb').read()",
            f"headers = {headers!r}",
            f"request = urllib.request.Request({at.plain_url!r}, audio, headers)",
            "print(json.load(urllib.request.urlopen(request))['text'])",
        ]
    else:
        lines = [
            "import json, boto3",
            "",
            f"runtime = boto3.client('sagemaker-runtime', region_name={at.region!r})",
            "answer = runtime.invoke_endpoint(",
            f"    EndpointName={at.name!r},",
            f"    ContentType={CONTENT_TYPE!r},",
            *([f"    CustomAttributes={given!r},"] if given else []),
            f"    Body=open({file!r}, 'rb'),",
            ")",
            "print(json.load(answer['Body'])['text'])",
        ]
    return "\n".join(lines) + "\n"
