"""The colours of charts, on paper and in the dark.

The series are of the palette of Okabe and Ito (*Color Universal Design*, 2008), which those who see
no red, no green or no blue tell apart, but the first, which is the accent of the portal. A test
holds them to 3:1 against the ground, as WCAG 2.2 asks of graphics, and apart from each other under
each of the three kinds of colour blindness. Nothing rests on colour alone: lines have dashes too,
and bars have their side. Shades go from faint to strong, on paper darker and in the dark brighter,
so that they stay in order without their hue; each is drawn larger than the one before, too.
"""

from enum import Enum


class Ink(Enum):
    """What a part of a drawing is painted with: the name in the stylesheet, on paper, in the dark.

    On paper a page and a PDF are alike; the stylesheet gives a page its dark colours.
    """

    FIRST = ("1", "#0f5257", "#c9e4e2")
    SECOND = ("2", "#0072b2", "#56b4e9")
    THIRD = ("3", "#d55e00", "#e69f00")
    FOURTH = ("4", "#009e73", "#f0e442")
    GAIN = ("gain", "#0072b2", "#56b4e9")
    LOSS = ("loss", "#d55e00", "#e69f00")
    SHADE_1 = ("shade1", "#c4701a", "#b8642a")
    SHADE_2 = ("shade2", "#9c4416", "#dd8f3a")
    SHADE_3 = ("shade3", "#6a2418", "#f3bf6b")
    SHADE_4 = ("shade4", "#2c0d14", "#fff0d0")
    RULE = ("rule", "#d5dad6", "#3b4644")
    EDGE = ("edge", "#17211f", "#e6ebe8")
    WORDS = ("words", "#4f5b58", "#b3beba")
    GROUND = ("ground", "#ffffff", "#1b2322")

    def __init__(self, key: str, paper: str, dark: str) -> None:
        self.key, self.paper, self.dark = key, paper, dark

    @property
    def variable(self) -> str:
        """The name of its variable in the stylesheet."""
        return f"--chart-{self.key}"


def on_page(ink: Ink) -> str:
    """Return a colour that the stylesheet decides, and that is right on paper without one.

    >>> on_page(Ink.SECOND)
    'var(--chart-2, #0072b2)'
    """
    return f"var({ink.variable}, {ink.paper})"


def in_print(ink: Ink) -> str:
    """Return a colour as a file and a PDF take it.

    >>> in_print(Ink.SECOND)
    '#0072b2'
    """
    return ink.paper


SERIES = (
    (Ink.FIRST, ""),
    (Ink.SECOND, "9 5"),
    (Ink.THIRD, "2 4"),
    (Ink.FOURTH, "12 4 2 4"),
)
"""The ink of each line of a drawing, and its dashes, for those who print in black and white."""

SHADES = (Ink.SHADE_1, Ink.SHADE_2, Ink.SHADE_3, Ink.SHADE_4)
"""From little to much."""
