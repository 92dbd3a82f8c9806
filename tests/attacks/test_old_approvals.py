"""Law that two people once approved is not in force again, nor longer, because somebody says so.

The attacker holds the writer's password, and with it closes a version and appends another by an
approval that is there: as what is left of an older version, or published by it a second time.
"""

import datetime as dt
from dataclasses import replace

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from rulebook import store
from rulebook.versions import Version, row_digest
from settlement.enactment.verification import verify_enactment
from tests.worlds import people, tiny_market
from tests.worlds.law import end, publish
from tests.worlds.settled import PUBLISHED, publish_tiny

RULES = "tiny/market-rules"
AMENDED = PUBLISHED + dt.timedelta(days=1)
NOW = PUBLISHED + dt.timedelta(days=2)
FEBRUARY = dt.datetime(2024, 2, 1, tzinfo=dt.UTC)
MARCH = dt.datetime(2024, 3, 1, tzinfo=dt.UTC)


@pytest.fixture
def market(session):
    """A market whose cap was raised from February on: January remains of its first law."""
    publish_tiny(session)
    rules = tiny_market.market_rules()
    higher = {"price_cap_micro_per_mwh": rules.price_cap_micro_per_mwh + 1}
    raised = type(rules).model_validate(rules.model_dump() | higher)
    publish(session, [raised], valid_from=FEBRUARY.date(), known=AMENDED, reason="A higher cap")
    return session


def versions(session, *, is_open: bool = True) -> list[Version]:
    found = [each for each in store.every_version(session) if each.instrument == RULES]
    return [each for each in found if (each.recorded_to is None) is is_open]


def append(session, closed: Version, *pieces: Version) -> None:
    store.close(session, [closed.id], NOW)
    identities = store.new_identities(session, len(pieces))
    named = [
        replace(each, id=identity, recorded_from=NOW, recorded_to=None, supersedes=(closed.id,))
        for each, identity in zip(pieces, identities, strict=True)
    ]
    store.append(session, [replace(each, row_digest=row_digest(each)) for each in named])


def the_old_cap_again(session) -> None:
    """The law in force is closed, and the first one said to be what is left of itself."""
    (first,) = versions(session, is_open=False)
    raised = next(each for each in versions(session) if each.origin is None)
    append(session, raised, replace(first, valid_from=FEBRUARY, origin=first.id))


def the_old_cap_published_again(session) -> None:
    """Its approver does by hand what was done before, without who proposed it."""
    (first,) = versions(session, is_open=False)
    january, _ = sorted(versions(session), key=lambda each: each.valid_from)
    raised = next(each for each in versions(session) if each.origin is None)
    store.close(session, [january.id], NOW)
    append(session, raised, replace(first, supersedes=(january.id, raised.id)))


def january_goes_on(session) -> None:
    january = next(each for each in versions(session) if each.origin is not None)
    raised = next(each for each in versions(session) if each.origin is None)
    store.close(session, [january.id], NOW)
    append(session, raised, replace(january, valid_to=MARCH), replace(raised, valid_from=MARCH))


def it_begins_later(session) -> None:
    raised = next(each for each in versions(session) if each.origin is None)
    append(session, raised, replace(raised, valid_from=MARCH, origin=raised.id))


def it_is_recorded_again(session) -> None:
    january = next(each for each in versions(session) if each.origin is not None)
    append(session, january, january)


ATTACKS = [
    the_old_cap_again,
    the_old_cap_published_again,
    january_goes_on,
    it_begins_later,
    it_is_recorded_again,
]


@pytest.mark.parametrize("attack", ATTACKS)
def test_an_approval_that_is_there_publishes_nothing_more(market, attack):
    with people.acting_as(market, "grace"):
        with pytest.raises(DBAPIError) as refused, market.begin_nested():
            attack(market)
        assert refused.value.orig.diag.constraint_name == "version_follows_decision"
        market.execute(text("SET LOCAL session_replication_role = replica"))
        attack(market)
    assert "version-undecided" in {each.code for each in verify_enactment(market)}


def test_what_a_publication_leaves_of_a_version_is_not_left_out(market):
    publish(
        market,
        [tiny_market.market_rules()],
        valid_from=MARCH.date(),
        valid_to=dt.date(2024, 4, 1),
        known=NOW,
        reason="The cap of a month",
    )
    assert list(verify_enactment(market)) == []
    market.execute(text("SET LOCAL session_replication_role = replica"))
    market.execute(
        text("DELETE FROM rulebook.version WHERE lower(valid) > '2024-03-30' AND instrument = :it"),
        {"it": RULES},
    )
    assert [each.code for each in verify_enactment(market)] == ["version-undecided"]


def test_law_that_was_amended_and_ended_follows_its_decisions(market):
    publish(
        market,
        [tiny_market.market_rules()],
        valid_from=dt.date(2024, 1, 10),
        valid_to=dt.date(2024, 2, 10),
        known=NOW,
        reason="What remains is cut again",
    )
    later = NOW + dt.timedelta(days=1)
    end(market, "tiny", "registration/cedar", dt.date(2024, 6, 1), known=later, reason="It left")
    assert list(verify_enactment(market)) == []
