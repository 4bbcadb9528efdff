# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""The console in Debian's Chromium."""

from __future__ import annotations

import shutil
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
import uvicorn
from playwright.sync_api import sync_playwright

from local_cloud.sagemaker.container import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Page
    from starlette.applications import Starlette

FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]
MICROPHONE = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
PATIENCE_MS = 120_000

# Counts the states of each caption that came before the call had been played to its end.
WATCH = """() => {
  window.states = {};
  new MutationObserver((records) => {
    if (!document.getElementById("state").textContent.startsWith("live")) return;
    for (const said of records.flatMap(({ addedNodes }) => [...addedNodes])) {
      if (!said.dataset?.result || said.classList.contains("final")) continue;
      window.states[said.dataset.result] = (window.states[said.dataset.result] ?? 0) + 1;
    }
  }).observe(document.getElementById("captions"), { childList: true });
}"""


@contextmanager
def serving(app: Starlette) -> Iterator[str]:
    """Serve an application and yield its address."""
    port = free_port()
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="error"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        time.sleep(0.05)
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join()


@contextmanager
def opened(address: str, flags: list[str] | None = None, **more: Any) -> Iterator[Page]:
    """Open the console's page and wait until it has its calls."""
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("needs Chromium (Debian: apt-get install chromium)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS + (flags or []))
        page = browser.new_page(**more)
        page.set_default_timeout(PATIENCE_MS)
        page.goto(address)
        page.wait_for_selector("#language option[value=en]", state="attached")
        yield page
        browser.close()


def until(page: Page, expression: str) -> None:
    """Wait in steps: Playwright's own way to wait is an eval, which the page's policy forbids."""
    give_up = time.monotonic() + PATIENCE_MS / 1000
    while not page.evaluate(expression):
        seen = time.monotonic() >= give_up and page.inner_text("body")
        assert not seen, f"{expression}: {seen}"
        time.sleep(0.05)


def captions(page: Page) -> list[dict[str, Any]]:
    """Return the final captions from top to bottom."""
    found: list[dict[str, Any]] = page.eval_on_selector_all(
        "#captions article.final",
        """(all) => all.map((one) => ({
            id: one.dataset.result, start: Number(one.dataset.start),
            channel: one.classList.contains("who-1") ? 1 : 0,
            label: one.dataset.label,
            text: one.querySelector("p").textContent.trim(),
            confidence: one.querySelector(".word")?.title,
        }))""",
    )
    return found
