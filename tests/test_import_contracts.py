"""The contracts of imports in `pyproject.toml`, which `make check` reads by itself."""

import subprocess
import sys
from pathlib import Path

from tests.conftest import ROOT


def test_imports_point_one_way():
    found = subprocess.run(
        [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.returncode == 0, found.stdout + found.stderr
