"""The document kinds of a market's law, as pydantic models: one module a kind."""

from rulebook.documents.allocation_policy import AllocationPolicy
from rulebook.documents.base import Clause, Document
from rulebook.documents.charge_list import ChargeList
from rulebook.documents.grid_model import GridModel
from rulebook.documents.market_rules import MarketRules
from rulebook.documents.registration import Registration
from rulebook.documents.settlement_terms import SettlementTerms

KINDS: dict[str, type[Document]] = {
    "market-rules": MarketRules,
    "grid-model": GridModel,
    "allocation-policy": AllocationPolicy,
    "registration": Registration,
    "charge-list": ChargeList,
    "settlement-terms": SettlementTerms,
}
"""Every document kind by its name, in the order in which one depends on another."""

__all__ = [
    "KINDS",
    "AllocationPolicy",
    "ChargeList",
    "Clause",
    "Document",
    "GridModel",
    "MarketRules",
    "Registration",
    "SettlementTerms",
]
