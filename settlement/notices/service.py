"""The notices of all participants, derived in the caller's transaction."""

from sqlalchemy.orm import Session

from settlement.notices import store
from settlement.notices.notice import Notice, notices_of


def all_notices(session: Session) -> list[Notice]:
    """Return every notice of every participant of every market, latest first."""
    return notices_of(
        store.movements(session), store.documents(session), store.sealed_days(session)
    )
