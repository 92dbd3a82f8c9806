"""What a measure of a settlement day is of; each module of the core names those that it gives."""

from typing import NamedTuple


class Measure(NamedTuple):
    """What a measure of a day is of, and what it means."""

    entity: str
    meaning: str
