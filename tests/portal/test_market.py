"""Market now: what everybody is shown of a market that is online, and why nothing is."""

import datetime as dt
import re
from dataclasses import replace

import numpy as np
import pytest
from django.test import Client

from database.session import transaction
from market.core.events import Event, Kind
from market.core.machine import Cause
from market.core.pricing import Holons
from market.inbox import submit
from market.moments import midnight_us
from market.places import Place
from market.rules import online_market
from portal import health
from portal.market_view import Holarchy, MarketNow, lines_chart
from portal.queries import market_now as queries
from portal.queries.market_watch import Leadership, leaderships
from portal.views import market as views
from rulebook.law import rules_at
from tests.portal.site import MARKET, SHORT_DAY
from tests.worlds.online import lead

pytestmark = pytest.mark.django_db
PAGE = f"/market/{MARKET}/"
MIDNIGHT_US = midnight_us(SHORT_DAY, "Europe/London")
STEP = dt.timedelta(minutes=30)


def page_of(address: str = PAGE, client: Client | None = None) -> str:
    answer = (client or Client()).get(address)
    assert answer.status_code == 200
    return " ".join(re.sub(r"<[^>]+>", " ", answer.content.decode()).split())


@pytest.fixture
def law(site) -> queries.OnlineLaw:
    with transaction() as session:
        last = queries.last_of_now(session, MARKET)
        found = queries.law_told(session, MARKET, last.law)
    assert found is not None and found.digest == last.law
    return found


@pytest.fixture
def since(site) -> list[queries.Published]:
    with transaction() as session:
        return queries.since_whole(session, MARKET)


@pytest.fixture(autouse=True)
def nothing_kept():
    views._kept.clear()
    yield
    views._kept.clear()


def with_prices(each: queries.Published, prices: list[int]) -> queries.Published:
    return replace(each, price_micro_per_mwh=prices, cause=Cause.INTERVAL_END)


def test_parts_stand_in_the_order_in_which_the_machine_publishes_them(law):
    with transaction() as session:
        compiled = online_market(rules_at(session, MARKET, SHORT_DAY, dt.datetime.now(dt.UTC)))
    holons = Holons(compiled.model)
    assert Holarchy(law).names == holons.names
    of_nodes = Holarchy(law).of_nodes
    for position, node in enumerate(compiled.model.grid.nodes):
        assert of_nodes[node] == tuple(holons.node_holons[:, position])


def test_what_binds_at_a_node_is_what_the_machine_says_that_binds(law, since):
    with transaction() as session:
        compiled = online_market(rules_at(session, MARKET, SHORT_DAY, dt.datetime.now(dt.UTC)))
    holons, shown = Holons(compiled.model), MarketNow(law, since)
    prices = np.array([part.price_micro for part in shown.parts], dtype=np.int64)
    at_nodes, binding = holons.node_prices(prices)
    titles = {each.node: each.title for each in law.grid.nodes}
    bound = {node: each.part for each in shown.bindings for node in each.nodes}
    for position, node in enumerate(compiled.model.grid.nodes):
        part = bound[titles[node]]
        assert part.price_micro == at_nodes[position]
        assert part.layer == law.grid.layers[binding[position]]
    assert sum(len(each.nodes) for each in shown.bindings) == shown.node_count == 12


def test_what_moved_stands_over_what_was_told_of_every_part(law, since):
    first = since[0]
    moved = replace(
        first, holons=[3], tightness_ppm=[7], price_micro_per_mwh=[8], sell_price_micro_per_mwh=[9]
    )
    parts = MarketNow(law, [first, moved]).parts
    assert (parts[3].tightness_ppm, parts[3].price_micro, parts[3].sell_micro) == (7, 8, 9)
    before = MarketNow(law, [first]).parts
    assert [part for part in parts if part.index != 3] == [p for p in before if p.index != 3]


def test_the_map_holds_each_part_once_and_as_high_as_what_lies_in_it(law, since):
    shown = MarketNow(law, since)
    parts = [part for row in shown.rows for part in row]
    assert sorted(part.index for part in parts) == list(range(len(shown.parts)))
    for layer in law.grid.layers:
        assert sum(part.span for part in parts if part.layer == layer) == len(shown.rows) == 12


def test_a_layer_for_which_there_is_no_room_is_left_to_the_table(law, since, monkeypatch):
    monkeypatch.setattr("portal.market_view.MOST_PARTS", 5)
    shown = MarketNow(law, since)
    assert shown.shown_layers == ("system", "region", "zone")
    assert [layer.name for layer in shown.layers] == list(law.grid.layers)
    monkeypatch.setattr("portal.market_view.MOST_PARTS", 0)
    assert MarketNow(law, since).rows == ()


def test_lines_go_through_the_ends_of_intervals_and_hold_on_where_one_was_not_told(law, since):
    count = len(Holarchy(law).names)
    start = dt.datetime(2024, 3, 30, 23, 30, tzinfo=dt.UTC)  # half an hour before the short day
    prices = [[number] * count for number in (1, 2, 3)]
    ends = [
        replace(with_prices(since[0], each), at=start + step * STEP)
        for each, step in zip(prices, (0, 1, 3), strict=True)
    ]
    laws = {law.digest: law}
    chart = lines_chart(law, ends, laws)
    assert [row[0] for row in chart.table.rows] == ["30 Mar 2024", "31 Mar 2024"]
    assert "highest £0.000003 per\xa0MWh (31 Mar 2024, interval 2)" in chart.alternative
    assert chart.table.note == "The first of these intervals ended on 30 Mar 2024, 23:30 GMT."
    only_today = lines_chart(law, ends[2:], laws)
    assert only_today.table.rows == (("1", "£0.000003", "£0.000003"),)
    assert lines_chart(law, [], laws) is None
    of_another_law = [replace(each, law="another") for each in ends]
    assert lines_chart(law, of_another_law, laws) is None


def test_everybody_reads_how_tight_it_is_what_binds_and_how_old_it_is():
    shown = page_of()
    assert "The market’s clock, as last published: 31 Mar 2024, 18:30 BST" in shown
    assert "The clock on the wall when that was stored: " in shown
    assert "and nothing proves it" in shown
    assert "Great Britain (system) sets" in shown
    assert "Nothing: all that is wanted can be delivered everywhere." in shown
    assert "an interval ended" in shown


def test_the_rest_is_what_the_page_holds_and_is_made_once():
    part = page_of(f"{PAGE}?part=rest")
    assert part in page_of()
    assert "masthead" not in Client().get(f"{PAGE}?part=rest").content.decode()
    with transaction() as session:
        place = queries.newest_place(session, MARKET)
    assert views._kept[MARKET][0] == place
    views._kept[MARKET] = (place, "what is kept")
    assert page_of(f"{PAGE}?part=rest") == "what is kept"
    views._kept[MARKET] = (Place(1, 1), "of another place")
    assert page_of(f"{PAGE}?part=rest") == part


def test_a_wall_screen_has_no_navigation():
    assert "<nav" not in Client().get(f"{PAGE}?wall").content.decode()
    assert "Sign in" not in page_of(f"{PAGE}?wall")


def test_a_shortage_is_named_with_the_rule_by_which_is_served(monkeypatch, since):
    short = replace(since[0], tightness_ppm=[1_200_000, *since[0].tightness_ppm[1:]])
    monkeypatch.setattr(queries, "since_whole", lambda *_: [short])
    shown = page_of()
    assert "Great Britain (system): 120.0 % of what can be delivered" in shown
    assert "Not all of it can be served." in shown
    assert "allocation policy" in shown.lower()


def test_why_there_is_nothing_is_said(monkeypatch, law):
    monkeypatch.setattr(queries, "since_whole", lambda *_: [])
    monkeypatch.setattr(queries, "last_of_now", lambda *_: None)
    shown = page_of()
    assert "was led, and nothing is published yet" in shown and "nobody leads it" in shown
    monkeypatch.setattr(views, "leaderships", lambda *_: {})
    assert "Nobody leads this market yet" in page_of()
    offline = replace(law, rules=law.rules.model_copy(update={"online": None}))
    monkeypatch.setattr(queries, "law_now", lambda *_: offline)
    assert "and not online" in page_of()
    monkeypatch.setattr(queries, "law_now", lambda *_: None)
    assert "No law of this market is in force" in page_of()


def test_what_was_told_of_another_law_is_not_shown_under_names_of_this(monkeypatch, since):
    monkeypatch.setattr(queries, "since_whole", lambda *_: [replace(since[0], law="another")])
    assert "Nothing tells of every part of the grid by the law" in page_of()
    monkeypatch.setattr(queries, "last_of_now", lambda *_: replace(since[0], law="another"))
    assert "is none that it was told" in page_of()


def test_the_parts_of_a_law_are_named_by_their_numbers(law):
    answer = Client().get(f"{PAGE}law/{law.digest}/")
    assert [(each["holon"], each["layer"], each["name"]) for each in answer.json()["parts"]] == [
        (index, *part) for index, part in enumerate(Holarchy(law).names)
    ]
    assert Client().get(f"{PAGE}law/{'0' * 64}/").status_code == 404


def ago(seconds: int) -> dt.datetime:
    return dt.datetime.now(dt.UTC) - dt.timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("has_leader", "waits_s", "said", "is_well"),
    [
        (False, 90, "Nobody leads this market at present. What was handed", False),
        (False, None, "nothing that happens now moves these prices", True),
        (True, 90, "Prices are behind: what was handed in at", False),
        (None, 90, "Nobody ever led this market. What was handed in since", False),
        (True, 2, "Somebody leads this market and nothing waits", True),
        (True, None, "Somebody leads this market and nothing waits", True),
    ],
)
def test_whether_somebody_leads_is_said_to_everybody_and_to_who_watches(
    monkeypatch, has_leader, waits_s, said, is_well
):
    since = None if waits_s is None else ago(waits_s)
    leadership = Leadership(bool(has_leader), since, was_led=has_leader is not None)
    for module in (views, health):
        monkeypatch.setattr(module, "leaderships", lambda *_: {MARKET: leadership})
    monkeypatch.setattr(views, "QUIET", dt.timedelta())
    for address in (PAGE, f"{PAGE}?part=state"):
        assert said in page_of(address)
    (part,) = (each for each in health.check_parts(ago(0)) if each.part == "markets")
    assert part.is_well is is_well
    assert MARKET in part.words or has_leader
    if not is_well:
        assert Client().get("/healthy/?all=1").status_code == 503


def test_a_market_that_nobody_ever_led_is_known_where_anything_waits_for_it(site):
    with transaction(site.engine) as session, session.begin_nested() as asking:
        before = leaderships(session)
        told = Event(SHORT_DAY, "waits", Kind.CLOCK, "", MIDNIGHT_US)
        for market in ("a-new-one", "z-new-one"):
            assert submit(session, market, [told], by="feeder") == []
        found = leaderships(session)
        asking.rollback()
    assert list(found) == sorted([*before, "a-new-one", "z-new-one"])
    for market in ("a-new-one", "z-new-one"):
        assert not found[market].was_led and not found[market].has_leader
        assert found[market].waits_too_long(ago(-31))
    assert all(each.was_led for each in before.values())


def test_a_market_that_is_none_is_no_page():
    assert Client().get("/market/nowhere/").status_code == 404
    assert Client().post(PAGE).status_code == 405


def test_the_list_says_which_markets_are_online(site):
    state = "online, and led by nobody at present"
    assert f"{MARKET} {state} 31 Mar 2024, 18:30 BST" in page_of("/market/")


def test_who_runs_the_market_sees_who_leads_what_waits_and_what_was_kept_apart(site, sign_in):
    with transaction(site.engine) as session:
        late = Event(SHORT_DAY, "too-late", Kind.OUTAGE, "drax-1", MIDNIGHT_US)
        assert submit(session, MARKET, [late], by="feeder") == []
    lead(site.engine, MARKET)
    with transaction(site.engine) as session:
        waits = Event(SHORT_DAY, "waits", Kind.CLOCK, "", MIDNIGHT_US)
        assert submit(session, MARKET, [waits], by="feeder") == []
    shown = page_of(client=sign_in("operator"))
    assert "is led by nobody at present" in shown
    assert "Waiting in the inbox 1, the oldest since" in shown
    assert "Events wait and nobody leads: start manage.py market run gb12" in shown
    assert "late: 1" in shown and "outage drax-1 31 Mar 2024" in shown and "feeder" in shown
    assert "For who runs the market" not in page_of()
    lead(site.engine, MARKET)  # or what waits would make it stalled to tests that come after
