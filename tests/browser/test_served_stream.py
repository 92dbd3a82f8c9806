"""A portal that tells a market live stops when it is told to, and tells what stops with it."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator

import pytest

from database.embedded import ROOT
from tests.browser.conftest import Served, served_copy
from tests.portal.site import MARKET
from tests.worlds.roles import urls_of_roles


@pytest.fixture(scope="module")
def served(served, server_url, django_db_blocker) -> Iterator[Served]:
    """A database of its own: to serve one again gives its sign-ins new passwords."""
    with served_copy(served.site, server_url, django_db_blocker) as own:
        yield own


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_who_listens_does_not_keep_the_portal_from_stopping(served, number):
    process = subprocess.Popen(
        [sys.executable, str(ROOT / "manage.py"), "serve", "--port", "0", "--no-worker"],
        env={**os.environ, **urls_of_roles(served.database_url)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    port = int(process.stdout.readline().split()[3].rstrip("/").rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), timeout=20) as listening:
        request = f"GET /market/{MARKET}/stream HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n"
        listening.sendall(request.encode())
        assert listening.recv(4_096).startswith(b"HTTP/1.1 200")
        began = time.monotonic()
        process.send_signal(number)
        _, complaints = process.communicate(timeout=30)
        # The server would wait for fifteen seconds, and then kill what answers.
        assert time.monotonic() - began < 10
        assert "Killing" not in complaints
        while listening.recv(4_096):
            pass


def test_the_market_of_a_demonstration_lives_while_it_is_served(served):
    process = subprocess.Popen(
        [sys.executable, str(ROOT / "manage.py"), "serve", "--port", "0"],
        env={**os.environ, **urls_of_roles(served.database_url)},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        line = next(each for each in process.stdout if each.startswith("Market now: "))
        address = line.split()[2]
        assert address.endswith(f"/market/{MARKET}/")
        until = time.monotonic() + 60
        while "By the market" not in urllib.request.urlopen(address, timeout=20).read().decode():
            assert time.monotonic() < until, "nothing is published"
            time.sleep(0.5)
    finally:
        process.terminate()
        assert process.wait(timeout=30) == 0
