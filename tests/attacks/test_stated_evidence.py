"""The same insider writes evidence of the documents that they issued, and of the log of them.

Who has the file alone is told by its verifier what `verify` tells of the database: whose account
the law names, when payment is due, on which run a document rests, and what was counted.
"""

import pytest
from sqlalchemy.orm import Session

from ledger.invoice import Family
from ledger.log.checkpoints import publish_checkpoint
from settlement.billing import issuing
from settlement.billing.issuing import issue_month
from settlement.runs.store import list_runs
from tests.attacks.test_participant_evidence import exported as exported_of_participant
from tests.attacks.test_stated_documents import FORGERIES, engine, market
from tests.settlement.evidence_cases import Memory, exported
from tests.worlds.logged import signer
from tests.worlds.settled import (
    FIRST_DAY,
    RESETTLED,
    SETTLED,
    correct_tiny,
    settle_tiny,
)

__all__ = ["engine", "market"]

OF_RUN = {
    "the market pays another account": "_iban",
    "the market is paid to another account": "_iban",
    "another is named": "_legal_name",
    "another is written to": "_contact_email",
    "it is due at once": "payment_term_days",
    "it rests on no run": "as run_id",
    "it counts another quantity": "quantity, as the journals moved it",
}
OF_PARTICIPANT = {
    **dict(list(OF_RUN.items())[:5]),
    "it counts another quantity": "energy by the meter",
}
NOT_PROVEN = ["it counts another estimate", "it cites no clause", "it cites no rule"]
"""What the verifier does not find, and the README says so."""


def forge(session: Session, monkeypatch, forgery: str, family: Family) -> None:
    change, _ = FORGERIES[forgery]
    honest = issuing.draft_month

    def draft_month(*values, **named):
        drafts = honest(*values, **named)
        return [change(draft) if draft.family is family else draft for draft in drafts]

    monkeypatch.setattr(issuing, "draft_month", draft_month)
    issue_month(session, "tiny", FIRST_DAY, now=SETTLED)
    publish_checkpoint(session, signer(1), SETTLED)


def of_run(session: Session) -> Memory:
    return Memory.of(exported(session, list_runs(session)[0]))


def test_every_forgery_is_found_or_said_not_to_be():
    assert OF_RUN.keys() | set(NOT_PROVEN) == FORGERIES.keys()


@pytest.mark.parametrize("family", Family)
@pytest.mark.parametrize("forgery", OF_RUN)
def test_the_evidence_of_a_run_tells(market, monkeypatch, forgery, family):
    forge(market, monkeypatch, forgery, family)
    found = of_run(market).findings()
    assert found
    assert {finding.check for finding in found} == {"stated"}
    assert all(OF_RUN[forgery] in finding.expected for finding in found)


@pytest.mark.parametrize("forgery", OF_PARTICIPANT)
def test_the_evidence_of_a_participant_tells(market, monkeypatch, forgery):
    forge(market, monkeypatch, forgery, Family.INVOICE)
    found = exported_of_participant(market, "cedar").findings()
    assert found
    assert all(OF_PARTICIPANT[forgery] in finding.expected for finding in found)


def test_documents_that_were_issued_twice_hold(market):
    issue_month(market, "tiny", FIRST_DAY, now=SETTLED)
    correct_tiny(market)
    settle_tiny(market, "SF", now=RESETTLED)
    issue_month(market, "tiny", FIRST_DAY, now=RESETTLED)
    publish_checkpoint(market, signer(1), RESETTLED)
    assert of_run(market).findings() == []
    for participant in ("alder", "birch", "cedar", "doric"):
        assert exported_of_participant(market, participant).findings() == []
