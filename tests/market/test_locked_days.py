"""However many days a log has, who asks for a stretch of it locks the partitions of that alone."""

import asyncio
import datetime as dt
import inspect
from contextlib import closing
from functools import partial
from types import SimpleNamespace

import pytest
from sqlalchemy import text

from database.bulk import driver_connection
from database.market_watch import FOR_EVERYBODY, FUNCTIONS
from database.session import transaction
from ledger.people.roles import Role
from market import store, stored_rows
from market.leading import catch_up, connect, find_course
from market.places import Place
from market.replay_verification import verify_market_days
from market.stream_store import Reader
from market.verification import verify_market_logs
from portal.queries import market_now
from tests.market.led import MARKET, happenings, lead, resolve, writer_url
from tests.market.streams import DAY
from tests.worlds import people

DAYS = 20
FEW = 40
"""Locks of some days: each is a table and four indexes at most, of two tables. Of all days, it
would be four times as many."""
MAKE = """
SELECT market.make_days(parent, ARRAY(
    SELECT date '2025-01-01' + number FROM generate_series(1, %s) AS number))
  FROM unnest(ARRAY['event', 'publication']) AS parent
"""
LOCKED = """
SELECT count(*) FROM pg_locks JOIN pg_class ON pg_class.oid = relation
 WHERE pid = pg_backend_pid() AND relname ~ '_[0-9]{8}'
"""


@pytest.fixture
def led(committed_database):
    """A log of two days, among a score that have none of it."""
    with transaction(committed_database) as session:
        driver_connection(session).execute(MAKE, [DAYS])
    events = happenings(120, step_us=1_800_000_000)
    for start in (0, 60):
        with transaction(committed_database) as session:
            lead(session, events[start : start + 60])
    return committed_database


def asked(connection, led):
    """What asks for a stretch of the log, by its name."""
    end = store.head(connection, MARKET).sequence
    opening = store.last_opening(connection, MARKET)
    return {
        "events": lambda: store.events(connection, MARKET, end - 20, end),
        "publications": lambda: store.publications(connection, MARKET, end - 20, end),
        "of a day": lambda: list(stored_rows.publications_of_day(connection, MARKET, DAY)),
        "head before": lambda: store.head_before(connection, MARKET, opening.sequence),
        "rules before": lambda: store.rules_before(connection, MARKET, opening.sequence, [DAY]),
        "outcome": lambda: store.outcome_of(connection, MARKET, DAY, "1-5"),
        "a leader": lambda: catch_up(connection, find_course(connection, MARKET, resolve)),
        "handing in": lambda: store.submit(connection, MARKET, happenings(3), "test"),
        "every event": lambda: list(stored_rows.events(connection, MARKET)),
        "every publication": lambda: list(stored_rows.publications(connection, MARKET)),
        "markets": lambda: stored_rows.markets(connection),
    }


def test_who_asks_for_a_stretch_locks_its_days_alone(led):
    with closing(connect(writer_url(led))) as connection:
        names = asked(connection, led)
        for name, ask in names.items():
            # More often than a plan is made anew by itself.
            for _ in range(8):
                with connection.transaction(force_rollback=True):
                    ask()
                    locked = connection.execute(LOCKED).fetchone()[0]
            assert locked <= FEW, name
    # Verification lets go of each day that it has read.
    with transaction(led) as session:
        connection = driver_connection(session)
        assert list(verify_market_logs(session)) == []
        assert list(verify_market_days(session, law=lambda _, __: resolve)) == []
        assert connection.execute(LOCKED).fetchone()[0] <= FEW


def asked_by_pages(session):
    """What pages ask of a log, by its name: every function of a market that `market_now` has."""
    days = {"first": DAY, "last": DAY}
    beside = {
        "law_of": {"day": DAY},
        "law_told": {"digest": "law"},
        "law_now": {"last": None, "now": dt.datetime.now(dt.UTC)},
        "laws_of": {"law": SimpleNamespace(digest="law"), "published": []},
        "interval_ends": days,
    }
    names = {
        name: partial(ask, session, MARKET, **beside.get(name, {}))
        for name, ask in vars(market_now).items()
        if inspect.isfunction(ask)
        and ask.__module__ == market_now.__name__
        and list(inspect.signature(ask).parameters)[:2] == ["session", "market"]
        and name != "_latest"  # of which the others ask
    }
    functions = {
        name: lambda name=name: session.execute(text(f"SELECT * FROM {called_with(name)}")).all()
        for name in (*FUNCTIONS, *FOR_EVERYBODY)
    }
    return names | functions | {"lists": lambda: market_now._last_of_each(session, [MARKET])}


def called_with(function: str) -> str:
    """A call of a function of the database, by the types of its arguments."""
    name, types = function.rstrip(")").split("(")
    days = iter((f"'{DAY}'::date",) * 2)
    said = iter((f"'{MARKET}'", "'law'"))
    return f"{name}({', '.join(next(days if each == 'date' else said) for each in split(types))})"


def split(types: str) -> list[str]:
    return [each.strip() for each in types.split(",") if each.strip()]


def test_pages_lock_the_days_that_they_show_alone(led, monkeypatch):
    monkeypatch.setattr(market_now, "law_of", lambda *_: None)
    monkeypatch.setattr(market_now, "market_zone", lambda *_: "UTC")
    with transaction(led) as session:
        people.add(session, "olga", Role.OPERATOR)
        people.act_as(session, "olga")
        for name, ask in asked_by_pages(session).items():
            for _ in range(8):
                with session.begin_nested() as asking:
                    found = ask()
                    locked = session.scalar(text(LOCKED))
                    asking.rollback()
            assert locked <= FEW, name
            assert found or name.startswith("law_"), name
        session.execute(text("SELECT count(*) FROM market.event WHERE market = 'tiny'"))
        assert session.scalar(text(LOCKED)) > FEW


def test_who_listens_locks_the_days_that_it_reads_alone(led, monkeypatch):
    """Each statement is a transaction: its locks are counted by a plan that is made in one."""
    plans: list[int] = []

    async def read() -> None:
        reader = Reader(writer_url(led))
        newest = await reader.newest(MARKET)
        assert newest.sequence > 60
        after = [Place(), Place(newest.sequence - 9, 0), newest]
        found = [await reader.after(MARKET, place, 10_000) for place in after]
        assert len(found[0]) > len(found[1]) > len(found[2]) == 0
        assert found[0][-1].place == found[1][-1].place == newest
        paged, place = [], Place()
        while page := await reader.after(MARKET, place, 7):
            paged, place = paged + page, page[-1].place
        assert paged == found[0]
        rows = reader._rows

        async def explained(query, values):
            if "market.publication" in query:
                plan = await rows(f"EXPLAIN {query}", values)
                plans.append(sum(" on publication_" in line for (line,) in plan))
            return await rows(query, values)

        monkeypatch.setattr(reader, "_rows", explained)
        for place in after:
            await reader.after(MARKET, place, 50)
        await reader.after(MARKET, Place(), 50, DAY + dt.timedelta(days=1))
        await reader.newest(MARKET)
        await reader.close()

    asyncio.run(read())
    assert plans and max(plans) <= 3
