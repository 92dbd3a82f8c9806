"""The settings that docs/deployment.md names make a portal that Django finds nothing wrong with."""

import os
import re
import subprocess
import sys
from pathlib import Path

from database.embedded import ROOT
from database.roles.names import Role
from tests.worlds.roles import url_as, urls_of_roles

PRODUCTION = {
    "TALLYSTICK_HOSTS": "market.example.org",
    "TALLYSTICK_SECRET_KEY": "xEvHn3Wk" * 8,
    "TALLYSTICK_PROXIES": "1",
}


def run_in_production(url: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess:
    inherited = {key: value for key, value in os.environ.items() if "TALLYSTICK" not in key}
    return subprocess.run(
        [sys.executable, ROOT / "manage.py", *arguments],
        env={**inherited, "DATABASE_URL": url, **PRODUCTION, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


CHECK = ("check", "--deploy", "--fail-level=WARNING")


def test_production_is_sound(server_url):
    done = run_in_production(server_url, *CHECK)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    assert "no issues" in done.stdout


def test_production_refuses_the_founding_of_a_demonstration(clone_portal_database):
    """People of tests are founded as a demonstration's are."""
    url = clone_portal_database()
    found = run_in_production(url, *CHECK)
    assert found.returncode == 1
    assert "a founding of a demonstration, whose passwords are printed" in found.stderr
    assert "TALLYSTICK_DEMO=1 to show a demonstration" in found.stderr
    assert run_in_production(url, *CHECK, TALLYSTICK_DEMO="1").returncode == 0


def test_production_serves_no_demonstration(clone_portal_database):
    url = clone_portal_database()
    url_of_writer = url_as(url, Role.WRITER)
    done = run_in_production(
        url_of_writer, "serve", "--port=0", "--no-worker", **urls_of_roles(url)
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert "[founded-as-demonstration]" in done.stderr


def test_each_setting_of_the_environment_is_documented():
    documented = (ROOT / "docs/deployment.md").read_text() + (ROOT / "README.md").read_text()
    sources = [ROOT / "portal" / name for name in ("settings.py", "secret.py", "signing.py")]
    named = set(re.findall(r'"(TALLYSTICK_[A-Z_]+)"', "".join(map(Path.read_text, sources))))
    assert named > PRODUCTION.keys()
    assert {name for name in named if name not in documented} == set()
