"""What a run found that did not stop it, read from its stored results."""

from collections import defaultdict
from collections.abc import Iterator

from sqlalchemy.orm import Session

from common.refusals import Finding
from settlement.core.pass_through import QUANTITY_UNITS
from settlement.runs import store
from settlement.runs.run import Run

UNPRICED = tuple(f"unpriced.{kind}" for kind in QUANTITY_UNITS)


def run_findings(session: Session, run: Run) -> Iterator[Finding]:
    """Yield a finding for each charge of a supplier that had no price somewhere in the run."""
    flagged = defaultdict(list)
    for vector in store.series(session, run.id, UNPRICED):
        flagged[vector.entity].append(vector)
    for entity, vectors in sorted(flagged.items()):
        code, _, supplier = entity.partition("/")
        first, last = vectors[0].day, vectors[-1].day
        steps = sum(int(vector.values.sum()) for vector in vectors)
        yield Finding(
            "charge-without-price",
            f"{run.market} {first} to {last}: {code} of {supplier}",
            f"no price for {steps:,} time step{'s' if steps > 1 else ''}, so no amount",
            "a linked charge has a price for every time step",
            "publish the price; the next run settles the difference",
        )
