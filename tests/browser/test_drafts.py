"""A regulator changes the price cap, by keyboard alone and without a script."""

import re

from playwright.sync_api import Page, expect

MOST_STOPS = 200


def reach(page: Page, name: str, role: str = "") -> None:
    """Press Tab until the control of a name has the focus."""
    for _ in range(MOST_STOPS):
        page.keyboard.press("Tab")
        focused = page.locator(":focus")
        if not focused.count():
            continue
        said = focused.get_attribute("aria-label") or focused.inner_text() or ""
        identity = focused.get_attribute("id") or ""
        if name in (said.strip(), identity):
            return
    raise AssertionError(f"no stop of the keyboard is {name}")


def type_over(page: Page, text: str) -> None:
    """Type a text in the place of what stands in the field that has the focus."""
    page.keyboard.press("Control+A")
    page.keyboard.type(text)


def test_the_cap_is_changed_by_keyboard_without_a_script(open_page):
    page = open_page("/rules/gb12/market-rules/?on=2024-03-30", "regulator", javascript=False)
    reach(page, "Change this")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Market rules")
    expect(page.get_by_text("10 points of price curves stand at the cap")).to_be_visible()
    reach(page, "price_cap_micro_per_mwh")
    type_over(page, "3,000")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Saved in your working copy.")).to_be_visible()
    expect(page.get_by_label("Price cap")).to_have_value("3000")
    expect(page.get_by_text("It cannot be proposed yet")).to_have_count(0)
    reach(page, "Layers")
    page.keyboard.press("Enter")
    page.get_by_role("link", name=re.compile("^system")).focus()
    page.keyboard.press("Enter")
    expect(page.get_by_label("Price in row 6").first).to_have_value("3000")
    expect(page.locator("#plot svg").first).to_be_visible()
    reach(page, "Move Curve 6 up")
    page.keyboard.press("Enter")
    expect(page.get_by_text("It cannot be proposed yet")).to_be_visible()
    expect(page.locator("[aria-invalid=true]").first).to_be_visible()
    reach(page, "Move Curve 5 down")
    page.keyboard.press("Enter")
    expect(page.get_by_text("It cannot be proposed yet")).to_have_count(0)
    page.get_by_role("link", name=re.compile("^Working copy")).focus()
    page.keyboard.press("Enter")
    changes = page.locator("#changes")
    expect(changes).to_contain_text(re.compile("price cap: £6,000.00 per.MWh → £3,000.00 per.MWh"))
    expect(page.get_by_text("Publication would find nothing wrong with it.")).to_be_visible()


def test_a_second_window_is_told_and_takes_its_own(open_page, windows):
    page = open_page("/drafts/", "regulator", javascript=False)
    page.get_by_label("Drawn from the law of").fill("2024-03-30")
    page.get_by_role("button", name="Begin a working copy").click()
    page.get_by_label("Of the law of").select_option(
        label="Market rules of the twelve-node Great Britain market"
    )
    page.get_by_role("button", name="Add it").click()
    address = page.url
    other = windows.page_of("regulator", javascript=True)
    other.goto(address)
    other.get_by_label("Title").fill("As the other window has it")
    other.get_by_role("button", name="Save").last.click()
    expect(other.get_by_text("Saved in your working copy.")).to_be_visible()
    page.get_by_label("Title").fill("As this window has it")
    page.get_by_role("button", name="Save").last.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Saved in another window meanwhile")
    (said,) = windows.said
    assert "409 (Conflict)" in said
    windows.said.clear()
    page.get_by_label("Yours: As this window has it").check()
    page.get_by_role("button", name="Save what is chosen").click()
    expect(page.get_by_label("Title")).to_have_value("As this window has it")
