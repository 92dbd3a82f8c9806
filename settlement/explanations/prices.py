"""Why a node had its price: the layer that binds, its curve, its tightness, and what makes that."""

from dataclasses import dataclass
from itertools import pairwise
from math import ceil

import numpy as np

from common.quantities import megawatts, ppm
from settlement.core.grid import Layer
from settlement.core.model import node_available_w, node_demand_w
from settlement.core.tightness import PPM_PER_POINT, Curve
from settlement.explanations.grounds import Grounds
from settlement.explanations.tree import Explanation
from settlement.meters.register import AVAILABLE


@dataclass(frozen=True)
class Prices(Grounds):
    """Explains the price at a node in one interval."""

    def node_price(self, node: str, *, selling: bool = False) -> Explanation:
        """Return the tree behind the price of energy taken at a node, or paid for net export."""
        facts, grid = self.facts, self.facts.model.grid
        apart = selling and bool(facts.model.sell_curves)
        price = "node_sell_price_micro_per_mwh" if apart else "node_price_micro_per_mwh"
        binding = "binding_layer_sell" if apart else "binding_layer"
        number = facts.result(binding, node, self.interval)
        layer = grid.layers[number]
        holon = int(layer.node_holon[grid.nodes.index(node)])
        curve = (facts.model.sell_curves if apart else facts.model.curves)[number]
        rules = facts.rules.market_rules
        paths = ["layers.in_use", "layers.curve", "price_cap_micro_per_mwh"]
        paths += ["layers.sell_curve"] if apart else []
        return Explanation(
            f"Price paid for net export at node {node}" if apart else f"Price at node {node}",
            facts.result(price, node, self.interval),
            "micro/MWh",
            f"the highest price over the layers in use: {layer.name} {layer.holons[holon]} binds",
            clauses=self.governing(rules, *paths),
            children=(
                self._tightness(layer, holon),
                self._on_curve(layer, holon, curve),
                self._steepest(layer, curve),
            ),
        )

    def _tightness(self, layer: Layer, holon: int) -> Explanation:
        name = f"{layer.name} {layer.holons[holon]}"
        demand_w = node_demand_w(self.facts.model, self.asked_wh()[:, np.newaxis])
        demand = int(layer.sums(demand_w)[holon, 0])
        deliverable = self._deliverable(layer, holon)
        quotient = f"{megawatts(demand)} wanted ÷ {megawatts(deliverable.value)}"
        how = f"{quotient}, rounded down to 0.0001\u00a0%"
        if not deliverable.value:
            how = "nothing can be delivered" if demand else "nothing is wanted"
        return Explanation(
            f"Tightness of {name}",
            self.facts.result("tightness_ppm", self._entity(layer, holon), self.interval),
            "ppm",
            how,
            clauses=self.governing(self.facts.rules.market_rules, "deliverability"),
            children=(
                Explanation("Demand inside", demand, "W", "by node; net export is no demand"),
                deliverable,
            ),
        )

    def _deliverable(self, layer: Layer, holon: int) -> Explanation:
        model = self.facts.model
        deliverable = self.facts.result("deliverable_w", self._entity(layer, holon), self.interval)
        available_w = node_available_w(model, self.stack(AVAILABLE, model.units)[:, np.newaxis])
        inside = int(layer.sums(available_w)[holon, 0])
        how = {
            "boundary": "and the surplus outside counts up to that",
            "max-flow": "and what can flow in once the demand outside is served counts",
        }[model.deliverability]
        crossing = int(model.grid.boundary_w(layer)[holon])
        return Explanation(
            "Deliverable supply",
            deliverable,
            "W",
            "supply inside, and from outside what lines can bring",
            children=(
                Explanation("Supply available inside", inside, "W"),
                Explanation(
                    "Brought in from outside",
                    deliverable - inside,
                    "W",
                    f"lines rated {megawatts(crossing)} cross into it, {how}",
                ),
            ),
        )

    def _on_curve(self, layer: Layer, holon: int, curve: Curve) -> Explanation:
        tightness = self.facts.result("tightness_ppm", self._entity(layer, holon), self.interval)
        return Explanation(
            f"Curve of layer {layer.name} at that tightness",
            int(curve.price_at(np.array(tightness))),
            "micro/MWh",
            self._read_off(curve, tightness),
        )

    def _entity(self, layer: Layer, holon: int) -> str:
        return f"{layer.name}/{layer.holons[holon]}"

    def _read_off(self, curve: Curve, tightness: int) -> str:
        """Return the arithmetic by which a price is read off a curve."""
        knots, prices = curve.tightness_ppm.tolist(), curve.price_micro_per_mwh.tolist()
        if tightness <= knots[0]:
            return f"at or below its first point, {ppm(knots[0])}, the curve is flat"
        for (left, right), (low, high) in zip(pairwise(knots), pairwise(prices), strict=True):
            if tightness <= right:
                return (
                    f"{self.money(low, 'MWh')} at {ppm(left)} + ({ppm(tightness)} − {ppm(left)}) × "
                    f"{self.money(high - low, 'MWh')} ÷ {ppm(right - left)}, rounded down"
                )
        return f"at or above its last point, {ppm(knots[-1])}, the curve is flat"

    def _steepest(self, layer: Layer, curve: Curve) -> Explanation:
        steepest = curve.steepest_micro_per_mwh_per_ppm
        return Explanation(
            f"The most that this price moves with tightness (layer {layer.name})",
            ceil(steepest * PPM_PER_POINT),
            "micro/MWh per percentage point",
            f"the curve's steepest segment, {self.money(steepest.numerator, 'MWh')} for every "
            f"{ppm(steepest.denominator)}, for one percentage point of tightness; each price is "
            "rounded down, so two prices may differ by one millionth more",
        )
