"""A Chromium that is ended where it stops answering, so that no test waits for it without end.

Much of what is asked of it, a new window above all, has no timeout: a Chromium that no longer
answers (microsoft/playwright#3939) once kept the whole suite waiting for an hour and a half. Ended,
it fails the test that waits, which is tried once more, in a new one.
"""

import os
import signal
import threading
from pathlib import Path

from playwright.sync_api import Browser, Playwright

ENDED_AFTER_S = 300
"""Longer than any test here takes on a busy machine."""
ENDED = "TargetClosedError"
"""What a test sees of a Chromium that was ended."""
OURS = f"--tallystick-tests={os.getpid()}"
"""An argument that Chromium passes over, by which its processes are told from another's."""
ARGUMENTS = (
    OURS,
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)


class Launched:
    """The Chromium of a process of tests, launched again where it was ended."""

    def __init__(self, playwright: Playwright, executable: str) -> None:
        self._playwright, self._executable = playwright, executable
        self._browser: Browser | None = None

    def browser(self) -> Browser:
        """Return a Chromium that is connected."""
        if self._browser is None or not self._browser.is_connected():
            self._browser = self._playwright.chromium.launch(
                executable_path=self._executable, args=ARGUMENTS
            )
        return self._browser

    def close(self) -> None:
        """End it."""
        if self._browser is not None and self._browser.is_connected():
            self._browser.close()


class Patience:
    """A timer that ends Chromium once a test took too long."""

    def __init__(self) -> None:
        self._timer = threading.Timer(ENDED_AFTER_S, end_chromium)

    def begin(self) -> None:
        """Begin to wait for a test, in place of the one before."""
        self.end()
        self._timer = threading.Timer(ENDED_AFTER_S, end_chromium)
        self._timer.daemon = True
        self._timer.start()

    def end(self) -> None:
        """Wait no longer."""
        self._timer.cancel()


def end_chromium() -> None:
    """Kill Chromium's process of this process of tests; those that it began end with it."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            arguments = (folder / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue  # it ended meanwhile
        is_first = not any(each.startswith(b"--type=") for each in arguments)
        if OURS.encode() in arguments and is_first:
            os.kill(int(folder.name), signal.SIGKILL)
