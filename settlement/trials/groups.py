"""By what a trial groups money: what an account is for, and what its unit or supply point is. Pure.

On every side a unit and a supply point are grouped as the law of the last day that has them says,
and those that only a draft has as that draft says. Money that is about neither, such as a charge
that is passed through, stands under its kind alone.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ledger.journal import Account, is_money
from rulebook.documents.registration import SupplyPoint, Unit
from settlement.billing.lines import LINE_KINDS, Subject
from settlement.rules.places import Places
from settlement.rules.register import Register

W_PER_MW = 1_000_000
UNIT_SIZES_MW = (1, 10, 100, 1_000)
HOUSEHOLD_SIZES = (1, 1_000, 100_000, 1_000_000)

Groups = tuple[tuple[str, str], ...]
"""By dimension, the group that an account is of."""
OF_SUPPLY_POINTS = (Subject.SUPPLY_POINT, Subject.BOOKING)
"""What lines are about that is of a supply point."""
NO_HOUSEHOLDS = "point without households"


def received_micro(amounts: Mapping[Account, int]) -> dict[str, int]:
    """Return what each participant receives; what it owes is negative."""
    received: defaultdict[str, int] = defaultdict(int)
    for account, amount in amounts.items():
        if account.participant is not None and is_money(account.commodity):
            received[account.participant] -= amount
    return dict(received)


def subject_of(account: Account) -> Subject | None:
    """Return what the lines of an account are about; None where it makes no line."""
    kind = LINE_KINDS.get(account.kind)
    return None if kind is None else kind.subject


def point_of(account: Account) -> str:
    """Return the supply point that an account is of, where it is of one: its subject, mostly."""
    kind = LINE_KINDS.get(account.kind)
    return account.subject if kind is None else kind.entity_of(account.subject)


def shared_places(sides: Sequence[Places]) -> dict[str, dict[str, str]]:
    """Return where every node lies that some side met; the first, the law, where several know."""
    places: dict[str, dict[str, str]] = {}
    for side in reversed(sides):
        for layer, holon_of in side.items():
            places.setdefault(layer, {}).update(holon_of)
    return places


def shared_register(registers: Sequence[Register]) -> Register:
    """Return all that some registers hold; what several hold is as the first has it: the law."""
    units: dict[str, tuple[str, Unit]] = {}
    points: dict[str, tuple[str, SupplyPoint]] = {}
    for register in reversed(registers):
        units |= register.units
        points |= register.supply_points
    return Register(units, points)


def cells_of(
    sides: Mapping[str, Mapping[Account, int]], register: Register, places: Places
) -> list[dict[str, Any]]:
    """Return what each participant receives on each side, by all groups together, in micro.

    A cell names the participant, by dimension the group that its accounts are of, and an amount a
    side; + is received. Dimensions: `kind` of line, `technology`, `product`, `size`, and every
    layer of the grid. What else a report tells of groups are sums of cells.
    """
    found: dict[tuple[str, Groups], dict[str, int]] = {}
    for side, amounts in sides.items():
        for account, amount in amounts.items():
            if account.participant is None or not is_money(account.commodity):
                continue
            key = (account.participant, tuple(groups_of_account(account, register, places)))
            found.setdefault(key, dict.fromkeys(sides, 0))[side] -= amount
    return [
        {"participant": participant, "groups": dict(groups)}
        | {f"{side}_micro": amount for side, amount in micro.items()}
        for (participant, groups), micro in sorted(found.items())
    ]


def grouped_micro(
    cells: Iterable[Mapping[str, Any]], sides: Iterable[str]
) -> dict[str, dict[str, dict[str, int]]]:
    """Return what members of each group receive on each side, by dimension, group and side."""
    names = tuple(sides)
    sums: dict[str, dict[str, dict[str, int]]] = {}
    for cell in cells:
        for dimension, group in cell["groups"].items():
            of_dimension = sums.setdefault(dimension, {})
            micro = of_dimension.setdefault(group, dict.fromkeys(names, 0))
            for name in names:
                micro[name] += cell[f"{name}_micro"]
    return {
        dimension: {group: sums[dimension][group] for group in sorted(sums[dimension])}
        for dimension in sorted(sums)
    }


def is_of_households(groups: Mapping[str, str]) -> bool:
    """Return whether a cell is of supply points with households behind them."""
    return "product" in groups and groups["size"] != NO_HOUSEHOLDS


def groups_of_account(
    account: Account, register: Register, places: Places
) -> Iterator[tuple[str, str]]:
    """Yield the groups that the money of an account counts in, each as dimension and name."""
    yield "kind", account.kind
    unit = register.units.get(account.subject)
    point = register.supply_points.get(point_of(account))
    found: Unit | SupplyPoint | None = None
    # A unit, a point and a charge may have one name; the kind of line says which is meant.
    if unit is not None and subject_of(account) is Subject.UNIT:
        found = unit[1]
        yield "technology", unit[1].technology
        yield "size", unit_size(unit[1].capacity_w)
    elif point is not None and subject_of(account) in OF_SUPPLY_POINTS:
        found = point[1]
        yield "product", point[1].product
        yield "size", household_size(point[1].household_count)
    if found is not None:
        for layer, holon_of in places.items():
            if found.node in holon_of:
                yield f"layer {layer}", holon_of[found.node]


def unit_size(capacity_w: int) -> str:
    """Return the class of size of a unit.

    >>> unit_size(999_999), unit_size(10_000_000), unit_size(3_000_000_000)
    ('unit below 1 MW', 'unit of 10 to 100 MW', 'unit of 1,000 MW and more')
    """
    return _size("unit", "MW", [size * W_PER_MW for size in UNIT_SIZES_MW], W_PER_MW, capacity_w)


def household_size(household_count: int) -> str:
    """Return the class of size of a supply point, by the households behind it.

    >>> household_size(0), household_size(12), household_size(2_000_000)
    ('point without households', 'point of 1 to 1,000 households', \
'point of 1,000,000 households and more')
    """
    if not household_count:
        return NO_HOUSEHOLDS
    if household_count < HOUSEHOLD_SIZES[-1]:
        return _size("point", "households", HOUSEHOLD_SIZES, 1, household_count)
    return f"point of {HOUSEHOLD_SIZES[-1]:,} households and more"


def _size(what: str, unit: str, limits: Sequence[int], per: int, value: int) -> str:
    above = [limit for limit in limits if limit <= value]
    below = [limit for limit in limits if limit > value]
    if not above:
        return f"{what} below {below[0] // per:,} {unit}"
    if not below:
        return f"{what} of {above[-1] // per:,} {unit} and more"
    return f"{what} of {above[-1] // per:,} to {below[0] // per:,} {unit}"


def names_of(sides: Iterable[Mapping[str, int]]) -> list[str]:
    """Return every name that any side has, sorted."""
    return sorted({name for side in sides for name in side})
