"""The tutorial, by two regulators and an operator, in a browser and without the command line.

One changes what reserve is paid and sees who wins and loses; another decides; the operator settles
and bills.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Page, expect

from tests.browser.conftest import confirm
from tests.portal.site import MARKET, OUTSIDER, SUPPLIER

WRITER, DECIDER, OPERATOR = "regulator", "commissioner", "operator"
PATIENCE_MS = 60_000


@contextmanager
def confirmed(page: Page, served, who: str) -> Iterator[None]:
    """Answer the page that asks who one is, if it comes, after what moves money or law."""
    yield
    heading = page.get_by_role("heading", level=1)
    heading.wait_for()
    if heading.text_content() == "Confirm that it is you":
        confirm(page, served.passwords[who])


def write_price_of_reserve(page: Page, pounds: str) -> None:
    page.get_by_role("button", name="Change this").click()
    page.get_by_role("link", name=re.compile("^Reserve")).first.click()
    page.get_by_label("Availability price").fill(pounds)
    page.get_by_role("button", name="Save", exact=True).last.click()
    expect(page.get_by_text("Saved in your working copy.")).to_be_visible()
    page.get_by_role("link", name=re.compile("^Working copy")).click()
    expect(page.locator("#changes")).to_contain_text(re.compile("£7.50 per.*→ £3.75 per"))


def open_change(page: Page) -> None:
    page.get_by_role("link", name=re.compile("^Open an?.* change")).click()
    expect(page.get_by_label("Market")).to_have_value(MARKET)
    for label, words in {
        "Title": "Half for reserve", "Problem": "Reserve stands where it is needed least.",
        "Objectives": "Pay for reserve what keeps it.", "Doing nothing": "The price stays.",
        "Other options": "Buy less of it", "Why it is urgent": "Winter is near.",
        "Why now": "The last review asked for it.",
    }.items():  # fmt: skip
        page.get_by_label(label, exact=True).fill(words)
    page.get_by_role("button", name="Open the change").click()
    page.get_by_role("heading", name="Half for reserve").wait_for(timeout=PATIENCE_MS)


def step(page: Page, served, who: str, title: str, words: str, **more: str) -> None:
    page.get_by_text(title, exact=True).first.click()
    form = page.locator("details[open]")
    for label, text in more.items():
        form.get_by_label(label).fill(text)
    form.locator("textarea").last.fill(words)
    with confirmed(page, served, who):
        form.get_by_role("button", name=title).click()
    page.get_by_text(re.compile(r"^You .*\.")).first.wait_for(timeout=PATIENCE_MS)


def test_a_price_is_changed_tried_decided_settled_and_billed_on_pages_alone(open_desk, desk):
    page = open_desk("/rules/gb12/allocation-policy/?on=2024-03-30", WRITER)
    write_price_of_reserve(page, "3.75")
    wanted = page.get_by_label("Wanted from")
    wanted.fill("2024-03-30")
    page.get_by_role("button", name="Set the day").click()
    open_change(page)
    page.goto("/drafts/")
    page.get_by_role("main").get_by_role("link", name=re.compile("gb12|Working copy")).first.click()
    page.get_by_label("Of which change").select_option(index=1)  # the latest; none is taken unasked
    page.get_by_label("What it changes of the text before").fill("Reserve at £3.75")
    page.get_by_role("button", name="Save as a revision").click()
    page.get_by_text("Revision 1 is saved.").wait_for(timeout=PATIENCE_MS)
    address = page.url

    page.get_by_role("link", name="Try it on past days").click()
    page.get_by_label("First day").fill("2024-03-30")
    page.get_by_label("Last day").fill("2024-03-31")
    page.get_by_role("button", name="Try it").click()
    expect(page.get_by_role("heading", name="In pictures")).to_be_visible(timeout=PATIENCE_MS)
    expect(page.get_by_role("heading", level=1)).to_contain_text("£")

    page.goto(address)
    step(page, desk, WRITER, "Ask for review", "Look at the price, please.")
    page = open_desk(address, DECIDER)
    step(page, desk, DECIDER, "Freeze the assessment", "Few lose.",
         **{"What no trial counts": "What people do next."})  # fmt: skip
    step(page, desk, DECIDER, "Accept the change", "It lowers bills.",
         **{"Day from which": "2027-03-31"})  # fmt: skip
    page = open_desk(address, WRITER)
    step(page, desk, WRITER, "Propose it as law", "Half for reserve, as decided.")
    digest = page.locator("div.wide", has_text="Digest of proposal").locator("dd").inner_text()
    expect(page.get_by_text("Approve", exact=True)).to_have_count(0)  # not on one's own text
    page = open_desk(address, DECIDER)
    step(page, desk, DECIDER, "Approve", "Read.", **{"Digest of what you read": digest[:8]})
    expect(page.get_by_text("in force").first).to_be_visible()

    page = open_desk("/calendar/", OPERATOR)
    with confirmed(page, desk, OPERATOR):
        page.get_by_role("button", name=re.compile("^Settle and post")).first.click()
    page.get_by_text(re.compile("Settled .* and posted 2 journals")).wait_for(timeout=PATIENCE_MS)
    page.goto("/calendar/")
    page.get_by_role("button", name="Issue documents of").last.click()
    page.get_by_text(re.compile("Issued .* of gb12 for March 2024")).wait_for(timeout=PATIENCE_MS)
    # The next run that is due: other tests settle in this portal, too.
    note = page.get_by_role("row").filter(has_text=re.compile("R[12]")).first
    note.get_by_role("link", name=re.compile("^gb12-")).first.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("gb12-")
    expect(page.get_by_role("main")).to_contain_text(
        re.compile("[AM][PR]-[0-9]")  # the clauses that it rests on
    )


def test_a_supplier_that_leaves_hands_over_all_it_holds_on_one_page(open_desk, desk):
    page = open_desk(f"/rules/end/{MARKET}/{SUPPLIER}/", OPERATOR)
    expect(page.get_by_role("region", name="Charges")).to_contain_text("TUOS")
    page.get_by_label("Last day").fill("2090-03-31")
    page.get_by_label("Who takes over its supply points").select_option(OUTSIDER)
    page.get_by_label("Supplier of N0-P2 from then on").select_option("Nobody")
    page.get_by_role("button", name="Show what follows").click()
    expect(page.locator("#against")).to_contain_text("found N0-P2")
    expect(page.get_by_label("Supplier of N0-P2 from then on")).to_have_value("-")
    page.get_by_label("Nobody takes energy any more").check()
    page.get_by_label("Reason").fill("It leaves the market")
    with confirmed(page, desk, OPERATOR):
        page.get_by_role("button", name="Propose the end").click()
    expect(page.get_by_text("hands over what a participant holds")).to_be_visible(
        timeout=PATIENCE_MS
    )
    page.get_by_role("link", name=re.compile("^proposal [0-9]+$")).click()
    expect(page.get_by_text("It is approved after")).to_be_visible()
