"""Checks of the documents that are in force side by side."""

from collections.abc import Callable, Iterator

from common.people import name_key
from common.refusals import Finding, shown
from rulebook.checks.charges_in_law import CHARGE_CHECKS_IN_LAW
from rulebook.checks.in_force import InForce
from rulebook.checks.methods import METHOD_CHECKS
from rulebook.checks.parts import identifier_key, spelling_of
from rulebook.checks.resolutions import resolutions_fit_interval
from rulebook.checks.terms import sealed_after_the_last_run
from rulebook.documents import Registration

MOST_NODES_FAIR_PLAY = 200
"""To share an interval by flows takes milliseconds with 118 nodes."""

MOST_NODES_MAX_FLOW = 200
"""Flow into every holon takes seconds a day with 73 nodes, and grows with about their cube."""


def layers_agree(law: InForce) -> Iterator[Finding]:
    """Market rules and grid model name the same layers in the same order."""
    if law.market_rules is None or law.grid_model is None:
        return
    priced = [layer.layer for layer in law.market_rules.layers]
    built = list(law.grid_model.layers)
    if priced != built:
        yield Finding(
            "layers-differ",
            f"{law.place(law.market_rules)}: layers",
            ", ".join(priced),
            f"{law.place(law.grid_model)} has the layers {', '.join(built)}",
            "name the same layers in both, outermost first",
        )


def maximum_flow_fits(law: InForce) -> Iterator[Finding]:
    """Maximum flow is sent into every holon in every interval, which bounds the grid."""
    if law.market_rules is None or law.grid_model is None:
        return
    nodes = len(law.grid_model.nodes)
    if law.market_rules.deliverability == "max-flow" and nodes > MOST_NODES_MAX_FLOW:
        yield Finding(
            "too-many-nodes-for-max-flow",
            f"{law.place(law.market_rules)}: deliverability",
            f"{nodes} nodes in {law.place(law.grid_model)}",
            f"`max-flow` takes at most {MOST_NODES_MAX_FLOW} nodes",
            "choose `boundary`, or merge nodes that no line limits",
        )


def every_product_charged(law: InForce) -> Iterator[Finding]:
    """The policy charges every product of the market rules, and no other."""
    if law.market_rules is None or law.allocation_policy is None:
        return
    products = [product.product for product in law.market_rules.products]
    charged = [charging.product for charging in law.allocation_policy.charging]
    place = law.place(law.allocation_policy)
    for position, product in enumerate(charged):
        if product not in products:
            yield Finding(
                "charging-unknown-product",
                f"{place}: charging[{position}].product",
                shown(product),
                f"the products of the market are {', '.join(products)}",
                "correct the name, or remove the line",
            )
    for product in products:
        if product not in charged:
            yield Finding(
                "charging-misses-product",
                f"{place}: charging",
                f"nothing for {product}",
                "every product has a charging mode",
                f"add a line for {product}",
            )


def every_line_cites_law(law: InForce) -> Iterator[Finding]:
    """Each kind of invoice line that the policy gives rise to rests on a clause."""
    if law.market_rules is None or law.allocation_policy is None:
        return
    documents = (law.market_rules, law.allocation_policy)
    lines = [*law.allocation_policy.line_kinds()]
    if any(product.energy_wh is not None for product in law.market_rules.products):
        lines.append("charge.excess")
    if law.market_rules.online is not None:
        lines.append("charge.booking")
    for line in lines:
        if not any(document.clauses_of_line(line) for document in documents):
            yield Finding(
                "line-without-clause",
                f"{law.place(law.allocation_policy)}: clauses",
                f"no clause names {line} among its lines",
                "every line of an invoice rests on a clause",
                f"add {line} to the `lines` of the clause that it rests on",
            )


def blocks_are_of_subscriptions(law: InForce) -> Iterator[Finding]:
    """A contract covers energy where the policy serves contracts, and its holders subscribe."""
    if law.market_rules is None or law.allocation_policy is None:
        return
    policy = law.allocation_policy
    mode = {charging.product: charging.mode for charging in policy.charging}
    for position, product in enumerate(law.market_rules.products):
        if product.energy_wh is None:
            continue
        place = f"{law.place(law.market_rules)}: products[{position}].energy_wh"
        if policy.fair_play is None:
            yield Finding(
                "block-without-fair-play",
                place,
                shown(product.energy_wh),
                "what was taken in a month is remembered where the policy has `fair_play`",
                "state `fair_play`, or remove the energy covered",
            )
        if mode.get(product.product, "subscription") != "subscription":
            yield Finding(
                "block-of-dynamic-product",
                place,
                shown(product.energy_wh),
                f"{product.product} pays the price of its node ({mode[product.product]}), and a "
                "block is covered by a share of the costs",
                "charge it by subscription, or remove the energy covered",
            )


def registered_at_known_nodes(law: InForce) -> Iterator[Finding]:
    """Units and supply points connect at nodes of the grid model."""
    if law.grid_model is None:
        return
    nodes = {node.node for node in law.grid_model.nodes}
    for registration in law.registrations:
        place = law.place(registration)
        sites = [(f"units[{i}]", unit.node) for i, unit in enumerate(registration.units)]
        sites += [
            (f"supply_points[{i}]", point.node)
            for i, point in enumerate(registration.supply_points)
        ]
        for field, node in sites:
            if node not in nodes:
                yield Finding(
                    "registration-unknown-node",
                    f"{place}: {field}.node",
                    shown(node),
                    f"a node of {law.place(law.grid_model)}",
                    "correct the name, or publish a grid model that has the node",
                )


def registered_for_known_products(law: InForce) -> Iterator[Finding]:
    """Supply points take products of the market rules."""
    if law.market_rules is None:
        return
    products = {product.product for product in law.market_rules.products}
    for registration in law.registrations:
        for position, point in enumerate(registration.supply_points):
            if point.product not in products:
                yield Finding(
                    "registration-unknown-product",
                    f"{law.place(registration)}: supply_points[{position}].product",
                    shown(point.product),
                    f"a product of {law.place(law.market_rules)}",
                    "correct the name, or publish market rules that have the product",
                )


def contracts_have_households(law: InForce) -> Iterator[Finding]:
    """Who holds a contract whose power or energy is that of one household has households.

    Of none, all power would lie above the contract, and be charged the cap as over-take.
    """
    if law.market_rules is None or law.allocation_policy is None:
        return
    if law.allocation_policy.fair_play is None:
        return
    limited = {
        product.product
        for product in law.market_rules.products
        if product.magnitude_w is not None or product.energy_wh is not None
    }
    for registration in law.registrations:
        for position, point in enumerate(registration.supply_points):
            if point.product in limited and not point.household_count:
                yield Finding(
                    "contract-of-no-household",
                    f"{law.place(registration)}: supply_points[{position}].household_count",
                    f"0 under {point.product}",
                    f"{point.product} limits the power or covers the energy of one household, so "
                    "whoever holds it has at least one",
                    "state the households, or a product that limits and covers nothing",
                )


def entities_stand_once(law: InForce) -> Iterator[Finding]:
    """A unit, supply point or sub-meter has one name in the market, and one who answers for it."""
    first: dict[str, tuple[str, str]] = {}
    for registration in law.registrations:
        place = law.place(registration)
        names = [(f"units[{i}].unit", unit.unit) for i, unit in enumerate(registration.units)]
        names += [
            (f"supply_points[{i}].supply_point", point.supply_point)
            for i, point in enumerate(registration.supply_points)
        ]
        names += [
            (f"sub_meters[{i}].sub_meter", meter.sub_meter)
            for i, meter in enumerate(registration.sub_meters)
        ]
        for field, name in names:
            at = f"{place}: {field}"
            earlier, known = first.setdefault(identifier_key(name), (at, name))
            if earlier != at:
                yield Finding(
                    "entity-registered-twice",
                    at,
                    spelling_of(name, known),
                    f"a unit, supply point or sub-meter stands once in a market, and {earlier} "
                    "has it",
                    "rename it, or remove it from one of the registrations",
                )


def participants_are_told_apart(law: InForce) -> Iterator[Finding]:
    """Participants whose names read the same are one legal person, who pays and is paid as one."""
    first: dict[str, Registration] = {}
    for registration in law.registrations:
        known = first.setdefault(name_key(registration.legal_name), registration)
        if name_key(known.tax_identifier) == name_key(registration.tax_identifier):
            continue
        yield Finding(
            "legal-name-of-another",
            f"{law.place(registration)}: legal_name",
            f"{shown(registration.legal_name)}, with the tax identifier "
            f"{shown(registration.tax_identifier)}",
            f"it reads as {shown(known.legal_name)} does, the name of {known.participant}, whose "
            f"tax identifier is {shown(known.tax_identifier)}",
            "write the whole name by which people tell the two apart, or the one tax identifier",
        )


def fair_play_fits(law: InForce) -> Iterator[Finding]:
    """Fair Play names products of the market, charges over-take, and finds flows in time."""
    policy = law.allocation_policy
    if policy is None or policy.fair_play is None:
        return
    place = law.place(policy)
    if law.grid_model is not None and len(law.grid_model.nodes) > MOST_NODES_FAIR_PLAY:
        yield Finding(
            "too-many-nodes-for-fair-play",
            f"{place}: fair_play",
            f"{len(law.grid_model.nodes)} nodes",
            f"Fair Play takes grids of at most {MOST_NODES_FAIR_PLAY} nodes",
            "merge nodes that no line limits, or remove fair_play",
        )
    if law.market_rules is None:
        return
    if law.market_rules.price_cap_micro_per_mwh < 0:
        yield Finding(
            "over-take-price-negative",
            f"{law.place(law.market_rules)}: price_cap_micro_per_mwh",
            f"{law.market_rules.price_cap_micro_per_mwh:_}",
            "where Fair Play is applied over-take is charged at the cap, which is 0 or more",
            "raise the cap, or remove fair_play from the policy",
        )
    products = [product.product for product in law.market_rules.products]
    for position, rule in enumerate(policy.fair_play.products):
        if rule.product not in products:
            yield Finding(
                "fair-play-unknown-product",
                f"{place}: fair_play.products[{position}].product",
                shown(rule.product),
                f"the products of the market are {', '.join(products)}",
                "correct the name, or remove the line",
            )


CHECKS_TOGETHER: tuple[Callable[[InForce], Iterator[Finding]], ...] = (
    layers_agree,
    maximum_flow_fits,
    every_product_charged,
    every_line_cites_law,
    blocks_are_of_subscriptions,
    registered_at_known_nodes,
    registered_for_known_products,
    contracts_have_households,
    resolutions_fit_interval,
    entities_stand_once,
    participants_are_told_apart,
    *METHOD_CHECKS,
    fair_play_fits,
    *CHARGE_CHECKS_IN_LAW,
    sealed_after_the_last_run,
)


def check_law(law: InForce) -> tuple[Finding, ...]:
    """Return every finding about documents that are in force at the same time."""
    return tuple(finding for check in CHECKS_TOGETHER for finding in check(law))
