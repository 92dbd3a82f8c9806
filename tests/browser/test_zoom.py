"""The plot that zooms: drawn where a script may run, under the policy of all pages, or left out."""

import pytest
from playwright.sync_api import Page, expect

IMAGE = "() => document.querySelector('.zoom canvas').toDataURL()"


@pytest.fixture
def prices(open_page, served):
    """Open the prices of a trial, once they are there."""

    def opened(*, javascript: bool = True) -> Page:
        page = open_page(f"/trials/{served.site.trial}/prices/", "regulator", javascript=javascript)
        heading = page.get_by_text("lowest and highest prices are those of its record")
        for _ in range(20):
            if heading.count():
                break
            page.wait_for_timeout(500)
            page.reload()
        expect(heading).to_be_visible()
        return page

    return opened


def test_it_zooms_by_drag_and_by_buttons_and_shows_all_again(prices):
    page = prices()
    canvas = page.locator(".zoom canvas")
    expect(canvas).to_be_visible()
    canvas.scroll_into_view_if_needed()
    whole = page.evaluate(IMAGE)
    box = page.locator(".zoom .u-over").bounding_box()
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + 0.2 * box["width"], middle)
    page.mouse.down()
    page.mouse.move(box["x"] + 0.5 * box["width"], middle, steps=4)
    page.mouse.up()
    page.wait_for_function(f"({IMAGE})() !== {whole!r}")
    dragged = page.evaluate(IMAGE)
    page.get_by_role("button", name="All").click()
    page.wait_for_function(f"({IMAGE})() !== {dragged!r}")
    page.get_by_role("button", name="Zoom in").click()
    page.wait_for_function(f"({IMAGE})() !== {whole!r}")
    zoomed = page.evaluate(IMAGE)
    page.get_by_role("button", name="Later").click()
    page.wait_for_function(f"({IMAGE})() !== {zoomed!r}")
    assert page.locator(".zoom .u-legend").get_by_text("Law, GBP per MWh").count() == 1


def test_without_script_the_drawing_and_its_table_are_all(prices):
    page = prices(javascript=False)
    expect(page.locator(".zoom")).to_be_hidden()
    expect(page.locator("#prices svg").first).to_be_visible()
    assert page.locator("#prices tbody tr").count() == 46
