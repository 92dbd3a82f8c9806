"""A flexible charge in a real browser: a zone tightens, a supplier books, and it is served."""

import datetime as dt
import os
import threading
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from database.roles.granting import plain_url
from database.session import make_engine, transaction
from market.core.events import Event, Kind
from market.core.online import OnlineMarket
from market.fed_days import events_of_day
from market.rules import online_market
from market.worker import Worker
from portal.queries.market_bookings import bookings
from rulebook.law import rules_at
from tests.browser.conftest import confirm
from tests.portal.site import BOOKED_AT, MARKET, ONLINE_UNTIL, SHORT_DAY, SUPPLIER
from tests.worlds.online import hand_in

BOOKINGS = f"/market/{MARKET}/bookings/"
SIZES = ((360, 800), (1280, 900), (1920, 1080))
MINUTE = dt.timedelta(minutes=1)
TAIL = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"


def photograph(page: Page, name: str) -> None:
    """Hold a page to its width on every screen, and keep pictures for whoever asks for them."""
    folder = os.environ.get("TALLYSTICK_PHOTOGRAPHS")
    for width, height in SIZES:
        page.set_viewport_size({"width": width, "height": height})
        assert page.evaluate(TAIL) <= 0, f"{name} at {width}"
        if folder:
            page.screenshot(path=f"{folder}/booking-{name}-{width}.png", full_page=True)


class Living:
    """A market that somebody leads, and that is told of its day as far as a test likes."""

    def __init__(self, url: str) -> None:
        self.engine = make_engine(url)
        self.at = ONLINE_UNTIL
        with transaction(self.engine) as session:
            self.day = events_of_day(session, MARKET, SHORT_DAY, dt.datetime.now(dt.UTC))

    @property
    def at_us(self) -> int:
        return int(self.at.timestamp()) * 1_000_000

    def resolve(self, day: dt.date, known: dt.datetime) -> OnlineMarket | None:
        with transaction(self.engine) as session:
            return online_market(rules_at(session, MARKET, day, known))

    def feed(self, minutes: int) -> None:
        """Tell the market the next minutes of its day."""
        self.at += minutes * MINUTE
        told = [event for event in self.day if event.at_us <= self.at_us]
        clock = Event(SHORT_DAY, f"until {self.at}", Kind.CLOCK, "", self.at_us)
        hand_in(self.engine, MARKET, [*told, clock])

    def tell(self, key: str, kind: Kind, point: str, *numbers: int, words=()) -> None:
        """Tell the market one thing more, now."""
        event = Event(SHORT_DAY, key, kind, point, self.at_us, numbers, words)
        hand_in(self.engine, MARKET, [event])


@pytest.fixture
def living(served) -> Iterator[Living]:
    market, stop = Living(served.database_url), threading.Event()
    url = plain_url(market.engine.url.render_as_string(hide_password=False))
    worker = Worker(url, MARKET, market.resolve, stop, tell=lambda _: None)
    thread = threading.Thread(target=worker.run)
    thread.start()
    yield market
    stop.set()
    thread.join()
    market.engine.dispose()


def tightness(page: Page, zone: str) -> float:
    cell = page.locator("table.holarchy td", has_text=zone).first
    return float(cell.locator("[data-tightness]").inner_text().replace("\u00a0%", ""))


def test_a_flexible_charge_is_booked_and_served_inside_its_window(
    open_page, living, windows, served
):
    page = open_page(f"/market/{MARKET}/")
    expect(page.locator("[data-live]")).to_have_text("Live")
    before = page.locator("table.holarchy").inner_text()
    zone = "North Scotland"
    was = tightness(page, zone)
    living.feed(5)
    living.tell("cold", Kind.DEMAND, BOOKED_AT, 3_000_000_000)
    expect(page.locator("table.holarchy")).not_to_have_text(before, timeout=15_000)
    page.wait_for_function(
        "([zone, was]) => [...document.querySelectorAll('table.holarchy td')].some(td =>"
        " td.innerText.includes(zone) &&"
        " parseFloat(td.querySelector('[data-tightness]').innerText) > was)",
        arg=[zone, was],
        timeout=30_000,
    )
    photograph(page, "tight")
    living.tell("mild", Kind.DEMAND, BOOKED_AT, 600_000_000)

    page = open_page(BOOKINGS, SUPPLIER)
    expect(page.get_by_role("heading", name="What your supply points are promised")).to_be_visible()
    page.get_by_label("Supply point", exact=True).select_option(BOOKED_AT)
    page.get_by_label("Energy, kWh").fill("much")
    page.get_by_label("Power, kW").fill("7.4")
    page.get_by_label("Earliest").fill("2024-03-31T19:00")
    page.get_by_label("Latest").fill("2024-03-31T19:30")
    page.get_by_role("button", name="Quote").click()
    expect(page.get_by_text("'much' cannot be read")).to_be_visible()
    expect(page.get_by_label("Power, kW")).to_have_value("7.4")
    photograph(page, "refused")
    (refused,) = windows.said
    assert "422" in refused
    windows.said.clear()
    page.get_by_label("Energy, kWh").fill("3.5")
    page.get_by_role("button", name="Quote").click()
    expect(page.get_by_role("heading", name="The quote")).to_be_visible()
    expect(page.get_by_text("3.5\u00a0kWh for £")).to_be_visible()
    photograph(page, "quote")
    page.get_by_role("button", name="Book", exact=True).click()
    confirm(page, served.passwords[SUPPLIER])
    said = page.locator("#told .notice")
    expect(said).to_contain_text(f"is booked: buy 3.5\u00a0kWh at {BOOKED_AT}", timeout=15_000)
    photograph(page, "booked")
    number = said.inner_text().partition("Booking ")[2].split()[0]

    living.feed(25)
    booking = page.locator(f"#booking-{number}")
    reload_until(page, booking, "being served")
    living.feed(30)
    reload_until(page, booking, "served, not yet metered")
    with transaction(living.engine) as session:
        placed, key = placed_of(session, int(number))
    living.tell("metered", Kind.DELIVERY, BOOKED_AT, *placed, words=(key,))
    reload_until(page, booking, "delivered")
    expect(booking).to_contain_text("Delivered: 3.5\u00a0kWh.")
    photograph(page, "delivered")
    # Here goes on: settle the day, and open the line of the document that names the booking.


def reload_until(page: Page, place, words: str) -> None:
    """Load the page of bookings anew until a place of it says something."""
    for _ in range(40):
        page.goto(BOOKINGS)
        if words in place.inner_text():
            return
        page.wait_for_timeout(250)
    expect(place).to_contain_text(words)


def placed_of(session, number: int) -> tuple[tuple[int, int], str]:
    """Where a booking is placed, in one interval, and its key."""
    (record,) = (each for each in bookings(session, MARKET) if each.number == number)
    (placed,) = record.placed
    return (placed.start_minute, placed.energy_wh), record.key
