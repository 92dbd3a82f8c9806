"""How evenly households are charged under a draft, beside the law, and where measures disagree.

Four measures of one charge a household, each exact:

- *gini*: the Gini index (`settlement.fairness.inequality`), which weighs most what happens in the
  middle, where most households are;
- *top tenth*: the part of the whole that the tenth who are charged most bear, and nothing else;
- *entropy*: the generalised entropy index of parameter 2, half the squared standard deviation over
  the squared mean (A. F. Shorrocks, 1980), which weighs most what is charged at the top;
- *atkinson*: the Atkinson index of aversion 2, one less the harmonic mean over the mean (A. B.
  Atkinson, 1970), which weighs most what is charged at the bottom.

Theil's index is left out, as its logarithms are no rational numbers. Every measure falls where the
Lorenz curve rises everywhere (Atkinson's theorem; the top tenth at least does not rise), so two of
them disagree only where the curves cross; `crossings` says where. Pure.
"""

from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from fractions import Fraction
from itertools import pairwise

from settlement.fairness.inequality import Group

PPM = 1_000_000
ONE = Fraction(1)
TOP = Fraction(9, 10)


class Verdict(StrEnum):
    """What a measure says of a draft, beside the law."""

    MORE_EVEN = "more-even"
    LESS_EVEN = "less-even"
    SAME = "same"


def measures(groups: Sequence[Group]) -> dict[str, Fraction | None]:
    """Return every measure of what members bear, each 0 where all bear the same but the top tenth.

    None where it is not defined: the whole is not above 0, or of Atkinson's somebody bears nothing.

    Example: 1 household bears 30 and 3 bear 30 together. Of 60, the top tenth bear 2/5 of the one's
    half: 1/5. The squares are 900 and 3 x 100, the mean 15: (1,200 / 4 / 225 - 1) / 2 = 1/6. The
    mean of reciprocals is (1/30 + 3/10) / 4 = 1/12: 1 - 12 / 15 = 1/5.
    """
    whole = sum(amount for _, amount in groups)
    if whole <= 0:
        return dict.fromkeys(("gini", "top tenth", "entropy", "atkinson"))
    members = sum(count for count, _ in groups)
    mean = Fraction(whole, members)
    squares = sum((Fraction(amount * amount, count) for count, amount in groups), Fraction(0))
    atkinson = None
    if all(amount > 0 for _, amount in groups):
        each = (Fraction(count * count, amount) for count, amount in groups)
        reciprocals = sum(each, Fraction(0))
        atkinson = ONE - members / reciprocals / mean
    curve = lorenz(groups)
    # Twice the area between the curve and the diagonal.
    strips = ((p1 - p0) * (l0 + l1) for (p0, l0), (p1, l1) in pairwise(curve))
    below = sum(strips, Fraction(0))
    return {
        "gini": ONE - below,
        "top tenth": ONE - _at(curve, TOP),
        "entropy": (squares / members / mean**2 - 1) / 2,
        "atkinson": atkinson,
    }


def measures_ppm(groups: Sequence[Group]) -> dict[str, int | None]:
    """Return every measure in parts per million, rounded down, by the name that a report has."""
    return {
        f"{name.replace(' ', '_')}_ppm": None if value is None else int(value * PPM // 1)
        for name, value in measures(groups).items()
    }


def lorenz(groups: Sequence[Group]) -> list[tuple[Fraction, Fraction]]:
    """Return the corners of the Lorenz curve: parts of the members, and what these bear."""
    members = sum(count for count, _ in groups)
    whole = sum(amount for _, amount in groups)
    corners = [(Fraction(0), Fraction(0))]
    for count, amount in sorted(groups, key=lambda group: Fraction(group[1], group[0])):
        part, borne = corners[-1]
        corners.append((part + Fraction(count, members), borne + Fraction(amount, whole)))
    return corners


def compared_evenness(law: Sequence[Group], draft: Sequence[Group]) -> dict[str, object]:
    """Return what each measure says of a draft beside the law, and where the curves cross.

    ``verdicts`` are None where a measure is not defined on both sides; ``crossings_ppm`` are parts
    of the households, from those who are charged least each, rounded down.
    """
    of_law, of_draft = measures(law), measures(draft)
    defined = of_law["gini"] is not None and of_draft["gini"] is not None
    return {
        "verdicts": {name: _verdict(of_law[name], of_draft[name]) for name in of_law},
        "crossings_ppm": [
            int(part * PPM // 1) for part in (crossings(law, draft) if defined else ())
        ],
    }


def disagree(verdicts: Mapping[str, str | None]) -> bool:
    """Return whether one measure calls a draft more even than the law, and another less."""
    return {Verdict.MORE_EVEN.value, Verdict.LESS_EVEN.value} <= set(verdicts.values())


def _verdict(law: Fraction | None, draft: Fraction | None) -> str | None:
    if law is None or draft is None:
        return None
    if law == draft:
        return Verdict.SAME.value
    return (Verdict.MORE_EVEN if draft < law else Verdict.LESS_EVEN).value


def crossings(law: Sequence[Group], draft: Sequence[Group]) -> Iterator[Fraction]:
    """Yield at which parts of the members the Lorenz curves of two sides cross.

    Both wholes must be above 0. Curves that touch and part again on the same side do not cross;
    where they run together in between, the crossing is where they meet.
    """
    one, other = lorenz(law), lorenz(draft)
    parts = sorted({part for part, _ in (*one, *other)})
    gaps = [(part, _at(other, part) - _at(one, part)) for part in parts]
    side, meeting = 0, None
    before = gaps[0]
    for part, gap in gaps[1:]:
        sign = (gap > 0) - (gap < 0)
        if not sign:
            meeting = part if meeting is None else meeting
        else:
            if side and sign != side:
                yield _zero_between(before, (part, gap)) if meeting is None else meeting
            side, meeting = sign, None
        before = (part, gap)


def _zero_between(start: tuple[Fraction, Fraction], end: tuple[Fraction, Fraction]) -> Fraction:
    (first, above), (last, below) = start, end
    return first + (last - first) * above / (above - below)


def _at(curve: Sequence[tuple[Fraction, Fraction]], part: Fraction) -> Fraction:
    """Return what a part of the members bears, between corners in proportion."""
    for (before, borne), (after, more) in pairwise(curve):
        if before < part <= after:
            return borne + (more - borne) * (part - before) / (after - before)
    return Fraction(0)
