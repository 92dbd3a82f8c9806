"""From documents to arrays: the rules in force as the engine's `MarketModel`."""

from collections.abc import Mapping, Sequence, Set

import numpy as np

from rulebook.documents.allocation_policy import AllocationPolicy
from rulebook.documents.base import MILLION
from rulebook.documents.charge_list import ChargeList
from rulebook.documents.grid_model import GridModel
from rulebook.documents.market_rules import Knot, LayerRule, MarketRules, Product
from rulebook.documents.registration import Registration, SupplyPoint, Unit
from rulebook.resolve import RuleSet
from settlement.core.booked import EX_POST
from settlement.core.charges import NODE_PRICE, Blocks, Charging
from settlement.core.contracts import Contracts
from settlement.core.energy_accounts import EnergyAreas
from settlement.core.engine import MarketModel
from settlement.core.fair_play_rules import UNLIMITED_W, FairPlay
from settlement.core.grid import Grid, Layer
from settlement.core.pots import Flexibility, Pot, Target
from settlement.core.shapley_rule import ShapleyRule
from settlement.core.tightness import PPM, Curve
from settlement.rules.compile_charges import compile_charges
from settlement.rules.register import register_of


def compile_rules(rules: RuleSet) -> MarketModel:
    """Return all the law of a market at one time as arrays."""
    return compile_market(
        rules.market_rules,
        rules.grid_model,
        rules.allocation_policy,
        rules.registrations,
        rules.charge_lists,
    )


def compile_market(
    market_rules: MarketRules,
    grid_model: GridModel,
    policy: AllocationPolicy,
    registrations: Sequence[Registration],
    charge_lists: Sequence[ChargeList] = (),
) -> MarketModel:
    """Return the rules as arrays; ids sorted, so the order of documents never matters."""
    grid = compile_grid(grid_model)
    node_index = {node: index for index, node in enumerate(grid.nodes)}
    register = register_of(registrations)
    units = [unit for _, unit in register.units.values()]
    points = [point for _, point in register.supply_points.values()]
    rule_of_layer = {rule.layer: rule for rule in market_rules.layers}
    layer_rules = [rule_of_layer[layer.name] for layer in grid.layers]
    regulated = [unit.technology in policy.regulated_technologies for unit in units]
    return MarketModel(
        grid=grid,
        interval_minutes=market_rules.interval_minutes,
        curves=tuple(curve_of(rule.curve) for rule in layer_rules),
        layers_in_use=tuple(rule.in_use for rule in layer_rules),
        units=tuple(register.units),
        unit_node=np.array([node_index[unit.node] for unit in units]),
        offer_micro_per_mwh=np.array([unit.offer_micro_per_mwh for unit in units]),
        annual_cost_micro=np.array(
            [unit.annual_capital_micro + unit.annual_fixed_micro for unit in units]
        ),
        unit_is_regulated=np.array(regulated),
        unit_is_eligible=~np.array(regulated),
        supply_points=tuple(register.supply_points),
        supply_point_node=np.array([node_index[point.node] for point in points]),
        charging=_charging(market_rules, policy, points),
        pots=tuple(Pot(pot.pot, pot.weight_ppm, pot.timing) for pot in policy.pots),
        target=Target(policy.target.rule, (policy.target.benchmark_annual_units or 0) * MILLION),
        availability_price_micro_per_mw_h=(
            policy.reserve.availability_price_micro_per_mw_h if policy.reserve else 0
        ),
        flexibility=_flexibility(policy, units),
        shapley=_shapley(policy, node_index),
        fair_play=_fair_play(market_rules, policy, points, grid.nodes),
        sell_curves=_sell_curves(layer_rules),
        deliverability=market_rules.deliverability,
        pass_through=compile_charges(
            charge_lists,
            market_rules.time_zone,
            register.linkable(),
        ),
        energy_areas=_energy_areas(grid_model, grid),
        sub_meters=tuple(register.sub_meters),
        charged_price=_charged_price(market_rules),
    )


def _charged_price(market_rules: MarketRules) -> str:
    online = market_rules.online
    return (online.charged_price if online else None) or EX_POST


def _fair_play(
    market_rules: MarketRules,
    policy: AllocationPolicy,
    points: Sequence[SupplyPoint],
    nodes: tuple[str, ...],
) -> FairPlay | None:
    rule = policy.fair_play
    if rule is None:
        return None
    price = {
        own.product: own.compensation_micro_per_mwh
        for own in rule.products
        if own.compensation_micro_per_mwh is not None
    }
    return FairPlay(
        contracts=contracts_of(
            market_rules,
            points,
            nodes,
            whole={own_rule.product for own_rule in rule.products if own_rule.indivisible},
            least_fulfilment_ppm=rule.least_fulfilment_ppm,
            least_taken_ppm=rule.least_taken_ppm or 0,
        ),
        limit_w=_limits_w(market_rules, points),
        over_take_micro_per_mwh=market_rules.price_cap_micro_per_mwh,
        compensation_micro_per_mwh=np.array(
            [price.get(point.product, rule.compensation_micro_per_mwh) for point in points],
            dtype=np.int64,
        ),
        paid_by=rule.compensation_paid_by,
        moves_money=rule.moves_money,
    )


def plain_fair_play(
    market_rules: MarketRules, points: Sequence[SupplyPoint], nodes: tuple[str, ...]
) -> FairPlay:
    """Return Fair Play by the contracts alone, which moves no money, where no rule applies it."""
    return FairPlay(
        contracts=contracts_of(
            market_rules, points, nodes, whole=frozenset(), least_fulfilment_ppm=1
        ),
        limit_w=np.full(len(points), UNLIMITED_W),
        over_take_micro_per_mwh=0,
        compensation_micro_per_mwh=np.zeros(len(points), dtype=np.int64),
        moves_money=False,
    )


def _limits_w(market_rules: MarketRules, points: Sequence[SupplyPoint]) -> np.ndarray:
    """Return the most power that the contract of each supply point entitles to, shape (G,)."""
    magnitude = {product.product: product.magnitude_w for product in market_rules.products}
    limits = [
        UNLIMITED_W if of_one is None else point.household_count * of_one
        for point in points
        for of_one in [magnitude[point.product]]
    ]
    return np.array(limits, dtype=np.int64)


def contracts_of(
    market_rules: MarketRules,
    points: Sequence[SupplyPoint],
    nodes: tuple[str, ...],
    *,
    whole: Set[str],
    least_fulfilment_ppm: int,
    least_taken_ppm: int = 0,
) -> Contracts:
    """Return the contracts of the groups, which are the products held at each node.

    Args:
        whole: products whose requests are met whole or not at all.
        least_taken_ppm: as `Contracts` has it; 0 where every request counts.
    """
    products = {product.product: product for product in market_rules.products}
    groups = sorted({(point.node, point.product) for point in points})
    of_group = [products[product] for _, product in groups]
    return Contracts(
        nodes=nodes,
        groups=tuple(groups),
        node=np.array([nodes.index(node) for node, _ in groups], dtype=np.int64),
        promise_ppm=np.array([product.reliability_ppm for product in of_group], dtype=np.int64),
        tier_ppm=np.array([product.tier_weight_ppm or PPM for product in of_group], dtype=np.int64),
        window=np.array(
            [_window_minutes(product) // market_rules.interval_minutes for product in of_group],
            dtype=np.int64,
        ),
        indivisible=np.array([product in whole for _, product in groups], dtype=np.bool_),
        point_group=np.array(
            [groups.index((point.node, point.product)) for point in points], dtype=np.int64
        ),
        least_fulfilment_ppm=least_fulfilment_ppm,
        least_taken_ppm=least_taken_ppm,
    )


def _window_minutes(product: Product) -> int:
    """Return for how long what is refused is owed; essential demand is served at once or not."""
    return (product.window_minutes or 0) if product.timing == "flexible" else 0


def _blocks(market_rules: MarketRules, points: Sequence[SupplyPoint]) -> Blocks | None:
    """Return what contracts cover in a month; None where none covers a block."""
    products = {product.product: product for product in market_rules.products}
    of_point = [products[point.product] for point in points]
    if all(product.energy_wh is None for product in of_point):
        return None
    prices = [product.excess_price_micro_per_mwh for product in of_point]
    return Blocks(
        has_block=np.array([product.energy_wh is not None for product in of_point], dtype=np.bool_),
        covered_wh=np.array(
            [
                point.household_count * (product.energy_wh or 0)
                for point, product in zip(points, of_point, strict=True)
            ],
            dtype=np.int64,
        ),
        price_micro_per_mwh=np.array(
            [NODE_PRICE if price is None else price for price in prices], dtype=np.int64
        ),
    )


def curve_of(knots: Sequence[Knot]) -> Curve:
    """Return a price curve of the rules as the engine reads prices from it."""
    return Curve(
        np.array([knot.tightness_ppm for knot in knots]),
        np.array([knot.price_micro_per_mwh for knot in knots]),
    )


def _sell_curves(layer_rules: Sequence[LayerRule]) -> tuple[Curve, ...]:
    """Return the curves that price net export, or none where every layer sells as it buys."""
    if not any(rule.sell_curve for rule in layer_rules):
        return ()
    return tuple(curve_of(rule.sell_curve or rule.curve) for rule in layer_rules)


def _charging(
    market_rules: MarketRules, policy: AllocationPolicy, points: Sequence[SupplyPoint]
) -> Charging:
    products = [point.product for point in points]
    rule = {charging.product: charging for charging in policy.charging}
    part = {"subscription": 0, "dynamic": PPM}
    return Charging(
        dynamic_ppm=np.array(
            [part.get(rule[product].mode, rule[product].dynamic_ppm) for product in products],
            dtype=np.int64,
        ),
        capacity_weight_ppm=np.array(
            [rule[product].capacity_weight_ppm for product in products], dtype=np.int64
        ),
        non_fuel_basis=policy.non_fuel_basis,
        returned_to=policy.equalisation_returned_to,
        blocks=_blocks(market_rules, points) if policy.fair_play else None,
    )


def _flexibility(policy: AllocationPolicy, units: Sequence[Unit]) -> Flexibility | None:
    if policy.flexibility is None:
        return None
    return Flexibility(
        unit_ramp_w_per_h=np.array([unit.ramp_w_per_h for unit in units], dtype=np.int64),
        response_minutes=policy.flexibility.response_minutes,
        requirement_ppm=policy.flexibility.requirement_ppm,
    )


def _shapley(policy: AllocationPolicy, node_index: Mapping[str, int]) -> ShapleyRule:
    rule = policy.shapley
    if rule.clusters is not None:
        return ShapleyRule(
            rule.method,
            trunk_nodes=tuple(node_index[node] for node in rule.clusters.trunk_nodes),
            hop_limit=rule.clusters.hop_limit,
            rating_multiplier=rule.clusters.rating_multiplier,
        )
    if rule.sampled is not None:
        return ShapleyRule(
            rule.method,
            seed=rule.sampled.seed,
            most_orders=rule.sampled.most_orders,
            target_error_w=rule.sampled.target_error_w,
        )
    return ShapleyRule(rule.method)


def compile_grid(document: GridModel) -> Grid:
    """Return a grid document as arrays; a node's holon in each layer is read off its parents."""
    nodes = tuple(sorted(node.node for node in document.nodes))
    node_index = {node: index for index, node in enumerate(nodes)}
    parent = {holon.holon: holon.parent for holon in document.holons}
    layer_of = {holon.holon: holon.layer for holon in document.holons}
    place: dict[str, dict[str, str]] = {layer: {} for layer in document.layers}
    for node in nodes:
        holon: str | None = node
        while holon is not None:
            place[layer_of[holon]][node] = holon
            holon = parent[holon]
    lines = sorted(document.lines, key=lambda line: line.line)
    return Grid(
        nodes=nodes,
        line_from=np.array([node_index[line.from_node] for line in lines], dtype=np.int64),
        line_to=np.array([node_index[line.to_node] for line in lines], dtype=np.int64),
        rating_w=np.array([line.rating_w for line in lines], dtype=np.int64),
        reverse_rating_w=np.array([line.reverse_rating_w for line in lines], dtype=np.int64),
        layers=tuple(_layer(name, nodes, place[name]) for name in document.layers),
    )


def energy_areas_of(document: GridModel) -> EnergyAreas | None:
    """Return the areas of a grid document, its nodes sorted by name; None where there are none."""
    return _energy_areas(document, compile_grid(document))


def _energy_areas(document: GridModel, grid: Grid) -> EnergyAreas | None:
    """Return the areas in the order of their layer's holons, or None where there are none."""
    accounts = document.energy_accounts
    if accounts is None:
        return None
    layer = next(layer for layer in grid.layers if layer.name == accounts.layer)
    factor = {loss.area: loss for loss in accounts.losses}
    return EnergyAreas(
        names=tuple(f"{layer.name}/{holon}" for holon in layer.holons),
        node_area=layer.node_holon,
        loss_ppm=np.array([factor[holon].loss_ppm for holon in layer.holons], dtype=np.int64),
        of_generation=np.array([factor[holon].of == "generation" for holon in layer.holons]),
    )


def _layer(name: str, nodes: Sequence[str], holon_of: dict[str, str]) -> Layer:
    holons = tuple(sorted(set(holon_of.values())))
    index = {holon: position for position, holon in enumerate(holons)}
    return Layer(name, holons, np.array([index[holon_of[node]] for node in nodes], dtype=np.int64))
