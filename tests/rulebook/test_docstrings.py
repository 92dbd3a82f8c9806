"""What the docstrings show is what the code does."""

import doctest
import importlib
import pkgutil

import pytest

import rulebook

MODULES = [module.name for module in pkgutil.walk_packages(rulebook.__path__, "rulebook.")]


@pytest.mark.parametrize("name", MODULES)
def test_examples_in_docstrings(name):
    assert doctest.testmod(importlib.import_module(name)).failed == 0
