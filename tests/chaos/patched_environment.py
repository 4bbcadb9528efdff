# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Replace AWS, the network and the time by the current account's."""

import datetime
import importlib.util
import logging
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any
from unittest import mock

import boto3
import crhelper.log_helper
import crhelper.utils

from tests.chaos.account import Account
from tests.chaos.lives import MOST_AT_ONCE


class Stage:
    """Holds the current account, which replaces AWS and the time."""

    handlers: list[ModuleType]
    tree: Path

    def __init__(self) -> None:
        self.account: Account | None = None
        self.clock = SimpleNamespace(
            time=lambda: self._present.aws.clock.now,
            monotonic=lambda: self._present.aws.clock.now,
            sleep=lambda seconds: self._present.aws.clock.sleep(seconds),  # noqa: PLW0108
        )

    def new(self) -> Account:
        """Create a new account, and make it current."""
        self.account = Account(self.handlers, self.tree)
        return self.account

    @property
    def _present(self) -> Account:
        assert self.account
        return self.account

    def client(self, service: str, **_: Any) -> Any:
        """Replace ``boto3.client``; before there is an account, with an unused mock."""
        return self.account.aws.client(service) if self.account else mock.MagicMock()

    def connection(self, *_: Any, **__: Any) -> Any:
        """Replace the connection for responses."""

        answers, said = self._present.answers, SimpleNamespace(status=0, reason="")

        def request(method: str, url: str, body: str, headers: Any) -> None:
            said.status = answers.status_of_put(url.rsplit("/", 1)[-1], body.encode())

        return SimpleNamespace(request=request, getresponse=lambda: said)

    def now(self) -> datetime.datetime:
        """Return the simulated date and time."""
        return datetime.datetime.fromtimestamp(self.clock.time(), datetime.UTC)


@contextmanager
def replaced() -> Iterator[Stage]:
    """Patch the deployer to use a stage within a ``with`` block."""
    stage = Stage()
    with ExitStack() as stack:
        stack.enter_context(mock.patch.object(boto3, "client", stage.client))
        stage.tree = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        (stage.tree / "config.yaml").write_text("applications: []")
        (stage.tree / "whisper_endpoint").mkdir()
        (stage.tree / "whisper_endpoint/selftest.wav").write_bytes(b"RIFF")
        # After patching: the handler creates clients on import.
        from deploy_whisper import budget, handler, invocations, metrics
        from deploy_whisper.archive import archive, lease, renewal
        from deploy_whisper.endpoint import resource
        from whisper_sagemaker import endpoints

        stage.handlers = [handler, *(_again(handler) for _ in range(MOST_AT_ONCE))]
        patches: list[AbstractContextManager[Any]] = [
            *(
                mock.patch.object(module, "time", stage.clock)
                for module in (*stage.handlers, lease, budget, invocations, endpoints)
            ),
            mock.patch.object(renewal, "_now", stage.now),
            mock.patch.object(renewal.Renewal.__init__, "__defaults__", (stage.now,)),
            mock.patch.object(metrics, "put", _nothing),
            mock.patch.object(crhelper.log_helper, "setup", _nothing),
            mock.patch.object(crhelper.utils, "HTTPSConnection", stage.connection),
            mock.patch("crhelper.utils.ssl.create_default_context", _nothing),
            # Invocations share no memory, but cached properties lock across threads in Python 3.11.
            *(
                mock.patch.object(item, "lock", nullcontext())
                for kind in (archive.Archive, resource.Deployment)
                for item in vars(kind).values()
                if hasattr(item, "lock")
            ),
            *(mock.patch.object(item.helper, "_set_timeout", _nothing) for item in stage.handlers),
        ]
        stack.callback(logging.disable, logging.root.manager.disable)
        logging.disable(logging.CRITICAL)
        for patch in patches:
            stack.enter_context(patch)
        yield stage


def _nothing(*_: Any, **__: Any) -> None:
    """Do nothing."""


def _again(module: ModuleType) -> ModuleType:
    """Import another copy of a module, as Lambda does for overlapping invocations."""
    assert module.__spec__
    assert module.__spec__.loader
    again = importlib.util.module_from_spec(module.__spec__)
    module.__spec__.loader.exec_module(again)
    return again
