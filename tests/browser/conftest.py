"""A portal that is really served, and a real Chromium to drive it with."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from django.db import connections
from django.utils import timezone
from playwright.sync_api import Browser, Page, sync_playwright

from database.embedded import ROOT
from database.session import make_engine
from portal.demo import create_demo_users
from portal.django_on import django_on
from tests.browser.launched import ENDED, Launched, Patience
from tests.portal.site import (
    BUSINESS,
    GENERATOR,
    MARKET,
    OUTSIDER,
    SUPPLIER,
    Site,
    make_site,
    serving_from,
)
from tests.worlds.copied import copied
from tests.worlds.roles import urls_of_roles

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
REQUIRED = os.environ.get("TALLYSTICK_REQUIRE_BROWSER") == "1"
WIDE, NARROW = {"width": 1280, "height": 900}, {"width": 375, "height": 800}
DISPUTING = ["cedar", "doric"]
"""Participants of the tiny market, which `test_disputes` bills in the database that is served."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test here; without a Chromium they skip, unless one is required."""
    here = [item for item in items if "tests/browser" in item.nodeid]
    for item in here:
        item.add_marker(pytest.mark.browser)
        item.add_marker(pytest.mark.flaky(reruns=1, only_rerun=[ENDED]))
        if CHROMIUM is None and not REQUIRED:
            item.add_marker(pytest.mark.skip(reason="no Chromium: install it to drive the pages"))


PATIENCE = Patience()


@pytest.hookimpl(optionalhook=True)  # of pytest-timeout, whose own timer is set besides
def pytest_timeout_set_timer(item: pytest.Item) -> None:
    if item.get_closest_marker("browser"):
        PATIENCE.begin()


@pytest.hookimpl(optionalhook=True)
def pytest_timeout_cancel_timer(item: pytest.Item) -> None:
    PATIENCE.end()


@dataclass(frozen=True)
class Served:
    """A portal that answers: its address, its database, its sign-ins, and what it was copied of."""

    url: str
    database_url: str
    passwords: dict[str, str]
    site: Site


def sign_in(page: Page, who: str, password: str) -> None:
    """Fill in the sign-in page, which leads back to the page one came for."""
    page.get_by_label("Username").fill(who)
    page.get_by_label("Password").fill(password)
    page.get_by_role("main").get_by_role("button", name="Sign in").click()


def when_worked_out(page: Page) -> Page:
    """Return a page once the worker has made what it asked for; until then it leads on itself."""
    page.get_by_text("Being worked out").wait_for(state="hidden", timeout=60_000)
    return page


def confirm(page: Page, password: str) -> None:
    """Answer the page that asks who one is, before money moves; what was typed goes on."""
    page.get_by_role("heading", name="Confirm that it is you").wait_for()
    page.get_by_label("Password").fill(password)
    page.get_by_role("main").get_by_role("button", name="Confirm").click()


@pytest.fixture(scope="session")
def served(clone_portal_database, server_url: str, django_db_blocker) -> Iterator[Served]:
    """The portal of `manage.py serve`, on a copy of the filled database with demo sign-ins."""
    site = make_site(clone_portal_database)
    with served_copy(site, server_url, django_db_blocker) as made:
        yield made


@contextmanager
def served_copy(
    site: Site, server_url: str, django_db_blocker: Any, *more: str
) -> Iterator[Served]:
    """Serve a copy of a filled database with demo sign-ins, for the length of the block.

    Args:
        more: participants who sign in there, beside those of every copy.
    """
    with pytest.MonkeyPatch.context() as patch:
        # The loop of a Chromium may run by now, beside which Django works when it is told to.
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
        site.engine.dispose()
        connections.close_all()
    with copied(server_url, site.url) as url:
        made = make_engine(url)
        with (
            pytest.MonkeyPatch.context() as patch,
            django_db_blocker.unblock(),
            serving_from(url, made),
        ):
            patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
            with django_on(url):
                # Without passwords: whoever serves gives each a new one.
                create_demo_users(timezone.now(), "tiny", DISPUTING)
                create_demo_users(timezone.now(), MARKET, [SUPPLIER, GENERATOR, OUTSIDER, *more])
        made.dispose()
        with serving(url) as (address, passwords):
            yield Served(address, url, passwords, site)


@contextmanager
def serving(url: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Serve a database by `manage.py serve` for the length of the block; say where, and how to.

    The passwords of its demo sign-ins are those that it prints.

    Its output is buffered, as that of any pipe: the line that says where must come all the same.
    """
    inherited = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    process = subprocess.Popen(
        [sys.executable, str(ROOT / "manage.py"), "serve", "--port", "0", "--no-market"],
        env={**inherited, **urls_of_roles(url)},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        address = process.stdout.readline().split()[3].rstrip("/")
        assert process.stdout.readline() == "\n"
        assert process.stdout.readline().startswith("Sign in with")
        printed = iter(process.stdout.readline, "\n")
        yield address, {line.split()[0]: line.split()[1] for line in printed}
    finally:
        process.terminate()
        process.wait(timeout=20)


@pytest.fixture(scope="package")
def launched() -> Iterator[Launched]:
    """A headless Chromium, ended with the package: Django refuses to run in its event loop."""
    assert CHROMIUM, "TALLYSTICK_REQUIRE_BROWSER=1, and there is no Chromium on the path"
    with sync_playwright() as playwright:
        made = Launched(playwright, CHROMIUM)
        yield made
        made.close()


@pytest.fixture
def chromium(launched: Launched) -> Browser:
    return launched.browser()


class Windows:
    """Two browser windows, one of which runs no JavaScript, with what their consoles said.

    Whoever opens a page does so in one of them, with the cookies of the time that they signed in:
    a window of its own for each person or test would start a process of Chromium for each.
    """

    def __init__(self, launched: Launched, served: Served) -> None:
        self.launched, self.served = launched, served
        self.pages: dict[bool, Page] = {}
        self.cookies: dict[str, list[Any]] = {}
        self.said: list[str] = []

    def page_of(self, who: str | None, *, javascript: bool) -> Page:
        """Return a window in which somebody is signed in, or nobody, as wide as a new one."""
        page = self.pages.get(javascript)
        if page is None or page.is_closed():
            page = self.pages[javascript] = self._new_page(javascript)
        page.set_viewport_size(WIDE)
        page.emulate_media(media="null")
        page.context.clear_cookies()
        if who in self.cookies:
            page.context.add_cookies(self.cookies[who])
        elif who is not None:
            page.goto("/account/sign-in/")
            sign_in(page, who, self.served.passwords[who])
            self.cookies[who] = page.context.cookies()
        return page

    def _new_page(self, javascript: bool) -> Page:
        context = self.launched.browser().new_context(
            base_url=self.served.url, viewport=WIDE, java_script_enabled=javascript
        )
        page = context.new_page()
        page.set_default_timeout(10_000)
        page.on("console", lambda message: self.said.append(f"{page.url}: {message.text}"))
        page.on("pageerror", lambda error: self.said.append(f"{page.url}: {error}"))
        return page


@pytest.fixture(scope="package")
def windows(launched: Launched, served: Served) -> Windows:
    return Windows(launched, served)


@pytest.fixture(scope="package")
def desk(clone_portal_database, server_url: str, django_db_blocker) -> Iterator[Served]:
    """A portal in which people settle, bill and decide: whoever else reads has one without that."""
    site = make_site(clone_portal_database)
    with served_copy(site, server_url, django_db_blocker, BUSINESS) as own:
        yield own


@pytest.fixture(scope="package")
def desk_windows(launched: Launched, desk: Served) -> Windows:
    return Windows(launched, desk)


@pytest.fixture
def open_page(windows: Windows) -> Iterator[Callable[..., Page]]:
    """Return a function that opens a page, signed in or not, in place of the one before.

    What the console says fails the test.
    """
    with opening(windows) as open_one:
        yield open_one


@pytest.fixture
def open_desk(desk_windows: Windows) -> Iterator[Callable[..., Page]]:
    """Return a function that opens a page of the portal in which people act, as `open_page`."""
    with opening(desk_windows) as open_one:
        yield open_one


@contextmanager
def opening(windows: Windows) -> Iterator[Callable[..., Page]]:
    """Give a function that opens pages in windows; what their consoles say fails the test."""
    windows.said.clear()

    def open_one(path: str, who: str | None = None, *, javascript: bool = True) -> Page:
        page = windows.page_of(who, javascript=javascript)
        page.goto(path)
        return page

    yield open_one
    assert windows.said == []
