"""What checks of documents side by side look at."""

import datetime as dt
from collections.abc import Iterable, Mapping
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


def side_by_side(documents: Iterable[Document], places: Mapping[str, str], days: Span) -> InForce:
    """Return documents that apply on all of `days`, by their kind."""
    every = list(documents)
    return InForce(
        market_rules=next((d for d in every if isinstance(d, MarketRules)), None),
        grid_model=next((d for d in every if isinstance(d, GridModel)), None),
        allocation_policy=next((d for d in every if isinstance(d, AllocationPolicy)), None),
        registrations=tuple(d for d in every if isinstance(d, Registration)),
        places=places,
        charge_lists=tuple(d for d in every if isinstance(d, ChargeList)),
        settlement_terms=next((d for d in every if isinstance(d, SettlementTerms)), None),
        days=days,
    )
