"""The month, settled once for all tests of it."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine

from tests.two_region.world import Month, settle_month
from tests.worlds.rolled_back import rolled_back


@pytest.fixture(scope="package")
def month(database_engine: Engine) -> Iterator[Month]:
    """The month on the real PostgreSQL, rolled back at the end."""
    with rolled_back(database_engine) as session:
        yield settle_month(session)
