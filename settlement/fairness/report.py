"""The fairness report of a settled period, as it is stored and as `--json` prints it. Pure.

A mapping of plain values; energy in Wh, money in micro (+ is owed by supply points, + is paid to
units), ratios in ppm. What does not apply is null.

``format``, ``market``, ``first_day``, ``last_day``, ``currency``, ``days``, ``intervals``
    what it is of.
``runs``
    the runs whose results are posted: ``run``, ``first_day``, ``last_day`` of consecutive days.
``figures``
    the rows of `settlement.fairness.definitions`, with ``value`` of the market and ``designs``:
    the value of each baseline, or null. The headline of a page.
``products``
    F2 and F4 by product: ``product``, ``title``, ``household_count``, ``promised_ppm`` (by the
    promise of each day, of what matured on it, rounded up; as stated last where nothing matured),
    ``delivered_ppm``, ``desired_wh``, ``matured_wh``, ``delivered_wh``, ``missed_wh``,
    ``deferred_wh``, ``declined_wh``, ``shortfall_wh``, ``owed_wh`` where the last day ends,
    ``promises`` and ``promises_kept`` (of whole months and nodes); ``charged_micro``,
    ``taken_wh``, ``cost_share_ppm``, ``energy_share_ppm``, ``tight_share_ppm``,
    ``cost_micro_per_mwh``, its lowest and highest of any node, and ``spread_ppm``.
``refused_wh``, ``deferred_wh``, ``owed_wh``, ``declined_wh``, ``promises``, ``promises_kept``
    of all.
``groups``, ``months``, ``places``, ``nodes``
    F2 by month, node and product (with ``is_kept``); by month and product; by layer, holon and
    product (``product`` null: of all); by node, with the holon of each layer in ``places``.
``convergence``
    F2 by month, node and product of each that was behind its promise where a day ended: ``days``,
    those days, with ``shortfall_ppm``, promised less delivered since the month began.
``access``
    F3: ``nodes`` and ``households``, each ``jain_ppm``, ``gini_ppm``, ``lorenz_ppm`` (ten tenths,
    or null) and ``lowest_ppm``.
``units``, ``technologies``
    F1: see `settlement.fairness.reward`; a unit has ``payback_milliyears`` beside
    ``expected_payback_years``.
``units_with_capital``
    how many units have capital cost, of which those are that earn it in time.
``supply_points``
    each one's service and charges, with ``participant``; one that changed supplier, node or product
    has a row of each, so that nobody is told of days on which another supplied it.
``calendar``
    by day: ``run``, ``short_ppm`` (missed of what matured), ``late_ppm`` (served late of it),
    ``missed_wh``, ``deferred_wh``, ``short_intervals``, and ``nodes`` that were short, each with
    the same four; in a report of up to 62 days a short day has the four of each interval, too:
    ``interval_short_ppm``, ``interval_late_ppm``, ``interval_missed_wh``, ``interval_deferred_wh``.
``by_interval``
    in a report of up to 62 days of each ``day`` its ``run`` and, by column, what figures are made
    of in each interval: see `settlement.fairness.intervals`. Of more days it is empty.
``worst``
    the intervals in which most was missed, at most 20: ``day``, ``interval`` from 0, ``run``, the
    same four, and ``nodes`` with them.
``prices``, ``waste``, ``money``
    `settlement.fairness.price_figures`; v(all) held against what was offered; totals.
``designs``
    ``baselines``: null where none were asked for, or ``why_not``; else of each design its
    ``figures``, ``products`` (F4) and ``access`` (F3).
``findings``
    where the market does worse than a baseline: ``figure``, ``design``, ``ours``, ``theirs``.
``beside``
    the earlier reports of the market that it was held to, by id: those that have days of it, and
    those within the days of such a one.
``public``
    what everybody may know of it: see `settlement.fairness.public`.
"""

import dataclasses
import datetime as dt
from collections.abc import Mapping
from typing import Any

from settlement.baselines.designs import BASELINES, Design
from settlement.fairness.definitions import FIGURES, Better
from settlement.fairness.delivery import (
    calendar_of,
    convergence_rows,
    group_rows,
    known,
    month_rows,
    node_rows,
    place_rows,
    product_rows,
    service_fields,
    worst_intervals,
)
from settlement.fairness.designs import (
    DesignSums,
    access_of,
    costs_by_product,
    design_figures,
    settled_design,
    tight_intervals,
)
from settlement.fairness.intervals import stated_intervals
from settlement.fairness.prices_of_days import figures_of_days
from settlement.fairness.reward import (
    reward_distance_ppm,
    shapley_by_unit,
    technology_rows,
    unit_rows,
)
from settlement.fairness.sums import Service, Sums, whole_wh

FORMAT = "tallystick.fairness.2"

Baselines = Mapping[Design, DesignSums]


def fairness_report(
    market: str, days: tuple[dt.date, dt.date], sums: Sums, designs: Mapping[str, Any] | None
) -> dict[str, Any]:
    """Return the report of a period, but for its public part.

    Args:
        days: first and last.
        sums: of every day.
        designs: as `designs_part` returns it; None where no baselines were asked for.
    """
    tight = tight_intervals(sums.tightness)
    settled = settled_design(sums)
    figures = settled_figures(sums)
    costs = {row["product"]: row for row in costs_by_product(settled, sums, tight)}
    nothing = dict.fromkeys(next(iter(costs.values()), {}))
    products = [{**costs.get(row["product"], nothing), **row} for row in product_rows(sums)]
    every = Service()
    for service in sums.groups.values():
        every.add(service)
    totals = known(service_fields(every), sums.knows_service)
    owed = sum(point.owed for point in sums.points.values())
    compared = compared_figures(figures, designs)
    return {
        "format": FORMAT,
        "market": market,
        "first_day": days[0].isoformat(),
        "last_day": days[1].isoformat(),
        "currency": sums.last_law.currency,
        "days": sum(sums.days_of_month.values()),
        "intervals": sum(len(row) for row in sums.tightness),
        "figures": compared,
        "products": products,
        "refused_wh": totals["missed_wh"],
        "deferred_wh": totals["deferred_wh"],
        "declined_wh": totals["declined_wh"],
        "owed_wh": whole_wh(owed) if sums.knows_service else None,
        "promises": sum(row["promises"] for row in products),
        "promises_kept": sum(row["promises_kept"] for row in products),
        "groups": group_rows(sums),
        "convergence": convergence_rows(sums),
        "months": month_rows(sums),
        "places": place_rows(sums),
        "nodes": node_rows(sums),
        "access": access_of(settled, sums),
        "units": unit_rows(sums),
        "units_with_capital": sum(unit.capital_micro > 0 for unit in sums.units.values()),
        "technologies": technology_rows(sums),
        "supply_points": _point_rows(sums),
        "calendar": calendar_of(sums),
        "by_interval": _by_interval(sums),
        "worst": worst_intervals(sums),
        "prices": dataclasses.asdict(figures_of_days(sums.prices)),
        "waste": _waste(sums),
        "money": _money(sums),
        "designs": designs,
        "findings": findings_of(compared),
    }


def tried_fairness(sums: Sums) -> dict[str, Any]:
    """Return what a side of a trial has of a fairness report: figures, products and units."""
    return {
        "figures": settled_figures(sums),
        "products": product_rows(sums),
        "units": unit_rows(sums),
    }


def settled_figures(sums: Sums) -> dict[str, int | None]:
    """Return every figure of the settled market by code."""
    settled, tight = settled_design(sums), tight_intervals(sums.tightness)
    money = _money(sums)
    waste = _waste(sums)
    late = sum(service.late for service in sums.groups.values())
    return {
        **design_figures(settled, sums, shapley_by_unit(sums), tight),
        "reward_distance_ppm": reward_distance_ppm(sums),
        "deferred_wh": whole_wh(late) if sums.knows_service else None,
        "waste_wh": waste["waste_wh"],
        "ungenerated_wh": None if sums.imbalance_wh is None else -sums.imbalance_wh,
        **{
            name: money[name]
            for name in (
                "over_take_micro",
                "compensation_micro",
                "excess_micro",
                "equalisation_micro",
            )
        },
    }


def designs_part(sums: Sums, baselines: Baselines) -> dict[str, Any]:
    """Return what other designs come to, by name, on the days of the sums."""
    tight, shapley = tight_intervals(sums.tightness), shapley_by_unit(sums)
    return {
        design.value: {
            "figures": design_figures(of_design, sums, shapley, tight),
            "products": costs_by_product(of_design, sums, tight),
            "access": access_of(of_design, sums),
        }
        for design, of_design in baselines.items()
    }


def compared_figures(
    ours: Mapping[str, int | None], designs: Mapping[str, Any] | None
) -> list[dict[str, Any]]:
    """Return the rows of the definitions with the values of the market and of other designs."""
    # In the order of the designs, not of the mapping: a database keeps no order of names.
    others = {name: designs[name] for name in map(str, BASELINES) if designs and name in designs}
    return [
        {
            **dataclasses.asdict(figure),
            "value": ours[figure.code],
            "designs": {
                name: design["figures"].get(figure.code) for name, design in others.items()
            },
        }
        for figure in FIGURES
    ]


def findings_of(compared: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return where the market does worse than another design, figure by figure.

    What one of both has no value of is not compared.
    """
    return [
        {"figure": row["code"], "design": design, "ours": row["value"], "theirs": theirs}
        for row in compared
        for design, theirs in row["designs"].items()
        if is_worse(row["better"], row["value"], theirs)
    ]


def is_worse(better: str, ours: int | None, theirs: int | None) -> bool:
    """Return whether our value of a figure is worse than another's.

    >>> is_worse("higher", 1, 2), is_worse("lower", 1, 2), is_worse("neither", 1, 2)
    (True, False, False)
    >>> is_worse("lower", None, 2)
    False
    """
    if ours is None or theirs is None:
        return False
    return ours < theirs if better == Better.HIGHER else better == Better.LOWER and ours > theirs


def _point_rows(sums: Sums) -> list[dict[str, Any]]:
    return [
        {
            "supply_point": name,
            "participant": point.participant,
            "node": point.node,
            "product": point.product,
            "household_count": point.household_count,
            **known(service_fields(point.service), sums.knows_service),
            "owed_wh": whole_wh(point.owed) if sums.knows_service else None,
            "taken_wh": point.taken_wh,
            "over_take_wh": point.over_take_wh,
            "excess_wh": point.excess_wh,
            "charged_micro": point.all_charged_micro,
        }
        for (name, *_), point in sorted(sums.points.items())
    ]


def _by_interval(sums: Sums) -> list[dict[str, Any]]:
    columns = stated_intervals([of_day for *_, of_day in sums.intervals])
    return [
        {"day": day.isoformat(), "run": run, "columns": of_day}
        for (day, run, _), of_day in zip(sums.intervals, columns, strict=True)
    ]


def _waste(sums: Sums) -> dict[str, int | None]:
    waste = sums.waste
    return {
        "intervals": waste.intervals,
        "wasted_intervals": waste.wasted_intervals,
        **known(
            {"waste_wh": whole_wh(waste.wasted), "left_over_wh": whole_wh(waste.left_over)},
            sums.knows_service,
        ),
    }


def _money(sums: Sums) -> dict[str, int]:
    charged: dict[str, int] = {}
    for point in sums.points.values():
        for measure, micro in point.charged_micro.items():
            charged[measure] = charged.get(measure, 0) + micro
    paid = sum(sum(unit.paid_micro.values()) for unit in sums.units.values())
    return {
        "charges_micro": sum(charged.values()),
        "payments_micro": paid,
        "equalisation_micro": sums.equalisation_micro,
        "over_take_micro": charged.get("charge.over_take_micro", 0),
        "compensation_micro": -charged.get("charge.compensation_micro", 0),
        "excess_micro": charged.get("charge.excess_micro", 0),
        "returned_micro": -charged.get("charge.equalisation_micro", 0),
        "over_take_wh": sum(point.over_take_wh for point in sums.points.values()),
        "excess_wh": sum(point.excess_wh for point in sums.points.values()),
    }
