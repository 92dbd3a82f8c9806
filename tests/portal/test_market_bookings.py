"""Bookings on pages: a participant asks for its own points, is told every reason, and once."""

import datetime as dt
import html
import re
from dataclasses import replace

import pytest
from django.template.loader import render_to_string
from django.test import Client

from database.session import transaction
from market.core.booking_records import State, Told
from market.core.forward import MINUTE_US
from market.core.giving_back import GivenBack
from market.core.quotes import Side
from portal import market_ahead
from portal.market_bookings_view import ShownBooking
from portal.models import Act
from portal.queries import market_bookings as queries
from portal.queries import market_now
from portal.views import market_bookings as views
from tests.portal.site import MARKET, SHORT_DAY
from tests.worlds.as_portal import as_worker
from tests.worlds.online import lead

pytestmark = pytest.mark.django_db
PAGE = f"/market/{MARKET}/bookings/"
POINT, OTHERS = "N0-P2", "N34-P1"
WISH = {
    "key": "0" * 32,
    "point": POINT,
    "side": "buy",
    "energy": "7.5",
    "power": "7.4",
    "earliest": "2024-03-31T20:00",
    "latest": "2024-04-01T06:00",
    "limit": "",
}


def words(answer) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", answer.content.decode())).split())


def ask(client: Client, what: str, wish: dict | None = None, **changed) -> str:
    """Send the form, be led on, and return what is told."""
    answer = client.post(f"{PAGE}{what}/", {**(wish or WISH), **changed}, follow=True)
    assert answer.status_code == 200, words(answer)[:2_000]
    return words(answer)


@pytest.fixture
def led(site, monkeypatch):
    """Whoever waits for what became of something finds that somebody led the market."""
    became = views._became

    def after_leading(market, found):
        with as_worker():
            lead(site.engine, MARKET)
        return became(market, found)

    monkeypatch.setattr(views, "_became", after_leading)


@pytest.fixture
def owner(site, sign_in) -> Client:
    lead(site.engine, MARKET)
    return sign_in("owner")


def bookings_by() -> list[tuple]:
    with transaction() as session:
        found = queries.bookings(session, MARKET)
    return [(each.participant, each.number, each.state.value) for each in found]


def test_a_quote_moves_nothing_and_a_booking_is_had_changed_and_given_up(owner, led, sign_in):
    shown = words(owner.get(PAGE))
    assert "Booking 1: buy 7.5 kWh at N0-P2 booked" in shown
    before = bookings_by()
    quoted = ask(owner, "quote")
    assert "The quote" in quoted
    assert re.search(r"7\.5 kWh for £0\.\d+ , placed like this", quoted)
    assert bookings_by() == before
    booked = ask(owner, "book")
    number = int(re.search(r"Booking (\d+) is booked: buy 7\.5 kWh at N0-P2 for £", booked)[1])
    assert f"Booking {number}: buy 7.5 kWh at N0-P2 booked" in booked
    again = ask(owner, "book")  # the same form, sent twice
    assert f"Booking {number} is booked" in again
    assert [each[1] for each in bookings_by()] == [number, *(each[1] for each in before)]
    form = owner.get(f"{PAGE}{number}/").content.decode()
    assert 'name="energy" value="7.5"' in form and 'value="2024-04-01T06:00"' in form
    changed = ask(owner, f"{number}/change", key="1" * 32, energy="5")
    assert f"Booking {number} is booked: buy 5 kWh" in changed
    refused = ask(owner, f"{number}/change", key="2" * 32, limit="-99,000.00")
    assert f"Booking {number} stays as it was. The last change was not had" in refused
    assert "N0-P2" not in words(Client().get(f"/market/{MARKET}/"))
    assert f"Booking {number}: buy 5 kWh at N0-P2, first" in words(owner.get(f"/market/{MARKET}/"))
    held = bookings_by()
    priced = ask(owner, f"{number}/cancel/quote")
    assert f"Give up booking {number}?" in priced and "nothing would be owed at once" in priced
    assert "5 kWh would be given back, and held to the price that is charged" in priced
    assert "decided by who leads the market" in priced and bookings_by() == held
    gone = ask(owner, f"{number}/cancel", key="3" * 32)
    assert f"Booking {number} is given up: nothing of it had begun." in gone
    over = owner.get(f"{PAGE}{number}/")
    assert (over.status_code, over["Location"]) == (302, f"{PAGE}?number={number}")
    assert "N0-P2" not in words(sign_in("outsider").get(PAGE))
    assert "hearth-energy. 31 Mar 2024, 20:00 BST" in words(sign_in("auditor").get(PAGE))


def test_a_form_that_was_sent_asks_for_nothing_else_until_it_is_sent_anew(owner, led):
    key = "a" * 32
    number = int(re.search(r"Booking (\d+) is booked", ask(owner, "book", key=key))[1])
    for what in ("book", f"{number}/change"):
        again = owner.post(f"{PAGE}{what}/", {**WISH, "key": key, "energy": "3"}, follow=True)
        assert again.status_code == 422, words(again)[:500]
        assert "one wish of a form, and it asked for another before" in words(again)
        assert 'name="energy" value="3"' in again.content.decode()
    anew = re.search(r'name="key" value="([0-9a-f]{32})"', again.content.decode())[1]
    assert anew != key
    changed = ask(owner, f"{number}/change", key=anew, energy="3")
    assert f"Booking {number} is booked: buy 3 kWh" in changed
    over = owner.post(f"{PAGE}{number}/cancel/", {"key": key}, follow=True)
    assert over.status_code == 422
    assert "is given up" in ask(owner, f"{number}/cancel", key="b" * 32)
    for what in ("cancel", "cancel/quote"):
        gone = owner.post(f"{PAGE}{number}/{what}/", {"key": "c" * 32}, follow=True)
        assert "ask anew by the form" in words(gone)


def test_a_sign_of_another_currency_and_a_moment_that_no_clock_shows_are_none(owner):
    left_out = {"earliest": "2024-03-31T01:30", "latest": "2024-03-31T02:30"}
    wrong = {"energy": "£7.5", "power": "£7.4", "limit": "€80", **left_out}
    text = html.unescape(owner.post(f"{PAGE}quote/", {**WISH, **wrong}).content.decode())
    for name, said in (
        ("energy", "cannot be read"),
        ("power", "cannot be read"),
        ("limit", "cannot be read"),
        ("earliest", "The clock of Europe/London goes forward over that moment"),
    ):
        assert re.search(rf'id="found-{name}"><li>[^<]*{said}', text), name
    assert 'id="found-latest"' not in text


def test_every_reason_stands_beside_its_field_and_what_was_typed_is_kept(owner):
    wrong = {
        "point": OTHERS, "energy": "much", "power": "0.0001", "earliest": "2024-03-31",
        "latest": "", "limit": "dear",
    }  # fmt: skip
    for what in ("quote", "book"):
        answer = owner.post(f"{PAGE}{what}/", {**WISH, **wrong})
        assert answer.status_code == 422
        text = html.unescape(answer.content.decode())
        for name in ("point", "energy", "power", "earliest", "latest", "limit"):
            assert re.search(rf'<ul class="beside-field" id="found-{name}"><li>[^<]+', text), name
        assert all(f'value="{wrong[name]}"' in text for name in ("energy", "power", "limit"))
    late = words(owner.post(f"{PAGE}quote/", {**WISH, "latest": "2024-03-31T19:00"}))
    assert "A window that ends after it begins" in late
    assert Act.objects.filter(kind="quote").count() == 0
    over = ask(owner, "quote", earliest="2024-03-30T10:00", latest="2024-03-30T18:00")
    assert "It would be refused: its window is over, by the market’s clock." in over


def test_what_nobody_took_is_said_to_wait_and_what_has_no_room_waits_with_its_reason(
    owner, site, monkeypatch
):
    monkeypatch.setattr("portal.jobs.WAIT_SECONDS", 0)
    waits = ask(owner, "book", key="4" * 32)
    assert "Nobody has taken it yet" in waits
    lead(site.engine, MARKET)
    act = Act.objects.filter(kind="book").latest("pk")
    assert "is booked: buy 7.5 kWh" in words(owner.get(f"{PAGE}asked/{act.pk}/"))
    too_much = {"energy": "900000000.0", "power": "9,000,000,000.00", "key": "5" * 32}
    quoted = ask(owner, "quote", **too_much)
    assert "A booking would wait until there is room for all of it." in quoted
    handed_in = ask(owner, "book", **too_much)
    assert "Handed in" in handed_in
    lead(site.engine, MARKET)
    act = Act.objects.filter(kind="book").latest("pk")
    assert "waits: 900,000 MWh at N0-P2. There is not enough room" in words(
        owner.get(f"{PAGE}asked/{act.pk}/")
    )
    assert "1 request for 900,000 MWh, the first due by 1 Apr 2024, 06:00 BST" in words(
        Client().get(f"/market/{MARKET}/")
    )


def test_others_ask_for_nothing_and_read_no_act_of_this(owner, led, sign_in):
    ask(owner, "book", key="6" * 32)
    number = bookings_by()[0][1]
    act = Act.objects.filter(kind="book").latest("pk")
    outsider, operator = sign_in("outsider"), sign_in("operator")
    assert outsider.get(f"{PAGE}asked/{act.pk}/").status_code == 404
    assert outsider.get(f"{PAGE}{number}/").status_code == 404
    for what in ("cancel", "cancel/quote"):
        assert outsider.post(f"{PAGE}{number}/{what}/").status_code == 404
    assert outsider.post(f"{PAGE}book/", WISH).status_code == 422  # no point of theirs
    for what in ("quote", "book", f"{number}/change", f"{number}/cancel"):
        assert operator.post(f"{PAGE}{what}/", WISH).status_code == 403
    assert f"Booking {number}" in words(operator.get(PAGE))
    assert 'id="wish"' not in operator.get(PAGE).content.decode()
    assert sign_in("regulator").get(PAGE).status_code == 403
    assert owner.get("/market/nowhere/bookings/").status_code == 404


def test_one_booking_is_shown_by_its_number_to_who_may_see_it(owner, sign_in):
    shown = words(owner.get(PAGE, {"number": "1"}))
    assert "Booking 1 All your bookings Booking 1: buy 7.5 kWh" in shown
    for number in ("99", "", "1x"):
        assert owner.get(PAGE, {"number": number}).status_code == 404
    assert sign_in("outsider").get(PAGE, {"number": "1"}).status_code == 404
    assert "All bookings Booking 1" in words(sign_in("auditor").get(PAGE, {"number": "1"}))


def test_what_stands_is_read_and_given_up_where_the_law_is_online_no_longer(
    owner, led, monkeypatch
):
    number = int(re.search(r"Booking (\d+) is booked", ask(owner, "book", key="e" * 32))[1])
    online = queries.market_rules
    monkeypatch.setattr(
        queries, "market_rules", lambda *of: online(*of).model_copy(update={"online": None})
    )
    shown = words(owner.get(PAGE))
    assert "nothing can be booked in it" in shown and "Ask for energy" not in shown
    assert f"Give up booking {number}" in shown and "Change Give up" not in shown
    assert owner.get(f"{PAGE}{number}/").status_code == 404
    gone = ask(owner, f"{number}/cancel", key="f" * 32)
    assert f"Booking {number} is given up: nothing of it had begun." in gone


def test_points_are_told_what_they_are_promised_and_owed(owner):
    shown = words(owner.get(PAGE))
    assert "N0-P2" in shown and "Owed is what was refused" in shown
    row = re.search(r"N0-P4 .{0,80}? within 4 h 99\.9 % 0 kWh –", shown)
    assert row, shown[-1_500:]


def real_time(law):
    """A law by which an interval has begun by when anything was handed in."""
    online = law.rules.online.model_copy(update={"begun_by": "handed-in"})
    return replace(law, rules=law.rules.model_copy(update={"online": online}))


def test_quotes_ahead_are_those_of_the_machine(owner, site):
    with transaction() as session:
        last = market_now.last_of_now(session, MARKET)
        now = dt.datetime.now(dt.UTC)
        law = market_now.law_now(session, MARKET, last, now)
        shown = market_ahead.shown_ahead(session, MARKET, law, "node:N0", None, now)
        system = market_ahead.shown_ahead(session, MARKET, law, "nothing", None, now)
        own = market_ahead.shown_ahead(session, MARKET, law, "", "N34", now)
        # In real time, without the intervals that began since.
        timed = real_time(law)
        assert market_ahead.shown_ahead(session, MARKET, timed, "node:N0", None, now) is None
        now = queries.ahead(session, MARKET).begins_at + dt.timedelta(minutes=30)
        rest = market_ahead.shown_ahead(session, MARKET, timed, "node:N0", None, now)
    assert rest.chart.table.rows == shown.chart.table.rows[2:]
    assert (shown.chosen.title, shown.count) == ("North Scotland", 96)
    assert system.chosen.key == "system:gb" and own.chosen.key == "node:N34"
    assert len(shown.chart.table.rows) == 96
    first = shown.chart.table.rows[0][0]
    marks = [row[-1] for row in shown.chart.table.rows]
    assert ("cheapest" in marks) is not shown.is_flat
    cheapest = market_ahead._cheapest([5, 1, 9, 1, 2, *[7] * 20], [0, 2, 3, 4, *range(5, 25)])
    assert cheapest == {3, 4}  # the second has no room, and one in twelve of the rest is two
    answer = Client().get(f"/market/{MARKET}/?at=node:N0")
    page = words(answer)
    # What is loaded anew each minute is selected by its id: twice the same would leave a chart.
    ids = re.findall(r' id="([^"]+)"', answer.content.decode())
    assert "ahead" in ids and len(ids) == len(set(ids))
    assert "Quotes of the next 48 hours, North Scotland" in page
    assert first in page and "Who waits" in page
    assert "Who is served when not all can be" in page


def test_what_became_of_an_interval_is_told_by_the_clock_and_by_what_was_delivered(site):
    with transaction(site.engine) as session:
        (record,) = (each for each in queries.bookings(session, MARKET) if each.number == 1)
        rules = queries.market_rules(session, MARKET, SHORT_DAY)
    begins, ends = record.placed[0].start_minute, record.placed[-1].end_minute
    told = tuple(Told(each.start_minute, 0, each.energy_wh) for each in record.placed)

    def shown(minute, **changed):
        return ShownBooking(replace(record, **changed), rules, minute * MINUTE_US)

    states = [shown(at).state for at in (begins - 1, begins, ends - 1, ends)]
    assert states == ["booked", "being served", "being served", "served, not yet metered"]
    assert [shown(at).is_open for at in (begins - 1, ends)] == [True, False]
    had = shown(ends, state=State.DELIVERED, told=told)
    assert (had.state, had.css, had.delivered) == ("delivered", "good", "7.5\xa0kWh")
    assert [each.delivered for each in had.intervals] == [each.energy for each in had.intervals]
    assert shown(ends, state=State.MISSED, told=told[:1]).delivered != had.delivered
    assert (had.missing, shown(ends, state=State.MISSED).missing) == ("", "")
    nothing = tuple(replace(each, energy_wh=0) for each in told)
    missed = shown(ends, state=State.MISSED, told=nothing).missing
    assert missed.startswith("7.5\xa0kWh was refused, and not served inside the window: its line")
    none = tuple(replace(each, not_taken_wh=each.energy_wh, energy_wh=0) for each in told)
    assert shown(ends, state=State.MISSED, told=none).missing == "7.5\xa0kWh was not taken"


@pytest.mark.parametrize(
    ("side", "turn", "beyond"), [("buy", "fell", "less"), ("sell", "rose", "more")]
)
def test_what_is_owed_for_giving_back_is_said_by_the_way_its_price_moved(site, side, turn, beyond):
    with transaction(site.engine) as session:
        (record,) = (each for each in queries.bookings(session, MARKET) if each.number == 1)
        rules = queries.market_rules(session, MARKET, SHORT_DAY)
    back = replace(
        record,
        request=replace(record.request, side=Side(side)),
        given_back=(GivenBack(0, 2_000_000, 1_500_000),),
        let_go=record.placed,
    )
    moved = {"told": {"kind": "rebook", "is_taken": True, "booking": ShownBooking(back, rules, 0)}}
    told = render_to_string("market/_told.html", moved)
    assert f"as its price {turn} since it was booked: £3.000000." in told
    assert f"where that is {beyond} yet" in told
