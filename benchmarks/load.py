"""Fifty people on the portal, a page every ten seconds each, and twenty hostile connections beside.

Run with ``python -m benchmarks.load`` on a database that `make demo` filled. It serves the portal
as `manage.py serve` does, on loopback, signs in as its printed sign-ins, and for a minute follows
the links of the pages that it gets; then it prints the middle and the 95th percentile of the times,
and every answer that was none. The hostile ones never finish a head, a body or a reading; whenever
they are cut off, they come again.
"""

import argparse
import http.client
import random
import re
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import NamedTuple
from urllib.parse import urlencode

USERS, PAUSE_SECONDS, SECONDS, HOSTILE = 50, 10.0, 60.0, 20
MOST_P95_MS = 500
LINK = re.compile(r'href="(/[^"#?]*)[^"]*"')
TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')
NO_PAGE = re.compile(r"^/static/|download|sign-|account/|invoice\.|evidence|\.json|\.csv|\.py")
SEED = 11


class Asked(NamedTuple):
    """One request: where, what came back, and after how long."""

    path: str
    status: str
    seconds: float


@dataclass
class Person:
    """Somebody who is signed in, and goes from page to page by its links."""

    port: int
    cookie: str
    chance: random.Random
    asked: list[Asked] = field(default_factory=list)

    def walk(self, until: float) -> None:
        """Open a page, wait, follow one of its links, until the time is over."""
        path = "/"
        time.sleep(self.chance.uniform(0, PAUSE_SECONDS))
        while time.monotonic() < until:
            began = time.perf_counter()
            status, page = ask(self.port, path, self.cookie)
            self.asked.append(Asked(path, status, time.perf_counter() - began))
            links = [link for link in LINK.findall(page) if not NO_PAGE.search(link)]
            path = self.chance.choice(links or ["/"])
            time.sleep(PAUSE_SECONDS)


def ask(port: int, path: str, cookie: str) -> tuple[str, str]:
    """Return the status of a page, or what went wrong, and the page; redirects are followed."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        for _ in range(4):
            connection.request("GET", path, headers={"Cookie": cookie})
            answer = connection.getresponse()
            page = answer.read().decode(errors="replace")
            if answer.status != 302:
                break
            path = answer.headers["Location"]
        return str(answer.status), page
    except OSError as error:
        return type(error).__name__, ""
    finally:
        connection.close()


def sign_in(port: int, name: str, password: str) -> str:
    """Return the cookie of a session."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.request("GET", "/account/sign-in/")
    answer = connection.getresponse()
    token = TOKEN.search(answer.read().decode())
    assert token, "the page to sign in has a form"
    cookie = answer.headers["Set-Cookie"].partition(";")[0]
    form = {"login": name, "password": password, "csrfmiddlewaretoken": token[1]}
    kind = "application/x-www-form-urlencoded"
    headers = {"Cookie": cookie, "Content-Type": kind}
    connection.request("POST", "/account/sign-in/", urlencode(form), headers)
    answer = connection.getresponse()
    answer.read()
    cookies = [each.partition(";")[0] for each in answer.headers.get_all("Set-Cookie") or []]
    assert any(each.startswith("sessionid=") for each in cookies), f"{name} is not signed in"
    return "; ".join(cookies)


HEAD = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n"
BODY = b"POST /account/sign-in/ HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 5000\r\n\r\nlogin="
READING = b"GET /static/vendor/htmx/htmx.min.js HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
HUGE = b"POST /payments/import/ HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 400000000\r\n\r\n"


def attack(port: int, what: bytes, until: float, came_again: Callable[[], object]) -> None:
    """Open a connection, send what never ends, wait to be cut off, and come again."""
    while time.monotonic() < until:
        came_again()
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2_048)
                connection.sendall(what)
                while time.monotonic() < until:
                    time.sleep(1)
                    # One letter a second; who was cut off learns it here.
                    connection.sendall(b"X")
        except OSError:
            time.sleep(0.1)


@contextmanager
def served() -> Iterator[tuple[int, dict[str, str]]]:
    """Serve the portal for the length of the block; yield its port and the printed passwords."""
    process = subprocess.Popen(
        [sys.executable, "manage.py", "serve", "--port", "0", "--no-market"],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout
        address = process.stdout.readline().split()[3].rstrip("/")
        printed = process.stdout.readline(), process.stdout.readline()
        assert printed[1].startswith("Sign in with"), "fill the database first: make demo SERVE=0"
        rows = [line.split() for line in iter(process.stdout.readline, "\n")]
        yield int(address.rpartition(":")[2]), {row[0]: row[1] for row in rows}
    finally:
        process.terminate()
        process.wait(30)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.load", description=__doc__)
    parser.add_argument("--users", type=int, default=USERS)
    parser.add_argument("--seconds", type=float, default=SECONDS)
    parser.add_argument("--hostile", type=int, default=HOSTILE)
    options = parser.parse_args()
    with served() as (port, passwords):
        cookies = [sign_in(port, *each) for each in passwords.items()]
        for cookie in cookies:
            ask(port, "/", cookie)  # what is imported at first use counts for nobody
        until, connections = time.monotonic() + min(options.seconds, 300.0), Counter[str]()
        people = [
            Person(port, cookies[number % len(cookies)], random.Random(SEED + number))
            for number in range(options.users)
        ]
        kinds = (HEAD, BODY, READING, HUGE)
        threads = [
            threading.Thread(
                target=attack,
                args=(port, kinds[n % 4], until, lambda: connections.update(["all"])),
            )
            for n in range(options.hostile)
        ]
        threads += [threading.Thread(target=person.walk, args=(until,)) for person in people]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    print_figures([asked for person in people for asked in person.asked], connections["all"])


def print_figures(asked: list[Asked], connections: int) -> None:
    times = sorted(each.seconds * 1_000 for each in asked)
    bad = Counter(each.status for each in asked if each.status != "200")
    p50, p95 = times[len(times) // 2], times[int(len(times) * 0.95)]
    print(f"{len(asked)} pages beside {connections} hostile connections")
    worst = f"worst {times[-1]:,.0f} ms"
    print(f"p50 {p50:,.0f} ms, p95 {p95:,.0f} ms (at most {MOST_P95_MS}), {worst}")
    print(f"errors: {dict(bad) or 'none'}")
    for each in [each for each in asked if each.status != "200"][:5]:
        print(f"  {each.status} {each.path}")
    print("slowest:")
    for each in sorted(asked, key=lambda each: -each.seconds)[:8]:
        print(f"  {each.seconds * 1_000:6,.0f} ms  {each.path}")


if __name__ == "__main__":
    main()
