"""`manage.py market stream`: where it answers, how it ends, and where it cannot."""

import signal
import subprocess
import sys

import pytest

from database.embedded import ROOT
from portal.market_stream import run_stream
from portal.serving import Unserved
from tests.worlds.roles import urls_of_roles


@pytest.fixture
def environment(clone_portal_database, tmp_path) -> dict[str, str]:
    """Of a process that may come to a database as the portal's roles alone."""
    urls = urls_of_roles(clone_portal_database())
    urls.pop("DATABASE_URL")
    return {**urls, "TALLYSTICK_STREAM_SOCKET": str(tmp_path / "stream")}


def start(environment: dict[str, str], *words: str) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, str(ROOT / "manage.py"), "market", "stream", *words],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize("words", [(), ("--port", "0")])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_says_where_it_answers_and_ends_when_it_is_told_to(environment, words, number):
    process = start(environment, *words)
    told = process.stderr.readline()
    where = "http://127.0.0.1:" if words else environment["TALLYSTICK_STREAM_SOCKET"]
    assert where in told, told + process.stderr.read()
    process.send_signal(number)
    out, complaints = process.communicate(timeout=20)
    assert (out, complaints, process.returncode) == ("Stopped; 0 listened.\n", "", 0)


def test_two_do_not_tell_at_one_socket(environment):
    first = start(environment)
    assert "told of at" in first.stderr.readline()
    second = start(environment)
    _, complaint = second.communicate(timeout=20)
    assert second.returncode == 1
    assert "another process tells of markets at" in complaint
    first.terminate()
    assert first.wait(20) == 0


def test_where_nothing_can_listen_it_says_so(committed_database, tmp_path, monkeypatch):
    url = committed_database.url.render_as_string(hide_password=False)
    for variable, address in urls_of_roles(url).items():
        monkeypatch.setenv(variable, address)
    with pytest.raises(Unserved, match="cannot listen at"):
        run_stream(print, path=str(tmp_path / "nowhere" / "stream"), port=0)
    with pytest.raises(Unserved, match="cannot listen at port 70000"):
        run_stream(print, path=None, port=70_000)
