"""What checks of documents side by side look at."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

from rulebook.days import Span
from rulebook.documents import (
    AllocationPolicy,
    ChargeList,
    Document,
    GridModel,
    MarketRules,
    Registration,
    SettlementTerms,
)


@dataclass(frozen=True)
class InForce:
    """Documents of one market that are in force at the same time; some may be absent.

    `places` says how findings name each instrument: a file, or the instrument itself. `days` are
    those on which all of them are in force.
    """

    market_rules: MarketRules | None
    grid_model: GridModel | None
    allocation_policy: AllocationPolicy | None
    registrations: tuple[Registration, ...]
    places: Mapping[str, str]
    charge_lists: tuple[ChargeList, ...] = ()
    days: Span = (dt.date.min, None)
    settlement_terms: SettlementTerms | None = None

    def place(self, document: Document) -> str:
        """Return how findings name `document`."""
        return self.places.get(document.instrument, document.instrument)
