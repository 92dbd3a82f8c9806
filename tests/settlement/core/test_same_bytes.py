"""The engine gives the same bytes compiled and as plain Python, and keeps to integers."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

import settlement.core
from settlement.core.engine import settle_day
from tests.conftest import ROOT
from tests.settlement.core import examples, policies

CORE = sorted(Path(settlement.core.__path__[0]).glob("*.py"))
ALLOWED = {*sys.stdlib_module_names, "numpy", "numba", "settlement"}
FORBIDDEN = {"float64", "float32", "true_divide", "now", "today", "random", "environ"}
METHODS = """
from tests.settlement.core.examples import shares_of_one_game
print(shares_of_one_game())
"""
PROGRAM = """
from settlement.core.engine import settle_day
from tests.settlement.core import examples
for market in (examples.tiny_market(), examples.tiny_market_by_flow()):
    print(examples.digest(settle_day(market, examples.tiny_day())))
print(examples.digest(settle_day(*examples.tiny_shortage())))
print(examples.imports_of_one_ring())
"""
POLICIES = """
from settlement.core.engine import settle_day
from tests.settlement.core import examples, policies
day = policies.day_with_reserve()
print([examples.digest(settle_day(model, day)) for model in policies.policies()])
"""


def printed(program: str, disabled: str) -> str:
    found = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env={**os.environ, "NUMBA_DISABLE_JIT": disabled},
        capture_output=True,
        text=True,
        check=True,
    )
    return found.stdout.strip()


@pytest.mark.parametrize("disabled", ["0", "1"])
def test_compiled_and_plain_give_the_same_bytes(disabled):
    days = [
        (examples.tiny_market(), examples.tiny_day()),
        (examples.tiny_market_by_flow(), examples.tiny_day()),
        examples.tiny_shortage(),
    ]
    here = [examples.digest(settle_day(*day)) for day in days]
    expected = [*here, str(examples.imports_of_one_ring())]
    assert printed(PROGRAM, disabled).splitlines() == expected


@pytest.mark.parametrize("disabled", ["0", "1"])
def test_compiled_and_plain_give_the_same_bytes_under_every_policy(disabled):
    day = policies.day_with_reserve()
    here = [examples.digest(settle_day(model, day)) for model in policies.policies()]
    assert len(set(here)) == len(here)
    assert printed(POLICIES, disabled) == str(here)


@pytest.mark.parametrize("disabled", ["0", "1"])
def test_compiled_and_plain_give_the_same_shares_by_every_method(disabled):
    assert printed(METHODS, disabled) == str(examples.shares_of_one_game())


@pytest.mark.parametrize("path", CORE, ids=lambda path: path.stem)
def test_the_core_imports_numpy_numba_and_the_standard_library_only(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            modules = [name.name for name in node.names]
        elif isinstance(node, ast.ImportFrom):
            modules = [node.module or ""]
        else:
            continue
        for module in modules:
            assert module.split(".")[0] in ALLOWED
            assert not module.startswith("settlement.") or module.startswith("settlement.core.")


@pytest.mark.parametrize("path", CORE, ids=lambda path: path.stem)
def test_the_core_has_no_float_clock_or_chance(path):
    for node in ast.walk(ast.parse(path.read_text())):
        assert not (isinstance(node, ast.Constant) and isinstance(node.value, float))
        assert not (isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div))
        name = getattr(node, "attr", getattr(node, "id", ""))
        assert name not in {
            "float64",
            "float32",
            "now",
            "today",
            "random",
            "environ",
            "true_divide",
        }
