"""Speed of invoicing where one participant has many meters: the time grows as their number does.

A supplier of the twelve-node market is given so many supply points more; a day is settled and
posted, and its month invoiced, on a scratch database. What is timed is the invoicing alone. The
yardstick is the same with a tenth of the supply points, in the same run: ten times the accounts may
take twelve times as long, so that work that looks at all accounts for each of them is seen at once.

Run alone with ``python -m benchmarks.invoicing``.
"""

import datetime as dt
from pathlib import Path
from time import perf_counter
from typing import Any

from sqlalchemy.orm import Session

from benchmarks.figures import Result
from benchmarks.law import publish
from benchmarks.settling import (
    INGESTED,
    MARKET,
    PUBLISHED,
    SEED,
    SETTLED,
    scratch_database,
    spread_generation,
)
from database.session import make_engine, transaction
from rulebook.documents import AllocationPolicy, Document, Registration
from rulebook.folders import read_files
from rulebook.law import rules_at
from settlement.billing.issuing import issue_month
from settlement.billing.post import post
from settlement.datasets.files import Form, make_profile_files
from settlement.datasets.market import market_shape
from settlement.datasets.synthetic import synthetic_profile
from settlement.meters.ingest import ingest
from settlement.runs.settle import settle

LAW = Path(__file__).resolve().parents[1] / "scenarios" / MARKET
SUPPLIER = "hearth-energy"
DAY = dt.date(2024, 1, 1)
FEW, MANY = 1_000, 10_000
TARGET_RATIO = 12


def results() -> list[Result]:
    """Return how many times as long many meters take as few."""
    invoice_s(1)  # compiled code is cached, and every module is read
    ratio = invoice_s(MANY) / invoice_s(FEW)
    name = f"invoice for {MANY:,} meters of a participant, over {FEW:,}: times"
    return [Result(name, round(ratio, 2), TARGET_RATIO, True)]


def invoice_s(meters: int) -> float:
    """Return the seconds that it takes to invoice a day of a supplier with so many more meters."""
    with scratch_database() as url:
        made = make_engine(url)
        with transaction(made) as session:
            _publish(session, meters)
            _ingest(session)
        with transaction(made) as session:
            run = settle(session, MARKET, "II", DAY, DAY, known_at=SETTLED, now=SETTLED).run
            post(session, run, now=SETTLED)
        with transaction(made) as session:
            start = perf_counter()
            issued = issue_month(session, MARKET, DAY, now=SETTLED)
            seconds = perf_counter() - start
        made.dispose()
    lines = sum(len(document.lines) for document in issued.invoices)
    if lines < meters:
        raise RuntimeError(f"{lines} lines were invoiced for {meters} meters")
    return seconds


def _publish(session: Session, meters: int) -> None:
    publish(
        session,
        [_with_meters(document, meters) for _, document in read_files([LAW])[0]],
        DAY,
        PUBLISHED,
    )


def _with_meters(document: Document, meters: int) -> Document:
    """Give the supplier so many meters more, and allocate by the method that is quickest."""
    body: dict[str, Any] = document.model_dump()
    if isinstance(document, AllocationPolicy):
        return AllocationPolicy.model_validate(body | {"shapley": {"method": "levels"}})
    if not isinstance(document, Registration) or document.participant != SUPPLIER:
        return document
    like = body["supply_points"][0]
    more = [
        like | {"supply_point": f"M{number:05}", "title": f"Meter {number}", "household_count": 1}
        for number in range(meters)
    ]
    body["supply_points"] = [*body["supply_points"], *more]
    return Registration.model_validate(body)


def _ingest(session: Session) -> None:
    shape = market_shape(rules_at(session, MARKET, DAY, PUBLISHED))
    (day,) = synthetic_profile(shape, [DAY], SEED)
    generation = spread_generation(shape, day)
    files = make_profile_files(shape, "benchmark", [day], [generation], Form.PARQUET)
    ingest(session, MARKET, files, received_at=INGESTED)


if __name__ == "__main__":
    for result in results():
        print(result)
