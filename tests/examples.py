"""How many examples a property is tried on: a share in `make test`, all in `make properties`.

Every run draws others, and one that failed is tried first the next time, so a share of a hundred
finds in a few runs what a hundred find in one.
"""

import os
import random
from collections.abc import Sequence
from typing import TypeVar

Value = TypeVar("Value")

PERCENT = int(os.environ.get("TALLYSTICK_EXAMPLES", "30"))
FEWEST = 10


def tried(count: int) -> int:
    """Return how many of the examples that a property asks for are tried in this run."""
    return max(min(count, FEWEST), count * PERCENT // 100)


def drawn(values: Sequence[Value]) -> list[Value]:
    """Return the values that are tried in this run, where each is tried in many places."""
    return random.sample(values, -(-len(values) * PERCENT // 100))
