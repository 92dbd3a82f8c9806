"""Charts in a real browser: one drawing at each width, in words of a size, in every light."""

import pytest
from playwright.sync_api import Page

RULES = "/rules/gb12/market-rules/?on=2024-03-30"
SIZES = """() => [...document.querySelectorAll(".chart svg")].filter(one => one.checkVisibility())
  .map(one => { const box = one.getBoundingClientRect();
    const size = Number(one.querySelector("text").getAttribute("font-size"));
    return {left: box.left, right: box.right,
      text: size * box.width / one.viewBox.baseVal.width}; })"""
STROKE = """() => getComputedStyle([...document.querySelectorAll(".chart svg path")]
  .find(one => one.checkVisibility())).stroke"""


@pytest.mark.parametrize("width", [320, 360, 640, 641, 960, 1280, 1920])
def test_one_drawing_is_shown_and_its_words_are_neither_small_nor_large(open_page, width: int):
    page: Page = open_page(RULES)
    page.set_viewport_size({"width": width, "height": 900})
    drawings = page.evaluate(SIZES)
    assert len(drawings) == 5, "one a layer"
    for shown in drawings:
        assert 11.5 <= shown["text"] <= 18
        assert shown["left"] >= 0 and shown["right"] <= width


def test_whoever_hears_a_page_is_told_of_each_picture_with_its_figures(open_page):
    page: Page = open_page(RULES)
    picture = page.get_by_role("img", name="Energy taken: from £")
    assert picture.count() == 5
    for layer in ("system", "region", "zone", "cluster", "node"):
        figures = page.get_by_role("region", name=f"Figures of: Layer {layer}", exact=True)
        assert figures.count() == 1


def test_a_line_changes_its_colour_in_the_dark_and_not_on_paper(open_page):
    page: Page = open_page(RULES)
    seen = {}
    for scheme in ("light", "dark"):
        for media in ("screen", "print"):
            page.emulate_media(media=media, color_scheme=scheme)
            seen[media, scheme] = page.evaluate(STROKE)
    page.emulate_media(media="null", color_scheme="null")
    assert seen["screen", "light"] == "rgb(15, 82, 87)"
    assert seen["screen", "dark"] == "rgb(201, 228, 226)"
    assert seen["print", "light"] == seen["print", "dark"] == seen["screen", "light"]
