"""The engine gives the same bytes compiled and as plain Python, and keeps to integers."""

import ast
import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

import settlement.core
from settlement.core.engine import settle_day
from tests.conftest import ROOT
from tests.settlement.core import examples, policies

CORE = sorted(Path(settlement.core.__path__[0]).glob("*.py"))
ALLOWED = {*sys.stdlib_module_names, "numpy", "numba", "settlement"}
FORBIDDEN = {"float64", "float32", "true_divide", "now", "today", "random", "environ"}
PROGRAM = """
from settlement.core.engine import settle_day
from tests.settlement.core import examples, policies
for market in (examples.tiny_market(), examples.tiny_market_by_flow()):
    print(examples.digest(settle_day(market, examples.tiny_day())))
print(examples.digest(settle_day(*examples.tiny_shortage())))
print(examples.digest(settle_day(*examples.tiny_booked())))
print(examples.imports_of_one_ring())
day = policies.day_with_reserve()
print([examples.digest(settle_day(model, day)) for model in policies.policies()])
print(examples.shares_of_one_game())
"""
"""What a process prints of each kind, a line each: of days 5, of policies 1, of methods 1."""


@pytest.fixture(scope="module", params=["0", "1"])
def printed(request) -> list[str]:
    """What a process of its own prints with the compiler on and off, which serves every test."""
    found = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        cwd=ROOT,
        env={**os.environ, "NUMBA_DISABLE_JIT": request.param},
        capture_output=True,
        text=True,
        check=True,
    )
    return found.stdout.splitlines()


@cache
def digests_of_days() -> list[str]:
    days = [
        (examples.tiny_market(), examples.tiny_day()),
        (examples.tiny_market_by_flow(), examples.tiny_day()),
        examples.tiny_shortage(),
        examples.tiny_booked(),
    ]
    return [examples.digest(settle_day(*day)) for day in days]


@cache
def digests_of_policies() -> list[str]:
    day = policies.day_with_reserve()
    return [examples.digest(settle_day(model, day)) for model in policies.policies()]


def test_compiled_and_plain_give_the_same_bytes(printed):
    assert printed[:5] == [*digests_of_days(), str(examples.imports_of_one_ring())]


def test_compiled_and_plain_give_the_same_bytes_under_every_policy(printed):
    here = digests_of_policies()
    assert len(set(here)) == len(here)
    assert printed[5] == str(here)


def test_compiled_and_plain_give_the_same_shares_by_every_method(printed):
    assert printed[6:] == [str(examples.shares_of_one_game())]


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
