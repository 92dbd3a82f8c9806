"""What every explanation rests on: readings with their source, and clauses with their version."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from common.quantities import with_unit
from rulebook.clause_text import fill_clause
from rulebook.documents.base import Clause, Document
from rulebook.documents.charge_list import ChargeKey
from rulebook.documents.registration import Registration
from settlement.billing.invoicing import grounds_of_charge
from settlement.core.cuts import W_PER_KW
from settlement.core.model import node_demand_w
from settlement.explanations.estimates import estimate_words, ground_numbers, source_words
from settlement.explanations.tree import CitedClause, DayFacts, Explanation


@dataclass(frozen=True)
class Grounds:
    """The facts of one interval of a day, as explanations cite them."""

    facts: DayFacts
    interval: int

    def reading(self, measure: str, entity: str, label: str, owner: str = "") -> Explanation:
        """Return a reading of the interval, with its source; `owner`: whose affair it is."""
        fact, rules = self.facts.readings[measure, entity], self.facts.rules.market_rules
        unit = "Wh" if measure.endswith("_wh") else "W"
        estimate = fact.estimates.get(self.interval)
        paths = ["meter_data.accepted_quality"]
        if estimate is not None:
            paths = ["meter_data.missing", "meter_data.estimation", "meter_data.estimation.method"]
        return Explanation(
            f"{label} ({entity})",
            int(fact.values[self.interval]),
            unit,
            formula=estimate_words(estimate, entity, unit) if estimate is not None else "",
            source=source_words(fact, self.interval),
            clauses=self.governing(rules, *paths),
            children=ground_numbers(estimate, entity, unit) if estimate is not None else (),
            owner=owner,
        )

    def money(self, micro: int, per: str = "") -> str:
        """Return an amount or, with `per`, a price in the currency of the day; exact."""
        return with_unit(
            micro, f"micro{per and ' per '}{per}", self.facts.rules.market_rules.currency
        )

    def covered_wh(self) -> dict[str, int]:
        """Return what each supply point takes within its contract's block; negative is export."""
        covered = self.facts.covered_wh[:, self.interval].tolist()
        return dict(zip(self.facts.model.supply_points, covered, strict=True))

    def stack(self, measure: str, entities: Sequence[str]) -> np.ndarray:
        """Return the readings of a measure in the order of `entities`."""
        return np.array(
            [self.facts.readings[measure, entity].values[self.interval] for entity in entities],
            dtype=np.int64,
        )

    def asked_wh(self) -> np.ndarray:
        """Return demand by which scarcity is measured, shape (G,), in the model's order."""
        return self.facts.settled.scarcity_wh[:, self.interval]

    def node_demand_kw(self) -> np.ndarray:
        """Return demand at each node in kW, as the engine's games take it."""
        asked = self.asked_wh()[:, np.newaxis]
        return node_demand_w(self.facts.model, asked)[:, 0] // W_PER_KW

    def cite(self, line: str) -> tuple[CitedClause, ...]:
        """Return the clauses that a kind of invoice line rests on."""
        rules = self.facts.rules
        return self._cited(
            (document, clause)
            for document in (rules.market_rules, rules.allocation_policy)
            for clause in document.clauses_of_line(line)
        )

    def cite_charge(self, key: ChargeKey) -> tuple[CitedClause, ...]:
        """Return the clause that a pass-through charge rests on."""
        return self._cited(
            (charges, clause)
            for charges, clauses in grounds_of_charge(self.facts.rules, self.facts.register, key)
            for clause in clauses
        )

    def governing(self, document: Document, *paths: str) -> tuple[CitedClause, ...]:
        """Return the clauses that govern fields of a document."""
        return self._cited(
            (document, clause)
            for clause in document.clauses
            if not set(paths).isdisjoint(clause.fields)
        )

    def _cited(self, found: Iterable[tuple[Document, Clause]]) -> tuple[CitedClause, ...]:
        rules = self.facts.rules
        currency = rules.market_rules.currency
        cited = {
            (document.instrument, clause.anchor): CitedClause(
                clause.anchor,
                fill_clause(document, clause.text, currency),
                document.instrument,
                rules.digests[document.instrument],
            )
            for document, clause in found
        }
        return tuple(cited.values())

    def registration(self, participant: str) -> Registration:
        """Return the registration of a participant."""
        return next(
            registration
            for registration in self.facts.rules.registrations
            if registration.participant == participant
        )
