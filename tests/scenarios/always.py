"""What holds in every scenario, and no then-file needs to say."""

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from settlement.replays.replay import replay
from settlement.runs.store import day_vectors, stored_values
from tests.scenarios.steps import Told

UNBALANCED = """
    SELECT journal_number, commodity, sum(amount) FROM ledger.posting
    JOIN ledger.account ON account.code = account
    GROUP BY journal_number, commodity HAVING sum(amount) <> 0
"""


def imbalances(session: Session, told: Told) -> Iterator[str]:
    """Yield where money or energy does not balance."""
    for step, run in told.runs.items():
        for day in run.days:
            sums: defaultdict[str, Any] = defaultdict(int)
            for (measure, _), values in stored_values(day_vectors(session, run.id, day)).items():
                if measure.endswith("_micro"):
                    sums[measure.partition(".")[0].removesuffix("_micro")] += values
            if ((sums["charge"] - sums["payment"] - sums["equalisation"]) != 0).any():
                yield f"step {step} {day}: charges are not payments and equalisation"
    for number, commodity, total in session.execute(text(UNBALANCED)):
        yield f"journal {number} does not balance in {commodity}: {total}"


def not_replayed(session: Session, told: Told) -> Iterator[str]:
    """Yield the first difference of each run that a replay does not make again."""
    for step, run in told.runs.items():
        replayed = replay(session, run)
        if not replayed.is_same:
            yield f"step {step} replays otherwise: {replayed.first_difference}"
