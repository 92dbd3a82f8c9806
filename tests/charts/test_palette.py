"""Colours of charts: legible, told apart by the colour-blind, and the same in the stylesheet."""

import re
from itertools import combinations, pairwise

import pytest

from portal.charts.palette import SERIES, SHADES, Ink
from tests.conftest import ROOT

GROUNDS = {"paper": ("#ffffff", "#f6f7f4"), "dark": ("#1b2322", "#121817")}
GRAPHIC, TEXT = 3.0, 4.5
"""Contrasts that WCAG 2.2 asks of graphics and of text, at the level AA."""
BLINDNESS = {
    "none": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "protanopia": (
        (0.152286, 1.052583, -0.204868),
        (0.114503, 0.786281, 0.099216),
        (-0.003882, -0.048116, 1.051998),
    ),
    "deuteranopia": (
        (0.367322, 0.860646, -0.227968),
        (0.280085, 0.672501, 0.047413),
        (-0.011820, 0.042940, 0.968881),
    ),
    "tritanopia": (
        (1.255528, -0.076749, -0.178779),
        (-0.078411, 0.930809, 0.147602),
        (0.004733, 0.691367, 0.303900),
    ),
}
"""Machado, Oliveira and Fernandes (2009), table of severity 1.0, on linear RGB."""
APART = 15
"""CIE76 in Lab; 2.3 is the least that an eye tells apart side by side."""
TO_XYZ = ((0.4124, 0.3576, 0.1805), (0.2126, 0.7152, 0.0722), (0.0193, 0.1192, 0.9505))
WHITE = (0.9505, 1.0, 1.089)


def linear(colour: str) -> list[float]:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    return [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]


def times(matrix, vector) -> list[float]:
    return [sum(a * b for a, b in zip(row, vector, strict=True)) for row in matrix]


def contrast(one: str, other: str) -> float:
    low, high = sorted(times(TO_XYZ, linear(each))[1] for each in (one, other))
    return (high + 0.05) / (low + 0.05)


def lab(rgb: list[float]) -> tuple[float, float, float]:
    x, y, z = (
        part ** (1 / 3) if part > 0.008856 else 7.787 * part + 16 / 116
        for part in (a / b for a, b in zip(times(TO_XYZ, rgb), WHITE, strict=True))
    )
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


def apart(one: str, other: str, blindness: str) -> float:
    seen = [
        lab([min(1, max(0, part)) for part in times(BLINDNESS[blindness], linear(colour))])
        for colour in (one, other)
    ]
    return sum((a - b) ** 2 for a, b in zip(*seen, strict=True)) ** 0.5


@pytest.mark.parametrize("scheme", GROUNDS)
@pytest.mark.parametrize(
    "ink", [ink for ink in Ink if ink not in (Ink.RULE, Ink.GROUND)], ids=lambda ink: ink.key
)
def test_an_ink_stands_out_from_every_ground(ink: Ink, scheme: str):
    least = TEXT if ink is Ink.WORDS else GRAPHIC
    assert [contrast(getattr(ink, scheme), ground) >= least for ground in GROUNDS[scheme]] == [
        True,
        True,
    ]


@pytest.mark.parametrize("scheme", GROUNDS)
@pytest.mark.parametrize("blindness", BLINDNESS)
def test_series_and_gains_are_told_apart_by_whoever_sees_them(blindness: str, scheme: str):
    pairs = [*combinations([ink for ink, _ in SERIES], 2), (Ink.GAIN, Ink.LOSS)]
    pairs += combinations(SHADES, 2)
    near = {
        f"{one.key} and {other.key}": round(distance, 1)
        for one, other in pairs
        if (distance := apart(getattr(one, scheme), getattr(other, scheme), blindness)) < APART
    }
    assert near == {}


@pytest.mark.parametrize("scheme", GROUNDS)
def test_shades_stay_in_order_where_there_is_no_hue(scheme: str):
    """In black and white each stands out more from the ground than the one before."""
    ground = GROUNDS[scheme][0]
    steps = [contrast(getattr(ink, scheme), ground) for ink in SHADES]
    assert all(after > 1.4 * before for before, after in pairwise(steps))


def test_no_two_series_have_the_same_dashes():
    assert len({dashes for _, dashes in SERIES}) == len(SERIES)


def test_the_measure_knows_colours_that_the_colour_blind_confuse():
    """Else the test above could not fail."""
    assert apart("#d55e00", "#8a6a00", "none") > 2 * APART
    assert apart("#d55e00", "#8a6a00", "protanopia") < APART
    assert contrast("#000000", "#ffffff") == pytest.approx(21)


def test_the_stylesheet_has_these_inks_for_both_schemes():
    style = (ROOT / "static/tallystick.css").read_text()
    before, dark = style.split("@media screen and (prefers-color-scheme: dark)")
    dark, _ = dark.split("/* A wide screen")
    for scheme, part in (("paper", before), ("dark", dark)):
        said = dict(re.findall(r"(--chart-[a-z0-9]+): (#[0-9a-f]{6});", part))
        assert said == {ink.variable: getattr(ink, scheme) for ink in Ink}
        grounds = [re.search(rf"--{name}: (#[0-9a-f]+);", part)[1] for name in ("paper", "ground")]
        assert tuple(grounds) == GROUNDS[scheme]
    assert len(re.findall("--chart-[a-z0-9]+:", style)) == 2 * len(Ink)
