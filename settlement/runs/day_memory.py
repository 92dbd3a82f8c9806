"""What was computed of days before, by everything that it was computed from.

The runs of a month share nearly all their days: the same law, readings and history give the same
results, so whoever settles many runs again settles such a day once. What stands for a computation
is a digest over every value that it reads, taken from the values themselves (`core.content`) as
they enter it. No digest that is stored, no name and no date of a run takes part: whatever somebody
wrote into the database, another value makes another day.
"""

from collections.abc import Callable
from hashlib import sha256
from typing import Any, TypeVar

from settlement.core.content import content
from settlement.core.model import MarketModel

Found = TypeVar("Found")


class DayMemory:
    """Remembers what came of computations, for as long as it is kept; see the module."""

    def __init__(self) -> None:
        self._found: dict[bytes, Any] = {}
        # With the model itself: the identity of one that is gone could be given to another.
        self._models: dict[int, tuple[MarketModel, bytes]] = {}

    def key_of(self, what: str, model: MarketModel, *values: object) -> bytes:
        """Return what stands for a computation, by its name and all that it reads.

        Raises:
            TypeError: a value has no content, so it could not be told from another.
        """
        return sha256(content((what, self._digest_of(model), values))).digest()

    def find(self, key: bytes) -> Any:
        """Return what came of a computation, or None where there was none."""
        return self._found.get(key)

    def keep(self, key: bytes, found: Found) -> Found:
        """Remember what came of a computation, and return it."""
        # Days are computed on threads: two that are equal may meet here, and found the same.
        remembered: Found = self._found.setdefault(key, found)
        return remembered

    def once(self, key: bytes, compute: Callable[[], Found]) -> Found:
        """Return what came of a computation; it is made unless it was."""
        found: Found | None = self.find(key)
        return self.keep(key, compute()) if found is None else found

    def _digest_of(self, model: MarketModel) -> bytes:
        if id(model) not in self._models:
            self._models[id(model)] = (model, sha256(content(model)).digest())
        return self._models[id(model)][1]
