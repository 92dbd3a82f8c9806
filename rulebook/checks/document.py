"""Checks of one document by itself, one ordered list a kind."""

from collections.abc import Callable, Iterator
from typing import cast

from common.refusals import Finding, shown
from rulebook.checks.charges import CHARGE_CHECKS
from rulebook.checks.clauses import CLAUSE_CHECKS
from rulebook.checks.grid import GRID_CHECKS
from rulebook.checks.market import MARKET_CHECKS
from rulebook.checks.parts import repeated
from rulebook.checks.terms import TERMS_CHECKS, account_is_whole
from rulebook.checks.texts import TEXT_CHECKS
from rulebook.documents import AllocationPolicy, Document, Registration
from rulebook.documents.base import MILLION


def pot_weights(policy: AllocationPolicy, place: str) -> Iterator[Finding]:
    """Each pot stands once and the weights make one whole."""
    yield from repeated(
        [pot.pot for pot in policy.pots], f"{place}: pots[{{}}].pot", "pot-repeated"
    )
    total = sum(pot.weight_ppm for pot in policy.pots)
    if total != MILLION:
        yield Finding(
            "weights-do-not-sum",
            f"{place}: pots",
            f"{total:_} ppm",
            f"the weights of the pots make {MILLION:_} ppm",
            f"raise or lower them by {abs(MILLION - total):_} ppm together",
        )


def parts_are_complete(policy: AllocationPolicy, place: str) -> Iterator[Finding]:
    """What a rule, a pot or a mode needs is stated, and nothing is stated that none needs."""
    weighted = {pot.pot for pot in policy.pots if pot.weight_ppm}
    yield from _stated_with(
        f"{place}: target.benchmark_annual_units",
        policy.target.benchmark_annual_units,
        needed=policy.target.rule == "equalisation",
        when="the target is `equalisation`",
    )
    yield from _stated_with(
        f"{place}: flexibility",
        policy.flexibility,
        needed="flexibility" in weighted,
        when="the flexibility pot has a weight",
    )
    for method, part in (
        ("clusters", policy.shapley.clusters),
        ("sampled", policy.shapley.sampled),
    ):
        yield from _stated_with(
            f"{place}: shapley.{method}",
            part,
            needed=policy.shapley.method == method,
            when=f"the method is `{method}`",
        )
    for position, charging in enumerate(policy.charging):
        yield from _stated_with(
            f"{place}: charging[{position}].dynamic_ppm",
            charging.dynamic_ppm,
            needed=charging.mode == "mixed",
            when="the mode is `mixed`",
        )


def _stated_with(place: str, value: object, *, needed: bool, when: str) -> Iterator[Finding]:
    if needed and value is None:
        yield Finding("part-missing", place, "nothing", f"it is stated where {when}", "state it")
    elif value is not None and not needed:
        yield Finding(
            "part-unused", place, shown(value), f"it is stated only where {when}", "remove it"
        )


def policy_lists(policy: AllocationPolicy, place: str) -> Iterator[Finding]:
    """Each technology, charged product, trunk node and product of Fair Play stands once."""
    yield from repeated(
        policy.regulated_technologies,
        f"{place}: regulated_technologies[{{}}]",
        "technology-repeated",
    )
    products = [charging.product for charging in policy.charging]
    yield from repeated(products, f"{place}: charging[{{}}].product", "charging-repeated")
    if policy.shapley.clusters is not None:
        yield from repeated(
            policy.shapley.clusters.trunk_nodes,
            f"{place}: shapley.clusters.trunk_nodes[{{}}]",
            "trunk-node-repeated",
        )
    if policy.fair_play is not None:
        own = [rule.product for rule in policy.fair_play.products]
        yield from repeated(own, f"{place}: fair_play.products[{{}}].product", "fair-play-repeated")


def doubt_is_cited(policy: AllocationPolicy, place: str) -> Iterator[Finding]:
    """Who is compensated less, as a request does not count, finds the clause that says so."""
    rule, path = policy.fair_play, "fair_play.least_taken_ppm"
    if rule is None or rule.least_taken_ppm is None or policy.clauses_governing(path):
        return
    yield Finding(
        "least-taken-without-clause",
        f"{place}: {path}",
        shown(rule.least_taken_ppm),
        "what of an offer must be taken, so that a request counts, rests on a clause",
        f"add {path} to the `fields` of the clause that says so, or remove the field",
    )


def roles_match(registration: Registration, place: str) -> Iterator[Finding]:
    """Who has units generates, who has supply points supplies; a sub-meter may be of either."""
    yield from repeated(registration.roles, f"{place}: roles[{{}}]", "role-repeated")
    for role, field, entries in (
        ("generator", "units", registration.units),
        ("supplier", "supply_points", registration.supply_points),
    ):
        if entries and role not in registration.roles:
            yield Finding(
                "role-missing",
                f"{place}: roles",
                shown(list(registration.roles)),
                f"a participant with {field} has the role {role}",
                f"add the role, or remove the {field}",
            )
    if registration.sub_meters and {"generator", "supplier"}.isdisjoint(registration.roles):
        yield Finding(
            "role-missing",
            f"{place}: roles",
            shown(list(registration.roles)),
            "a participant with sub_meters has the role generator or supplier",
            "add one of the roles, or remove the sub_meters",
        )


def unit_capability(registration: Registration, place: str) -> Iterator[Finding]:
    """A unit's minimum lies within its capacity; storage comes with its efficiency."""
    for position, unit in enumerate(registration.units):
        at = f"{place}: units[{position}]"
        if unit.minimum_w > unit.capacity_w:
            yield Finding(
                "minimum-above-capacity",
                f"{at}.minimum_w",
                f"{unit.minimum_w:_} W",
                f"unit {unit.unit} has a capacity of {unit.capacity_w:_} W",
                "lower the minimum or raise the capacity",
            )
        if (unit.storage_wh is None) != (unit.round_trip_efficiency_ppm is None):
            field = "storage_wh" if unit.storage_wh is None else "round_trip_efficiency_ppm"
            yield Finding(
                "storage-incomplete",
                f"{at}.{field}",
                "nothing",
                f"unit {unit.unit} states storage and round-trip efficiency, or neither",
                f"add `{field}`, or remove the other",
            )


def account_is_right(registration: Registration, place: str) -> Iterator[Finding]:
    """The bank account, if stated, carries its own check digits."""
    yield from account_is_whole(registration, f"{place}: ")


_Check = Callable[[Document, str], Iterator[Finding]]

CHECKS: dict[str, tuple[_Check, ...]] = {
    "market-rules": cast(tuple[_Check, ...], MARKET_CHECKS),
    "grid-model": cast(tuple[_Check, ...], GRID_CHECKS),
    "allocation-policy": cast(
        tuple[_Check, ...], (pot_weights, parts_are_complete, policy_lists, doubt_is_cited)
    ),
    "registration": cast(tuple[_Check, ...], (roles_match, unit_capability, account_is_right)),
    "charge-list": cast(tuple[_Check, ...], CHARGE_CHECKS),
    "settlement-terms": cast(tuple[_Check, ...], TERMS_CHECKS),
}
"""The checks of each kind, in the order in which they run."""


def check_document(document: Document, place: str) -> tuple[Finding, ...]:
    """Return every finding about `document` by itself; `place` names it, as a file does."""
    checks = (*CLAUSE_CHECKS, *TEXT_CHECKS, *CHECKS[document.kind])
    return tuple(finding for check in checks for finding in check(document, place))
