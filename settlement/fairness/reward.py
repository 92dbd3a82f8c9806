"""Fair reward (F1): what units get of the pots, what they contribute, and their payback. Pure.

*Shapley share.* Each game's numerators are summed over the intervals of the period, as exact ratios
of their denominators; a unit's share of a game is its part of that sum. Over several games, each
weighs by what its pot paid in the period. What a pot pays also follows its timing over a day, so
the two shares differ by when a unit contributed; the units that may share the pots count.

*Payback.* The law states what capital costs a year, and in how many years a unit expects to earn
it: so its capital is ``annual capital x expected years``. What is left of all payments after fuel,
which is paid as offered, and after the fixed cost of the same days, earns it:

    payback in years = expected years x capital of the days / (payments - fuel - fixed cost)

with capital and fixed cost as the days' parts of a year, so that a month is annualised by its own
cost. It equals the expected years where just the capital cost is earned.

Example: of 365 days, capital costs 3,650 and fixed cost is 365 a year, and 10 years are expected.
In a month of 31 days a unit is paid 541 and its fuel was 200: 541 - 200 - 31 = 310 are left, beside
310 of capital: 10 years. With 155 left it would be 20; with nothing left there is no payback.

Source: the thesis behind arXiv 2512.13871, fair reward; L. S. Shapley (1953).
"""

from collections import defaultdict
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from settlement.fairness.designs import distance_ppm, shares_of
from settlement.fairness.facts import FUEL, SHAPLEY_POTS
from settlement.fairness.inequality import PPM
from settlement.fairness.sums import Sums, UnitKey, UnitSums

MILLIYEARS = 1_000


def shapley_shares(sums: Sums) -> dict[UnitKey, Fraction]:
    """Return the Shapley share of each unit and owner.

    Nothing where no pot paid by a game that has a value.
    """
    whole = Fraction(0)
    shares: dict[UnitKey, Fraction] = defaultdict(Fraction)
    for game in SHAPLEY_POTS:
        values: dict[UnitKey, Fraction] = defaultdict(Fraction)
        for (of_game, denominator), numerators in sums.shapley.items():
            if of_game == game:
                for at, numerator in numerators.items():
                    values[at] += Fraction(numerator, denominator)
        value = sum(values.values(), Fraction(0))
        paid = sum(unit.paid_micro[f"payment.{game}_micro"] for unit in sums.units.values())
        if value > 0 and paid > 0:
            whole += paid
            for at, each in values.items():
                shares[at] += paid * each / value
    return {at: share / whole for at, share in shares.items()} if whole else {}


def shapley_by_unit(sums: Sums) -> dict[str, Fraction]:
    """Return the Shapley share of each unit, whoever owned it when."""
    shares: dict[str, Fraction] = defaultdict(Fraction)
    for (name, _), share in shapley_shares(sums).items():
        shares[name] += share
    return dict(shares)


def reward_distance_ppm(sums: Sums) -> int | None:
    """Return how far the shares of the pots lie from those of contribution."""
    paid = {name: unit.pots_micro for name, unit in sums.units.items() if unit.is_eligible}
    return distance_ppm(shares_of(paid), shapley_by_unit(sums))


def payback_milliyears(expected_years: int, capital_micro: int, left_micro: int) -> int | None:
    """Return the payback in thousandths of a year, rounded down.

    None where there is no capital, or nothing is left to earn it.

    >>> payback_milliyears(10, 310, 310), payback_milliyears(10, 310, 155)
    (10000, 20000)
    >>> payback_milliyears(10, 0, 5), payback_milliyears(10, 310, 0)
    (None, None)
    """
    if capital_micro <= 0 or left_micro <= 0:
        return None
    return expected_years * MILLIYEARS * capital_micro // left_micro


def unit_rows(sums: Sums) -> list[dict[str, Any]]:
    """Return the reward of every unit, by name; one that changed hands has a row of each owner."""
    shapley = shapley_shares(sums)
    paid = shares_of({at: u.pots_micro for at, u in sums.owned_units.items() if u.is_eligible})
    return [
        {
            "unit": at[0],
            "participant": unit.participant,
            "technology": unit.technology,
            "is_eligible": unit.is_eligible,
            "reward_share_ppm": _ppm(paid, at),
            "shapley_share_ppm": _ppm(shapley, at),
            "generated_wh": unit.generated_wh,
            "carbon_milligrams": unit.carbon_milligrams,
            **_money([unit]),
            "expected_payback_years": unit.expected_payback_years,
            "payback_milliyears": payback_milliyears(
                unit.expected_payback_years,
                unit.capital_micro,
                unit.beyond_fuel_micro - unit.fixed_micro,
            ),
        }
        for at, unit in sorted(sums.owned_units.items())
    ]


def technology_rows(sums: Sums) -> list[dict[str, Any]]:
    """Return the reward of every technology: sums over its units, and their shares."""
    units: dict[str, dict[str, UnitSums]] = defaultdict(dict)
    for name, unit in sums.units.items():
        units[unit.technology][name] = unit
    shapley = shapley_by_unit(sums)
    paid = shares_of({n: u.pots_micro for n, u in sums.units.items() if u.is_eligible})
    return [
        {
            "technology": technology,
            "units": len(of_technology),
            "reward_share_ppm": _sum_ppm(paid, of_technology),
            "shapley_share_ppm": _sum_ppm(shapley, of_technology),
            **_money(list(of_technology.values())),
        }
        for technology, of_technology in sorted(units.items())
    ]


def _money(units: list[UnitSums]) -> dict[str, int]:
    return {
        "paid_micro": sum(sum(unit.paid_micro.values()) for unit in units),
        "pots_micro": sum(unit.pots_micro for unit in units),
        "fuel_micro": sum(unit.paid_micro[FUEL] for unit in units),
        "fixed_micro": sum(unit.fixed_micro for unit in units),
        "capital_micro": sum(unit.capital_micro for unit in units),
    }


def _ppm(shares: Mapping[UnitKey, Fraction], at: UnitKey) -> int | None:
    return int(shares[at] * PPM // 1) if at in shares else None


def _sum_ppm(shares: Mapping[str, Fraction], names: Mapping[str, UnitSums]) -> int | None:
    found = [shares[name] for name in names if name in shares]
    return int(sum(found, Fraction(0)) * PPM // 1) if found else None
