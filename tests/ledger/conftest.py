"""The ledger's tests post journals of runs, and a journal of no published run is refused."""

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from database.session import transaction
from tests.ledger.drafts import publish_drafted_runs


@pytest.fixture
def session(session: Session) -> Session:
    """A session that knows the runs of `tests.ledger.drafts`."""
    publish_drafted_runs(session)
    return session


@pytest.fixture
def committed_database(committed_database: Engine) -> Engine:
    """A database that knows them."""
    with transaction(committed_database) as session:
        publish_drafted_runs(session)
    return committed_database
