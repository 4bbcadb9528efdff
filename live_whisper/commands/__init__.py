# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""The subcommands of ``whisper-sagemaker``, with their common options and exit status."""

import argparse
import errno
import os
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from live_whisper.errors import InvocationFailed, LiveError, TermsUnusable
from whisper_contract.languages import code_of

DONE, FAILED, REFUSED, INTERRUPTED = 0, 1, 2, 130
# Characters; what a request carries is far less.
_MOST_TERMS = 1_000_000
_NOT_WRITTEN = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)


def exit_status(command: Callable[[], int]) -> int:
    """Run a command; print what ended it early as one sentence on standard error.

    Returns
    -------
    int
        0 when done; 1 if the endpoint failed to transcribe something; 2 if the audio or the
        endpoint cannot be used; 130 after Ctrl-C. 1, without a message, if standard output is
        closed.
    """
    _require_standard_error()
    if sys.stdout is None:
        say("Standard output is closed; send it somewhere, such as to a file.")
        return REFUSED
    try:
        status = command()
        sys.stdout.flush()
    except BrokenPipeError:
        _discard_output()
        return FAILED
    except OSError as error:
        if error.errno not in _NOT_WRITTEN:
            raise
        _discard_output()
        say(
            f"The output cannot be written ({error.strerror}); free some space, or send it "
            "elsewhere."
        )
        return REFUSED
    except LiveError as error:
        say(str(error))
        is_passing = isinstance(error, InvocationFailed) and error.is_passing
        return FAILED if is_passing else REFUSED
    except KeyboardInterrupt as stop:
        say(f"Stopped; {str(stop) or 'nothing is left running.'}")
        return INTERRUPTED
    else:
        return status


def _require_standard_error() -> None:
    """Without one, print would write to standard output instead."""
    if sys.stderr is None:
        sys.stderr = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115


def say(sentence: str) -> None:
    """Print a sentence on standard error; where nobody reads it, the exit status remains."""
    try:
        print(sentence, file=sys.stderr)
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())


def _discard_output() -> None:
    """Write what is left nowhere: flushing at exit must not fail again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@contextmanager
def going_on(what: str) -> Iterator[None]:
    """On Ctrl-C in the block, report what keeps running elsewhere and how to stop it."""
    try:
        yield
    except KeyboardInterrupt:
        raise KeyboardInterrupt(what) from None


def endpoint_name(text: str) -> str:
    """Validate an endpoint name against SageMaker's rules; an argparse type."""
    if len(text) > 63 or not re.fullmatch(r"[a-zA-Z0-9](-*[a-zA-Z0-9])*", text):
        raise argparse.ArgumentTypeError(
            f"{text!r:.80} is not an endpoint name; use 1 to 63 letters, digits and hyphens"
        )
    return text


def language(text: str) -> str:
    """Convert a language to Whisper's code; an argparse type."""
    code = code_of(text)
    if code is None:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a Whisper language; use a code such as en"
        )
    return code


def languages(text: str) -> tuple[str, ...]:
    """Convert comma-separated languages to Whisper's codes; an argparse type."""
    return tuple(language(one) for one in text.split(",") if one.strip())


def add_languages(parser: argparse.ArgumentParser) -> None:
    """Add the option for the languages that may be detected."""
    parser.add_argument(
        "--languages",
        metavar="CODES",
        type=languages,
        default=(),
        help="languages to detect, the most common one first, such as en,es (default: all)",
    )


def add_terms(parser: argparse.ArgumentParser) -> None:
    """Add the options for expected names and words."""
    parser.add_argument(
        "--terms",
        default="",
        metavar="NAMES",
        help="names and words to expect, separated by commas, the most important first",
    )
    parser.add_argument(
        "--terms-file",
        type=Path,
        metavar="FILE",
        help="file with more terms, one or several per line",
    )


def add_redaction(parser: argparse.ArgumentParser) -> None:
    """Add the option that redacts card numbers and the like."""
    parser.add_argument(
        "--redaction",
        action="store_true",
        help="redact card, account and telephone numbers, and e-mail addresses",
    )


def add_speakers(parser: argparse.ArgumentParser) -> None:
    """Add the options that separate channels and speakers."""
    parser.add_argument(
        "--channels",
        action="store_true",
        help="transcribe each channel separately (default: mixed into one)",
    )
    parser.add_argument(
        "--diarize",
        action="store_true",
        help="identify speakers, if the endpoint has diarization models",
    )
    parser.add_argument(
        "--num-speakers",
        type=int,
        metavar="N",
        help="number of speakers, per channel with --channels; implies --diarize "
        "(default: estimated)",
    )


def speakers_of(arguments: argparse.Namespace) -> dict[str, int]:
    """Return the parameters that separate channels and speakers."""
    wanted: dict[str, int] = {}
    if arguments.channels:
        wanted["channel_identification"] = True
    if arguments.diarize or arguments.num_speakers is not None:
        wanted["diarize"] = True
    if arguments.num_speakers is not None:
        wanted["num_speakers"] = arguments.num_speakers
    return wanted


def terms_of(arguments: argparse.Namespace) -> tuple[str, ...]:
    """Return the expected names and words from both options.

    Raises
    ------
    TermsUnusable
        One of them is not text in UTF-8, or the file is too long or cannot be read.
    """
    path: Path | None = arguments.terms_file
    try:
        arguments.terms.encode()
    except UnicodeEncodeError:
        raise TermsUnusable("--terms is not text in UTF-8; give names and words.") from None
    try:
        more = _text_of(path) if path else ""
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


def _text_of(path: Path) -> str:
    with path.open(encoding="utf-8-sig") as file:
        text = file.read(_MOST_TERMS + 1)
    if len(text) > _MOST_TERMS:
        raise TermsUnusable(
            f"{path} has more than {_MOST_TERMS:,} characters; give --terms-file a shorter list "
            "of names."
        )
    return text


def add_endpoint(parser: argparse.ArgumentParser, *, is_required: bool = True) -> None:
    """Add the options that identify a SageMaker endpoint."""
    if is_required:
        parser.add_argument(
            "--endpoint-name",
            required=True,
            type=endpoint_name,
            metavar="NAME",
            help="SageMaker endpoint",
        )
    parser.add_argument(
        "--endpoint-url", metavar="URL", help="address of SageMaker Runtime (default: AWS)"
    )
    parser.add_argument("--region", help="AWS Region (default: from the environment)")
