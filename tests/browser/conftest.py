"""One JupyterLab for all tests of a process, and a headless Chromium that may speak to it and to nobody else.

A test that takes `lab` has a page, a folder and kernels of its own; the server and the browser are started once.
Pictures are kept in the folder that PROBFLOW_NB_PICTURES names, or else in the test's temporary one.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from laboratory import Lab

REPOSITORY = Path(__file__).parents[2]
EXTENSION = REPOSITORY / "jupyter-config" / "labextension"
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


@dataclass(frozen=True)
class Server:
    """A running JupyterLab: its address, the folder that it shows, and the folder of its settings."""

    address: str
    root: Path
    settings: Path


@pytest.fixture(scope="session")
def server(tmp_path_factory, chromium) -> Iterator[Server]:
    """Start JupyterLab on an empty folder, with the colours of `%%lme` cells installed."""
    private = tmp_path_factory.mktemp("lab")
    root = private / "notebooks"
    root.mkdir()
    yield from serve(root, private)


@pytest.fixture(scope="session")
def chromium() -> str:
    """Return where the browser is; without one the tests are skipped, but not in CI."""
    found = shutil.which("chromium")
    if found is None:
        reason = "chromium is not installed: apt install chromium"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    return found


# Playwright's loop counts as running in its thread while it is open, so it must not be so for modules of other folders.
@pytest.fixture(scope="module")
def browser(chromium) -> Iterator[Any]:
    """Start a headless Chromium."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        found = driver.chromium.launch(executable_path=chromium, args=list(FLAGS), headless=True)
        try:
            yield found
        finally:
            found.close()


@pytest.fixture
def lab(server, browser, request, tmp_path) -> Iterator[Lab]:
    """Open a page on JupyterLab; at the end nothing may have left the server, and no error be on the console."""
    label = re.sub(r"\W+", "-", request.node.name).strip("-")[:80]
    root = server.root / f"{label}-{os.urandom(3).hex()}"
    root.mkdir()
    wanted = os.environ.get("PROBFLOW_NB_PICTURES")
    pictures = Path(wanted) / label if wanted else tmp_path / "pictures"
    pictures.mkdir(parents=True, exist_ok=True)
    context = browser.new_context(viewport={"width": 1280, "height": 900}, device_scale_factor=1)
    # Two kernels and two browsers share a small machine; what is asserted is that a thing comes, not when.
    context.set_default_timeout(120_000)
    found = Lab(context.new_page(), server.address, root, pictures)
    listen(found, context)
    try:
        yield found
    finally:
        context.close()
        found.shut_down()
        # The next test begins in the light again.
        shutil.rmtree(server.settings / "@jupyterlab" / "apputils-extension", ignore_errors=True)
        quiet(server.settings)
    assert found.outside == []
    assert found.errors == []


def listen(lab: Lab, context: Any) -> None:
    """Refuse and note every request that leaves the server; note every error on the console."""

    def refuse(route: Any) -> None:
        lab.outside.append(route.request.url)
        route.abort()

    context.route(lambda url: not url.startswith((lab.address, "data:", "blob:")), refuse)
    lab.page.on("console", lambda message: lab.errors.append(message.text) if _is_fault(message) else None)
    lab.page.on("pageerror", lambda error: lab.errors.append(str(error)))


def _is_fault(message: Any) -> bool:
    """Return whether a line of the console is an error; a page that is reloaded lets go of JupyterLab's debugger."""
    return message.type == "error" and "debugger state: Canceled future" not in message.text


def quiet(settings: Path) -> None:
    """Ask JupyterLab for no news."""
    news = settings / "@jupyterlab" / "apputils-extension" / "notification.jupyterlab-settings"
    news.parent.mkdir(parents=True, exist_ok=True)
    news.write_text(json.dumps({"fetchNews": "false", "checkForUpdates": False}))


def serve(root: Path, private: Path) -> Iterator[Server]:
    """Run a JupyterLab of its own: no settings, workspaces, news or extensions of this computer's user."""
    settings = private / "settings"
    quiet(settings)
    # Where the server looks first, whatever is installed.
    shutil.copytree(EXTENSION, private / "jupyter" / "labextensions" / "probflow-nb")
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(filter(None, [str(REPOSITORY), os.environ.get("PYTHONPATH")])),
        "JUPYTERLAB_SETTINGS_DIR": str(settings),
        "JUPYTER_PLATFORM_DIRS": "1",
        "JUPYTER_PATH": str(private / "jupyter"),
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
        process = subprocess.Popen(
            [sys.executable, "-m", "jupyterlab", *words], stdout=stream, stderr=stream, env=environment
        )
        try:
            wait_for(address, process, log)
            yield Server(address, root, settings)
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


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
