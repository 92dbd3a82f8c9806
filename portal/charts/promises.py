"""What was delivered beside what was promised, on an axis that ends at the whole."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from portal.charts.chart import NARROW, NOTHING, Chart, Table, chart
from portal.charts.drawing import (
    LETTER_TENTHS,
    Drawing,
    Element,
    letters_wide,
    line,
    shortened,
    units,
    words,
)
from portal.charts.frame import ticks
from portal.charts.palette import Ink
from portal.charts.scales import Scale, round_values
from portal.charts.units import Unit

MOST_PROMISES = 60
PPM = Unit("ppm")
WHOLE_PPM, LOW_PPM, ROUND_PPM = 1_000_000, 980_000, 10_000
"""Promises are a percent or two below the whole; from nothing, none could be told from another."""
DOT, NAME, ROW, KEY = units(12), units(18), units(26), units(24)
LEGEND_ROW, HEAD, BELOW, RIGHT = units(22), units(8), units(50), units(30)
MOST_LETTERS, MOST_NARROW_LETTERS = 34, 40
KEPT, BROKEN, PROMISED = "Delivered, promise kept", "Delivered, promise broken", "Promised"


@dataclass(frozen=True)
class Promise:
    """What was promised to somebody, and what part was delivered; None where nothing was due.

    Attributes:
        all_kept: of several promises that are shown as one, whether each was kept, which what was
            delivered of their sum does not say; None of a single one.
    """

    name: str
    promised_ppm: int
    delivered_ppm: int | None
    all_kept: bool | None = None

    @property
    def is_kept(self) -> bool:
        """Whether no less was delivered than promised; where nothing was due, none is broken."""
        if self.all_kept is not None:
            return self.all_kept
        return self.delivered_ppm is None or self.delivered_ppm >= self.promised_ppm


def promise_chart(key: str, title: str, who: str, rows: Sequence[Promise]) -> Chart:
    """Return promises in their order: an upright line, and a dot for what was delivered.

    The dot of a promise that was kept is full, that of a broken one hollow. The axis begins at
    98 %, or below where less was delivered, and says so by its figures.

    Args:
        who: what the names are of, such as `Product`.

    Raises:
        ValueError: there is none, or more than can be drawn, or two of one name, or a part that is
            below nothing or above the whole.
    """
    names = {row.name for row in rows}
    if not 0 < len(rows) <= MOST_PROMISES or len(names) < len(rows):
        raise ValueError(f"{key} has {len(rows)} promises of {len(names)} names")
    parts = [part for row in rows for part in (row.promised_ppm, row.delivered_ppm or 0)]
    if not 0 <= min(parts) <= max(parts) <= WHOLE_PPM:
        raise ValueError(f"a part of {key} is below nothing or above the whole")
    table = Table(
        (who, "Promised", "Delivered", "Kept"),
        tuple((row.name, PPM.exact(row.promised_ppm), _delivered(row), _kept(row)) for row in rows),
    )
    return chart(key, title, f"{title}. {_sentence(rows)}", table, partial(_draw, rows=tuple(rows)))


def _delivered(row: Promise) -> str:
    return NOTHING if row.delivered_ppm is None else PPM.exact(row.delivered_ppm)


def _kept(row: Promise) -> str:
    if row.delivered_ppm is None:
        return "nothing was due"
    return "yes" if row.is_kept else "no"


def _sentence(rows: Sequence[Promise]) -> str:
    broken = [row for row in rows if not row.is_kept]
    kept = f"{len(rows) - len(broken)} of {len(rows)} are kept"
    if not broken:
        return f"{kept}."
    said = (
        f"{row.name}, {_delivered(row)} of {PPM.exact(row.promised_ppm)} promised" for row in broken
    )
    return f"{kept}; broken: {'; '.join(said)}."


def _draw(width: int, *, rows: tuple[Promise, ...]) -> Drawing:
    is_narrow = width <= NARROW
    names = [
        shortened(row.name, MOST_NARROW_LETTERS if is_narrow else MOST_LETTERS) for row in rows
    ]
    # On a phone a name stands above its line: beside it, there would be room for neither.
    left = RIGHT if is_narrow else max(map(letters_wide, names)) * LETTER_TENTHS + units(16)
    across = Scale(_lowest(rows), WHOLE_PPM, left, width - RIGHT)
    elements = list(_legend(rows))
    top = LEGEND_ROW * (len(elements) // 2) + HEAD
    above = NAME if is_narrow else 0
    bottom = top + (ROW + above) * len(rows)
    elements += _axis(across, top, bottom, width)
    for number, (row, name) in enumerate(zip(rows, names, strict=True)):
        middle = top + (ROW + above) * number + above + ROW // 2
        elements.append(words(0, middle - above + units(5), name))
        elements += _marks(row, across, middle)
    return Drawing(width, bottom + BELOW, tuple(elements))


def _lowest(rows: Sequence[Promise]) -> int:
    delivered = [row.delivered_ppm for row in rows if row.delivered_ppm is not None]
    low = min([row.promised_ppm for row in rows] + delivered)
    return min(LOW_PPM, low // ROUND_PPM * ROUND_PPM)


def _legend(rows: Sequence[Promise]) -> Iterator[Element]:
    """Yield a mark and its words for each kind of mark that is drawn."""
    said = [PROMISED]
    said += [KEPT] if any(row.is_kept for row in rows) else []
    said += [] if all(row.is_kept for row in rows) else [BROKEN]
    for number, text in enumerate(said):
        middle = LEGEND_ROW * number + LEGEND_ROW // 2
        if text == PROMISED:
            yield _upright(KEY // 2, middle)
        else:
            yield _dot(KEY // 2, middle, is_kept=text == KEPT)
        yield words(KEY + units(6), middle + units(5), text)


def _axis(across: Scale, top: int, bottom: int, width: int) -> Iterator[Element]:
    named = round_values(across.low, across.high, ticks(width) - 1)
    for value, label in zip(named, PPM.on_axis(named), strict=True):
        at = across.at(value)
        yield line(at, top, at, bottom, Ink.EDGE if value == WHOLE_PPM else Ink.RULE)
        yield words(at, bottom + units(18), label, anchor="middle")
    yield words(across.end, bottom + units(40), "Part of the energy due", anchor="end")


def _marks(row: Promise, across: Scale, middle: int) -> Iterator[Element]:
    promised = across.at(row.promised_ppm)
    if row.delivered_ppm is not None:
        at = across.at(row.delivered_ppm)
        ink = Ink.GAIN if row.is_kept else Ink.LOSS
        place = (("x1", min(at, promised)), ("y1", middle), ("x2", max(at, promised)))
        yield Element("line", (*place, ("y2", middle), ("stroke", ink), ("stroke-width", "3")))
    yield _upright(promised, middle)
    if row.delivered_ppm is not None:
        yield _dot(across.at(row.delivered_ppm), middle, is_kept=row.is_kept)


def _upright(x: int, middle: int) -> Element:
    ends = (("x1", x), ("y1", middle - units(9)), ("x2", x), ("y2", middle + units(9)))
    return Element("line", (*ends, ("stroke", Ink.EDGE), ("stroke-width", "3")))


def _dot(x: int, middle: int, *, is_kept: bool) -> Element:
    half = DOT // 2
    place = (("x", x - half), ("y", middle - half), ("width", DOT), ("height", DOT))
    ink = Ink.GAIN if is_kept else Ink.LOSS
    fill = ink if is_kept else Ink.GROUND
    return Element("rect", (*place, ("fill", fill), ("stroke", ink), ("stroke-width", "2")))
