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
from tests.slow import ALL_SLOW, SLOW

PACKAGES = ("common", "database", "ledger", "rulebook", "settlement", "verifier")
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


@pytest.mark.parametrize("path", PURE, ids=shown)
def test_a_module_is_pure_unless_it_is_named_a_shell(path):
    assert impurities(path) == []


@pytest.mark.parametrize("path", EXACT, ids=shown)
def test_a_pure_module_computes_in_integers(path):
    assert facts(path).inexact == []


@pytest.mark.parametrize("name", SHELLS)
def test_a_shell_is_named_for_a_reason_that_still_holds(name):
    assert impurities(ROOT / name) != [], "it is pure: take it off the list"
    assert SHELLS[name]


@pytest.mark.parametrize("name", NOT_IN_INTEGERS)
def test_a_module_with_floats_is_named_for_a_reason_that_still_holds(name):
    assert facts(ROOT / name).inexact != [], "it computes in integers: take it off the list"
    assert NOT_IN_INTEGERS[name]


@pytest.mark.parametrize("path", modules(*PACKAGES), ids=shown)
def test_only_the_portal_reads_the_clock(path):
    assert facts(path).clocks == []
    assert "time" not in facts(path).imports


@pytest.mark.parametrize("path", modules("ledger", "rulebook", "settlement", "verifier"), ids=shown)
def test_only_the_database_package_and_the_portal_read_the_environment(path):
    names = {name for _, name in facts(path).called}
    assert not names & {"environ", "getenv"}


@pytest.mark.parametrize("path", modules("ledger", "rulebook", "settlement", "verifier"), ids=shown)
def test_chance_is_seeded(path):
    assert not set(facts(path).imports) & {"random", "secrets"}
    assert facts(path).unseeded == []


@pytest.mark.parametrize("path", modules("verifier"), ids=shown)
def test_the_verifier_needs_the_standard_library_alone(path):
    roots = {name.split(".")[0] for name in facts(path).imports}
    assert roots <= sys.stdlib_module_names | {"verifier"}


@pytest.mark.parametrize(
    "name", ["store", "queries", "invoice_queries", "log.store", "meters.store"]
)
def test_stores_never_open_a_transaction(name):
    for package in ("ledger", "rulebook", "settlement"):
        path = ROOT / package / f"{name.replace('.', '/')}.py"
        if path.exists():
            opened = {"transaction", "engine", "make_engine", "create_engine", "sessionmaker"}
            assert not {each.rpartition(".")[2] for each in facts(path).imports} & opened
            assert not {called_name for _, called_name in facts(path).called} & {
                "commit",
                "rollback",
            }


@pytest.mark.parametrize("path", modules(*PACKAGES, "portal"), ids=shown)
def test_a_type_is_ignored_by_its_code_and_for_a_reason(path):
    for number, line in enumerate(path.read_text().splitlines(), start=1):
        if "# type: ignore" in line:
            assert re.search(r"# type: ignore\[[a-z-]+\]  # \w", line), f"{shown(path)}:{number}"


@pytest.mark.parametrize("name", [*SLOW, *ALL_SLOW])
def test_what_is_slow_is_there(name):
    assert (ROOT / "tests" / name).exists()


def test_imports_point_one_way():
    found = subprocess.run(
        [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.returncode == 0, found.stdout + found.stderr


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


@pytest.mark.parametrize("path", modules(*PRODUCT), ids=shown)
def test_a_file_and_its_functions_can_be_read_at_a_glance(path):
    if "portal/migrations" in shown(path):
        return  # Django's own form
    assert len(path.read_text().splitlines()) <= MOST_LINES
    assert facts(path).long == []
