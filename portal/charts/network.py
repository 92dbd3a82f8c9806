"""A network: places in their groups, the links between them, and what of it changed."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import partial
from itertools import pairwise

from portal.charts.chart import Chart, Table, chart
from portal.charts.drawing import (
    LETTER_TENTHS,
    Drawing,
    Element,
    path,
    shortened,
    units,
    width_of,
    words,
)
from portal.charts.layering import (
    PLACE_SIZE,
    WIDTH,
    Near,
    group_rows,
    in_order,
    is_bend,
    positions,
    with_bends,
)
from portal.charts.palette import Ink
from portal.charts.scales import written

MOST_PLACES = 120
"""More would be a picture of lines alone; whoever has more draws what they lie in."""
MOST_LABELS = 24
"""Links up to which each is labelled; of more, the labels would hide the lines."""
MOST_LETTERS = 22
PAD, BESIDE, LINE = units(7), units(12), units(18)
ROW, SUB_ROW = units(46), units(14)
FRAME, TITLE, BETWEEN = units(14), units(26), units(40)
LEGEND_ROW, KEY = units(24), units(36)


class Mark(Enum):
    """What became of a part: its ink, its dashes, how thick it is drawn, and its sign and word."""

    SAME = (Ink.WORDS, "", "1.5", "", "")
    NEW = (Ink.GAIN, "", "3.5", "+", "new")
    LEFT_OUT = (Ink.LOSS, "2 4", "3.5", "−", "left out")
    CHANGED = (Ink.FOURTH, "9 5", "3.5", "~", "changed")

    def __init__(self, ink: Ink, dashes: str, thickness: str, sign: str, word: str) -> None:
        self.ink, self.dashes, self.thickness = ink, dashes, thickness
        self.sign, self.word = sign, word


@dataclass(frozen=True)
class Place:
    """A place of a network.

    Attributes:
        title: in full; empty where the name is all.
        group: that it lies in.
    """

    name: str
    title: str
    group: str
    mark: Mark = Mark.SAME


@dataclass(frozen=True)
class Link:
    """All that joins two places; `label` stands beside it, where there is room."""

    one: str
    other: str
    label: str
    mark: Mark = Mark.SAME


@dataclass(frozen=True)
class Network:
    """Places, links and groups, each in order.

    Attributes:
        groups: names, and titles to be shown; a single group has no frame.
    """

    places: tuple[Place, ...]
    links: tuple[Link, ...]
    groups: tuple[tuple[str, str], ...]


def network_chart(key: str, title: str, of: Network, said: str, table: Table) -> Chart:
    """Return a network, laid out from its links alone.

    Args:
        said: what the table tells, in a sentence, for who does not see the drawing.
        table: the figures.

    Raises:
        ValueError: there is no place, or more than can be drawn, or two of one name, or a link or
            a place names what is not there.
    """
    names = {each.name for each in of.places}
    groups = {name for name, _ in of.groups}
    if not 0 < len(of.places) <= MOST_PLACES or len(names) < len(of.places):
        raise ValueError(f"{key} has {len(of.places)} places of {len(names)} names")
    if not {end for each in of.links for end in (each.one, each.other)} <= names:
        raise ValueError(f"a link of {key} ends where no place is")
    if not {each.group for each in of.places} <= groups:
        raise ValueError(f"a place of {key} lies in no group")
    draw = partial(_draw, of=of, layout=_laid_out(of))
    return chart(key, title, f"{title}. {said}", table, draw)


@dataclass(frozen=True)
class _Layout:
    """The rows of each group, by its title, and the bends of links that go past others' rows."""

    groups: tuple[tuple[str, list[list[str]]], ...]
    bends: Mapping[tuple[str, str], Sequence[str]]


def _laid_out(of: Network) -> _Layout:
    """Return where the places stand; groups without places are left out."""
    pairs = [(link.one, link.other) for link in of.links]
    groups = _rows(of, _near(pairs))
    rows, bends = with_bends([row for _, rows in groups for row in rows], pairs)
    steps = [
        step
        for one, other in pairs
        for step in pairwise(_through(one, other, bends.get((one, other), ()), rows))
    ]
    ordered = iter(in_order(rows, _near(steps)))
    return _Layout(tuple((title, [next(ordered) for _ in of_it]) for title, of_it in groups), bends)


def _through(
    one: str, other: str, bends: Sequence[str], rows: Sequence[Sequence[str]]
) -> list[str]:
    """Return the places and bends of a link, in the order in which it goes past them."""
    if not bends:
        return [one, other]
    first = next(name for row in rows for name in row if name in (one, other))
    return [first, *bends, other if first == one else one]


def _near(pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    near: dict[str, list[str]] = {}
    for one, other in pairs:
        near.setdefault(one, []).append(other)
        near.setdefault(other, []).append(one)
    return near


def _rows(of: Network, near: Near) -> list[tuple[str, list[list[str]]]]:
    members: dict[str, list[str]] = {}
    for place in of.places:
        members.setdefault(place.group, []).append(place.name)
    above: set[str] = set()
    found: list[tuple[str, list[list[str]]]] = []
    for group, title in of.groups:
        names = members.get(group, [])
        entered = {name for name in names if above & set(near.get(name, ()))}
        if names:
            found.append((title, group_rows(names, near, entered)))
            above |= set(names)
    return found


@dataclass(frozen=True)
class _Box:
    """Where a place stands: its middle, half its width and height, its row and place there."""

    x: int
    y: int
    half_width: int
    half_height: int
    row: int
    number: int
    lines: tuple[str, ...]


def _draw(width: int, *, of: Network, layout: _Layout) -> Drawing:
    rows = layout.groups
    marks = [mark for mark in Mark if mark.sign and _has(of, mark)]
    lines = _lines_of(of, rows, width)
    top = LEGEND_ROW * len(marks)
    is_framed = len(rows) > 1
    boxes: dict[str, _Box] = {}
    frames: list[Element] = []
    row_number = 0
    for title, of_group in rows:
        start = top
        top += TITLE + FRAME if is_framed else FRAME
        for row in of_group:
            top = _place_row(row, lines, width, top, row_number, boxes)
            row_number += 1
        top += FRAME - ROW
        if is_framed:
            frames += _framed(title, start, top, width)
            top += BETWEEN
    bottom = top - (BETWEEN if is_framed else 0) + units(2)
    parts = [
        *legend(marks),
        *frames,
        *(part for link in of.links for part in _link(link, boxes, layout)),
        *_labels(of.links, boxes, layout, width),
        *(part for place in of.places for part in _boxed(place, boxes[place.name])),
    ]
    return Drawing(width, bottom, tuple(parts))


def _has(of: Network, mark: Mark) -> bool:
    marks = [*(place.mark for place in of.places), *(link.mark for link in of.links)]
    return mark in marks


def _lines_of(
    of: Network, rows: Sequence[tuple[str, list[list[str]]]], width: int
) -> dict[str, tuple[str, ...]]:
    """Return what stands in each box: the name, and below it the title, if all have room."""
    most = max(_size(row) for _, of_group in rows for row in of_group)
    room = (width - 2 * FRAME) // most - BESIDE - 2 * PAD
    letters = room // LETTER_TENTHS
    titled = {
        each.name: tuple(_wrapped(each.title, letters))
        for each in of.places
        if each.title and each.title.lower() != each.name.lower()
    }
    fits = all(len(line) <= letters for wrapped in titled.values() for line in wrapped)
    return {
        each.name: (
            f"{each.mark.sign} {shortened(each.name, MOST_LETTERS)}".strip(),
            *(titled.get(each.name, ()) if fits else ()),
        )
        for each in of.places
    }


def _wrapped(title: str, letters: int) -> Iterator[str]:
    """Yield a title in lines of some letters; a word that is longer stands alone."""
    line = ""
    for word in title.split():
        if line and len(line) + 1 + len(word) > letters:
            yield line
            line = ""
        line = f"{line} {word}".strip()
    if line:
        yield line


def _place_row(
    row: Sequence[str],
    lines: Mapping[str, tuple[str, ...]],
    width: int,
    top: int,
    number: int,
    boxes: dict[str, _Box],
) -> int:
    """Place a row, by turns in several where it has no room in one; return where the next begins.

    Places keep their distance from left to right in either case, so no two lines fall together.
    """
    shown = [name for name in row if not is_bend(name)]
    half_widths = {name: max(map(width_of, lines[name])) // 2 + PAD for name in shown}
    needed = 2 * max(half_widths.values()) + BESIDE
    inner = width - 2 * FRAME
    turns = min(-(-needed * _size(row) // inner), len(shown))
    height = max(len(lines[name]) for name in shown) * LINE + PAD
    whole = turns * (height + SUB_ROW) - SUB_ROW
    place = 0
    for name, share in positions(row):
        x = FRAME + share * inner // WIDTH
        if is_bend(name):
            boxes[name] = _Box(x, top + whole // 2, 0, whole // 2, number, place, ())
            continue
        half = min(half_widths[name], inner // 2)
        x = min(max(x, FRAME // 2 + half), width - FRAME // 2 - half)
        y = top + (place % turns) * (height + SUB_ROW) + height // 2
        boxes[name] = _Box(x, y, half, height // 2, number, place, lines[name])
        place += 1
    return top + whole + ROW


def _size(row: Sequence[str]) -> int:
    """Return for how many places a row needs room, bends among them; at least one."""
    bends = sum(map(is_bend, row))
    return len(row) - bends - (-bends // PLACE_SIZE)


def _boxed(place: Place, box: _Box) -> Iterator[Element]:
    mark = place.mark
    outline = Ink.EDGE if mark is Mark.SAME else mark.ink
    around = (
        ("x", box.x - box.half_width),
        ("y", box.y - box.half_height),
        ("width", 2 * box.half_width),
        ("height", 2 * box.half_height),
        ("fill", Ink.GROUND),
        ("stroke", outline),
        ("stroke-width", mark.thickness if mark.sign else "1"),
    )
    dashes = (("stroke-dasharray", mark.dashes),) if mark.dashes else ()
    yield Element("rect", (*around, *dashes))
    first = box.y - (len(box.lines) - 1) * LINE // 2 + units(5)
    for number, line in enumerate(box.lines):
        yield words(box.x, first + number * LINE, line, anchor="middle")


def _link(link: Link, boxes: Mapping[str, _Box], layout: _Layout) -> Iterator[Element]:
    mark = link.mark
    bends = [boxes[name] for name in layout.bends.get((link.one, link.other), ())]
    yield path(_way(link, boxes, bends), mark.ink, mark.dashes, mark.thickness)


def _way(link: Link, boxes: Mapping[str, _Box], bends: Sequence[_Box]) -> str:
    """Return the way of a link: past the places between, in other rows or in its own."""
    one, other = sorted((boxes[link.one], boxes[link.other]), key=lambda box: (box.row, box.number))
    if one.row != other.row:
        points = [(one.x, one.y + one.half_height)]
        for bend in bends:
            points += [(bend.x, bend.y - bend.half_height), (bend.x, bend.y + bend.half_height)]
        points.append((other.x, other.y - other.half_height))
        return "M" + "L".join(f"{written(x)} {written(y)}" for x, y in points)
    if other.number - one.number == 1:
        return f"M{written(one.x)} {written(one.y)}L{written(other.x)} {written(other.y)}"
    over = min(one.y - one.half_height, other.y - other.half_height)
    return (
        f"M{written(one.x)} {written(one.y - one.half_height)}"
        f"Q{written((one.x + other.x) // 2)} {written(over - ROW)} "
        f"{written(other.x)} {written(other.y - other.half_height)}"
    )


def _labels(
    links: Sequence[Link], boxes: Mapping[str, _Box], layout: _Layout, width: int
) -> Iterator[Element]:
    """Yield the labels of links, each in the middle, but for one that would lie on another."""
    taken: list[tuple[int, int, int, int]] = [
        (box.x - box.half_width, box.y - box.half_height, box.x + box.half_width,
         box.y + box.half_height)
        for box in boxes.values()
    ]  # fmt: skip
    for link in links:
        label = f"{link.mark.sign} {link.label if len(links) <= MOST_LABELS else ''}".strip()
        if not label:
            continue
        x, y = _middle(link, boxes, layout)
        half = width_of(label) // 2 + units(3)
        area = (x - half, y - LINE // 2, x + half, y + LINE // 2)
        inside = area[0] >= 0 and area[2] <= width
        if inside and not any(_overlap(area, each) for each in taken):
            taken.append(area)
            place = (("x", area[0]), ("y", area[1]), ("width", 2 * half), ("height", LINE))
            yield Element("rect", (*place, ("fill", Ink.GROUND), ("stroke", "none")))
            yield words(x, y + units(5), label, anchor="middle")


def _middle(link: Link, boxes: Mapping[str, _Box], layout: _Layout) -> tuple[int, int]:
    """Return the middle of a link, or of its way to the first bend."""
    one, other = sorted((boxes[link.one], boxes[link.other]), key=lambda box: (box.row, box.number))
    if one.row == other.row:
        is_beside = other.number - one.number == 1
        over = min(one.y - one.half_height, other.y - other.half_height) - ROW // 2
        return (one.x + other.x) // 2, (one.y + other.y) // 2 if is_beside else over
    bends = layout.bends.get((link.one, link.other), ())
    lower = boxes[bends[0]] if bends else other
    return (one.x + lower.x) // 2, (one.y + one.half_height + lower.y - lower.half_height) // 2


def _overlap(one: tuple[int, int, int, int], other: tuple[int, int, int, int]) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def _framed(title: str, top: int, bottom: int, width: int) -> Iterator[Element]:
    edge = units(1)
    place = (("x", edge), ("y", top), ("width", width - 2 * edge), ("height", bottom - top))
    yield Element("rect", (*place, ("fill", "none"), ("stroke", Ink.RULE)))
    most = (width - 2 * FRAME) // LETTER_TENTHS
    yield words(FRAME, top + units(20), shortened(title, most))


def legend(marks: Sequence[Mark]) -> Iterator[Element]:
    """Yield a row for each way in which parts changed."""
    for row, mark in enumerate(marks):
        middle = LEGEND_ROW * row + units(10)
        yield path(f"M0 {written(middle)}H{written(KEY)}", mark.ink, mark.dashes, mark.thickness)
        yield words(KEY + units(8), middle + units(5), f"{mark.sign} {mark.word}")
