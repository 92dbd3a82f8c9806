"""What a run found that did not stop it, read from its stored results."""

import datetime as dt
import uuid
from collections import Counter, defaultdict
from collections.abc import Iterator

from sqlalchemy.orm import Session

from common.quantities import quantity
from common.refusals import Finding
from settlement.core.pass_through import (
    FEE,
    QUANTITY_UNITS,
    SUBSCRIPTION,
    TARIFF,
    charge_and_supplier,
)
from settlement.runs import store
from settlement.runs.run import Run

KIND_OF_FLAG = {f"unpriced.{kind}": kind for kind in QUANTITY_UNITS}
WRITTEN_UNITS = {TARIFF: "Wh", SUBSCRIPTION: "days", FEE: "pieces"}


def unpriced_quantities(session: Session, run_id: uuid.UUID) -> dict[tuple[dt.date, str, str], int]:
    """Return what a run stated of each day, kind of charge and `code/supplier` without a price."""
    flags = store.series(session, run_id, KIND_OF_FLAG)
    if not flags:
        return {}
    counted = {f"quantity.{kind}_{unit}": kind for kind, unit in QUANTITY_UNITS.items()}
    stated = {
        (vector.day, counted[vector.measure], vector.entity): vector.values
        for vector in store.series(session, run_id, counted)
    }
    # A step's quantity stands in its first interval, as its flag does.
    return {
        key: int((stated[key] * flag.values).sum())
        for flag in flags
        for key in ((flag.day, KIND_OF_FLAG[flag.measure], flag.entity),)
    }


def run_findings(session: Session, run: Run) -> Iterator[Finding]:
    """Yield a finding for each charge of a supplier that had no price somewhere in the run."""
    flagged = defaultdict(list)
    for vector in store.series(session, run.id, KIND_OF_FLAG):
        flagged[vector.entity, KIND_OF_FLAG[vector.measure]].append(vector)
    stated: Counter[tuple[str, str]] = Counter()
    for (_, kind, entity), number in unpriced_quantities(session, run.id).items():
        stated[entity, kind] += number
    for (entity, kind), vectors in sorted(flagged.items()):
        code, supplier = charge_and_supplier(entity)
        first, last = vectors[0].day, vectors[-1].day
        steps = sum(int(vector.values.sum()) for vector in vectors)
        awaiting = quantity(stated[entity, kind], WRITTEN_UNITS[kind])
        yield Finding(
            "charge-without-price",
            f"{run.market} {first} to {last}: {code} of {supplier}",
            f"no price for {steps:,} time step{'s' if steps > 1 else ''}, so no amount; {awaiting} "
            "await one",
            "a linked charge has a price for every time step",
            "publish the price; the next run settles the difference",
        )
