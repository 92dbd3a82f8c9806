"""A fairness report in a real browser: whole without script, and nothing from elsewhere."""

from urllib.parse import urlsplit

from playwright.sync_api import expect

from tests.portal.site import MARKET


def address(served) -> str:
    return f"/fairness/{MARKET}/{served.site.fairness}/"


def test_without_script_a_report_is_whole_and_its_definitions_open(open_page, served):
    page = open_page(address(served), "regulator", javascript=False)
    for title in (
        "F1 · Fair reward",
        "F2 · Fair delivery",
        "F3 · Fair access",
        "Check this report",
    ):
        expect(page.get_by_role("heading", name=title)).to_be_visible()
    definitions = page.locator("#delivery details")
    expect(definitions.locator("dl")).to_be_hidden()
    definitions.locator("summary").click()
    expect(definitions.get_by_text("Promises kept", exact=True)).to_be_visible()


def test_a_report_asks_for_nothing_from_elsewhere(open_page, served):
    page = open_page("/fairness/", "regulator")
    asked: list[str] = []

    def hear(request) -> None:
        asked.append(request.url)

    page.on("request", hear)
    page.goto(address(served))
    page.remove_listener("request", hear)
    assert asked
    assert {urlsplit(url).netloc for url in asked} == {urlsplit(page.url).netloc}
