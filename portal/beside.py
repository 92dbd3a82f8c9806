"""Commands that run beside the portal while it serves, begun again where one dies."""

import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from types import TracebackType

from database.embedded import ROOT

PAUSE_SECONDS = 1.0
"""Before a command that died is begun again; twice as long each time that it died soon."""
LONGEST_PAUSE_SECONDS = 60.0
SOON_SECONDS = 60.0
"""One that lived for longer than this begins with the first pause again."""
LEAVING_SECONDS = 15
"""For what is under way when a command is stopped."""


class Beside:
    """A command of `manage.py` for the length of a block.

    One that ends well has done what it was to do, and stays ended. One that is killed, or fails, is
    begun again after a pause; what it complains of stands on standard error.
    """

    def __init__(
        self,
        environment: Mapping[str, str],
        *words: str,
        is_leaving: threading.Event,
        pause_seconds: float = PAUSE_SECONDS,
    ) -> None:
        """Take what to run.

        Args:
            environment: of the command.
            words: after `manage.py`.
            is_leaving: once it is set, nothing is begun again.
            pause_seconds: the first.
        """
        self._command = [sys.executable, str(ROOT / "manage.py"), *words]
        self._environment = dict(environment)
        self._is_leaving = is_leaving
        self._pause_seconds = pause_seconds
        # A signal may come while its holder is interrupted, in the same thread.
        self._lock = threading.RLock()
        self._watch = threading.Thread(target=self._keep, daemon=True)

    def __enter__(self) -> "Beside":
        self.process = self._begin()
        self._watch.start()
        return self

    def terminate(self) -> None:
        """Tell the command to end; called once nothing is to be begun again."""
        with self._lock:
            self.process.terminate()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._is_leaving.set()
        self.terminate()
        self._watch.join(LEAVING_SECONDS)
        if self._watch.is_alive():  # a job that nothing interrupts; its page will say so
            self.process.kill()
            self._watch.join()

    def _begin(self) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(self._command, env=self._environment, stdout=subprocess.DEVNULL)

    def _keep(self) -> None:
        pause_seconds, began = self._pause_seconds, time.monotonic()
        while self.process.wait() != 0:
            if time.monotonic() - began > SOON_SECONDS:
                pause_seconds = self._pause_seconds
            if self._is_leaving.wait(pause_seconds):
                return
            pause_seconds = min(2 * pause_seconds, LONGEST_PAUSE_SECONDS)
            with self._lock:
                if self._is_leaving.is_set():
                    return
                self.process, began = self._begin(), time.monotonic()
