# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""``python -m scripts.console_picture``: retake the screenshot of the console in README.

Plays a sample call on a local endpoint in Chromium, and takes the screenshot while captions grow.
Run it on a quiet machine: the screenshot shows the latency.
"""

import shutil
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import uvicorn
from playwright.sync_api import Page, sync_playwright
from starlette.applications import Starlette

from local_cloud.sagemaker.container import free_port
from scripts import command
from scripts.console import local
from scripts.publish.build import ROOT
from scripts.publish.errors import CommandError

PICTURE = ROOT / "docs" / "console.png"
CALL = "agent-and-caller-overlap.wav"
_SECONDS = 17.6
"""At this time both are speaking."""
_PATIENCE_S = 120
_FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]


def main() -> int:
    """Take the screenshot; return the exit status."""
    return command.run("console_picture", _run)


def _run() -> None:
    chromium = shutil.which("chromium")
    if chromium is None:
        raise CommandError("needs Chromium (Debian: apt-get install chromium)")
    with ExitStack() as stack:
        address = stack.enter_context(_serving(local(stack)))
        _take(chromium, address)
    print(PICTURE.relative_to(ROOT))


@contextmanager
def _serving(console: Starlette) -> Iterator[str]:
    port = free_port()
    server = uvicorn.Server(uvicorn.Config(console, port=port, log_level="warning"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.05)
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join()


def _take(chromium: str, address: str) -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=_FLAGS)
        page = browser.new_page(viewport={"width": 1200, "height": 880}, color_scheme="light")
        page.goto(address)
        page.wait_for_selector("#language option[value=en]", state="attached")
        # The first call warms up the endpoint: the screenshot is of the second.
        for seconds in (3.0, _SECONDS):
            page.click(f"#calls li[title='{CALL}'] button")
            page.click("#play")
            _until(page, f"document.getElementById('audio').currentTime > {seconds}")
            if seconds == _SECONDS:
                page.screenshot(path=PICTURE)
            page.click("#play")
            _until(page, "document.getElementById('play').textContent === 'Play live'")
        browser.close()


def _until(page: Page, expression: str) -> None:
    """Poll: Playwright's own waiting uses eval, which the page's policy forbids."""
    give_up = time.monotonic() + _PATIENCE_S
    while not page.evaluate(expression):
        if time.monotonic() > give_up:
            raise CommandError(f"The page did not come to {expression}.")
        time.sleep(0.05)


if __name__ == "__main__":
    sys.exit(main())
