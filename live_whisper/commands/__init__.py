# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""The subcommands of ``whisper-sagemaker``, and how each of them ends."""

import argparse
import os
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from live_whisper.errors import InvocationFailed, LiveError, TermsUnusable
from whisper_contract.languages import code_of

DONE, FAILED, REFUSED, INTERRUPTED = 0, 1, 2, 130


def exit_status(command: Callable[[], int]) -> int:
    """Run a command, and say in one sentence on standard error what ended it early.

    Returns
    -------
    int
        0 when done; 1 when the endpoint failed to transcribe something; 2 when the audio or the
        endpoint cannot be used; 130 after Ctrl-C. Where nobody reads the output any more, 1 and
        not a word.
    """
    try:
        status = command()
        sys.stdout.flush()
    except BrokenPipeError:
        # Nobody reads any more; what is buffered must not fail again when Python ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except LiveError as error:
        print(error, file=sys.stderr)
        is_passing = isinstance(error, InvocationFailed) and error.is_passing
        return FAILED if is_passing else REFUSED
    except KeyboardInterrupt as stop:
        print(f"Stopped; {str(stop) or 'nothing is left running.'}", file=sys.stderr)
        return INTERRUPTED
    else:
        return status


@contextmanager
def going_on(what: str) -> Iterator[None]:
    """Have Ctrl-C within the block say what goes on elsewhere, and how to end it."""
    try:
        yield
    except KeyboardInterrupt:
        raise KeyboardInterrupt(what) from None


def endpoint_name(text: str) -> str:
    """Return the name of an endpoint, as an argument's type; its form is SageMaker's own."""
    if len(text) > 63 or not re.fullmatch(r"[a-zA-Z0-9](-*[a-zA-Z0-9])*", text):
        raise argparse.ArgumentTypeError(
            f"{text!r:.80} is no endpoint's name; give 1 to 63 letters, digits and hyphens within"
        )
    return text


def language(text: str) -> str:
    """Return Whisper's code of a language, as an argument's type."""
    code = code_of(text)
    if code is None:
        raise argparse.ArgumentTypeError(
            f"{text!r} is none of Whisper's languages; give its code, such as en"
        )
    return code


def languages(text: str) -> tuple[str, ...]:
    """Return Whisper's codes of languages between commas, as an argument's type."""
    return tuple(language(one) for one in text.split(",") if one.strip())


def add_languages(parser: argparse.ArgumentParser) -> None:
    """Add the option that says which languages may be detected."""
    parser.add_argument(
        "--languages",
        metavar="CODES",
        type=languages,
        default=(),
        help="those that may be detected, the usual one first, such as en,es (default: all)",
    )


def add_terms(parser: argparse.ArgumentParser) -> None:
    """Add the options that say which names and words to expect."""
    parser.add_argument(
        "--terms",
        default="",
        metavar="NAMES",
        help="names and words to expect, separated by commas, the most important first",
    )
    parser.add_argument(
        "--terms-file", type=Path, metavar="FILE", help="more of them, one or several on a line"
    )


def add_redaction(parser: argparse.ArgumentParser) -> None:
    """Add the option that leaves out numbers of cards and the like."""
    parser.add_argument(
        "--redaction",
        action="store_true",
        help="leave out numbers of cards, accounts and telephones, and e-mail addresses",
    )


def terms_of(arguments: argparse.Namespace) -> tuple[str, ...]:
    """Return the names and words of both options.

    Raises
    ------
    TermsUnusable
        The file cannot be read, or is no text.
    """
    path: Path | None = arguments.terms_file
    try:
        more = path.read_text(encoding="utf-8-sig") if path else ""
    except OSError as error:
        raise TermsUnusable(
            f"{path} cannot be read ({error.strerror}); give --terms-file a list of names."
        ) from None
    except ValueError:
        raise TermsUnusable(
            f"{path} is no text in UTF-8; give --terms-file a list of names."
        ) from None
    parts = re.split(r"[,\n]", f"{arguments.terms}\n{more}")
    return tuple(dict.fromkeys(filter(None, (" ".join(one.split()) for one in parts))))


def add_endpoint(parser: argparse.ArgumentParser, *, is_required: bool = True) -> None:
    """Add the options that name an endpoint on SageMaker."""
    if is_required:
        parser.add_argument(
            "--endpoint-name",
            required=True,
            type=endpoint_name,
            metavar="NAME",
            help="an endpoint on SageMaker",
        )
    parser.add_argument(
        "--endpoint-url", metavar="URL", help="address of SageMaker Runtime, if not AWS's"
    )
    parser.add_argument("--region", help="AWS region (default: from the environment)")
