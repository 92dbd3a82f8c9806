"""Rules of the house that a machine can check: purity, integers, the clock, and what is named."""

import ast
import re
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.conftest import ROOT
from tests.shells import NOT_IN_INTEGERS, SHELLS
from tests.slow import ALL_SLOW, LONGEST, SLOW

PACKAGES = (
    "common",
    "database",
    "ledger",
    "market",
    "rulebook",
    "settlement",
    "verifier",
    "witness",
)
IMPURE_MODULES = {"database", "django", "psycopg", "sqlalchemy", "random", "secrets", "time"}
SHELL_NAMES = {"now", "utcnow", "today", "environ", "getenv", "urandom", "uuid4", "uuid1"}
FLOATS = {"float", "float16", "float32", "float64", "true_divide", "linspace"}
CLOCKS = {"now", "utcnow", "today"}
MOST_LINES = 400
MOST_BODY_LINES = 50


def modules(*folders: str) -> list[Path]:
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


def shown(path: Path) -> str:
    return str(path.relative_to(ROOT))


class Facts(NamedTuple):
    """What one walk over a file finds.

    Attributes:
        imports: the full name of every module and name that it imports.
        called: line and last name of everything that it calls or reads as an attribute.
        inexact: where it holds a float, or a division that gives one.
        clocks: the lines that ask a clock.
        unseeded: the lines that make a generator without a seed.
        long: functions with more than `MOST_BODY_LINES` lines of body.
    """

    imports: list[str]
    called: list[tuple[int, str]]
    inexact: list[str]
    clocks: list[int]
    unseeded: list[int]
    long: list[str]


@cache
def facts(path: Path) -> Facts:
    found = Facts([], [], [], [], [], [])
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found.imports.extend(name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{shown(path)}: a relative import"
            found.imports.extend(f"{node.module}.{name.name}" for name in node.names)
        elif isinstance(node, ast.Attribute):
            found.called.append((node.lineno, node.attr))
        elif isinstance(node, ast.Constant) and isinstance(node.value, float):
            found.inexact.append(f"line {node.lineno}: a float")
        elif isinstance(node, ast.BinOp | ast.AugAssign) and isinstance(node.op, ast.Div):
            found.inexact.append(f"line {node.lineno}: a division that gives a float")
        elif isinstance(node, ast.Call):
            _note_call(found, node)
        elif (
            isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
            and body_lines(node) > MOST_BODY_LINES
        ):
            found.long.append(f"{node.name}: {body_lines(node)} lines")
    found.inexact.extend(f"line {line}: {name}" for line, name in found.called if name in FLOATS)
    return found


def _note_call(found: Facts, node: ast.Call) -> None:
    if isinstance(node.func, ast.Name):
        found.called.append((node.lineno, node.func.id))
    name = getattr(node.func, "attr", "")
    if name in CLOCKS:
        found.clocks.append(node.lineno)
    if name == "default_rng" and not node.args:
        found.unseeded.append(node.lineno)


def body_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Return how many lines the body of a function has, without its docstring."""
    body = function.body[1:] if ast.get_docstring(function) else function.body
    return (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0


def dotted(path: str) -> str:
    return path.removesuffix(".py").replace("/", ".").removesuffix(".__init__")


@cache
def impurities(path: Path) -> list[str]:
    """Return how a module reaches the database, the clock, chance or the environment."""
    found = [
        f"imports {name}"
        for name in facts(path).imports
        if name.split(".")[0] in IMPURE_MODULES or SHELL_MODULES & parents(name)
    ]
    return found + [
        f"line {line}: {name}" for line, name in facts(path).called if name in SHELL_NAMES
    ]


def parents(name: str) -> set[str]:
    """Return a dotted name and all that it is inside of."""
    parts = name.split(".")
    return {".".join(parts[:count]) for count in range(1, len(parts) + 1)}


SHELL_MODULES = {dotted(name) for name in SHELLS}
PURE = [path for path in modules(*PACKAGES) if shown(path) not in SHELLS]
EXACT = [path for path in PURE if shown(path) not in NOT_IN_INTEGERS]


def test_a_module_is_pure_unless_it_is_named_a_shell():
    assert [f"{shown(path)}: {found}" for path in PURE for found in impurities(path)] == []


def test_a_pure_module_computes_in_integers():
    assert [f"{shown(path)}: {found}" for path in EXACT for found in facts(path).inexact] == []


def test_a_shell_is_named_for_a_reason_that_still_holds():
    assert all(SHELLS.values())
    pure = [name for name in SHELLS if not impurities(ROOT / name)]
    assert pure == [], "they are pure: take them off the list"


def test_a_module_with_floats_is_named_for_a_reason_that_still_holds():
    assert all(NOT_IN_INTEGERS.values())
    exact = [name for name in NOT_IN_INTEGERS if not facts(ROOT / name).inexact]
    assert exact == [], "they compute in integers: take them off the list"


def test_only_the_portal_reads_the_clock():
    paths = modules(*PACKAGES)
    assert [f"{shown(path)}:{line}" for path in paths for line in facts(path).clocks] == []
    assert [shown(path) for path in paths if "time" in facts(path).imports] == []


def test_only_the_database_package_and_the_portal_read_the_environment():
    assert [
        f"{shown(path)}:{line}: {name}"
        for path in modules("ledger", "market", "rulebook", "settlement", "verifier")
        for line, name in facts(path).called
        if name in {"environ", "getenv"}
    ] == []


def test_chance_is_seeded():
    paths = modules("ledger", "market", "rulebook", "settlement", "verifier")
    assert [shown(path) for path in paths if {"random", "secrets"} & set(facts(path).imports)] == []
    assert [f"{shown(path)}:{line}" for path in paths for line in facts(path).unseeded] == []


def test_the_verifier_needs_the_standard_library_alone():
    assert [
        f"{shown(path)}: {name}"
        for path in modules("verifier")
        for name in facts(path).imports
        if name.split(".")[0] not in sys.stdlib_module_names | {"verifier"}
    ] == []


OPENERS = {"transaction", "engine", "make_engine", "create_engine", "sessionmaker"}


def test_stores_never_open_a_transaction():
    stores = [
        path
        for path in modules("ledger", "market", "rulebook", "settlement")
        if path.stem.endswith(("store", "queries"))
    ]
    opened = [
        f"{shown(path)}: {name}"
        for path in stores
        for name in facts(path).imports
        if name.rpartition(".")[2] in OPENERS
    ]
    ended = [
        f"{shown(path)}:{line}: {name}"
        for path in stores
        for line, name in facts(path).called
        if name in {"commit", "rollback"}
    ]
    assert stores
    assert opened + ended == []


def test_a_type_is_ignored_by_its_code_and_for_a_reason():
    assert [
        f"{shown(path)}:{number}"
        for path in modules(*PACKAGES, "portal")
        for number, line in enumerate(path.read_text().splitlines(), start=1)
        if "# type: ignore" in line and not re.search(r"# type: ignore\[[a-z-]+\]  # \w", line)
    ] == []


def test_what_is_slow_is_there():
    assert [
        name for name in (*SLOW, *ALL_SLOW, *LONGEST) if not (ROOT / "tests" / name).exists()
    ] == []


def tracked_files() -> list[Path]:
    found = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    if found.returncode:
        pytest.skip("not a git checkout: the files of the repository are not known")
    return [ROOT / name for name in found.stdout.decode().split("\0") if name]


def test_no_file_names_a_machine_s_paths_or_a_registry():
    """The words are put together here, so that this file does not hold them itself."""
    words = [
        "/" + "work/",
        "/" + "root/",
        "/" + "home/",
        "/" + "Users/",
        "/tmp" + "/team",
        "pypi" + ".org",
        "python" + "hosted.org",
        "--index" + "-url",
        "registry" + ".npmjs",
        "proxy" + ".golang",
    ]
    named = []
    for path in tracked_files():
        if not path.is_file():
            continue
        content = path.read_bytes()
        named += [f"{shown(path)}: {word}" for word in words if word.encode() in content]
    assert named == []


PRODUCT = (*PACKAGES, "portal", "migrations", "benchmarks")


def test_a_file_and_its_functions_can_be_read_at_a_glance():
    long = []
    for path in modules(*PRODUCT):
        if "portal/migrations" in shown(path):
            continue  # Django's own form
        line_count = len(path.read_text().splitlines())
        if line_count > MOST_LINES:
            long.append(f"{shown(path)}: {line_count} lines")
        long.extend(f"{shown(path)}: {function}" for function in facts(path).long)
    assert long == []
