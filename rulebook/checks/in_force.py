"""What checks of documents side by side look at."""

from collections.abc import Mapping
from dataclasses import dataclass

from rulebook.documents import AllocationPolicy, GridModel, MarketRules, Registration


@dataclass(frozen=True)
class InForce:
    """Documents of one market that are in force at the same time; some may be absent.

    `places` says how findings name each instrument: a file, or the instrument itself.
    """

    market_rules: MarketRules | None
    grid_model: GridModel | None
    allocation_policy: AllocationPolicy | None
    registrations: tuple[Registration, ...]
    places: Mapping[str, str]

    def place(self, document: MarketRules | GridModel | AllocationPolicy | Registration) -> str:
        """Return how findings name `document`."""
        return self.places.get(document.instrument, document.instrument)
