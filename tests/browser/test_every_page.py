"""What holds on every page: it is named, legible, walked by keyboard, fits a phone, prints."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from database.session import transaction
from ledger.people import store
from portal.queries.invoices import invoices_of
from tests.browser.conftest import NARROW, WIDE, when_worked_out
from tests.browser.drafts import draft_with_faults
from tests.browser.tables import CUT, SCREENS, SCROLLS, check_cells
from tests.portal.site import GENERATOR, OUTSIDER, SUPPLIER

OWN_ROW = f"/trials/{{seen_trial}}/own/{SUPPLIER}/"
PAGES = {
    "home": ("/", None),
    "sign in": ("/account/sign-in/", None),
    "rules": ("/rules/?on=2024-03-30", None),
    "market rules": ("/rules/gb12/market-rules/?on=2024-03-30", None),
    "grid model": ("/rules/gb12/grid-model/?on=2024-03-30", None),
    "charge list": ("/rules/gb12/charge-list/isles-networks/?on=2024-03-30", "auditor"),
    "registration": (f"/rules/gb12/registration/{GENERATOR}/?on=2024-03-30", GENERATOR),
    "law of a day": ("/law/gb12/at/2024-03-30/", None),
    "clause": ("/law/gb12/market-rules/MR-2.3/at/2024-03-30/", None),
    "document over time": ("/law/gb12/market-rules/timeline/", None),
    "search of the law": ("/search/?q=price+cap", None),
    "law compared": ("/compare/?before=2020-01-01&after=2024-03-30", None),
    "proposal compared": ("/compare/?proposal={change}", "regulator"),
    "document compared": (
        f"/compare/?proposal={{change}}&document=gb12/registration/{OUTSIDER}",
        "regulator",
    ),
    "invoices": ("/invoices/", SUPPLIER),
    "all invoices": ("/invoices/", "auditor"),
    "invoice": ("/invoices/{number}/", SUPPLIER),
    "line": ("/invoices/{number}/1/", SUPPLIER),
    "day": ("/invoices/{number}/1/2024-03-31/", SUPPLIER),
    "interval": ("/invoices/{number}/1/2024-03-31/30/", SUPPLIER),
    "proof": ("/proof/", None),
    "proof of a document": ("/proof/document/{number}/", SUPPLIER),
    "check a proof": ("/proof/check/", None),
    "opening of a dispute": ("/invoices/{number}/1/dispute/", SUPPLIER),
    "disputes": ("/disputes/", "regulator"),
    "dispute": ("/disputes/gb12/1/", "regulator"),
    "dispute of another": ("/disputes/gb12/1/", GENERATOR),
    "disputes by month": ("/disputes/counts/", None),
    "markets": ("/market/", None),
    "market now": ("/market/gb12/", None),
    "market now, for who runs it": ("/market/gb12/", "operator"),
    "market now on a wall": ("/market/gb12/?wall", None),
    "bookings": ("/market/gb12/bookings/", SUPPLIER),
    "all bookings": ("/market/gb12/bookings/", "auditor"),
    "booking to change": ("/market/gb12/bookings/1/", SUPPLIER),
    "runs": ("/runs/", "operator"),
    "run": ("/runs/{run}/", "operator"),
    "calendar": ("/calendar/", "operator"),
    "notices": ("/notices/", SUPPLIER),
    "all notices": ("/notices/", "auditor"),
    "fairness": ("/fairness/", "operator"),
    "fairness report": ("/fairness/gb12/{fairness}/", "regulator"),
    "fairness report of one's own": ("/fairness/gb12/{fairness}/", SUPPLIER),
    "day of a fairness report": ("/fairness/gb12/{fairness}/2024-03-31/", "regulator"),
    "studies": ("/studies/", "operator"),
    "study": ("/studies/{study}/", "operator"),
    "transition reports": ("/transitions/", SUPPLIER),
    "transition report": ("/transitions/{transition}/", "regulator"),
    "transition report of one's own": ("/transitions/{transition}/", SUPPLIER),
    "trials": ("/trials/", "regulator"),
    "ask-for-trial": ("/trials/ask/", "regulator"),
    "trial": ("/trials/{trial}/", "regulator"),
    "prices of a trial": ("/trials/{trial}/prices/", "regulator"),
    "prices of a day of a trial": ("/trials/{trial}/prices/2024-03-31/", "regulator"),
    "row of a trial": ("/trials/{trial}/1/", "regulator"),
    "day of a trial": ("/trials/{trial}/1/2024-03-31/", "regulator"),
    "line of a trial": ("/trials/{trial}/1/2024-03-31/1/", "regulator"),
    "law and draft": ("/trials/{trial}/1/2024-03-31/1/36/", "regulator"),
    "trial of one's own": ("/trials/{seen_trial}/", SUPPLIER),
    "own row of a trial": (OWN_ROW, SUPPLIER),
    "day of one's own": (f"{OWN_ROW}2024-03-31/", SUPPLIER),
    "line of one's own": (f"{OWN_ROW}2024-03-31/1/", SUPPLIER),
    "law and draft of one's own": (f"{OWN_ROW}2024-03-31/1/36/", SUPPLIER),
    "drafts of law": ("/drafts/", "regulator"),
    "no draft of law": ("/drafts/", "operator"),
    "draft of law": ("/drafts/{draft}/", "regulator"),
    "document of a draft": ("/drafts/{draft}/market-rules/", "regulator"),
    "part of a draft": ("/drafts/{draft}/market-rules/layers.0/", "regulator"),
    "list of a draft": ("/drafts/{draft}/market-rules/layers/", "regulator"),
    "draft of law compared": ("/drafts/{draft}/compared/", "regulator"),
    "files": ("/files/", SUPPLIER),
    "audit trail": ("/audit/", "auditor"),
    "accounts": ("/accounts/", "auditor"),
    "statement of account": (f"/accounts/gb12/{SUPPLIER}/", SUPPLIER),
    "payments": ("/payments/", "operator"),
    "payment": ("/payments/gb12-bank-000001/1/", "operator"),
    "credit": ("/credit/", "regulator"),
    "changes": ("/changes/", OUTSIDER),
    "change": ("/changes/{change}/", OUTSIDER),
    "changes of the law": ("/rules/changes/", SUPPLIER),
    "change of the law": ("/rules/changes/{law}/", SUPPLIER),
    "change of the law, to decide": ("/rules/changes/{law}/", "regulator"),
    "revision compared": ("/rules/changes/{law}/compared/1/", SUPPLIER),
    "document of a revision": (
        "/rules/changes/{law}/compared/1/?document=gb12/market-rules",
        SUPPLIER,
    ),
    "proposal of law": ("/rules/proposals/{change}/", "regulator"),
    "end of a registration": (f"/rules/end/gb12/{SUPPLIER}/?last_day=2090-03-31", "operator"),
    "opening of a change of the law": ("/rules/changes/open/", SUPPLIER),
    "people": ("/people/", "regulator"),
    "account and its rights": ("/people/accounts/operator/", "regulator"),
    "proposal of a right": ("/people/proposals/{proposal}/", "regulator"),
    "account": ("/account/two-factor/", "auditor"),
}

AXE = Axe()
AXE_OPTIONS = {"resultTypes": ["violations"], "rules": {"color-contrast": {"enabled": False}}}
"""Its contrast takes longer than all else: `CONTRAST` holds every text to more, in both schemes."""

UNNAMED_CONTROLS = """() => [...document.querySelectorAll("a, button, input:not([type=hidden])")]
  .filter(one => !(one.textContent.trim() || one.labels?.length || one.getAttribute("aria-label")))
  .map(one => one.outerHTML)"""

ONE_ROW_OF_A_KIND = """() => document.querySelectorAll("tbody").forEach(body => {
  const kinds = new Set();
  [...body.rows].forEach(row => {
    const names = [row, ...row.querySelectorAll("*")].map(one => `${one.tagName}.${one.className}`);
    const attributes = [...row.querySelectorAll("*")].flatMap(one => one.getAttributeNames());
    const kind = [...names, ...attributes].join(" ");
    if (kinds.has(kind)) row.remove();
    kinds.add(kind);
  });
})"""
"""Axe takes a second for a hundred rows that are built alike; contrast is held on all of them."""

KEEP_RINGLESS = """() => {
  window.ringless = [];
  document.addEventListener("focusin", ({target}) => {
    if (getComputedStyle(target).outlineStyle === "none") window.ringless.push(target.outerHTML);
  });
}"""

CONTRAST = """() => {
  const channels = text => text.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b].map(c => c / 255)
    .map(c => c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const ground = one => {
    for (let at = one; at; at = at.parentElement) {
      const colour = channels(getComputedStyle(at).backgroundColor);
      if (colour.length === 3 || colour[3] > 0) return colour;
    }
    return [255, 255, 255];
  };
  const faint = new Set();
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const one = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim()) continue;
    if (!one.checkVisibility({visibilityProperty: true})) continue;
    const style = getComputedStyle(one);
    const ink = one instanceof SVGElement ? style.fill : style.color;
    const [a, b] = [light(channels(ink)), light(ground(one))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) faint.add(`${one.className || one.tagName} ${ratio.toFixed(2)}`);
  }
  return [...faint];
}"""


@pytest.fixture
def number(served) -> str:
    with transaction(served.site.engine) as session:
        return invoices_of(session, {("gb12", SUPPLIER)})[-1].number


@pytest.fixture
def proposal(served) -> int:
    with transaction(served.site.engine) as session:
        return next(each.number for each in store.proposals(session) if each.kind == "grant")


@pytest.fixture
def known(served, number, proposal) -> dict[str, object]:
    """What stands in the addresses of `PAGES`."""
    site = served.site
    return {
        "number": number,
        "run": site.first_run,
        "study": site.study,
        "transition": site.transition,
        "trial": site.trial,
        "seen_trial": site.seen_trial,
        "fairness": site.fairness,
        "proposal": proposal,
        "change": site.change,
        "law": site.law_change,
        "draft": draft_with_faults(served),
    }


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_sound(name, open_page, known):
    """One test a page, since opening it is the slow part."""
    path, who = PAGES[name]
    page = when_worked_out(open_page(path.format(**known), who))
    assert page.title().endswith(" - Tallystick")
    assert page.locator("html").get_attribute("lang") == "en-GB"
    assert page.get_by_role("heading", level=1).count() == 1
    assert page.get_by_text("This is a demonstration").count() == 1
    assert page.evaluate(UNNAMED_CONTROLS) == []
    for scheme in ("dark", "light"):
        page.emulate_media(color_scheme=scheme)
        assert page.evaluate(CONTRAST) == [], scheme
    assert heading_steps(page) == []
    check_keyboard(page)
    check_narrow(page)
    check_print(page)
    page.emulate_media(media="null")
    check_cells(page, name)
    page.set_viewport_size(WIDE)
    page.evaluate(ONE_ROW_OF_A_KIND)
    assert axe_findings(page) == []


def test_axe_finds_what_is_broken(open_page):
    page = open_page("/", None)
    page.evaluate("() => document.querySelector('h1').insertAdjacentHTML('afterend', '<img>')")
    assert [found.partition(":")[0] for found in axe_findings(page)] == ["image-alt"]


def test_what_is_faint_is_found(open_page):
    page = open_page("/", None)
    page.emulate_media(color_scheme="light")
    page.evaluate("() => { document.querySelector('h1').style.color = '#888'; }")
    (found,) = page.evaluate(CONTRAST)
    assert found.startswith("H1 3.")


def axe_findings(page: Page) -> list[str]:
    """Return what axe finds by its rules of WCAG 2.2 to level AA and of good practice, but one."""
    found = AXE.run(page, options=AXE_OPTIONS).response["violations"]
    return [f"{each['id']}: {node['html'][:200]}" for each in found for node in each["nodes"]]


def heading_steps(page: Page) -> list[str]:
    """Return headings that skip a level."""
    levels = page.evaluate(
        "() => [...document.querySelectorAll('h1,h2,h3,h4')].map(h => Number(h.tagName[1]))"
    )
    steps = zip([0, *levels], levels, strict=False)
    return [f"h{before} then h{after}" for before, after in steps if after > before + 1]


def check_keyboard(page: Page) -> None:
    """The first stop skips to the content, and every stop shows a ring."""
    page.evaluate("() => document.activeElement.blur()")
    page.keyboard.press("Tab")
    assert page.evaluate("() => document.activeElement.className") == "skip"
    page.evaluate(KEEP_RINGLESS)
    for _ in range(12):
        page.keyboard.press("Tab")
    assert page.evaluate("() => window.ringless") == []


def check_narrow(page: Page) -> None:
    """Nothing is wider than a phone, save tables, which scroll in place and by keyboard."""
    page.set_viewport_size(NARROW)
    assert page.evaluate("() => document.documentElement.scrollWidth") <= NARROW["width"]
    assert page.evaluate(
        "() => [...document.querySelectorAll('table')].every(t => t.closest('[tabindex=\"0\"]'))"
    )


def check_print(page: Page) -> None:
    """On paper there is no navigation; that nothing is cut off there, `check_cells` asks."""
    page.emulate_media(media="print")
    assert not page.locator(".masthead nav").is_visible()


def test_a_page_is_printed(open_page, number):
    page = open_page(f"/invoices/{number}/", SUPPLIER)
    assert page.pdf(prefer_css_page_size=True).startswith(b"%PDF")


@pytest.mark.parametrize("size", SCREENS.values(), ids=SCREENS)
def test_billions_are_whole_in_every_list(open_page, size):
    """The amounts of the database are those of two days; a market's year has billions."""
    grow = """() => document.querySelectorAll(".money").forEach(money => {
      const below = money.querySelector(".below");
      money.firstChild.data = "−£12,345,678,901.23";
      if (below) below.textContent = "4567";
    })"""
    for path, who in (("/invoices/", "auditor"), ("/credit/", "regulator")):
        page = open_page(path, who)
        page.set_viewport_size(size)
        page.evaluate(grow)
        assert page.evaluate(CUT) == []
        assert page.evaluate(SCROLLS) == []
