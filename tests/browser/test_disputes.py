"""A dispute from the invoice line to the note that settles it, without JavaScript."""

import datetime as dt
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import Engine

from database.session import make_engine, transaction
from settlement.billing.issuing import issue_month
from tests.browser.conftest import confirm
from tests.worlds.settled import FIRST_DAY, LAST_DAY, ingest_tiny, publish_tiny, settle_tiny

JANUARY = dt.date(2024, 1, 1)
MINUTE = dt.timedelta(minutes=1)


@pytest.fixture
def tiny_engine(served) -> Iterator[Engine]:
    """The tiny market, billed a moment ago: its lines may be disputed by the real clock."""
    made, now = make_engine(served.database_url), dt.datetime.now(dt.UTC)
    with transaction(made) as session:
        publish_tiny(session, known=now - 9 * MINUTE)
        ingest_tiny(session, received_at=now - 8 * MINUTE)
        settle_tiny(session, now=now - 7 * MINUTE)
        issue_month(session, "tiny", JANUARY, now=now - 6 * MINUTE)
    yield made
    made.dispose()


@pytest.fixture
def page_of(tiny_engine, open_page) -> Callable[[str, str], Page]:
    """Return a function that opens a page as somebody, where the tiny market is served."""
    return lambda who, path: open_page(path, who, javascript=False)


def take(page: Page, title: str, reason: str) -> None:
    """Unfold a step and take it."""
    step = page.locator("details.step").filter(has=page.locator("summary", has_text=title))
    if step.get_attribute("open") is None:
        step.locator("summary").click()
    step.get_by_label("Reason").fill(reason)
    step.get_by_role("checkbox").check()
    step.get_by_role("button", name=title).click()


def correct(engine: Engine) -> None:
    now = dt.datetime.now(dt.UTC)
    with transaction(engine) as session:
        ingest_tiny(session, FIRST_DAY, LAST_DAY, seed=2, only=["B-home"], received_at=now)
        settle_tiny(session, "SF", now=now + dt.timedelta(microseconds=1))
        issue_month(session, "tiny", JANUARY, now=now + dt.timedelta(microseconds=2))


def test_a_line_is_disputed_answered_decided_and_settled(
    page_of, tiny_engine, served, tmp_path, windows
):
    windows.cookies.clear()  # another test may have confirmed of late who they are
    page = page_of("cedar", "/invoices/")
    page.get_by_role("link", name="tiny-invoice-").first.click()
    invoice = page.url
    page.get_by_role("link", name="Dispute the line for B-home, Fuel").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Dispute this line")
    page.get_by_label("Amount, GBP").fill("12.50")
    page.get_by_label("Reason").fill("The meter counted twice.")
    readings = tmp_path / "our readings.csv"
    readings.write_text("interval,kWh\n1,20\n")
    page.get_by_label("Attachment, if any").set_input_files(readings)
    page.get_by_role("checkbox").check()
    page.get_by_role("button", name="Open the dispute").click()
    expect(page.get_by_text("Dispute 1 is open")).to_be_visible()
    expect(page.get_by_text("Answer due in 15 days")).to_be_visible()
    assert page.locator("details.step > summary").all_text_contents()[0].startswith("Withdraw")

    operator = page_of("operator", "/disputes/")
    operator.get_by_role("link", name="tiny 1").click()
    take(operator, "Reject", "The readings were accepted.")
    confirm(operator, served.passwords["operator"])
    expect(operator.get_by_text("Rejected. It stands in the timeline.")).to_be_visible()

    page = page_of("cedar", "/disputes/tiny/1/")
    take(page, "Escalate to the regulator", "They were not read.")
    regulator = page_of("regulator", "/disputes/tiny/1/")
    with regulator.expect_download() as download:
        regulator.get_by_role("link", name="our-readings.csv").click()
    assert download.value.suggested_filename == "our-readings.csv"
    take(regulator, "Uphold", "Read it again.")
    confirm(regulator, served.passwords["regulator"])
    expect(regulator.get_by_role("heading", name="Upheld: £12.50")).to_be_visible()

    correct(tiny_engine)
    operator = page_of("operator", "/disputes/tiny/1/")
    expect(operator.get_by_text("Run SF, 3 days, billed by tiny-invoice-")).to_be_visible()
    take(operator, "Settle", "Settled again with the corrected readings.")
    expect(operator.get_by_text("Settled by a later run").first).to_be_visible()

    page = page_of("cedar", invoice)
    expect(page.get_by_role("link", name="Dispute 1: settled")).to_be_visible()
    other = page_of("doric", "/disputes/tiny/1/")
    expect(other.get_by_text("moved lines of yours")).to_be_visible()
    expect(other.get_by_text("The meter counted twice.")).to_have_count(0)
