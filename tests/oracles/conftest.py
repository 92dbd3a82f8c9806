"""Independent judges, each a package that the product does not need; absent ones are skipped."""

import pytest


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "oracle: compares with an independent package")
