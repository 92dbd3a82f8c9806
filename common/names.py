"""The order in which people read names."""

import re
from collections.abc import Iterable

_DIGITS = re.compile(r"(\d+)")


def in_natural_order(names: Iterable[str]) -> list[str]:
    """Return names with the numbers in them counted, and not spelled.

    Names that differ by zeros before a number alone stand in the order of their letters, so the
    order is one whatever order they came in.

    >>> in_natural_order(["G10", "G2", "G1", "wind", "N1-N10", "N1-N9"])
    ['G1', 'G2', 'G10', 'N1-N9', 'N1-N10', 'wind']
    """
    return sorted(names, key=natural_key)


def natural_key(name: str) -> tuple[list[tuple[str, int]], str]:
    """Return by what `in_natural_order` orders a name, to order what is named by it."""
    # Letters and digits take turns, letters first: "10" has "" before it.
    *parts, last = _DIGITS.split(name)
    pairs = zip(parts[::2], parts[1::2], strict=True)
    return [*((letters, int(digits)) for letters, digits in pairs), (last, -1)], name
