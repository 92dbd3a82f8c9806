"""No table cuts a number: what has no room stands in blocks, or scrolls in place."""

from playwright.sync_api import Page

from tests.browser.conftest import NARROW, WIDE

SCREENS = {"wide": WIDE, "narrow": NARROW}
SCROLLS_IN_PLACE = {
    "invoice",
    "day",
    "market rules",
    "grid model",
    "charge list",
    "registration",
    "calendar",
    "law of a day",
    "document of a revision",
    "document over time",
    "study",
    "trial",
    "row of a trial",
    "prices of a trial",
    "prices of a day of a trial",
    "day of a trial",
    "line of a trial",
    "trial of one's own",
    "own row of a trial",
    "day of one's own",
    "line of one's own",
    "change of the law",
    "change of the law, to decide",
    "transition report",
    "transition report of one's own",
    "fairness report",
    "fairness report of one's own",
    "day of a fairness report",
    "market now",
    "market now, for who runs it",
    "market now on a wall",
}
"""Pages with a table that has more columns than a phone has room for, and no list of rows.

Lines of a document, intervals of a day, tables of law, days by run, the parts of a grid in their
layers, and what a study or a trial compared: every other table is seen without scrolling.
"""

CUT = """() => {
  const cut = [];
  const hides = style => ["hidden", "clip"].includes(style.overflowX);
  for (const cell of document.querySelectorAll("td, th, dd, .money, .node-value")) {
    if (!cell.checkVisibility({visibilityProperty: true}) || cell.closest(".unseen")) continue;
    if (cell.closest("thead") || !cell.textContent.trim()) continue;
    for (let at = cell; at !== document.body; at = at.parentElement) {
      const style = getComputedStyle(at);
      if (style.overflowX === "visible") continue;
      const [inside, around] = [cell.getBoundingClientRect(), at.getBoundingClientRect()];
      // What can be scrolled to is not cut; what is hidden is.
      if (hides(style) && inside.right > around.right + 1)
        cut.push(`hidden: ${cell.textContent.trim().slice(0, 40)}`);
      break;
    }
    if (getComputedStyle(cell).textOverflow === "ellipsis" && cell.scrollWidth > cell.clientWidth)
      cut.push(`shortened: ${cell.textContent.trim().slice(0, 40)}`);
  }
  for (const cell of document.querySelectorAll("td, dd")) {
    if (!cell.checkVisibility({visibilityProperty: true}) || cell.closest(".unseen")) continue;
    const outer = cell.getBoundingClientRect();
    const texts = document.createTreeWalker(cell, NodeFilter.SHOW_TEXT);
    while (texts.nextNode()) {
      const around = texts.currentNode.parentElement;
      if (!texts.currentNode.data.trim() || around.closest(".unseen, svg")) continue;
      if (around.closest("td, th, dd") !== cell) continue;  // a table in it scrolls
      if (!around.checkVisibility({visibilityProperty: true})) continue;
      const text = document.createRange();
      text.selectNodeContents(texts.currentNode);
      const inner = text.getBoundingClientRect();
      if (inner.right > outer.right + 1 || inner.left < outer.left - 1)
        cut.push(`over its cell: ${texts.currentNode.data.trim().slice(0, 40)}`);
    }
  }
  for (const region of document.querySelectorAll(".table-scroll"))
    if (region.scrollWidth > region.clientWidth + 1 &&
        !(region.tabIndex === 0 && ["auto", "scroll"].includes(getComputedStyle(region).overflowX)))
      cut.push(`does not scroll: ${region.getAttribute("aria-label")}`);
  return cut;
}"""
SCROLLS = """() => [...document.querySelectorAll(".table-scroll")]
  .filter(region => region.scrollWidth > region.clientWidth + 1)
  .map(region => region.getAttribute("aria-label"))"""
BROKEN = r"""() => [...document.querySelectorAll("td, dd, .money")]
  .filter(figure => /^[−+]?[£$€]?[\d.,]+$/.test(figure.textContent.trim()))
  .filter(figure => {
    const text = document.createRange();
    text.selectNodeContents(figure);
    const [first, ...others] = text.getClientRects();
    return others.some(each => each.left <= first.left + 1 && each.top >= first.bottom - 2);
  })
  .map(figure => figure.textContent.trim())"""
"""Figures that go on in the next line."""

MILLIONS = r"""() => [...document.querySelectorAll(".facts dd")]
  .filter(figure => /^[−+]?[£$€]?[\d.,]+$/.test(figure.textContent.trim()))
  .forEach(figure => { figure.textContent = "−£1,388,218.925" })"""
"""The claims and sums at the head of a page are small in the database of the tests."""

PAPER = {"width": 690, "height": 1000}
"""What A4 leaves between its margins."""

UNLABELLED = """() => [...document.querySelectorAll(".stacked td:not([colspan], :empty)")]
  .filter(cell => !cell.dataset.label && !cell.closest("thead"))
  .map(cell => cell.textContent.trim())"""
"""Cells that have no head beside them once their row is a block."""


def check_cells(page: Page, name: str) -> None:
    """Hold the cells of a page on screens and on paper: none is cut, none stands without its head.

    Args:
        page: with its media and its size to be set anew afterwards.
        name: what `test_every_page` calls it.
    """
    for screen, size in SCREENS.items():
        page.set_viewport_size(size)
        assert page.evaluate(CUT) == [], screen
        if name not in SCROLLS_IN_PLACE:
            found = page.evaluate(SCROLLS)
            assert found == [], (screen, found)
        assert page.evaluate(UNLABELLED) == [], screen
        assert page.evaluate(BROKEN) == [], screen
    page.set_viewport_size(PAPER)
    page.emulate_media(media="print")
    page.evaluate(MILLIONS)
    assert page.evaluate(BROKEN) == []
