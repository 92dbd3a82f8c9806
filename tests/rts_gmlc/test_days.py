"""Two days of the RTS-GMLC market, from law to documents: they balance, stand and replay."""

import datetime as dt
from collections.abc import Iterator

import pytest
from numba import config
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from settlement.billing.issuing import issue_month
from settlement.billing.post import post
from settlement.documents.en16931 import factur_x, ubl
from settlement.documents.render import issued_documents_of_month
from settlement.meters.ingest import MeterFile, ingest
from settlement.replays.replay import replay
from settlement.runs.run import Run
from settlement.runs.settle import settle
from settlement.runs.store import day_vectors, stored_values
from settlement.verification import list_checks
from tests.documents.validators import breaches
from tests.rts_gmlc.law import FOLDER, MARKET
from tests.rts_gmlc.readings import READINGS
from tests.worlds.law import publish
from tests.worlds.rolled_back import rolled_back

pytestmark = pytest.mark.skipif(config.DISABLE_JIT, reason="thousands of choices: needs JIT")

LAW_FROM = dt.date(2020, 1, 1)
DAYS = (dt.date(2020, 7, 16), dt.date(2020, 7, 17))
PUBLISHED = dt.datetime(2020, 8, 10, 9, tzinfo=dt.UTC)
INGESTED, SETTLED = (PUBLISHED + dt.timedelta(hours=hours) for hours in (1, 2))
INPUT_DIGEST = "df0e23cb165536b5277e4c3ed4a13fd59a8b7538ef13a494af6ed8e87ecd6e87"
RESULT_DIGEST = "c63baad6a0deafc1e5ba7663c10a70b69ef88ca6f3a6ac2b0b1ea5cc520f0e5c"
"""They change with the law, the readings or the engine, which says so by its version."""


@pytest.fixture(scope="module")
def settled(database_engine: Engine) -> Iterator[tuple[Session, Run]]:
    """The two days, settled and posted."""
    with rolled_back(database_engine) as session:
        publish(session, [FOLDER], valid_from=LAW_FROM, known=PUBLISHED, reason="First law")
        files = [
            MeterFile(path.name, path.read_bytes()) for path in sorted(READINGS.glob("*.parquet"))
        ]
        ingest(session, MARKET, files, received_at=INGESTED)
        run = settle(session, MARKET, "II", *DAYS, known_at=SETTLED, now=SETTLED).run
        post(session, run, now=SETTLED)
        yield session, run


def test_inputs_and_results_come_out_as_before(settled):
    _, run = settled
    assert (run.input_digest.hex(), run.result_digest.hex()) == (INPUT_DIGEST, RESULT_DIGEST)


def test_charges_are_payments_and_nothing_stays_in_the_account(settled):
    """What the loads pay by price above their part of the costs is returned within the day."""
    session, run = settled
    for day in run.days:
        results = stored_values(day_vectors(session, run.id, day))
        charged, paid = (
            sum(values for (measure, _), values in results.items() if measure.startswith(side))
            for side in ("charge.", "payment.")
        )
        assert (charged == paid).all()
        assert (results["equalisation_micro", "market"] == 0).all()
        assert sum(charged.tolist()) > 0
        dynamic = [key for key in results if key[0] == "charge.dynamic_micro"]
        returned = [key for key in results if key[0] == "charge.equalisation_micro"]
        assert len(dynamic) == len(returned) == 51


def test_all_are_billed_and_every_stored_row_holds(settled):
    session, run = settled
    issued = issue_month(session, MARKET, DAYS[0].replace(day=1), now=SETTLED).invoices
    assert len(issued) == 6
    assert sum(invoice.row.amount_micro for invoice in issued) == 0
    assert {line.tax_category for invoice in issued for line in invoice.lines} == {"O"}
    for document in issued_documents_of_month(session, MARKET, DAYS[0].replace(day=1)):
        assert breaches(factur_x(document), "factur-x") == []
        assert breaches(ubl(document), "ubl-2.1") == []
    assert replay(session, run).is_same
    assert [finding for check in list_checks() for finding in check.run(session)] == []
