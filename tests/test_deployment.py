"""The settings that docs/deployment.md names make a portal that Django finds nothing wrong with."""

import os
import re
import subprocess
import sys
from pathlib import Path

from database.embedded import ROOT

PRODUCTION = {
    "TALLYSTICK_HOSTS": "market.example.org",
    "TALLYSTICK_SECRET_KEY": "xEvHn3Wk" * 8,
    "TALLYSTICK_PROXIES": "1",
}


def test_production_is_sound(server_url):
    inherited = {key: value for key, value in os.environ.items() if "TALLYSTICK" not in key}
    done = subprocess.run(
        [sys.executable, ROOT / "manage.py", "check", "--deploy", "--fail-level=WARNING"],
        env={**inherited, "DATABASE_URL": server_url, **PRODUCTION},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    assert "no issues" in done.stdout


def test_each_setting_of_the_environment_is_documented():
    documented = (ROOT / "docs/deployment.md").read_text() + (ROOT / "README.md").read_text()
    sources = [ROOT / "portal" / name for name in ("settings.py", "secret.py", "signing.py")]
    named = set(re.findall(r'"(TALLYSTICK_[A-Z_]+)"', "".join(map(Path.read_text, sources))))
    assert named > PRODUCTION.keys()
    assert {name for name in named if name not in documented} == set()
