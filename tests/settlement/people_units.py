"""What no sentence for people may hold: the units in which the machine keeps its integers."""

import re
from collections.abc import Iterator

from settlement.explanations.tree import Explanation

STORAGE_UNITS = re.compile(r"\b(micro|ppm|Wh|minor)\b")


def storage_units_in(tree: Explanation) -> list[str]:
    """Return the sentences of a tree that name a storage unit."""
    return [text for text in _sentences(tree) if STORAGE_UNITS.search(text)]


def _sentences(tree: Explanation) -> Iterator[str]:
    yield from (tree.label, tree.formula, tree.source)
    for child in tree.children:
        yield from _sentences(child)
