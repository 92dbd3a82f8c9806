"""Numbers of a market stand beside the names of the law by which they were made."""

import datetime as dt

from market.fed_days import events_of_day
from portal.market_view import Holarchy, MarketNow, lines_chart
from portal.queries import market_now as queries
from tests.market.led import lead_by_its_law
from tests.market.test_feed import law_online
from tests.worlds.settled import FIRST_DAY, LAST_DAY, SETTLED, ingest_tiny, publish_tiny

NEXT_DAY = FIRST_DAY + dt.timedelta(days=1)


def lead(session, day: dt.date, known: dt.datetime) -> None:
    """Let the tiny market live through the first hours of a day."""
    events = events_of_day(session, "tiny", day, known)
    lead_by_its_law(session, events[: len(events) // 4])


def now(session) -> MarketNow:
    last = queries.last_of_now(session, "tiny")
    law = queries.law_now(session, "tiny", last, SETTLED)
    return MarketNow(law, queries.since_whole(session, "tiny"))


def by_title(shown: MarketNow) -> dict[str, int]:
    return {part.title: part.tightness_ppm for part in shown.parts}


def renamed(grid):
    """A grid of as many parts, of which one comes to stand elsewhere in the order of names."""
    return type(grid).model_validate_json(grid.model_dump_json().replace('"north"', '"zeta"'))


def test_other_law_with_as_many_parts_moves_no_number_to_another_name(session):
    law = law_online()
    publish_tiny(session, law)
    ingest_tiny(session, FIRST_DAY, LAST_DAY)
    lead(session, FIRST_DAY, SETTLED)
    before = by_title(now(session))
    assert before["North"] != before["South"]
    first = queries.last_of_now(session, "tiny").law

    (grid,) = (each for each in law if each.kind == "grid-model")
    # By the wall, as the log keeps by the wall when it was told of law.
    publish_tiny(session, [renamed(grid)], FIRST_DAY, dt.datetime.now(dt.UTC))
    assert by_title(now(session)) == before
    in_the_rulebook = queries.law_of(session, "tiny", FIRST_DAY)
    assert "zeta" in {name for _, name in Holarchy(in_the_rulebook).names}

    later = dt.datetime.now(dt.UTC)
    lead(session, NEXT_DAY, later)
    shown = now(session)
    assert shown.last.law != first
    assert [part.name for part in shown.parts if part.layer == "zone"] == ["south", "zeta"]
    told = events_of_day(session, "tiny", NEXT_DAY, later)
    assert shown.law.digest in {word for each in told for word in each.words}
    # The lines of both days go by the law of each.
    ends = queries.interval_ends(session, "tiny", FIRST_DAY, NEXT_DAY)
    laws = queries.laws_of(session, "tiny", shown.law, ends)
    assert set(laws) == {first, shown.law.digest} == {each.law for each in ends}
    assert next(row[0] for row in lines_chart(shown.law, ends, laws).table.rows) == "1 Jan 2024"
