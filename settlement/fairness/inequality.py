"""How evenly something is shared: exact ratios of integers, rounded down to parts per million.

- *Lorenz curve* (M. O. Lorenz, 1905): the part of the whole that the lowest tenth, two tenths, ...
  of a population bear, from those who bear least each.
- *Gini index* (C. Gini, 1912): the mean difference between two members over twice the mean; 0 where
  all bear the same, towards 1,000,000 where one bears all.
- *Jain index* (R. Jain, D. Chiu, W. Hawe, 1984): (sum of x)^2 / (n x sum of x^2); 1,000,000 where
  all get the same, 1,000,000 / n where one gets all.

A population comes as groups of members that are alike, such as the households of a supply point.
"""

from collections.abc import Sequence
from fractions import Fraction

PPM = 1_000_000
TENTHS = 10

Group = tuple[int, int | Fraction]
"""Members, at least 1, and what they bear together."""


def gini_ppm(groups: Sequence[Group]) -> int | None:
    """Return the Gini index of what members bear; None where the whole is not above 0.

    ``sum over pairs of |n_j A_i - n_i A_j| / (members x whole)``, with n members and A together.

    Example: 1 household bears 30 and 3 bear 30 together: |3 x 30 - 1 x 30| / (4 x 60) = 0.25.
    """
    whole = sum(amount for _, amount in groups)
    if whole <= 0:
        return None
    members = sum(count for count, _ in groups)
    # From those who bear least each, no difference to those before is negative: one pass will do.
    difference: int | Fraction = 0
    borne: int | Fraction = 0
    below = 0
    for count, amount in sorted(groups, key=lambda group: Fraction(group[1]) / group[0]):
        difference += amount * below - count * borne
        below += count
        borne += amount
    return int(difference * PPM // (members * whole))


def lorenz_ppm(groups: Sequence[Group]) -> list[int] | None:
    """Return the part borne by the lowest 1, 2, ... 10 tenths; None where the whole is not above 0.

    A group that a tenth cuts bears in proportion on both sides of the cut.

    Example: 1 household bears 30 and 3 bear 30 together. Half of the four are two of the three that
    bear least: 20 of 60, 333,333 ppm.
    """
    whole = sum(amount for _, amount in groups)
    if whole <= 0:
        return None
    ordered = sorted(groups, key=lambda group: Fraction(group[1]) / group[0])
    members = sum(count for count, _ in groups)
    shares = []
    for tenth in range(1, TENTHS + 1):
        left = Fraction(members * tenth, TENTHS)
        borne = Fraction(0)
        for count, amount in ordered:
            part = min(left, Fraction(count))
            borne += Fraction(amount) * part / count
            left -= part
        shares.append(int(borne * PPM // whole))
    return shares


def jain_ppm(values: Sequence[int | Fraction]) -> int | None:
    """Return the Jain index of values that are not negative; None where none is above 0.

    Example: 1, 1 and 0 give (2 x 2) / (3 x 2) = 666,666 ppm.
    """
    squares = sum(value * value for value in values)
    if not squares:
        return None
    return int(sum(values) ** 2 * PPM // (len(values) * squares))


def spread_ppm(values: Sequence[int], mean: int) -> int | None:
    """Return highest less lowest over a mean; None for fewer than two values or a mean not above 0.

    Example: 80, 100 and 120 around a mean of 100 spread by 400,000 ppm.
    """
    if len(values) < 2 or mean <= 0:
        return None
    return (max(values) - min(values)) * PPM // mean
