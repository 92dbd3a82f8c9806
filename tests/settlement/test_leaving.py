"""Who leaves in the middle of a month is settled and billed for the days before, and no others."""

import datetime as dt

import pytest

from common.refusals import Refused
from settlement.billing.issuing import issue_month
from settlement.enactment.leaving import Choice, leaving
from settlement.enactment.propose import propose_leaving
from settlement.verification import list_checks
from tests.worlds import people, tiny_market
from tests.worlds.law import end
from tests.worlds.settled import (
    FIRST_DAY,
    LAST_DAY,
    PUBLISHED,
    SETTLED,
    ingest_tiny,
    publish_tiny,
    settle_tiny,
)

SECOND_DAY = FIRST_DAY + dt.timedelta(days=1)


def test_who_left_is_billed_for_the_days_before(session):
    publish_tiny(session)
    end(session, "tiny", "registration/doric", LAST_DAY,
        known=PUBLISHED + dt.timedelta(minutes=1),
        reason="Doric leaves the market")  # fmt: skip
    ingest_tiny(session, last_day=SECOND_DAY)
    staying = [*tiny_market.UNITS, *tiny_market.SUPPLIERS["cedar"]]
    ingest_tiny(session, LAST_DAY, LAST_DAY, only=staying)
    settle_tiny(session)
    documents = issue_month(session, "tiny", FIRST_DAY, now=SETTLED).invoices
    assert {each.row.participant for each in documents} == {"alder", "birch", "cedar", "doric"}
    for check in list_checks():
        assert list(check.run(session)) == [], check.name


def test_who_is_registered_later_leaves_no_sooner(session):
    """Of a day before its registration begins, it is shown as it begins."""
    publish_tiny(session)
    known = PUBLISHED + dt.timedelta(minutes=1)
    found = leaving(session, "tiny", "doric", dt.date(1990, 1, 1), known)
    assert found is not None
    assert found.registration.participant == "doric"
    act = lambda: propose_leaving(  # noqa: E731
        session, "tiny", "doric", dt.date(1990, 1, 1), Choice(), now=known, reason="x"
    )
    with people.acting_as(session, "ada"), pytest.raises(Refused) as refused:
        act()
    codes = [finding.code for finding in refused.value.findings]
    assert codes == ["supply-points-left", "ends-before-it-begins"]
    assert leaving(session, "tiny", "nobody", LAST_DAY, known) is None
