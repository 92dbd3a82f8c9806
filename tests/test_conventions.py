"""Rules of the house that a machine can check: purity, integers, the clock, and what is named."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import ROOT

PACKAGES = ("common", "database", "ledger", "rulebook", "settlement")
PURE = sorted(
    [
        *(ROOT / "settlement" / "core").glob("*.py"),
        *(ROOT / "rulebook" / "checks").glob("*.py"),
        *(ROOT / "rulebook" / "documents").glob("*.py"),
        *(
            ROOT / name
            for name in (
                "ledger/billing.py",
                "ledger/chain.py",
                "ledger/disputes/attachments.py",
                "ledger/disputes/claims.py",
                "ledger/disputes/course.py",
                "ledger/disputes/records.py",
                "ledger/disputes/refusals.py",
                "ledger/disputes/sealing.py",
                "ledger/disputes/settling.py",
                "ledger/disputes/terms.py",
                "ledger/invoice.py",
                "ledger/invoice_checks.py",
                "ledger/journal.py",
                "ledger/log/append_only_tree.py",
                "ledger/log/leaf.py",
                "ledger/log/note.py",
                "ledger/log/proof_file.py",
                "ledger/log/proofs.py",
                "ledger/log/rows.py",
                "ledger/log/tiles.py",
                "ledger/parties.py",
                "ledger/payments/account.py",
                "ledger/payments/camt.py",
                "ledger/payments/checks.py",
                "ledger/payments/journals.py",
                "ledger/payments/matching.py",
                "ledger/payments/statements.py",
                "ledger/refusals.py",
                "ledger/seal.py",
                "ledger/tree.py",
                "rulebook/amend.py",
                "rulebook/audit.py",
                "rulebook/digest.py",
                "common/refusals.py",
                "rulebook/publication.py",
                "rulebook/resolve.py",
                "rulebook/versions.py",
                "settlement/rules/compile.py",
                "settlement/rules/compile_charges.py",
                "settlement/rules/register.py",
                "settlement/runs/computing.py",
                "settlement/evidence/readme.py",
                "settlement/evidence/rows.py",
                "settlement/evidence/selection.py",
                "settlement/explanations/charges.py",
                "settlement/explanations/estimates.py",
                "settlement/explanations/grounds.py",
                "settlement/explanations/pass_through.py",
                "settlement/explanations/payments.py",
                "settlement/explanations/shapley_values.py",
                "settlement/explanations/tree.py",
                "settlement/accounts/credit.py",
                "settlement/accounts/interest.py",
                "settlement/billing/invoicing.py",
                "settlement/billing/line_quality.py",
                "settlement/billing/parties.py",
                "settlement/documents/arithmetic.py",
                "settlement/documents/as_json.py",
                "settlement/documents/en16931.py",
                "settlement/documents/pdf.py",
                "settlement/documents/statement.py",
                "settlement/documents/stating.py",
                "settlement/documents/wording.py",
                "settlement/meters/check.py",
                "settlement/meters/completing.py",
                "settlement/meters/digest.py",
                "settlement/meters/estimation.py",
                "settlement/meters/findings.py",
                "settlement/meters/quality.py",
                "settlement/meters/register.py",
                "settlement/meters/unsettled.py",
                "settlement/billing/posting.py",
                "settlement/calendar/due.py",
                "settlement/notices/notice.py",
                "settlement/calendar/late.py",
                "settlement/calendar/sealable.py",
                "settlement/runs/results.py",
                "settlement/runs/run.py",
            )
        ),
    ]
)
IMPURE_MODULES = {"database", "django", "psycopg", "sqlalchemy", "random", "secrets", "time"}
SHELL_MODULES = {
    "store",
    "service",
    "post",
    "replay",
    "settle",
    "tables",
    "queries",
    "invoice_queries",
    "issuing",
}
SHELL_NAMES = {"now", "utcnow", "today", "environ", "getenv", "urandom", "uuid4", "uuid1"}
FLOATS = {"float", "float16", "float32", "float64", "true_divide", "linspace"}
CLOCKS = {"now", "utcnow", "today"}


def modules(*folders: str) -> list[Path]:
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


def shown(path: Path) -> str:
    return str(path.relative_to(ROOT))


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def imports(path: Path) -> Iterator[str]:
    """Yield the full name of every module and name that a file imports."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{shown(path)}: a relative import"
            yield from (f"{node.module}.{name.name}" for name in node.names)


def called(path: Path) -> Iterator[tuple[int, str]]:
    """Yield line and last name of everything that a file calls or reads as an attribute."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Attribute):
            yield node.lineno, node.attr
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            yield node.lineno, node.func.id


@pytest.mark.parametrize("path", PURE, ids=shown)
def test_a_pure_module_knows_no_database_clock_environment_or_chance(path):
    for name in imports(path):
        parts = name.split(".")
        assert parts[0] not in IMPURE_MODULES, f"imports {name}"
        if parts[0] in PACKAGES:
            assert not SHELL_MODULES & set(parts[1:]), f"imports {name}"
    for line, name in called(path):
        assert name not in SHELL_NAMES, f"line {line}: {name}"


@pytest.mark.parametrize("path", PURE, ids=shown)
def test_a_pure_module_computes_in_integers(path):
    for node in ast.walk(tree(path)):
        is_float = isinstance(node, ast.Constant) and isinstance(node.value, float)
        assert not is_float, f"line {node.lineno}: a float"
        is_division = isinstance(node, ast.BinOp | ast.AugAssign) and isinstance(node.op, ast.Div)
        assert not is_division, f"line {node.lineno}: a division that gives a float"
    for line, name in called(path):
        assert name not in FLOATS, f"line {line}: {name}"


@pytest.mark.parametrize("path", modules(*PACKAGES), ids=shown)
def test_only_the_portal_reads_the_clock(path):
    read = [
        f"line {node.lineno}"
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in CLOCKS
    ]
    assert read == []
    assert "time" not in set(imports(path))


@pytest.mark.parametrize("path", modules("ledger", "rulebook", "settlement"), ids=shown)
def test_only_the_database_package_and_the_portal_read_the_environment(path):
    names = {name for _, name in called(path)}
    assert not names & {"environ", "getenv"}


@pytest.mark.parametrize("path", modules("ledger", "rulebook", "settlement"), ids=shown)
def test_chance_is_seeded(path):
    assert not set(imports(path)) & {"random", "secrets"}
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "default_rng":
            assert node.args, f"line {node.lineno}: a generator without a seed"


@pytest.mark.parametrize(
    "name", ["store", "queries", "invoice_queries", "log.store", "meters.store"]
)
def test_stores_never_open_a_transaction(name):
    for package in ("ledger", "rulebook", "settlement"):
        path = ROOT / package / f"{name.replace('.', '/')}.py"
        if path.exists():
            opened = {"transaction", "engine", "make_engine", "create_engine", "sessionmaker"}
            assert not {each.rpartition(".")[2] for each in imports(path)} & opened
            assert not {called_name for _, called_name in called(path)} & {"commit", "rollback"}


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


def test_pure_modules_are_where_they_are_looked_for():
    assert [shown(path) for path in PURE if not path.is_file()] == []
