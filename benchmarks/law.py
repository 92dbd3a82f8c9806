"""Law of a benchmark: two people are founded, of whom one proposes it and the other approves."""

import datetime as dt
from collections.abc import Sequence

from sqlalchemy.orm import Session

from database.session import act_by
from ledger.people import tokens
from ledger.people.founding import Founder, found
from rulebook.documents import Document
from settlement.enactment.approve import approve
from settlement.enactment.propose import propose_publication

OPERATOR, REGULATOR = Founder("operator", "A. Author"), Founder("regulator", "B. Approver")


def publish(
    session: Session, documents: Sequence[Document], valid_from: dt.date, known: dt.datetime
) -> None:
    """Publish documents in a database without people; the operator goes on acting."""
    found(session, OPERATOR, REGULATOR, known, is_demonstration=True)
    for account in (OPERATOR.account, REGULATOR.account):
        tokens.accept(tokens.through(session), account, account, dt.timedelta(days=1))
    act_by(session, OPERATOR.account)
    _, proposal = propose_publication(
        session, documents, valid_from=valid_from, now=known, reason="Law of the benchmark"
    )
    if proposal is None:
        raise RuntimeError("the law of the benchmark stands already")
    act_by(session, REGULATOR.account)
    approve(session, proposal.number, proposal.content_digest.hex(), known)
    act_by(session, OPERATOR.account)
