"""Pure modules know no database, clock, environment or randomness."""

import ast
from pathlib import Path

import pytest

import rulebook
from tests.shells import SHELLS

ROOT = Path(rulebook.__file__).parent
SHELL = {name.removeprefix("rulebook/") for name in SHELLS if name.startswith("rulebook/")}
SHELL |= {"folders.py"}
SHELL_MODULES = {f"rulebook.{name.removesuffix('.py')}" for name in SHELL}
PURE = sorted(path for path in ROOT.rglob("*.py") if str(path.relative_to(ROOT)) not in SHELL)
FORBIDDEN_MODULES = {
    "database", "django", "os", "pathlib", "psycopg", "random", "secrets", "sqlalchemy", "time",
}  # fmt: skip
FORBIDDEN_CALLS = {"now", "today", "utcnow", "uuid1", "uuid4"}


@pytest.mark.parametrize("path", PURE, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_pure_module(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names = {(node.module or "").split(".")[0]}
            imported = {f"{node.module}.{alias.name}" for alias in node.names}
            assert not SHELL_MODULES & (imported | {node.module})
        elif isinstance(node, ast.Attribute):
            assert node.attr not in FORBIDDEN_CALLS, f"{path.name}:{node.lineno}"
            continue
        else:
            continue
        assert not names & FORBIDDEN_MODULES, f"{path.name}:{node.lineno}"
