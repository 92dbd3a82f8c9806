"""Where the places of a network stand, in rows: from who is linked to whom, in whole numbers.

Each group is laid out by the distance of its places from one end of it, so a link joins places of
one row or of two rows that follow each other, and passes through no other.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

WIDTH = 1_000_000
"""What the places of a row share, each the middle of as much of it."""
PLACE_SIZE = 4
"""Of the width, beside a bend of a link."""
BEND = "\N{NULL}"
"""Opens the name of a bend: no place is named so."""
SWEEPS = 4
"""How often rows are put in the order of what they are linked to, down and up by turns."""

Near = Mapping[str, Sequence[str]]
"""By a place, those that it is linked to, in order."""


def group_rows(names: Sequence[str], near: Near, entered: Collection[str]) -> list[list[str]]:
    """Return the places of a group in rows, those that are linked to what is above it first.

    Args:
        names: in order.
        entered: those that are linked to groups above.
    """
    rows: list[list[str]] = []
    for part in _parts(names, near):
        first = [name for name in part if name in entered] or [_end_of(part, near)]
        for depth, row in enumerate(_levels(first, set(part), near)):
            if depth == len(rows):
                rows.append([])
            rows[depth].extend(row)
    return rows


def in_order(rows: Sequence[Sequence[str]], near: Near) -> list[list[str]]:
    """Return rows in which each place stands near the middle of what it is linked to above it.

    Ties are broken by the order in which they were given, so the same network has one layout.
    """
    found = [list(row) for row in rows]
    place = {name: number for number, name in enumerate(n for row in rows for n in row)}
    at: dict[str, int] = {}
    for row in found:
        _note(row, at)
    row_of = {name: number for number, row in enumerate(found) for name in row}
    for sweep in range(SWEEPS):
        step = 1 if sweep % 2 == 0 else -1
        order = range(len(found))[::step]
        for number in order:
            before = {name for name, row in row_of.items() if (number - row) * step > 0}
            middle = {name: _middle(name, near, at, before) for name in found[number]}
            found[number] = sorted(found[number], key=lambda n: (middle[n], place[n]))
            _note(found[number], at)
    return found


def with_bends(
    rows: Sequence[Sequence[str]], links: Iterable[tuple[str, str]]
) -> tuple[list[list[str]], dict[tuple[str, str], list[str]]]:
    """Return rows with a bend in each row that a link goes past, and the bends of each such link.

    Else it would be drawn through the places that stand there. Bends go from the upper row down.
    """
    found = [list(row) for row in rows]
    row_of = {name: number for number, row in enumerate(found) for name in row}
    bends: dict[tuple[str, str], list[str]] = {}
    for one, other in links:
        upper, lower = sorted((row_of[one], row_of[other]))
        for number in range(upper + 1, lower):
            bend = f"{BEND}{len(bends)}{BEND}{number}"
            found[number].append(bend)
            bends.setdefault((one, other), []).append(bend)
    return found, bends


def is_bend(name: str) -> bool:
    """Return whether a place of a row is a bend of a link."""
    return name.startswith(BEND)


def positions(row: Sequence[str]) -> Iterator[tuple[str, int]]:
    """Yield each place of a row, and where its middle lies within `WIDTH`; a bend needs less."""
    sizes = [1 if is_bend(name) else PLACE_SIZE for name in row]
    start = 0
    for name, size in zip(row, sizes, strict=True):
        yield name, (2 * start + size) * WIDTH // (2 * sum(sizes))
        start += size


def _note(row: Sequence[str], at: dict[str, int]) -> None:
    at.update(positions(row))


def _middle(name: str, near: Near, at: Mapping[str, int], before: Collection[str]) -> int:
    found = [at[other] for other in near.get(name, ()) if other in before]
    return sum(found) // len(found) if found else at[name]


def _parts(names: Sequence[str], near: Near) -> Iterator[list[str]]:
    """Yield the places that are linked among each other, in order."""
    inside, seen = set(names), set[str]()
    for name in names:
        if name not in seen:
            part = {each for row in _levels([name], inside, near) for each in row}
            seen |= part
            yield [each for each in names if each in part]


def _end_of(part: Sequence[str], near: Near) -> str:
    """Return a place from which the others are far: the farthest of the farthest of the first."""
    name, inside = part[0], set(part)
    for _ in range(2):
        *_, last = _levels([name], inside, near)
        name = last[0]
    return name


def _levels(first: Sequence[str], inside: Collection[str], near: Near) -> Iterator[list[str]]:
    """Yield places by how many links away they are."""
    seen, row = set(first), list(first)
    while row:
        yield row
        following: list[str] = []
        for name in row:
            for other in near.get(name, ()):
                if other in inside and other not in seen:
                    seen.add(other)
                    following.append(other)
        row = following
