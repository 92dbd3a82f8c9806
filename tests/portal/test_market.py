"""Market now: what everybody is shown of a market that is online, and why nothing where it is so."""

import re

import pytest
from django.test import Client

from database.session import transaction
from market.core.pricing import Holons
from market.rules import online_market
from portal.market_view import Holarchy, MarketNow, lines_chart
from portal.queries import market_now as queries
from rulebook.law import rules_at
from tests.portal.site import MARKET, ONLINE_UNTIL, SHORT_DAY

pytestmark = pytest.mark.django_db
PAGE = f"/market/{MARKET}/"


def page_of(address: str = PAGE) -> str:
    answer = Client().get(address)
    assert answer.status_code == 200
    return answer.content.decode()


def test_parts_stand_in_the_order_in_which_the_machine_publishes_them(site):
    with transaction() as session:
        law = queries.law_of(session, MARKET, SHORT_DAY)
        compiled = online_market(
            rules_at(session, MARKET, SHORT_DAY, ONLINE_UNTIL.now(None).astimezone())
        )
        last = queries.last_of_now(session, MARKET)
    holons = Holons(compiled.model)
    assert Holarchy(law).names == holons.names
    assert last.at <= ONLINE_UNTIL


def test_timing(site):
    import time

    for _ in range(3):
        t = time.time()
        text = page_of()
        print(time.time() - t, len(text))
    with transaction() as session:
        print(
            session.connection().exec_driver_sql("select count(*) from market.event").scalar(),
            session.connection()
            .exec_driver_sql("select cause, count(*) from market.publication group by 1")
            .all(),
        )
    print(re.sub(r"(?s)<svg.*?</svg>", "", text))
