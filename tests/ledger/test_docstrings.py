"""The examples in the docstrings of modules."""

import doctest

import pytest

from ledger import invoice, journal, tree
from ledger.log import proofs, tiles
from ledger.payments import file_verification, journals, statements

MODULES = [invoice, journal, tree, file_verification, journals, proofs, statements, tiles]


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_examples_hold(module):
    results = doctest.testmod(module)
    assert results.attempted > 0
    assert results.failed == 0
