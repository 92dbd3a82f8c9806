"""The verifier as one file: what its modules do, in their order, of the standard library alone."""

import ast
import sys

import pytest

from settlement.evidence.verifier_file import (
    pack,
    recorded_digest,
    verifier_digest,
    verifier_file,
)
from tests.conftest import ROOT

MODULES = sorted(path.stem for path in (ROOT / "verifier").glob("*.py"))
VALUES = '''"""Values.

As written.
"""

import csv
from typing import (
    Any,
    Final,
)

ROOT: Final = 1


def read(value: Any) -> Any:
    return csv, value
'''
CHECKS = '''"""Checks."""

import json

from verifier.values import read


def check():
    return read(json)
'''
PACKAGE = {
    "__init__": '"""Check."""\n',
    "__main__": '"""Run."""\n\nfrom verifier.checks import check\n\ncheck()\n',
    "checks": CHECKS,
    "values": VALUES,
}
PACKED = '''"""Check."""

import csv
import json
from typing import Any, Final

# verifier/values.py -------------------------------------------------------------------------------
# Values.
#
# As written.


ROOT: Final = 1


def read(value: Any) -> Any:
    return csv, value


# verifier/checks.py -------------------------------------------------------------------------------
# Checks.


def check():
    return read(json)


# verifier/__main__.py -----------------------------------------------------------------------------
# Run.


check()
'''


def test_modules_stand_one_after_the_other_without_their_imports():
    assert pack(PACKAGE) == PACKED
    assert pack(dict(reversed(PACKAGE.items()))) == PACKED


def test_the_file_holds_every_module_and_imports_the_standard_library_alone():
    source = verifier_file().decode()
    headings = [line.split()[1] for line in source.splitlines() if line.startswith("# verifier/")]
    assert sorted(headings) == [f"verifier/{name}.py" for name in MODULES if name != "__init__"]
    imported = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom):
            imported.add(node.module.partition(".")[0])
        elif isinstance(node, ast.Import):
            imported |= {each.name.partition(".")[0] for each in node.names}
    assert imported
    assert imported <= sys.stdlib_module_names


def test_its_digest_is_the_one_that_the_repository_states():
    """Whoever has the public source, or a word of someone who has it, can know the file by it."""
    said = "the verifier was changed: `manage.py verifier --record` states its digest anew"
    assert recorded_digest().read_text() == f"{verifier_digest()}\n", said


def test_the_file_reads_as_our_own_code_does():
    lines = verifier_file().decode().splitlines()
    assert max(map(len, lines)) <= 100
    assert [line for line in lines if line != line.rstrip()] == []


@pytest.mark.parametrize(
    ("module", "added", "words"),
    [
        ("values", "import verifier.checks", "not `from verifier.module import name`"),
        ("values", "from verifier import checks", "not `from verifier.module import name`"),
        ("checks", "from verifier.values import read as get", "not `from verifier.module"),
        ("checks", "from .values import read", "not `from verifier.module import name`"),
        (
            "values",
            "from verifier.checks import check",
            "checks imports values imports checks: a circle",
        ),
        ("values", "def late():\n    import csv", "does not stand at the top"),
        ("checks", "ROOT = 2", "ROOT means that of verifier.values, and that of verifier.checks"),
        ("checks", "def read():\n    pass", "read means that of verifier.values, and that of"),
        ("checks", "import io as csv", "csv means csv of Python, and io as csv of Python"),
        (
            "checks",
            "from json import loads as read",
            "read means that of verifier.values, and loads as read of json",
        ),
        (
            "checks",
            "print = 1",
            "print means what Python has built in, and that of verifier.checks",
        ),
    ],
)
def test_a_module_that_would_mean_something_else_in_one_file_is_refused(module, added, words):
    with pytest.raises(ValueError) as refused:
        pack(PACKAGE | {module: f"{PACKAGE[module]}{added}\n"})
    assert words in str(refused.value)


def test_a_module_that_nothing_imports_is_refused():
    with pytest.raises(ValueError, match="nothing imports other"):
        pack(PACKAGE | {"other": '"""Other."""\n'})
