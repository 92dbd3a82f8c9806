"""Pure modules know no database, clock, environment or randomness."""

import ast
from pathlib import Path

import pytest

import rulebook

ROOT = Path(rulebook.__file__).parent
SHELL = {"tables.py", "store.py", "publishing.py", "service.py", "folders.py", "printing.py"}
PURE = sorted(path for path in ROOT.rglob("*.py") if path.name not in SHELL)
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
            assert not {alias.name + ".py" for alias in node.names} & (SHELL - {"printing.py"})
            assert f"{(node.module or '').split('.')[-1]}.py" not in SHELL
        elif isinstance(node, ast.Attribute):
            assert node.attr not in FORBIDDEN_CALLS, f"{path.name}:{node.lineno}"
            continue
        else:
            continue
        assert not names & FORBIDDEN_MODULES, f"{path.name}:{node.lineno}"
