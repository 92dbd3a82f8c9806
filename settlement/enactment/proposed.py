"""The documents of a proposal that waits, to be tried before anybody approves them."""

from sqlalchemy.orm import Session

from common.refusals import Finding, Refused
from ledger.people import proposals
from ledger.people.roles import Kind
from rulebook.publication import Placed
from settlement.enactment.content import read_publication


def proposed_documents(session: Session, number: int) -> tuple[Placed, ...]:
    """Return the documents that an open proposal would publish.

    Raises:
        Refused: there is no such proposal, it was approved, or it publishes nothing.
    """
    stored = proposals.find_open(session, number)
    if stored.kind is not Kind.PUBLICATION:
        raise Refused(
            [
                Finding(
                    "proposal-without-documents",
                    f"proposal {number}",
                    f"a proposal of kind {stored.kind.value}",
                    "what is tried is documents that would become law",
                    "name a proposal of law, or files",
                )
            ]
        )
    return read_publication(stored.number, stored.content, stored.texts).documents
