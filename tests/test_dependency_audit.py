"""A known vulnerability fails the audit, and a machine without a network is told that none was."""

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from tests.dependency_audit import LOCKS, ROOT, audit, judge

KNOWN = {"id": "PYSEC-2026-1", "aliases": [], "summary": "", "affected": [
    {"package": {"name": "rfc8785", "ecosystem": "PyPI"},
     "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "9.9"}]}]}
]}  # fmt: skip


class _Database(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        is_known = asked["package"]["name"] == "rfc8785"
        body = json.dumps({"vulns": [KNOWN]} if is_known else {}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def osv_url():
    with HTTPServer(("127.0.0.1", 0), _Database) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/v1/query"
        server.shutdown()


@pytest.fixture
def lock(tmp_path):
    def write(*pins: str):
        path = tmp_path / "lock.txt"
        path.write_text("\n".join(f"{pin} --hash=sha256:{'0' * 64}" for pin in pins))
        return [path]

    return write


def test_a_known_vulnerability_fails_and_names_what_mends_it(osv_url, lock):
    status, lines = audit(lock("rfc8785==0.1.4", "rich==15.0.0"), osv_url)
    assert (status, lines) == (1, ["rfc8785 0.1.4: PYSEC-2026-1, mended in 9.9"])


def test_what_is_sound_is_counted(osv_url, lock):
    assert audit(lock("rich==15.0.0"), osv_url) == (
        0,
        ["No known vulnerability in 1 locked packages"],
    )


def test_a_database_that_cannot_be_reached_holds_nobody_up_and_is_said(lock):
    status, lines = audit(lock("rich==15.0.0"), "http://127.0.0.1:9/v1/query")
    assert status == 0
    assert lines == ["Not audited: the database of known vulnerabilities cannot be reached"]


def test_another_failure_is_none_of_the_network(lock):
    assert judge("", "error: no such option --nonsense")[0] == 1


def test_a_package_that_could_not_be_judged_fails():
    out = json.dumps({"dependencies": [{"name": "x", "skip_reason": "no version"}]})
    assert judge(out, "") == (1, ["x: no version"])


def test_every_lock_that_is_installed_is_audited():
    assert all((ROOT / lock).exists() for lock in LOCKS)
