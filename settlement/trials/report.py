"""The report of a trial: the law beside one draft or two, over the same days and readings. Pure.

All money is in micro and + is received by the participant: what `post` would move if nothing were
posted of the days, before tax and rounding, charges that are passed through included.

``totals``
    of each side: charges, payments and what equalisation keeps (charges = payments + equalisation),
    each `component` of cost charged and paid, energy by kind of account, prices (see
    `settlement.fairness.price_figures`), their `duration` (the highest price, then that which 1, 2,
    ... 100 % of all prices of nodes and intervals reach or exceed), the highest tightness,
    charges of `households` and of `products` as a study has them.
``participants``, ``groups``
    what each receives on each side, and the difference of each draft from the law, with a class:
    `gains` and `loses` (more than the threshold, in ppm of what the participant turned over under
    the law), `gains-little`, `loses-little`, and `same`: less than the minor unit of the currency
    in all, which no document could state. The difference itself is exact.
``cells``
    what each participant receives by all groups at once: see `settlement.trials.groups.cells_of`.
``moved_micro``
    of each draft: what those who gain receive more, together.
``months``
    prices and tightness of each side, and what is moved, month by month.
``evenness``
    of each draft what measures of inequality say of it beside the law, and where Lorenz curves
    cross: see `settlement.trials.evenness`.
``fairness``
    of each side the figures of `settlement.fairness.definitions`, by code, its products as a
    fairness report has them, with what was served late, and the payback of its units.
``public``
    what everybody may know of it: see `settlement.trials.public`.
``beside``
    which sums other trials of some of these days withhold with it: see `settlement.trials.beside`.
``baselines``
    what the days come to under other designs: see `settlement.trials.baselines`.
``edits``
    of each draft: what it changes of the law that it was drawn from.

Rounding: ratios are rounded down; what is not defined is null.
"""

import dataclasses
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from common.currencies import currency
from common.quantities import MICRO
from ledger.journal import is_money
from rulebook.drafting import Draft
from rulebook.merging import ABSENT
from settlement.billing.lines import Side
from settlement.billing.posting import EQUALISATION
from settlement.core.rounding import WH_PER_MWH
from settlement.fairness import inequality
from settlement.fairness.prices_of_days import duration_micro_per_mwh, every_price, figures_of_days
from settlement.fairness.report import tried_fairness
from settlement.trials.evenness import compared_evenness, measures_ppm
from settlement.trials.figures import ReadingQuality, SideFigures
from settlement.trials.groups import (
    OF_SUPPLY_POINTS,
    cells_of,
    grouped_micro,
    names_of,
    point_of,
    received_micro,
    shared_places,
    shared_register,
    subject_of,
)
from settlement.trials.records import REPORT_FORMAT

LAW = "law"
DRAFTS = ("draft", "second")
PPM = 1_000_000
GAINS, GAINS_LITTLE, SAME, LOSES_LITTLE, LOSES = CLASSES = (
    "gains",
    "gains-little",
    "same",
    "loses-little",
    "loses",
)


@dataclass(frozen=True, eq=False)
class Tried:
    """All that a report is made of.

    Attributes:
        sides: by name, the law first.
        drafts: by name of their side.
        threshold_ppm: beyond which a participant gains or loses more than a little.
    """

    currency: str
    sides: Mapping[str, SideFigures]
    drafts: Mapping[str, Draft]
    quality: ReadingQuality
    threshold_ppm: int


def trial_report(tried: Tried) -> dict[str, Any]:
    """Return the report, whole numbers and words throughout."""
    received = {name: received_micro(side.amounts) for name, side in tried.sides.items()}
    participants, cells = _participants(tried, received), _cells(tried)
    return {
        "format": REPORT_FORMAT,
        "currency": tried.currency,
        "threshold_ppm": tried.threshold_ppm,
        "totals": {name: _totals(side) for name, side in tried.sides.items()},
        "participants": participants,
        "moved_micro": {
            name: sum(max(row[difference_key(name)], 0) for row in participants)
            for name in tried.drafts
        },
        "groups": groups_of(cells, list(tried.sides)),
        "cells": cells,
        "months": _months(tried),
        "evenness": _evenness(tried),
        "fairness": {name: tried_fairness(side.fairness) for name, side in tried.sides.items()},
        "readings": dataclasses.asdict(tried.quality)
        | {"estimated_ppm": _per(tried.quality.estimated * PPM, tried.quality.intervals)},
        "edits": {name: _edits(draft) for name, draft in tried.drafts.items()},
    }


def _participants(tried: Tried, received: Mapping[str, Mapping[str, int]]) -> list[dict[str, Any]]:
    turnover: defaultdict[str, int] = defaultdict(int)
    for account, amount in tried.sides[LAW].amounts.items():
        if account.participant is not None and is_money(account.commodity):
            turnover[account.participant] += abs(amount)
    rows = []
    for name in names_of(received.values()):
        row: dict[str, Any] = {"participant": name} | compared(
            {side: amounts.get(name, 0) for side, amounts in received.items()}
        )
        row["turnover_micro"] = turnover[name]
        for draft in tried.drafts:
            row[class_key(draft)] = classed(
                row[difference_key(draft)],
                turnover[name],
                tried.threshold_ppm,
                minor_unit_micro(tried.currency),
            )
        rows.append(row)
    return rows


def minor_unit_micro(code: str) -> int:
    """Return the least amount that documents in a currency state.

    >>> minor_unit_micro("GBP"), minor_unit_micro("JPY")
    (10000, 1000000)
    """
    return int(MICRO // 10 ** currency(code).minor_digits)


def classed(
    difference_micro: int, turnover_micro: int, threshold_ppm: int, least_micro: int = 1
) -> str:
    """Return the class of a difference from the law; one below `least_micro` is none.

    >>> classed(11, 1_000, 10_000), classed(-10, 1_000, 10_000), classed(0, 0, 10_000)
    ('gains', 'loses-little', 'same')
    >>> classed(-9_999, 0, 10_000, 10_000), classed(-10_000, 0, 10_000, 10_000)
    ('same', 'loses')
    """
    if abs(difference_micro) < least_micro:
        return SAME
    is_much = abs(difference_micro) * PPM > threshold_ppm * turnover_micro
    if difference_micro > 0:
        return GAINS if is_much else GAINS_LITTLE
    return LOSES if is_much else LOSES_LITTLE


def sides_of(report: Mapping[str, Any]) -> list[str]:
    """Return the names of the sides of a report, the law first."""
    return [name for name in (LAW, *DRAFTS) if name in report["totals"]]


def difference_key(draft: str) -> str:
    """Return the name by which a report tells how far a draft differs from the law."""
    return "difference_micro" if draft == DRAFTS[0] else f"{draft}_difference_micro"


def class_key(draft: str) -> str:
    """Return the name by which a report tells the class of a difference."""
    return "class" if draft == DRAFTS[0] else f"{draft}_class"


def compared(micro: Mapping[str, int]) -> dict[str, int]:
    """Return what is received on each side, and how far each draft differs from the law."""
    law = micro[LAW]
    return {f"{side}_micro": amount for side, amount in micro.items()} | {
        difference_key(side): amount - law for side, amount in micro.items() if side != LAW
    }


def _cells(tried: Tried) -> list[dict[str, Any]]:
    places = shared_places([side.places for side in tried.sides.values()])
    # By one register: what a draft calls otherwise would seem to move from group to group.
    register = shared_register([side.register for side in tried.sides.values()])
    return cells_of({name: side.amounts for name, side in tried.sides.items()}, register, places)


def groups_of(
    cells: Iterable[Mapping[str, Any]], sides: Sequence[str]
) -> dict[str, list[dict[str, Any]]]:
    """Return what each group receives on each side, and how far each draft differs."""
    return {
        dimension: [{"name": name} | compared(micro) for name, micro in groups.items()]
        for dimension, groups in grouped_micro(cells, sides).items()
    }


def _months(tried: Tried) -> list[dict[str, Any]]:
    law = tried.sides[LAW]
    rows = []
    for month, of_law in sorted(law.by_month.items()):
        row: dict[str, Any] = {"month": f"{month:%Y-%m}"}
        for name, side in tried.sides.items():
            row[name] = {
                "prices": dataclasses.asdict(figures_of_days(side.prices[month])),
                "highest_tightness_ppm": side.tightness_ppm[month],
            }
            if name != LAW:
                received = side.by_month[month]
                row[name]["moved_micro"] = sum(
                    max(received.get(each, 0) - of_law.get(each, 0), 0)
                    for each in names_of((of_law, received))
                )
        rows.append(row)
    return rows


def _totals(side: SideFigures) -> dict[str, Any]:
    sums = dict.fromkeys(("charges_micro", "payments_micro", "equalisation_micro"), 0)
    components: defaultdict[str, dict[str, int]] = defaultdict(
        lambda: {"charged_micro": 0, "paid_micro": 0}
    )
    energy_wh: defaultdict[str, int] = defaultdict(int)
    for account, amount in side.amounts.items():
        of_side, _, component = account.kind.partition(".")
        if not is_money(account.commodity):
            if account.participant is not None and account.commodity == "WH":
                energy_wh[account.kind] += abs(amount)
        elif of_side == Side.CHARGE:
            sums["charges_micro"] += amount
            components[component]["charged_micro"] += amount
        elif of_side == Side.PAYMENT:
            sums["payments_micro"] -= amount
            components[component]["paid_micro"] -= amount
        elif account.kind == EQUALISATION:
            sums["equalisation_micro"] -= amount
    every = [day for month in sorted(side.prices) for day in side.prices[month]]
    return {
        **sums,
        "components": {name: components[name] for name in sorted(components)},
        "energy_wh": dict(sorted(energy_wh.items())),
        "prices": dataclasses.asdict(figures_of_days(every)),
        "duration_micro_per_mwh": duration_micro_per_mwh(every_price(every)),
        "highest_tightness_ppm": max(side.tightness_ppm.values()),
        "households": _households(side),
        "products": _products(side),
    }


def _charged_of_points(side: SideFigures) -> tuple[dict[str, int], dict[str, int]]:
    """Return what each supply point was charged, and what it took, net export as nothing."""
    charged: defaultdict[str, int] = defaultdict(int)
    taken_wh: defaultdict[str, int] = defaultdict(int)
    for account, amount in side.amounts.items():
        point = point_of(account)
        if account.participant is None or point not in side.register.supply_points:
            continue
        if is_money(account.commodity) and subject_of(account) in OF_SUPPLY_POINTS:
            charged[point] += amount
        elif account.kind == "demand":
            taken_wh[point] += max(amount, 0)
    return charged, taken_wh


def _household_groups(side: SideFigures) -> list[inequality.Group]:
    """Return the households of each supply point that has some, and what they were charged."""
    charged, _ = _charged_of_points(side)
    return [
        (point.household_count, charged[name])
        for name, (_, point) in sorted(side.register.supply_points.items())
        if point.household_count
    ]


def _households(side: SideFigures) -> dict[str, Any]:
    groups = _household_groups(side)
    each = [amount // count for count, amount in groups]
    return {
        **measures_ppm(groups),
        "lorenz_ppm": inequality.lorenz_ppm(groups),
        "lowest_micro": min(each, default=None),
        "highest_micro": max(each, default=None),
    }


def _evenness(tried: Tried) -> dict[str, Any]:
    law = _household_groups(tried.sides[LAW])
    return {
        name: compared_evenness(law, _household_groups(tried.sides[name])) for name in tried.drafts
    }


def _products(side: SideFigures) -> list[dict[str, Any]]:
    charged, taken_wh = _charged_of_points(side)
    points: defaultdict[str, list[str]] = defaultdict(list)
    for name, (_, point) in sorted(side.register.supply_points.items()):
        if taken_wh[name]:
            points[point.product].append(name)
    rows = []
    for product, names in sorted(points.items()):
        unit = [charged[name] * WH_PER_MWH // taken_wh[name] for name in names]
        micro, wh = sum(charged[name] for name in names), sum(taken_wh[name] for name in names)
        mean = micro * WH_PER_MWH // wh
        rows.append(
            {
                "product": product,
                "taken_wh": wh,
                "mean_micro_per_mwh": mean,
                "lowest_micro_per_mwh": min(unit),
                "highest_micro_per_mwh": max(unit),
                "spread_ppm": inequality.spread_ppm(unit, mean),
            }
        )
    return rows


def _edits(draft: Draft) -> list[dict[str, Any]]:
    return [
        {
            "instrument": instrument,
            "path": edit.path,
            "before": None if edit.before is ABSENT else edit.before,
            "after": None if edit.after is ABSENT else edit.after,
            "is_new": edit.before is ABSENT,
            "is_gone": edit.after is ABSENT,
        }
        for instrument, edits in sorted(draft.edits.items())
        for edit in edits
    ]


def _per(amount: int, quantity: int) -> int | None:
    return amount // quantity if quantity else None
