"""What the report of a study says of its loop: a sweep where most demand waited for a price."""

import datetime as dt
from collections.abc import Mapping
from typing import Any

import numpy as np
from sqlalchemy.orm import Session

from rulebook.resolve import RuleSet
from settlement.core.periods import interval_starts
from settlement.rules.compile import compile_rules
from settlement.runs import store
from settlement.runs.run import Run
from settlement.studies.measures import AVAILABLE, DESIRED, MOVED
from settlement.studies.overlay import Overlay
from settlement.studies.shocks import holds_on
from settlement.studies.sweep import sweep
from settlement.studies.sweeping import standing_hour

SHOCK_PPM = 1_050_000
QUARTERS = (1, 2, 4, 6, 8, 12, 16, 24, 32, 40)
"""Of the response that the overlay states: from a quarter of it to ten times as much."""
SLOPES_PPM = tuple(range(500_000, 5_000_001, 500_000))


def loop_report(
    session: Session, after: Run, overlay: Overlay, law: Mapping[dt.date, RuleSet]
) -> dict[str, Any] | None:
    """Return the sweep of a study whose demand answers a price; None where nothing ever waited.

    The hour that stands is the interval in which most new demand waited, the first of equals, with
    what was available and asked for there. All who answer on its day answer alike.
    """
    moved = _moved_wh(session, after)
    if not overlay.price_responses or not any(waits.any() for waits in moved.values()):
        return None
    day = max(moved, key=lambda each: (int(moved[each].max()), -each.toordinal()))
    interval = int(moved[day].argmax())
    responses = [each for each in overlay.price_responses if holds_on(each, day)]
    products = tuple(sorted({name for each in responses for name in each.products}))
    stated = max(each.response_ppm_per_unit for each in responses)
    rates = tuple(dict.fromkeys(max(stated * each // 4, 1) for each in QUARTERS))
    rules = law[day]
    model = compile_rules(rules)
    values = store.stored_values(store.day_vectors(session, after.id, day))

    def column(measure: str, entities: tuple[str, ...]) -> np.ndarray:
        return np.array([values[measure, entity][interval] for entity in entities], np.int64)

    hour = standing_hour(
        rules,
        model,
        products,
        column(AVAILABLE, model.units),
        column(DESIRED, model.supply_points),
    )
    found = sweep(model, hour, rates, SLOPES_PPM, SHOCK_PPM)
    law_of_day = rules.market_rules
    starts = interval_starts(day, law_of_day.time_zone, law_of_day.interval_minutes)
    return {
        "start": starts[interval].astimezone(dt.UTC).isoformat(),
        "products": list(products),
        "shock_ppm": SHOCK_PPM,
        "stated_response_ppm_per_unit": stated,
        "responses_ppm_per_unit": list(rates),
        "slopes_ppm": list(SLOPES_PPM),
        "cells": [cell.as_json() for cell in found.cells],
    }


def _moved_wh(session: Session, after: Run) -> dict[dt.date, np.ndarray]:
    """Return what began to wait, of all supply points, shape (T,) by day."""
    moved: dict[dt.date, np.ndarray] = {}
    for vector in store.series(session, after.id, [MOVED]):
        values = np.array(vector.values, dtype=np.int64)
        moved[vector.day] = moved[vector.day] + values if vector.day in moved else values
    return moved
