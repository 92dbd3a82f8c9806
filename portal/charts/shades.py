"""How much there is of something as one of four shades: nothing has none, and the most the last.

Classes are of equal width and of round bounds, which the legend states, so that two pictures on one
scale can be compared, and a shade is read back as an amount.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from portal.charts.drawing import Element, units, width_of, words
from portal.charts.palette import SHADES, Ink
from portal.charts.scales import round_step, written
from portal.charts.units import Unit

SWATCH, AFTER, BETWEEN, ROW = units(14), units(6), units(18), units(24)
SIDES = (4, 6, 8, 10)
"""Tenths of its cell that a shade fills, each way: what is little looks little."""


@dataclass(frozen=True)
class Shades:
    """Classes of a value, each `step` wide, from nothing to `largest`."""

    step: int
    largest: int
    unit: Unit

    def level(self, value: int) -> int:
        """Return the class of a value: 0 of nothing, then 1 to 4.

        >>> shades = shades_of([0, 130], Unit("Wh"))
        >>> shades.step, [shades.level(value) for value in (0, 1, 50, 51, 130)]
        (50, [0, 1, 1, 2, 3])
        """
        return -(-value // self.step)

    @property
    def labels(self) -> tuple[str, ...]:
        """What the legend says of each class up to the largest; nothing where all is nothing."""
        count = self.level(self.largest)
        bounds = self.unit.on_axis([self.step * at for at in range(count + 1)])[1:]
        # A percent sign is written with its number.
        name = "" if self.unit.name == "ppm" else self.unit.axis_name
        return tuple(
            f"to {bound}" if at else f"up to {bound} {name}".strip()
            for at, bound in enumerate(bounds)
        )


def shades_of(values: Sequence[int], unit: Unit) -> Shades:
    """Return the classes of values.

    Raises:
        ValueError: one is below nothing.
    """
    if min(values, default=0) < 0:
        raise ValueError(f"a value below nothing has no shade: {min(values)}")
    largest = max(values, default=0)
    return Shades(round_step(largest, len(SHADES)), largest, unit)


def squares(cells: Sequence[tuple[int, int, int, int, int]]) -> Iterator[Element]:
    """Yield one element for each class, with a square in each of its cells.

    Args:
        cells: left, top, width and height of each, in tenths, and the class of what is in it.
    """
    for level, ink in enumerate(SHADES, 1):
        parts = [_square(cell) for cell in cells if cell[4] == level]
        if parts:
            yield Element("path", (("d", "".join(parts)), ("fill", ink), ("stroke", "none")))


def _square(cell: tuple[int, int, int, int, int]) -> str:
    left, top, width, height, level = cell
    wide, high = (max(size * SIDES[level - 1] // 10, 1) for size in (width, height))
    x, y = left + (width - wide) // 2, top + (height - high) // 2
    return f"M{written(x)} {written(y)}h{written(wide)}v{written(high)}h-{written(wide)}z"


def legend_height(shades: Shades, width: int) -> int:
    """Return how high the legend of a drawing is."""
    return ROW * (1 + max((row for _, row, _ in _places(shades, width)), default=-1))


def legend(shades: Shades, width: int, top: int = 0) -> Iterator[Element]:
    """Yield a square and a label for each class, in as many rows as they need."""
    cells = []
    for level, (x, row, label) in enumerate(_places(shades, width), 1):
        y = top + ROW * row
        place = (("x", x), ("y", y), ("width", SWATCH), ("height", SWATCH))
        yield Element("rect", (*place, ("fill", Ink.GROUND), ("stroke", Ink.RULE)))
        yield words(x + SWATCH + AFTER, y + units(12), label)
        cells.append((x, y, SWATCH, SWATCH, level))
    yield from squares(cells)


def _places(shades: Shades, width: int) -> list[tuple[int, int, str]]:
    """Return of each class where it stands: how far along, in which row, and its label."""
    found, x, row = [], 0, 0
    for label in shades.labels:
        needed = SWATCH + AFTER + width_of(label)
        if x and x + needed > width:
            x, row = 0, row + 1
        found.append((x, row, label))
        x += needed + BETWEEN
    return found
