"""Pages ask once for the time zones of all the markets that they show."""

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import event

from portal.queries.market_now import list_markets
from portal.queries.rules import rules_in_force, zone_by_market
from rulebook.comparing import ZONE_BEFORE_RULES
from rulebook.store import time_zone, time_zones
from tests.rulebook.law import publish_documents
from tests.worlds import tiny_market

ZONES = {"east": "Europe/Athens", "tiny": "Europe/London", "west": "America/New_York"}


def publish(session, market, now):
    law = [each.model_copy(update={"market": market}) for each in tiny_market.documents()]
    law[0] = law[0].model_copy(update={"time_zone": ZONES[market]})
    publish_documents(session, law, known=now)


@contextmanager
def statements(session) -> Iterator[list[str]]:
    asked: list[str] = []

    def keep(connection, cursor, statement, *others):
        asked.append(statement)

    engine = session.get_bind()
    event.listen(engine, "before_cursor_execute", keep)
    yield asked
    event.remove(engine, "before_cursor_execute", keep)


def test_the_law_of_a_day_is_asked_for_once_however_many_markets_there_are(session, now):
    counts = []
    for market in ("tiny", "east", "west"):
        publish(session, market, now)
        with statements(session) as asked:
            found = rules_in_force(session, tiny_market.VALID_FROM)
        counts.append(len(asked))
    assert counts == [counts[0]] * 3
    assert {law.market: law.zone for law in found} == ZONES
    for law in found:
        versions = [version for _, of_kind in law.kinds for version in of_kind]
        assert len(versions) == len(tiny_market.documents())
        assert {version.first_day for version in versions} == {tiny_market.VALID_FROM}
    on_the_day_before = rules_in_force(session, tiny_market.VALID_FROM - dt.timedelta(days=1))
    assert not any(versions for law in on_the_day_before for _, versions in law.kinds)


def test_markets_are_listed_by_as_many_questions_however_many_there_are(session, now):
    counts = []
    for market in ZONES:
        publish(session, market, now)
        with statements(session) as asked:
            found = list_markets(session, now)
        counts.append(len(asked))
    assert counts == [counts[0]] * 3
    assert {each.market: each.zone for each in found} == ZONES
    assert {(each.is_online, each.leadership, each.last) for each in found} == {(False, None, None)}


def test_zones_of_many_markets_are_one_question(session, now):
    for market in ZONES:
        publish(session, market, now)
    with statements(session) as asked:
        found = zone_by_market(session, [*ZONES, "unruled", "tiny"])
    assert len(asked) == 1
    assert found == ZONES | {"unruled": ZONE_BEFORE_RULES}
    assert zone_by_market(session, []) == {}


def test_a_market_has_no_zone_before_its_rules_were_known(session, now):
    publish(session, "tiny", now)
    before = now - dt.timedelta(seconds=1)
    assert time_zone(session, "tiny", now) == ZONES["tiny"]
    assert time_zone(session, "tiny", before) is None
    assert time_zones(session, ["tiny", "unruled"], before) == {}
    assert time_zones(session, ["tiny", "unruled"]) == {"tiny": ZONES["tiny"]}
