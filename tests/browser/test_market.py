"""Market now in a real browser: live by the stream, readable without script, and on a wall."""

import datetime as dt
import os
from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import text

from database.roles.granting import plain_url
from database.session import make_engine, transaction
from market.leading import connect, lock_key
from tests.portal.site import MARKET, ONLINE_UNTIL, SHORT_DAY
from tests.worlds.online import feed_until

SIZES = {"phone": (360, 800), "desk": (1280, 900), "wall": (1920, 1080), "wall-phone": (360, 800)}
HOUR = dt.timedelta(hours=1)
REACHED = text("SELECT max(at) FROM market.publication WHERE cause <> 'ex post'")


def photograph(page: Page, name: str) -> None:
    """Keep a picture for whoever asks for them, to be looked at."""
    folder = os.environ.get("TALLYSTICK_PHOTOGRAPHS")
    if folder:
        page.screenshot(path=f"{folder}/market-{name}.png", full_page=True)


@contextmanager
def led(served) -> Iterator[None]:
    """Hold the lock by which everybody is told that somebody leads."""
    with closing(connect(plain_url(served.database_url))) as lock:
        lock.execute("SELECT pg_advisory_lock(%s)", [lock_key(MARKET)])
        yield


@pytest.fixture(scope="module")
def fed(served):
    """A function that tells the market that is served more of its day."""
    engine = make_engine(served.database_url)
    with transaction(engine) as session:
        until = [max(ONLINE_UNTIL, session.scalar(REACHED))]  # other tests of it may have fed it

    def feed(hours: int = 1) -> None:
        until[0] += hours * HOUR
        feed_until(engine, MARKET, SHORT_DAY, until[0])

    yield feed
    engine.dispose()


@pytest.mark.parametrize("size", SIZES)
def test_a_market_is_told_live_on_every_screen(served, chromium, fed, size):
    width, height = SIZES[size]
    context = chromium.new_context(viewport={"width": width, "height": height})
    page = context.new_page()
    with led(served):
        see_it_live(page, served, fed, size)
    context.close()


def see_it_live(page: Page, served, fed, size: str) -> None:
    complaints = []
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    page.goto(f"{served.url}/market/{MARKET}/{'?wall' if 'wall' in size else ''}")
    expect(page.locator("[data-live]")).to_have_text("Live")
    clock = page.locator("[data-clock]").inner_text()
    map_before = page.locator("table.holarchy").inner_text()
    last_before = page.locator(".published tbody tr").first.text_content()
    fed()
    expect(page.locator("[data-clock]")).not_to_have_text(clock)
    expect(page.locator("table.holarchy")).not_to_have_text(map_before)
    # The rest of the page follows within seconds: sentences, lines and lists.
    expect(page.locator(".published tbody tr").first).not_to_have_text(last_before, timeout=15_000)
    photograph(page, size)
    live = page.locator("table.holarchy").inner_text()
    page.reload()
    assert page.locator("table.holarchy").inner_text() == live
    assert complaints == []
    assert page.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0
    if "wall" in size:
        assert page.locator("nav").count() == 0
        # Nobody scrolls a wall: the map is whole on it.
        over = "each => each.scrollWidth - each.clientWidth"
        assert page.locator(".map .table-scroll").evaluate(over) <= 0


def test_a_market_that_nobody_leads_says_so_while_it_is_open(served, chromium):
    context = chromium.new_context()
    page = context.new_page()
    page.goto(f"{served.url}/market/{MARKET}/")
    expect(page.get_by_text("Nobody leads this market at present")).to_be_visible()
    expect(page.locator("[data-live]")).to_have_text("Connected, and nothing moves")
    photograph(page, "nobody")
    context.close()


def test_a_page_is_loaded_again_where_other_law_comes(served, chromium):
    context = chromium.new_context()
    page = context.new_page()
    told = 'id: 1.1\nevent: prices\ndata: {"law":"another","cause":"moved","holons":[0]}\n\n'
    page.route(
        "**/stream?*",
        lambda route: route.fulfill(content_type="text/event-stream", body=told),
    )
    page.goto(f"{served.url}/market/{MARKET}/")
    with page.expect_navigation(timeout=10_000):
        pass
    context.close()


def test_a_market_is_read_without_script(served, chromium, fed):
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{served.url}/market/")
    page.get_by_role("link", name=MARKET).click()
    expect(page.get_by_role("heading", name="What sets the price, and why")).to_be_visible()
    expect(page.get_by_text("Not live: load the page again")).to_be_visible()
    before = page.locator("[data-clock]").inner_text()
    fed()
    page.reload()
    assert page.locator("[data-clock]").inner_text() != before
    context.close()
