"""The four variants of the published thesis: each is law, meets its target and balances."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy.orm import Session

from database.session import make_engine, transaction
from rulebook.law import rules_at
from settlement.billing.issuing import issue_month
from settlement.billing.lines import CATALOGUE, Side
from settlement.billing.post import post
from settlement.core.pots import day_costs_micro
from settlement.core.rounding import annual_to_day
from settlement.datasets.files import Form
from settlement.datasets.market_files import make_synthetic_files
from settlement.explanations.explain import day_facts
from settlement.meters.ingest import ingest
from settlement.replays.replay import replay
from settlement.rules.compile import compile_market
from settlement.runs import store
from settlement.runs.settle import no_progress, settle
from tests.conftest import ROOT
from tests.worlds.law import publish

FOLDER = ROOT / "scenarios" / "gb12-variants"
VARIANTS = ("amm1-per-interval", "amm1-per-day", "amm2-per-interval", "amm2-per-day")
FIRST_DAY, LAST_DAY = dt.date(2024, 1, 1), dt.date(2024, 1, 2)
DAYS = (FIRST_DAY, LAST_DAY)
PUBLISHED = dt.datetime(2024, 3, 1, 9, tzinfo=dt.UTC)
INGESTED, REPUBLISHED, SETTLED = (PUBLISHED + dt.timedelta(hours=hours) for hours in (1, 2, 3))


def publish_at(session: Session, path: Path, known: dt.datetime):
    return publish(
        session,
        [path],
        valid_from=FIRST_DAY,
        known=known,
        reason="For the test",
    )


@pytest.fixture(scope="module")
def metered(clone_database) -> Iterator:
    """A database with the twelve-node market published, and two days of it read."""
    made = make_engine(clone_database())
    with transaction(made) as session:
        publish_at(session, ROOT / "scenarios" / "gb12", PUBLISHED)
        files = make_synthetic_files(
            session,
            "gb12",
            FIRST_DAY,
            LAST_DAY,
            seed=1,
            known=PUBLISHED,
            form=Form.PARQUET,
            progress=no_progress,
        )
        ingest(session, "gb12", files, received_at=INGESTED)
    yield made
    made.dispose()


@pytest.fixture(scope="module", params=VARIANTS)
def settled(request, metered) -> Iterator:
    """The variant, its rules as compiled, its results by day, and the documents billed by it."""
    with metered.connect() as connection:
        outer = connection.begin()
        with Session(connection, join_transaction_mode="create_savepoint") as session:
            (version,) = publish_at(session, FOLDER / f"{request.param}.yaml", REPUBLISHED)
            assert version.instrument == "gb12/allocation-policy"
            arguments = ("gb12", "II", FIRST_DAY, LAST_DAY)
            run = settle(session, *arguments, known_at=SETTLED, now=SETTLED).run
            post(session, run, now=SETTLED)
            assert replay(session, run).is_same
            rules = rules_at(session, "gb12", FIRST_DAY, SETTLED)
            model = compile_market(
                rules.market_rules, rules.grid_model, rules.allocation_policy, rules.registrations
            )
            results = {
                day: store.stored_values(store.day_vectors(session, run.id, day)) for day in DAYS
            }
            billed = issue_month(session, "gb12", FIRST_DAY, now=SETTLED)
            readings = {day: day_facts(session, run, day).readings for day in DAYS}
            yield request.param, model, results, readings, billed.invoices
        outer.rollback()


def sums(results, prefix: str) -> np.ndarray:
    """The sum of all vectors whose measure opens with a prefix, by interval."""
    return sum(values for (measure, _), values in results.items() if measure.startswith(prefix))


def paid_to_units(results) -> np.ndarray:
    """All payments but those that pass through to the owners of charges, by interval."""
    passed_through = sum(
        sums(results, f"{kind.code}_micro")
        for kind in CATALOGUE
        if kind.is_pass_through and kind.side is Side.PAYMENT
    )
    return sums(results, "payment.") - passed_through


def test_a_variant_is_all_that_the_folder_holds():
    assert sorted(path.stem for path in FOLDER.glob("*.yaml")) == sorted(VARIANTS)


def test_money_balances_and_equalisation_is_given_back_in_every_interval(settled):
    _, _, results, _, _ = settled
    for day in DAYS:
        charges, payments = sums(results[day], "charge."), sums(results[day], "payment.")
        assert np.array_equal(charges, payments + sums(results[day], "equalisation_micro"))
        assert not sums(results[day], "equalisation_micro").any()


def test_the_target_is_met_to_the_micro(settled):
    variant, model, results, _, _ = settled
    for day in DAYS:
        paid = int(paid_to_units(results[day]).sum())
        pot = int(sums(results[day], "payment.location_micro").sum())
        if variant.startswith("amm2"):
            assert model.target.benchmark_annual_micro == 150_900_000_000 * 10**6
            assert paid == annual_to_day(model.target.benchmark_annual_micro, day)
            continue
        costs = day_costs_micro(model.annual_cost_micro, day)
        free = [cost for cost, kept in zip(costs, model.unit_is_regulated, strict=True) if not kept]
        assert pot == sum(free)
        fuel = int(sums(results[day], "payment.fuel_micro").sum())
        assert paid == fuel + sum(costs)


def test_gas_and_batteries_share_the_pot_by_clusters(settled):
    _, model, results, _, _ = settled
    for day in DAYS:
        for number, unit in enumerate(model.units):
            paid = results[day]["payment.location_micro", unit].any()
            assert paid == (not model.unit_is_regulated[number])
            assert results[day]["cluster_number", unit].max() < 9
        pot = sums(results[day], "payment.location_micro")
        assert pot.max() - pot.min() <= 1  # equally over the intervals


def test_households_bear_costs_by_the_basis_of_the_variant(settled):
    """What a Wh of one product bears, and what a Wh of another does, in an interval or a day."""
    variant, _, results, readings, _ = settled
    points = ("N0-P1", "N0-P2")
    for day in DAYS:
        taken_wh = [
            np.maximum(readings[day]["metered_demand_wh", point].values, 0).astype(object)
            for point in points
        ]
        for component in ("fuel", "location", "regulated"):
            borne = [
                results[day][f"charge.{component}_micro", point].astype(object) for point in points
            ]
            small, large, weight = *taken_wh, 1
            if component != "fuel" and variant.endswith("interval"):
                weight = 2
            elif component != "fuel":
                small, large = small.sum(), large.sum()
            # Cross-multiplied: each share is within a micro of its exact part.
            error = abs(borne[1] * small - weight * borne[0] * large)
            assert (error <= weight * large + small).all()


def test_every_line_rests_on_a_clause_of_the_variant(settled):
    *_, invoices = settled
    kinds = {line.kind for invoice in invoices for line in invoice.lines}
    assert {"payment.location", "charge.location", "charge.dynamic", "charge.equalisation"} <= kinds
    for invoice in invoices:
        for line in invoice.lines:
            assert line.clauses, line.kind
