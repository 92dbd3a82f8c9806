"""Which sums of participants' money may be told to everybody, so that nobody's is told with them.

A sum is *small* where fewer than five participants make it up on some side, or in the difference
from the law, or where one of them makes up more than half, or where all but the two largest come
to less than a tenth of the largest: who knows its own part of such a sum, the second largest above
all, knows much of another's. Small sums are withheld, and so is what would let them be computed
from what is shown.

Sums are told in many breakdowns at once, and what one withholds another may give away: places that
lie within each other, kinds of line that are all of units. So sums are shown one by one, the
largest first, and each only where no small one, and no part of one participant, is a combination
of what is shown with it; that is solved exactly, over rationals. Of one breakdown with one small
sum that withholds the next smallest, too. Pure.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from fractions import Fraction

PPM = 1_000_000
LEAST_PARTICIPANTS = 5
"""Who publishes statistics of firms asks for three to ten: of fewer, two know the third."""
LARGEST_PPM = 500_000
"""Of a sum, without signs: beyond half, the sum is a fair guess at the part of the largest."""
LEAST_REST_PPM = 100_000
"""Of the largest part: what all but the two largest come to. The second largest takes its own part
away, and is left with the largest and this: the p% rule of statistical offices, which ask 10."""

Vector = dict[int, Fraction]
"""A combination of parts, by their place."""


class Parts:
    """What sums are made of: the amounts of one participant, on every side.

    A part that is nothing on every side is nobody's secret: whoever solves knows it already.
    """

    def __init__(self, parts: Iterable[tuple[str, Sequence[int]]]) -> None:
        """Take participant and amounts of each part, the law's first, then each draft's."""
        self.owners: list[str] = []
        self.amounts: list[tuple[int, ...]] = []
        for owner, amounts in parts:
            law, *drafts = amounts
            self.owners.append(owner)
            self.amounts.append((*amounts, *(draft - law for draft in drafts)))

    def vector(self, places: Iterable[int]) -> Vector:
        """Return the sum of some parts."""
        return {place: Fraction(1) for place in places if any(self.amounts[place])}

    def size(self, places: Iterable[int]) -> int:
        """Return how large a sum is at most, on any side, in micro."""
        columns = zip(*(self.amounts[place] for place in places), strict=True)
        return max((abs(sum(column)) for column in columns), default=0)

    def owned(self, places: Iterable[int]) -> dict[str, list[int]]:
        """Return which of some parts each participant has."""
        of_owner: dict[str, list[int]] = {}
        for place in places:
            of_owner.setdefault(self.owners[place], []).append(place)
        return of_owner

    def is_small(self, places: Iterable[int]) -> bool:
        """Return whether too few make a sum up on some side, or one makes up too much of it."""
        owned = [
            [sum(column) for column in zip(*(self.amounts[each] for each in of), strict=True)]
            for of in self.owned(places).values()
        ]
        return any(is_small_sum(column) for column in zip(*owned, strict=True))


def is_small_sum(amounts: Iterable[int]) -> bool:
    """Return whether a sum of participants' amounts tells too much of one; of nothings it does not.

    >>> is_small_sum([3, 3, 3, 3]), is_small_sum([3, 3, 3, 3, 3]), is_small_sum([0, 0])
    (True, False, False)
    >>> is_small_sum([1, -1, 1, 1, 4]), is_small_sum([1, -1, 1, 1, 5])
    (False, True)
    >>> is_small_sum([30, 30, 1, 1, 1]), is_small_sum([31, 30, 1, 1, 1])
    (False, True)
    """
    found = sorted((abs(amount) for amount in amounts if amount), reverse=True)
    if not found:
        return False
    if len(found) < LEAST_PARTICIPANTS:
        return True
    largest, rest = found[0], sum(found[2:])
    return largest * PPM > LARGEST_PPM * sum(found) or rest * PPM < LEAST_REST_PPM * largest


def told_sums(
    parts: Parts,
    sums: Mapping[str, Sequence[int]],
    first: Sequence[str],
    *,
    withheld: Collection[str] = (),
) -> set[str]:
    """Return which sums may be told to everybody together.

    Args:
        parts: what they are made of.
        sums: by name, the places of the parts that each is the sum of.
        first: names of those that are told before any other, in their order; then the largest.
        withheld: names of those that are not told, though they are not small; others pass.
    """
    small = {name for name, places in sums.items() if name in withheld or parts.is_small(places)}
    hidden = [parts.vector(sums[name]) for name in small]
    every = range(len(parts.owners))
    for places in (every, *sums.values()):
        hidden += [parts.vector(of_owner) for of_owner in parts.owned(places).values()]
    system = _System(hidden)
    rest = sorted(sums.keys() - set(first), key=lambda name: (-parts.size(sums[name]), name))
    return {
        name
        for name in (*first, *rest)
        if name not in small and system.tells(parts.vector(sums[name]))
    }


class _System:
    """What is shown, as equations in the parts, and what they must not determine."""

    def __init__(self, hidden: Iterable[Vector]) -> None:
        self._shown: list[tuple[int, Vector]] = []
        # What is left of each hidden sum when all that is shown is taken away: never nothing.
        unique = {frozenset(vector): vector for vector in hidden if vector}
        self._left = list(unique.values())

    def tells(self, vector: Vector) -> bool:
        """Show a sum if what is hidden stays so, and return whether it did."""
        left = dict(vector)
        for pivot, row in self._shown:
            _take_away(left, pivot, row)
        if not left:
            return True  # it follows from what is shown
        pivot = min(left)
        factor = left[pivot]
        row = {place: value / factor for place, value in left.items()}
        # Only what has the pivot changes; the others stay as they are.
        changed = {}
        for number, hidden in enumerate(self._left):
            if pivot in hidden:
                taken = dict(hidden)
                _take_away(taken, pivot, row)
                if not taken:
                    return False
                changed[number] = taken
        for number, taken in changed.items():
            self._left[number] = taken
        self._shown.append((pivot, row))
        return True


def _take_away(vector: Vector, pivot: int, row: Vector) -> None:
    """Take so much of a row from a vector that it has nothing at the row's pivot."""
    factor = vector.get(pivot)
    if not factor:
        return
    for place, value in row.items():
        left = vector.get(place, Fraction(0)) - factor * value
        if left:
            vector[place] = left
        else:
            vector.pop(place, None)
