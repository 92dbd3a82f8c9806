"""Evidence of a market whose law was put in force again by an old approval, past its guard."""

import datetime as dt

import pytest
from sqlalchemy import text

from ledger.log.checkpoints import publish_checkpoint
from settlement.runs.store import list_runs
from tests.attacks.test_old_approvals import ATTACKS, NOW, market
from tests.settlement.evidence_cases import Memory, exported
from tests.worlds import people, tiny_market
from tests.worlds.law import end, publish
from tests.worlds.logged import signer
from tests.worlds.settled import ingest_tiny, settle_tiny

__all__ = ["market"]

LATER = NOW + dt.timedelta(days=1)


def evidence(session) -> Memory:
    ingest_tiny(session, received_at=LATER)
    settle_tiny(session, now=LATER)
    publish_checkpoint(session, signer(1), LATER)
    return Memory.of(exported(session, list_runs(session)[0]))


@pytest.mark.parametrize("attack", ATTACKS)
def test_law_that_is_in_force_again_is_named(market, attack):
    market.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))
    for guard in ("follows_decision", "check_decided"):
        market.execute(text(f"ALTER TABLE rulebook.version DISABLE TRIGGER {guard}"))
    market.execute(text("SET CONSTRAINTS ALL DEFERRED"))
    with people.acting_as(market, "grace"):
        attack(market)
    found = evidence(market).findings()
    assert found
    assert {finding.check for finding in found} == {"remainders"}


def test_law_that_was_amended_and_ended_holds(market):
    publish(
        market,
        [tiny_market.market_rules()],
        valid_from=dt.date(2024, 1, 10),
        valid_to=dt.date(2024, 2, 10),
        known=NOW,
        reason="What remains is cut again",
    )
    later = NOW + dt.timedelta(hours=1)
    end(market, "tiny", "registration/cedar", dt.date(2024, 6, 1), known=later, reason="It left")
    assert evidence(market).findings() == []
