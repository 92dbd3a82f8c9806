"""Which price energy is charged: that ex post, or the mean of what was published; both are told."""

from dataclasses import dataclass

from settlement.core.arrays import Integers
from settlement.core.booked import PUBLISHED, OnlineDay
from settlement.explanations.prices import Prices
from settlement.explanations.tree import Explanation

MEAN = "the mean of what was published while the interval ran, by the time that it held"


@dataclass(frozen=True)
class ChargedPrices(Prices):
    """Explains the price that energy at a node is charged in one interval."""

    def charged(self, node: str, *, selling: bool = False) -> tuple[Explanation, ...]:
        """Return the price that is charged, and beside it the other, where it is known.

        Where the price ex post is charged, what was published stands beside it; where published
        prices are, both stand below the one that is charged.
        """
        ex_post = self.node_price(node, selling=selling)
        published = self._published(node, selling=selling)
        model = self.facts.model
        if model.charged_price != PUBLISHED:
            return ex_post, *published
        is_published = self.facts.result("is_published_price", "market", self.interval)
        apart = selling and bool(model.sell_curves)
        measure = f"charged_{'sell_' if apart else ''}price_micro_per_mwh"
        price = Explanation(
            f"Price {'paid for net export' if apart else 'charged'} at node {node}",
            self.facts.result(measure, node, self.interval),
            "micro/MWh",
            f"{MEAN}, rounded down"
            if is_published
            else "the price ex post, as what was published is not known for the whole interval",
            clauses=self.governing(self.facts.rules.market_rules, "online.charged_price"),
            children=(*published, ex_post),
        )
        return (price,)

    def _published(self, node: str, *, selling: bool) -> tuple[Explanation, ...]:
        online = self.facts.online
        if online is None:
            return ()
        row, apart = self.facts.model.grid.nodes.index(node), bool(self.facts.model.sell_curves)
        label = f"Published at node {node} while it ran"
        if not online.is_published[self.interval]:
            why = "not known from the first moment of the interval to its last"
            return (Explanation(label, 0, "micro/MWh", why, is_missing=True),)
        prices = _of_side(online, selling=selling and apart)
        is_charged = self.facts.model.charged_price == PUBLISHED
        formula = MEAN if is_charged else f"{MEAN}; it informs, and nothing is charged by it"
        return (Explanation(label, int(prices[row, self.interval]), "micro/MWh", formula),)


def _of_side(online: OnlineDay, *, selling: bool) -> Integers:
    return online.published_sell_micro_per_mwh if selling else online.published_micro_per_mwh
