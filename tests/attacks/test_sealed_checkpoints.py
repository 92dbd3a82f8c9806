"""Attacks on the checkpoint that a document seals: what people hold names a signed root."""

import pytest
from sqlalchemy import text

from common.refusals import Refused
from database.session import make_engine
from ledger.log.verification import verify_leaves
from ledger.rules import LedgerRule
from settlement.billing.issuing import issue_month
from tests.attacks.attacker import remake_digests, turn_triggers_off
from tests.ledger.rules import rule_of
from tests.settlement.test_verification import JANUARY
from tests.worlds.rolled_back import rolled_back
from tests.worlds.settled import SETTLED, ingest_tiny, publish_tiny, settle_tiny


@pytest.fixture(scope="module")
def filled(clone_filled_database):
    made = make_engine(clone_filled_database())
    yield made
    made.dispose()


@pytest.fixture
def attacked(filled):
    with rolled_back(filled) as session:
        turn_triggers_off(session)
        yield session


def found(session) -> set[str]:
    return {
        finding.place
        for finding in verify_leaves(session)
        if finding.code == "log-sealed-checkpoint"
    }


def test_every_document_seals_the_newest_checkpoint_before_it(filled):
    with rolled_back(filled) as session:
        sealed = text("SELECT count(*) FROM ledger.invoice WHERE checkpoint_size IS NULL")
        assert session.scalar(sealed) == 0
        assert found(session) == set()


@pytest.mark.parametrize(
    "change",
    [
        "checkpoint_size = (SELECT max(size) FROM ledger.checkpoint)",
        "checkpoint_root = sha256('another')",
        "checkpoint_size = NULL, checkpoint_root = NULL",
    ],
)
def test_another_checkpoint_with_every_digest_made_anew_is_named(attacked, change):
    """The document does not stand after that one, or its root is not the one that was signed."""
    first = "series = (SELECT min(series) FROM ledger.invoice) AND number = 1"
    attacked.execute(text(f"UPDATE ledger.invoice SET {change} WHERE {first}"))
    remake_digests(attacked, "ledger.invoice")
    named = attacked.scalar(text(f"SELECT series || '-000001' FROM ledger.invoice WHERE {first}"))
    assert f"ledger.invoice {named}" in found(attacked)


def test_the_database_refuses_a_document_that_seals_none(session, monkeypatch):
    from ledger import issuing
    from ledger.log.checkpoints import publish_checkpoint
    from tests.worlds.logged import signer

    publish_tiny(session)
    ingest_tiny(session)
    settle_tiny(session)
    publish_checkpoint(session, signer(1), SETTLED)
    monkeypatch.setattr(issuing, "last_checkpoint", lambda session: None)
    with pytest.raises(Refused) as refused:
        issue_month(session, "tiny", JANUARY, now=SETTLED)
    assert rule_of(refused.value.findings[0]) is LedgerRule.INVOICE_IS_OUT_OF_ORDER
