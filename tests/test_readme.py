"""The README's *Do it yourself* block, run by a shell as it is written, in a folder of its own.

Of its week two days are settled: what a month takes, `tests/test_main_job.py` settles.
"""

import os
import re
import shlex
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.conftest import ROOT, empty_database
from tests.worlds.roles import stated_urls

HEADING = "## Do it yourself\n\n"
WEEK, DAYS = "--from 2024-01-01 --to 2024-01-07", "--from 2024-01-01 --to 2024-01-02"
Shell = Callable[[str], str]
PASSWORD = "k4d-q8mz-7tru-pine\n"


def commands() -> list[str]:
    """Return the commands of the block, each on one line."""
    block = (ROOT / "README.md").read_text().split(HEADING)[1]
    assert block.count(WEEK) == 3
    code = re.match(r"(?:    .*\n)+", block)
    assert code is not None
    lines = [line.removeprefix("    ").replace(WEEK, DAYS) for line in code[0].splitlines()]
    return "\n".join(lines).replace("\\\n", "").splitlines()


@pytest.fixture
def shell(server_url: str, tmp_path: Path) -> Iterator[Shell]:
    """Run a command in a folder that looks like the checkout, on a database that holds nothing."""
    for entry in ROOT.iterdir():
        if entry.name not in {"var", ".venv", ".git"}:
            (tmp_path / entry.name).symlink_to(entry)
    (tmp_path / ".venv").symlink_to(sys.prefix)
    with empty_database(server_url) as url:
        environment = os.environ | stated_urls(url) | {"XDG_STATE_HOME": str(tmp_path / "state")}

        def run(command: str) -> str:
            done = subprocess.run(
                ["bash", "-euo", "pipefail", "-c", command],
                cwd=tmp_path,
                env=environment,
                input=PASSWORD,
                capture_output=True,
                text=True,
                check=False,
            )
            assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
            return done.stdout

        yield run


def free_port() -> int:
    with socket.socket() as opened:
        opened.bind(("127.0.0.1", 0))
        return int(opened.getsockname()[1])


ASK = """
import sys, time, urllib.request
for _ in range(120):
    try:
        print(urllib.request.urlopen(sys.argv[1]).read().decode())
        break
    except OSError:
        time.sleep(0.5)
"""


def served(command: str) -> str:
    """Return a command that serves, asks for the first page, stops, and prints what came."""
    port = free_port()  # another test, or a person, may use the port of the README
    ask = f"{shlex.quote(sys.executable)} -c {shlex.quote(ASK)} http://127.0.0.1:{port}/"
    return f"{command} --port {port} & trap 'kill %1; wait' EXIT; {ask}"


def test_the_readme_can_be_followed_as_it_is_written(shell):
    *steps, serve = commands()
    run_id, digest, said = "", "", {}
    keys: dict[str, str] = {}
    for step in steps:
        account = next((word for word in step.split() if word in keys), "")
        written = step.replace("RUN", run_id).replace("KEY", keys.get(account, ""))
        said[step] = shell(written.replace("DIGEST", digest))
        if " settle " in step:
            run_id = said[step].split()[1]  # as a reader would take it: Run ... (II) of gb12
        elif " found " in step:
            keys = dict(re.findall(r"login (\w+) --invitation (\S+)", said[step]))
        elif " propose " in step:
            digest = said[step].split()[-1].rstrip("`")
    assert any(line.split()[2] == "replay" and said[line].strip() for line in steps)
    assert "Tallystick" in shell(served(serve))
