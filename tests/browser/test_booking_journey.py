"""A flexible charge in a real browser, from a zone that tightens to the line of a document."""

import datetime as dt
import os
import re
import threading
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from database.roles.granting import plain_url
from database.session import make_engine, transaction
from market.core.events import Event, Kind
from market.core.online import OnlineMarket
from market.fed_days import events_of_day
from market.moments import local_day
from market.rules import online_market
from market.worker import Worker
from rulebook.law import rules_at
from tests.browser.conftest import confirm
from tests.portal.site import BOOKED_AT, BUSINESS, MARKET, ONLINE_UNTIL, SHORT_DAY
from tests.worlds.online import hand_in

BOOKINGS = f"/market/{MARKET}/bookings/"
SIZES = ((360, 800), (1280, 900), (1920, 1080))
MINUTE = dt.timedelta(minutes=1)
DAY_OVER = dt.datetime(2024, 3, 31, 23, 1, tzinfo=dt.UTC)
POINT, ENERGY = "N0-NR", "40\u00a0MWh"
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
        """Tell the market the next minutes of its day, or that the next day began."""
        self.at += minutes * MINUTE
        told = [event for event in self.day if event.at_us <= self.at_us]
        today = local_day(self.at_us, "Europe/London")
        clock = Event(today, f"until {self.at}", Kind.CLOCK, "", self.at_us)
        hand_in(self.engine, MARKET, [*told, clock])

    def tell(self, key: str, kind: Kind, point: str, *numbers: int, words=()) -> None:
        """Tell the market one thing more, now."""
        event = Event(SHORT_DAY, key, kind, point, self.at_us, numbers, words)
        hand_in(self.engine, MARKET, [event])


@pytest.fixture
def living(desk) -> Iterator[Living]:
    market, stop = Living(desk.database_url), threading.Event()
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


def test_a_flexible_charge_is_booked_served_settled_and_explained(
    open_desk, living, desk_windows, desk
):
    watch_a_zone_tighten(open_desk(f"/market/{MARKET}/"), living)
    page = open_desk(BOOKINGS, BUSINESS)
    ask_and_be_refused(page, desk_windows)
    number = book(page, desk.passwords[BUSINESS])
    see_it_served(page, living, number)
    settle_and_bill(open_desk, desk.passwords["operator"])
    page = open_desk(BOOKINGS, BUSINESS)
    delivered = page.locator(f"#booking-{number}")
    reload_until(page, delivered, "delivered")
    expect(delivered).to_contain_text(f"Delivered: {ENERGY}.")
    photograph(page, "delivered")
    follow_its_line(page, number)


def watch_a_zone_tighten(page: Page, living: Living) -> None:
    expect(page.locator("[data-live]")).to_have_text("Live")
    before = page.locator("table.holarchy").inner_text()
    last = page.locator(".published tbody tr").first.text_content()
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
    # Sentences and lists follow the map within seconds.
    expect(page.locator(".published tbody tr").first).not_to_have_text(last, timeout=15_000)
    photograph(page, "tight")
    living.tell("mild", Kind.DEMAND, BOOKED_AT, 600_000_000)


def ask_and_be_refused(page: Page, windows) -> None:
    expect(page.get_by_role("heading", name="What your supply points are promised")).to_be_visible()
    page.get_by_label("Supply point", exact=True).select_option(POINT)
    page.get_by_label("Energy, kWh").fill("much")
    page.get_by_label("Power, kW").fill("50000")
    page.get_by_label("Earliest").fill("2024-03-31T19:00")
    page.get_by_label("Latest").fill("2024-03-31T20:00")
    page.get_by_role("button", name="Quote").click()
    expect(page.get_by_text("'much' cannot be read")).to_be_visible()
    expect(page.get_by_label("Power, kW")).to_have_value("50000")
    photograph(page, "refused")
    (refused,) = windows.said
    assert "422" in refused
    windows.said.clear()


def book(page: Page, password: str) -> str:
    """Ask for a quote and book it; return the number of the booking."""
    page.get_by_label("Energy, kWh").fill("40000")
    page.get_by_role("button", name="Quote").click()
    expect(page.get_by_role("heading", name="The quote")).to_be_visible()
    expect(page.get_by_text(f"{ENERGY} for £")).to_be_visible()
    photograph(page, "quote")
    page.get_by_role("button", name="Book", exact=True).click()
    confirm(page, password)
    said = page.locator("#told .notice")
    expect(said).to_contain_text(f"is booked: buy {ENERGY} at {POINT}", timeout=15_000)
    photograph(page, "booked")
    return said.inner_text().partition("Booking ")[2].split()[0]


def see_it_served(page: Page, living: Living, number: str) -> None:
    living.feed(25)
    booking = page.locator(f"#booking-{number}")
    reload_until(page, booking, "being served")
    living.feed(60)
    reload_until(page, booking, "served, not yet metered")
    until_midnight = (DAY_OVER - living.at) // MINUTE
    living.feed(until_midnight)


def settle_and_bill(open_desk, password: str) -> None:
    """Settle both days again and bill their month, as an operator does on pages."""
    page = open_desk("/calendar/", "operator")
    page.get_by_role("button", name=re.compile("^Settle and post")).first.click()
    confirm(page, password)
    expect(page.get_by_text(re.compile("^Settled .* and posted"))).to_be_visible(timeout=60_000)
    page.goto("/calendar/")
    page.get_by_role("button", name="Issue documents of").last.click()
    expect(page.get_by_text(re.compile("^Issued .* for March 2024"))).to_be_visible(timeout=60_000)


def follow_its_line(page: Page, number: str) -> None:
    """Open the document that names a booking, its line, the day and the interval."""
    page.goto("/invoices/")
    page.get_by_role("link", name=re.compile("^gb12-")).first.click()
    line = page.locator("table.invoice-lines tr", has_text=f"Booking {number}: ")
    expect(line).to_contain_text("40.000000 MWh")
    expect(line).to_contain_text("difference")
    photograph(page, "document")
    document = page.get_by_role("heading", level=1).inner_text()
    line.get_by_role("link", name=f"Booking {number} as it stands").click()
    alone = page.locator("article.booking")
    expect(alone).to_have_count(1)
    expect(alone).to_have_attribute("id", f"booking-{number}")
    photograph(page, "alone")
    alone.get_by_role("link", name=re.compile(f"^line [0-9]+ of {document}$")).click()
    expect(page.get_by_role("link", name=f"Booking {number} as it stands")).to_be_visible()
    photograph(page, "line")
    page.get_by_role("link", name=re.compile("31 Mar 2024")).click()
    photograph(page, "day")
    page.get_by_role("link", name="19:00 to 19:30 BST").click()
    tree = page.locator(".tree").first
    expect(tree).to_contain_text(re.compile("booked less £.* charged"))
    expect(tree).to_contain_text("Booked at £")
    expect(tree.get_by_text("Price at node N0", exact=True)).to_be_visible()
    expect(tree).to_contain_text("Published at node N0 while it ran")
    expect(tree).to_contain_text("nothing is charged by it")
    photograph(page, "interval")


def reload_until(page: Page, place, words: str) -> None:
    """Load the page of bookings anew until a place of it says something."""
    for _ in range(40):
        page.goto(BOOKINGS)
        if words in place.inner_text():
            return
        page.wait_for_timeout(250)
    expect(place).to_contain_text(words)
