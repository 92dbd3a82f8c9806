"""A drawing as a tree of elements, and the SVG that it becomes on a page and in a PDF."""

import html
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from portal.charts.palette import Ink, in_print, on_page
from portal.charts.scales import TENTHS, written

FILE_FONTS = "Noto Sans, sans-serif"
"""A page takes its own from the stylesheet, and a PDF those that are shipped for documents."""
LETTER_TENTHS = 78
"""About the width of a letter at 14 units; no text is measured, so no font of a machine counts."""

Value = str | int | Ink
"""A word, a position in tenths, or what to paint with."""


@dataclass(frozen=True)
class Element:
    """A part of a drawing; `text` is written as it is read, whatever signs it holds."""

    tag: str
    attributes: tuple[tuple[str, Value], ...]
    text: str = ""


@dataclass(frozen=True)
class Drawing:
    """What a chart looks like at one width.

    Attributes:
        width, height: in tenths.
    """

    width: int
    height: int
    elements: tuple[Element, ...]

    def svg(self, identifier: str, alternative: str) -> str:
        """Return the SVG for a page, whose stylesheet knows the colours of the dark."""
        return self._written(identifier, alternative, on_page, "")

    def file_svg(self, identifier: str, alternative: str) -> str:
        """Return the SVG as a file of its own, with the colours of paper."""
        size = (
            f' width="{written(self.width)}" height="{written(self.height)}"'
            f' font-family="{FILE_FONTS}"'
        )
        return self._written(identifier, alternative, in_print, size)

    def printed(self, identifier: str, alternative: str) -> dict[str, Any]:
        """Return the shapes, and the words apart, as `chart.typ` sets them in a PDF; as JSON."""
        shapes = tuple(each for each in self.elements if each.tag != "text")
        texts = [(dict(each.attributes), each.text) for each in self.elements if each.text]
        return {
            "svg": replace(self, elements=shapes).file_svg(identifier, alternative),
            "width": self.width,
            "height": self.height,
            "alternative": alternative,
            "ink": in_print(Ink.WORDS),
            "words": [
                {
                    "x": at["x"],
                    "y": at["y"],
                    "anchor": at["text-anchor"],
                    "size": at["font-size"],
                    "text": text,
                }
                for at, text in texts
            ],
        }

    def _written(
        self, identifier: str, alternative: str, paint: Callable[[Ink], str], more: str
    ) -> str:
        title = f"{identifier}-title"
        box = f"0 0 {written(self.width)} {written(self.height)}"
        parts = "\n".join(_element(element, paint) for element in self.elements)
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{box}"{more} role="img" '
            f'aria-labelledby="{title}"><title id="{title}">{html.escape(alternative)}</title>\n'
            f"{parts}\n</svg>"
        )


def _element(element: Element, paint: Callable[[Ink], str]) -> str:
    said = "".join(
        f' {name}="{html.escape(_value(value, paint))}"' for name, value in element.attributes
    )
    if element.text:
        return f"<{element.tag}{said}>{html.escape(element.text)}</{element.tag}>"
    return f"<{element.tag}{said}/>"


def _value(value: Value, paint: Callable[[Ink], str]) -> str:
    if isinstance(value, Ink):
        return paint(value)
    return written(value) if isinstance(value, int) else value


def line(x1: int, y1: int, x2: int, y2: int, ink: Ink, dashes: str = "") -> Element:
    """Return a thin straight line."""
    ends = (("x1", x1), ("y1", y1), ("x2", x2), ("y2", y2))
    return Element("line", (*ends, ("stroke", ink), *_dashed(dashes)))


def path(commands: str, ink: Ink, dashes: str, thickness: str) -> Element:
    """Return a line of a series."""
    look = (("fill", "none"), ("stroke", ink), ("stroke-width", thickness))
    return Element("path", (("d", commands), *look, ("stroke-linejoin", "round"), *_dashed(dashes)))


def _dashed(dashes: str) -> tuple[tuple[str, Value], ...]:
    return (("stroke-dasharray", dashes),) if dashes else ()


def words(x: int, y: int, text: str, *, size: int = 14, anchor: str = "start") -> Element:
    """Return a line of text whose baseline is at `y`."""
    place = (("x", x), ("y", y), ("text-anchor", anchor), ("font-size", units(size)))
    return Element("text", (*place, ("fill", Ink.WORDS)), text)


def letters_wide(text: str) -> int:
    """Return how many letters wide a text is: those of East Asia take two, marks none.

    >>> letters_wide("£2,000"), letters_wide("東京")
    (6, 4)
    """
    return sum(
        0 if unicodedata.combining(sign) else 2 if unicodedata.east_asian_width(sign) in "WF" else 1
        for sign in text
    )


def width_of(text: str) -> int:
    """Return about how wide a text of 14 units is, in tenths."""
    return letters_wide(text) * LETTER_TENTHS


def shortened(text: str, most_letters: int) -> str:
    """Return a name for which there is room in a drawing, by both its ends; the table has it all.

    >>> shortened("north-wind-and-sun-2", 11), shortened("cedar", 11)
    ('north…sun-2', 'cedar')
    """
    if letters_wide(text) <= most_letters:
        return text
    each = (len(text) - 1) // 2
    while 2 * each and letters_wide(text[:each] + text[-each:]) >= most_letters:
        each -= 1
    return f"{text[:each]}…{text[len(text) - each :]}"


def units(whole: int) -> int:
    """Return units of a drawing in tenths."""
    return whole * TENTHS
