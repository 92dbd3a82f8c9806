"""gb12 shows every mechanism: in the month of the demonstration each kind of line moves money."""

import datetime as dt
from collections.abc import Iterator

import numpy as np
import pytest
from numba import config
from sqlalchemy import text

from database.session import make_engine, transaction
from rulebook.documents import ChargeList, Document
from rulebook.law import rules_at
from settlement.billing.lines import LINE_KINDS
from settlement.billing.post import post
from settlement.core.rounding import apportion
from settlement.datasets.files import Form, make_profile_files
from settlement.datasets.market import MarketShape, market_shape
from settlement.datasets.profile import Integers, ProfileDay, demand_and_losses_wh
from settlement.datasets.synthetic import synthetic_profile
from settlement.meters.ingest import ingest
from settlement.runs.settle import settle
from tests.conftest import ROOT
from tests.rulebook.law import POLICY, RULES, scenario
from tests.worlds.law import publish

pytestmark = pytest.mark.skipif(config.DISABLE_JIT, reason="millions of coalitions: needs JIT")

MARKET = "gb12"
DAYS = [dt.date(2024, 1, 1) + dt.timedelta(days=number) for number in range(31)]
PUBLISHED = dt.datetime(2024, 3, 1, 9, tzinfo=dt.UTC)
INGESTED, SETTLED = (PUBLISHED + dt.timedelta(hours=hours) for hours in (1, 2))

UNMOVED = {
    "charge.over_take": "the meter alone is known, and nobody draws above the power contracted",
    "charge.compensation": "every promise of the month is kept",
    "charge.booking": "nobody books anything of the month",
    "charge.interest": "it follows payments, and no document is due within the month",
    "payment.interest": "it follows payments, and no document is due within the month",
}
"""Kinds that the law names, and why the month moves nothing of them."""


def kinds_named(documents: list[Document]) -> set[str]:
    """Return the kinds of line that clauses of the law name."""
    return {
        line
        for document in documents
        for clause in document.clauses
        for line in getattr(clause, "lines", ())
    }


def spread(shape: MarketShape, day: ProfileDay) -> Integers:
    """Return what is taken and lost, spread over units by availability: int64[U, T] in Wh.

    Least-cost dispatch takes half a minute, and no kind of line depends on who generates.
    """
    needed_wh = demand_and_losses_wh(shape, day).sum(axis=0).tolist()
    columns = [
        apportion(needed, weights)
        for needed, weights in zip(needed_wh, day.available_w.T.tolist(), strict=True)
    ]
    return np.array(columns, dtype=np.int64).T


@pytest.fixture(scope="module")
def moved(clone_database) -> Iterator[dict[str, int]]:
    """By kind of account, what the journals of the month moved, each posting by its size."""
    made = make_engine(clone_database())
    with transaction(made) as session:
        publish(
            session,
            [ROOT / "scenarios" / MARKET],
            valid_from=DAYS[0],
            known=PUBLISHED,
            reason="First law",
        )
        shape = market_shape(rules_at(session, MARKET, DAYS[0], PUBLISHED))
        profile = synthetic_profile(shape, DAYS, seed=1)
        generation = [spread(shape, day) for day in profile]
        files = make_profile_files(shape, "2024-01", profile, generation, Form.PARQUET)
        ingest(session, MARKET, files, received_at=INGESTED)
        run = settle(
            session, MARKET, "II", DAYS[0], DAYS[-1], known_at=SETTLED, now=SETTLED, threads=1
        ).run
        post(session, run, now=SETTLED)
        found = session.execute(
            text(
                "SELECT kind, sum(abs(amount))::bigint FROM ledger.posting "
                "JOIN ledger.account ON code = account WHERE commodity = 'GBP' GROUP BY kind"
            )
        )
        yield dict(found.all())
    made.dispose()


def test_every_kind_of_line_of_the_law_moves_money_in_the_month(moved):
    named = kinds_named(list(scenario(MARKET).values()))
    assert named <= set(LINE_KINDS)
    assert set(UNMOVED) < named
    lines = {kind for kind, amount in moved.items() if kind in LINE_KINDS and amount}
    assert lines == named - set(UNMOVED)


def test_the_law_names_every_kind_that_it_gives_rise_to():
    law = scenario(MARKET)
    arising = {*law[POLICY].line_kinds(), "charge.excess", "charge.booking"}
    assert any(product.energy_wh for product in law[RULES].products)
    assert law[RULES].online is not None
    for document in law.values():
        if isinstance(document, ChargeList):
            arising |= kinds_named([document])
    of_terms = {"charge.interest", "payment.interest"}
    assert arising | of_terms == kinds_named(list(law.values()))


def test_the_equalisation_account_keeps_nothing(moved):
    assert moved["charge.equalisation"] > 0
    assert "equalisation" not in moved
