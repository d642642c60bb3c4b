"""A real JupyterLab on a free port, and a headless Chromium that may speak to it and to nobody else."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).parents[2]
FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
)


@dataclass
class Lab:
    """A page that shows JupyterLab, and what it did on the way.

    root: the folder that the server shows. outside: addresses beyond the server that were asked for, each of
    them refused. errors: what the page wrote on its console as an error.
    """

    page: Any
    address: str
    root: Path
    outside: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def open(self, notebook: str) -> None:
        """Open a notebook and wait until its kernel answers."""
        self.page.goto(f"{self.address}/lab/tree/{notebook}?reset", wait_until="domcontentloaded")
        self.page.wait_for_selector(".jp-Notebook .jp-CodeCell .cm-content", timeout=120_000)
        # Clicks and commands are lost while the splash is there or the session is not connected yet.
        self.page.wait_for_selector("#jupyterlab-splash", state="detached", timeout=120_000)
        self.page.evaluate(
            """async () => {
                const panel = window.jupyterapp.shell.currentWidget;
                await panel.context.ready;
                await panel.sessionContext.ready;
                await panel.sessionContext.session.kernel.info;
            }"""
        )
        self.command("application:toggle-left-area")

    def command(self, name: str, **arguments: Any) -> None:
        """Start a command of JupyterLab; its end is not waited for."""
        self.page.evaluate("([name, words]) => { window.jupyterapp.commands.execute(name, words); }", [name, arguments])

    def theme(self, name: str) -> None:
        """Change the theme, "JupyterLab Light" or "JupyterLab Dark", and wait until it is there."""
        self.command("apputils:change-theme", theme=name)
        light = "true" if name.endswith("Light") else "false"
        self.page.wait_for_selector(f'body[data-jp-theme-light="{light}"]', state="attached")
        self.page.wait_for_timeout(500)


@pytest.fixture
def lab(tmp_path) -> Iterator[Lab]:
    """Start JupyterLab on an empty folder and open a page on it."""
    chromium = shutil.which("chromium")
    if chromium is None:
        reason = "chromium is not installed: apt install chromium"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    from playwright.sync_api import sync_playwright

    root = tmp_path / "notebooks"
    root.mkdir()
    with serve(root, tmp_path) as address, sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=list(FLAGS), headless=True)
        context = browser.new_context(viewport={"width": 1280, "height": 900}, device_scale_factor=1)
        found = Lab(context.new_page(), address, root)

        def refuse(route: Any) -> None:
            found.outside.append(route.request.url)
            route.abort()

        context.route(lambda url: not url.startswith((address, "data:", "blob:")), refuse)
        found.page.on("console", lambda m: found.errors.append(m.text) if m.type == "error" else None)
        found.page.on("pageerror", lambda error: found.errors.append(str(error)))
        try:
            yield found
        finally:
            browser.close()


@contextlib.contextmanager
def serve(root: Path, private: Path) -> Iterator[str]:
    """Run a JupyterLab of its own: no settings, workspaces, news or extensions of this computer's user."""
    settings = private / "settings"
    news = settings / "@jupyterlab" / "apputils-extension" / "notification.jupyterlab-settings"
    news.parent.mkdir(parents=True)
    news.write_text(json.dumps({"fetchNews": "false", "checkForUpdates": False}))
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(filter(None, [str(REPOSITORY), os.environ.get("PYTHONPATH")])),
        "JUPYTERLAB_SETTINGS_DIR": str(settings),
        "JUPYTER_PLATFORM_DIRS": "1",
        "JUPYTERLAB_WORKSPACES_DIR": str(private / "workspaces"),
        "JUPYTER_CONFIG_DIR": str(private / "config"),
        "JUPYTER_DATA_DIR": str(private / "data"),
        "JUPYTER_RUNTIME_DIR": str(private / "runtime"),
        "IPYTHONDIR": str(private / "ipython"),
    }
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    words = [
        "--no-browser",
        "--allow-root",
        "--ip=127.0.0.1",
        f"--port={port}",
        "--ServerApp.port_retries=0",
        f"--ServerApp.root_dir={root}",
        "--IdentityProvider.token=",
        "--ServerApp.password=",
        "--ServerApp.disable_check_xsrf=True",
        "--LabApp.expose_app_in_browser=True",
        "--LabApp.extension_manager=readonly",
    ]
    log = private / "server.log"
    with log.open("w") as stream:
        server = subprocess.Popen(
            [sys.executable, "-m", "jupyterlab", *words], stdout=stream, stderr=stream, env=environment
        )
        try:
            wait_for(address, server, log)
            yield address
        finally:
            server.terminate()
            try:
                server.wait(20)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(address: str, server: subprocess.Popen, log: Path, seconds: float = 120.0) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if server.poll() is not None:
            break
        try:
            with urllib.request.urlopen(f"{address}/api/status", timeout=2):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.25)
    raise AssertionError(f"JupyterLab did not start:\n{log.read_text()[-2000:]}")
