"""A market that was online for some hours of a day: its log, and what it published of it."""

import datetime as dt
from contextlib import closing

from sqlalchemy import Engine

from database.roles.granting import plain_url
from database.session import transaction
from market.core.events import Event
from market.core.online import OnlineMarket
from market.fed_days import events_of_day
from market.inbox import submit
from market.leading import connect
from market.rules import online_market
from rulebook.law import rules_at
from tests.market.led import leader_of, take_all


def feed_until(engine: Engine, market: str, day: dt.date, until: dt.datetime) -> None:
    """Tell a market a day of readings up to a moment, and lead it until all of it is taken."""
    now = dt.datetime.now(dt.UTC)
    with transaction(engine) as session:
        events = events_of_day(session, market, day, now)
    last_us = int(until.timestamp()) * 1_000_000
    hand_in(engine, market, [event for event in events if event.at_us <= last_us])
    lead(engine, market)


def hand_in(engine: Engine, market: str, events: list[Event]) -> None:
    """Hand events in, all or none."""
    with transaction(engine) as session:
        assert submit(session, market, events, by="operator") == []


def lead(engine: Engine, market: str) -> None:
    """Lead a market until its inbox is empty."""

    def resolve(day: dt.date, known: dt.datetime) -> OnlineMarket | None:
        with transaction(engine) as session:
            return online_market(rules_at(session, market, day, known))

    url = plain_url(engine.url.render_as_string(hide_password=False))
    with closing(connect(url)) as connection:
        take_all(leader_of(connection, market, resolve))
