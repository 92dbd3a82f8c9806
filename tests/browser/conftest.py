"""A portal that is really served, and a real Chromium to drive it with."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest
from django.db import connections
from playwright.sync_api import Browser, Page, StorageState, sync_playwright

from database.embedded import ROOT
from tests.portal.site import GENERATOR, SUPPLIER, Site, make_site, manage
from tests.worlds.copied import copied

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
REQUIRED = os.environ.get("TALLYSTICK_REQUIRE_BROWSER") == "1"
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
WIDE, NARROW = {"width": 1280, "height": 900}, {"width": 375, "height": 800}

MAKE_SIGN_INS = f"""
import json
from portal.demo import create_demo_sign_ins
from django.utils import timezone
made = create_demo_sign_ins(timezone.now(), "gb12", {[SUPPLIER, GENERATOR]!r})
print(json.dumps({{one.username: one.password for one in made}}))
"""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test here; without a Chromium they skip, unless one is required."""
    here = [item for item in items if "tests/browser" in item.nodeid]
    for item in here:
        item.add_marker(pytest.mark.browser)
        if CHROMIUM is None and not REQUIRED:
            item.add_marker(pytest.mark.skip(reason="no Chromium: install it to drive the pages"))


@dataclass(frozen=True)
class Served:
    """A portal that answers: its address, its sign-ins, and what is in its database."""

    url: str
    passwords: dict[str, str]
    site: Site
    cookies: dict[str, StorageState] = field(default_factory=dict)


def sign_in(page: Page, who: str, password: str) -> None:
    """Fill in the sign-in page, which leads back to the page one came for."""
    page.get_by_label("Username").fill(who)
    page.get_by_label("Password").fill(password)
    page.get_by_role("main").get_by_role("button", name="Sign in").click()


@pytest.fixture(scope="session")
def served(clone_database, server_url: str) -> Iterator[Served]:
    """The portal of `manage.py serve`, on a copy of the filled database with demo sign-ins."""
    site = make_site(clone_database)
    site.engine.dispose()
    connections.close_all()
    with copied(server_url, site.url) as url:
        passwords = json.loads(manage(url, "shell", "--verbosity", "0", "-c", MAKE_SIGN_INS))
        with serving(url) as address:
            yield Served(address, passwords, site)


@contextmanager
def serving(url: str) -> Iterator[str]:
    """Serve a database by `manage.py serve` for the length of the block, and say where.

    Its output is buffered, as that of any pipe: the line that says where must come all the same.
    """
    inherited = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    process = subprocess.Popen(
        [sys.executable, str(ROOT / "manage.py"), "serve", "--port", "0"],
        env={**inherited, "DATABASE_URL": url},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield process.stdout.readline().split()[3].rstrip("/")
    finally:
        process.terminate()
        process.wait(timeout=20)


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    """A headless Chromium, ended with the package: Django refuses to run in its event loop."""
    assert CHROMIUM, "TALLYSTICK_REQUIRE_BROWSER=1, and there is no Chromium on the path"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield browser
        browser.close()


@pytest.fixture
def open_page(chromium: Browser, served: Served) -> Iterator[Callable[..., Page]]:
    """Return a function that opens a page, signed in or not.

    What the console says fails the test. Who signed in once comes with the cookie of that time.
    """
    said: list[str] = []
    contexts = []

    def open_one(path: str, who: str | None = None, *, javascript: bool = True) -> Page:
        context = chromium.new_context(
            base_url=served.url,
            viewport=WIDE,
            java_script_enabled=javascript,
            storage_state=served.cookies.get(who),
        )
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(10_000)
        page.on("console", lambda message: said.append(f"{page.url}: {message.text}"))
        page.on("pageerror", lambda error: said.append(f"{page.url}: {error}"))
        if who is not None and who not in served.cookies:
            page.goto("/account/sign-in/")
            sign_in(page, who, served.passwords[who])
            served.cookies[who] = context.storage_state()
        page.goto(path)
        return page

    yield open_one
    for context in contexts:
        context.close()
    assert said == []
