"""A command beside the portal is begun again where it dies, and ended where the portal leaves."""

import os
import threading
import time
from pathlib import Path

import pytest

from portal import beside
from portal.beside import Beside

TELLS = """
import os, sys, time
with open(sys.argv[1], "a") as told:
    told.write(f"{os.getpid()}\\n")
if sys.argv[2] == "ends":
    sys.exit(0)
if sys.argv[2] == "fails":
    sys.exit(3)
time.sleep(60)
"""


@pytest.fixture
def begin(tmp_path, monkeypatch):
    """Begin a stand-in for `manage.py` that writes down its process each time that it begins."""
    (tmp_path / "manage.py").write_text(TELLS)
    monkeypatch.setattr(beside, "ROOT", tmp_path)

    def begin(does: str, is_leaving: threading.Event | None = None) -> tuple[Beside, Path]:
        path = tmp_path / does
        path.touch()
        leaving = is_leaving or threading.Event()
        words = (str(path), does)
        return Beside(os.environ, *words, is_leaving=leaving, pause_seconds=0.05), path

    return begin


def begun(path: Path, count: int, seconds: float = 20) -> list[int]:
    """The processes that began, once there are so many."""
    until = time.monotonic() + seconds
    while len(told := path.read_text().split()) < count:
        assert time.monotonic() < until, f"{len(told)} of {count} began"
        time.sleep(0.01)
    return [int(each) for each in told]


def test_one_that_is_killed_is_begun_again_and_ends_with_the_block(begin):
    kept, path = begin("lasts")
    with kept:
        (first,) = begun(path, 1)
        kept.process.kill()
        second = begun(path, 2)[1]
        assert kept.process.pid == second != first
        began = time.monotonic()
    assert kept.process.returncode == -15
    assert time.monotonic() - began < 5
    assert len(begun(path, 2)) == 2


def test_one_that_fails_is_begun_again_after_longer_and_longer(begin, monkeypatch):
    monkeypatch.setattr(beside, "LONGEST_PAUSE_SECONDS", 0.2)
    kept, path = begin("fails")
    began = time.monotonic()
    with kept:
        begun(path, 5)
    assert time.monotonic() - began > 0.05 + 0.1 + 0.2 + 0.2


def test_one_that_ends_well_stays_ended(begin):
    kept, path = begin("ends")
    with kept:
        begun(path, 1)
        assert kept.process.wait(20) == 0
        time.sleep(0.3)
        assert len(begun(path, 1)) == 1


def test_nothing_is_begun_again_once_the_portal_leaves(begin):
    leaving = threading.Event()
    kept, path = begin("lasts", leaving)
    with kept:
        begun(path, 1)
        leaving.set()
        kept.terminate()
        kept.process.wait(20)
        time.sleep(0.3)
        assert len(begun(path, 1)) == 1


def test_one_that_does_not_end_is_killed(begin, monkeypatch, tmp_path):
    (tmp_path / "manage.py").write_text(
        f"import signal\nsignal.signal(15, signal.SIG_IGN)\n{TELLS}"
    )
    monkeypatch.setattr(beside, "LEAVING_SECONDS", 0.2)
    kept, path = begin("lasts")
    with kept:
        begun(path, 1)
    assert kept.process.returncode == -9
