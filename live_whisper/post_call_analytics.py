# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Patch the templates of AWS's Post Call Analytics to use a stack's API for Transcribe.

They are patched as text, so that a diff shows only the changes.
"""

import re
from pathlib import Path
from urllib.parse import urlsplit

from live_whisper.errors import CallFileError

CODE_FOLDER = Path("src", "pca", "whisper")
"""Folder in the functions' code for the file that makes botocore sign for the API."""

_ADDRESS = "AWS_ENDPOINT_URL_TRANSCRIBE"
_IN_FUNCTION = "/var/task/whisper"


def patched(folder: Path, url: str) -> dict[Path, str]:
    """Return the patched templates, by path.

    Parameters
    ----------
    folder : Path
        ``pca-server`` in a checkout.
    url : str
        The stack's API, ``https://API.execute-api.REGION.amazonaws.com``.

    Raises
    ------
    CallFileError
        A file is missing, already patched, or different from the known version.
    """
    lib = folder / "cfn" / "lib"
    changes = {"pca.template": _state_machine, "trigger.template": _trigger}
    result = {}
    for name, change in changes.items():
        template = _Template(lib / name)
        change(template, url)
        result[lib / name] = template.text
    return result


class _Template:
    """A template's text, patched by block: a name and the indented lines below it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self.text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            raise CallFileError(
                f"{path} cannot be read: give pca-server of a checkout of Post Call Analytics."
            ) from None
        if _ADDRESS in self.text:
            raise CallFileError(f"{path} has already been changed: start from AWS's original.")

    def change(self, block: str, pattern: str, wanted: str) -> None:
        """Replace the only match of a pattern in a block."""
        found = re.search(
            rf"^( *){re.escape(block)}:\n(?:\1 +.*\n| *\n)*", f"{self.text}\n", re.MULTILINE
        )
        inside = found[0] if found else ""
        changed, number = re.subn(pattern, wanted, inside, flags=re.MULTILINE)
        if number != 1:
            raise CallFileError(
                f"{self._path} is not as it is known: {block} has {number} places for what is to "
                "be added. Change it by docs/post-call-analytics.md."
            )
        self.text = self.text.replace(inside.rstrip("\n"), changed.rstrip("\n"), 1)


def _state_machine(template: _Template, url: str) -> None:
    for function in ("SFStartTranscribeJob", "SFProcessTurn"):
        _address(template, function, url)
    _policy(template, "SFProcessTurn", "- Statement:\n", "  ", url)
    name = "- PolicyName: AskWhisper\n{0}  PolicyDocument:\n{0}    Statement:\n"
    _policy(template, "TranscribeLambdaRole", name, "      ", url)


def _trigger(template: _Template, url: str) -> None:
    _address(template, "TranscribeEventbridge", url)
    _policy(template, "TranscribeEventbridge", "- Statement:\n", "  ", url)
    listened = r"^( *)- aws\.transcribe\n"
    template.change("StandardEventBridge", listened, r"\g<0>\1- whisper.recordings\n")


def _address(template: _Template, function: str, url: str) -> None:
    wanted = rf'\1AWS_DATA_PATH: "\2:{_IN_FUNCTION}"\n\1{_ADDRESS}: {url}/transcribe\n'
    template.change(function, r"^( *)AWS_DATA_PATH: [\"']?([^\"'\s]+)[\"']?[ ]*\n", wanted)


def _policy(template: _Template, block: str, head: str, inner: str, url: str) -> None:
    """Allow a role to call ``/transcribe``, in its first policy."""
    host = urlsplit(url).hostname or ""
    api, _, region = host.split(".")[:3]
    resource = (
        f"arn:${{AWS::Partition}}:execute-api:{region}:${{AWS::AccountId}}:{api}/*/POST/transcribe*"
    )
    at = r"\2"
    added = [
        f"{at}{inner}- Effect: Allow\n",
        f"{at}{inner}  Action: execute-api:Invoke\n",
        f"{at}{inner}  Resource: !Sub {resource}\n",
    ]
    wanted = rf"\1{at}{head.format(at)}" + "".join(added) + at + "- "
    template.change(block, r"^( *Policies:\n)( *)- ", wanted)
