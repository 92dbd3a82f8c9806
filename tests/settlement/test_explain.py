"""The tree behind a number: every level sums to the one above, down to readings and clauses."""

import datetime as dt
import re
import uuid
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from database.session import make_engine, transaction
from rulebook.clause_text import fill_clause
from rulebook.law import rules_at
from settlement.billing.issuing import issue_month
from settlement.billing.lines import LINE_KINDS
from settlement.explanations.charges import Charges
from settlement.explanations.explain import (
    LineReference,
    day_facts,
    explain_interval,
    explain_line,
    find_line,
    line_day,
    line_references,
)
from settlement.explanations.tree import Explanation
from settlement.meters.register import DEMAND
from tests.settlement.people_units import storage_units_in
from tests.settlement.test_use_cases import move_c_home
from tests.worlds.settled import (
    FIRST_DAY,
    LAST_DAY,
    RESETTLED,
    SETTLED,
    correct_tiny,
    ingest_tiny,
    publish_tiny,
    settle_tiny,
)

MONTH = dt.date(2024, 1, 1)
DAYS = [FIRST_DAY + dt.timedelta(days=offset) for offset in range(3)]
INTERVALS = (0, 17, 34, 47)


def issue(session: Session, now: dt.datetime) -> list[Any]:
    return list(issue_month(session, "tiny", MONTH, now=now).invoices)


@pytest.fixture(scope="module")
def billed(clone_database) -> Iterator[tuple[Any, list[Any], list[Any], list[Any]]]:
    """A database with runs of two kinds, its runs, first documents and notes."""
    made = make_engine(clone_database())
    with transaction(made) as session:
        publish_tiny(session)
        ingest_tiny(session)
        runs = [settle_tiny(session)]
        first = issue(session, SETTLED)
        correct_tiny(session)
        runs.append(settle_tiny(session, "SF", RESETTLED))
        notes = issue(session, RESETTLED)
    yield made, runs, first, notes
    made.dispose()


@pytest.fixture
def opened(billed) -> Iterator[Session]:
    with transaction(billed[0]) as session:
        yield session


def references(session: Session, invoices: list[Any]) -> list[LineReference]:
    found = [line_references(session, invoice.row.id) for invoice in invoices]
    assert [len(of_invoice) for of_invoice in found] == [len(each.lines) for each in invoices]
    return [reference for of_invoice in found for reference in of_invoice]


def test_each_line_of_a_document_is_found_by_its_number(opened, billed):
    for invoice in [*billed[2], *billed[3]]:
        identity = invoice.row.id
        of_invoice = line_references(opened, identity)
        numbers = range(1, len(of_invoice) + 1)
        assert [find_line(opened, identity, number) for number in numbers] == of_invoice
        assert find_line(opened, identity, 0) is find_line(opened, identity, len(numbers) + 1)
        assert find_line(opened, identity, 0) is None


def nodes(explanation: Explanation) -> Iterator[Explanation]:
    yield explanation
    for child in explanation.children:
        yield from nodes(child)


def test_a_line_is_the_sum_of_its_days_and_a_day_of_its_intervals(opened, billed):
    _, runs, first, notes = billed
    for invoices, run, replaced in ((first, runs[0], None), (notes, runs[1], runs[0])):
        for reference in references(opened, invoices):
            explained = explain_line(opened, reference)
            assert explained.value == reference.line.amount_micro
            assert sum(child.value for child in explained.children) == explained.value
            assert {child.day for child in explained.children} <= set(DAYS)
            for child in explained.children:
                of_day = line_day(opened, reference, child.day)
                assert int(of_day.amounts_micro.sum()) == child.value
                assert len(of_day.amounts_micro) == len(of_day.starts) == 48
                assert of_day.run.id == run.id
                assert of_day.replaced == replaced


def test_an_interval_is_explained_to_its_amount(opened, billed):
    for reference in references(opened, [*billed[2], *billed[3]]):
        for day in DAYS[:2]:
            of_day = line_day(opened, reference, day)
            for interval in INTERVALS[:2]:
                explained = explain_interval(reference, of_day, interval)
                assert explained.value == of_day.amounts_micro[interval]
                assert storage_units_in(explained) == []
                assert storage_units_in(explained) == []
                values = [child.value for child in explained.children]
                assert explained.value == values[0] - sum(values[1:])
                assert (len(values) == 2) == (reference.after > 0)


def test_costs_are_made_of_the_payments_behind_them(opened, billed):
    shares = [
        reference
        for reference in references(opened, billed[2])
        if reference.line.kind.startswith("charge.") and reference.line.kind != "charge.dynamic"
    ]
    assert len(shares) == 2 * 4
    for reference in shares:
        of_day = line_day(opened, reference, LAST_DAY)
        for interval in INTERVALS:
            (share,) = explain_interval(reference, of_day, interval).children
            subscribed, cost, own = share.children
            assert cost.value == sum(paid.value for paid in cost.children)
            pot, weight, weights = numbers_of(share.formula)
            assert (pot, weight) == (subscribed.value, max(own.value, 0))
            assert share.value in (pot * weight // weights, pot * weight // weights + 1)
            whole, energy, everyone = numbers_of(subscribed.formula)
            assert (whole, energy) == (cost.value, weights)
            assert abs(subscribed.value - whole * energy // everyone) <= 1


def numbers_in(formula: str) -> list[int]:
    """Return the numbers of a formula as they are stored: £ and MWh in millionths, % in ppm."""
    found = re.findall(r"(\d[\d,]*(?:\.\d+)?)(\u00a0%)?", formula)
    return [
        int(Decimal(number.replace(",", "")) * (10**4 if percent else 10**6))
        for number, percent in found
    ]


def numbers_of(formula: str) -> list[int]:
    """Return the first three numbers of a formula."""
    return numbers_in(formula)[:3]


def test_shares_are_made_of_shapley_values(opened, billed):
    pots = [
        reference
        for reference in references(opened, billed[2])
        if reference.line.kind in ("payment.adequacy", "payment.location")
    ]
    assert len(pots) == 2 * 3
    for reference in pots:
        of_day = line_day(opened, reference, FIRST_DAY)
        for interval in INTERVALS:
            (paid,) = explain_interval(reference, of_day, interval).children
            pot, own, everyone, of_all = paid.children
            assert paid.value <= 0 <= pot.value
            assert own.value <= everyone.value <= of_all.value
            assert -paid.value <= pot.value
            assert own.unit == everyone.unit == of_all.unit == "kW"


def test_leaves_are_the_readings_that_the_run_knew(opened, billed):
    by_revision = readings(opened)
    seen = set()
    for reference in references(opened, [*billed[2], *billed[3]]):
        of_day = line_day(opened, reference, FIRST_DAY)
        for node in nodes(explain_interval(reference, of_day, 5)):
            if node.source:
                entity = node.label.partition("(")[2].rstrip(")")
                revision = int(node.source.removeprefix("revision ").partition(",")[0])
                assert node.value in by_revision[entity, revision]
                assert "measured, received 1 Mar 2024, 1" in node.source
                assert "in readings.csv" in node.source
                seen.add((entity, revision))
    assert {("B-home", 1), ("B-home", 2), ("U2", 1), ("C-office", 1)} <= seen


def readings(session: Session) -> dict[tuple[str, int], set[int]]:
    """Return what entity and revision were read in the sixth interval of the first day."""
    found: dict[tuple[str, int], set[int]] = {}
    for entity, revision, value in session.execute(
        text(
            "SELECT entity, revision, values[6] FROM settlement.reading WHERE settlement_day = :day"
        ),
        {"day": FIRST_DAY},
    ):
        found.setdefault((entity, revision), set()).add(value)
    return found


def test_clauses_are_those_of_the_rules_in_force(opened, billed):
    rules = rules_at(opened, "tiny", FIRST_DAY, SETTLED)
    law = {
        (document.instrument, clause.anchor): fill_clause(document, clause.text, "GBP")
        for document in rules.documents
        for clause in document.clauses
    }
    digests = {version.instrument: version.digest for version in rules.versions}
    cited = set()
    for reference in references(opened, billed[2]):
        of_day = line_day(opened, reference, FIRST_DAY)
        of_line = set()
        for node in nodes(explain_interval(reference, of_day, 5)):
            for clause in node.clauses:
                of_line.add(clause.anchor)
                cited.add((clause.instrument, clause.anchor))
                assert law[clause.instrument, clause.anchor] == clause.text
                assert digests[clause.instrument] == clause.digest
        assert of_line, reference.line
    assert {instrument for instrument, _ in cited} >= {
        "tiny/market-rules",
        "tiny/allocation-policy",
        "tiny/registration/birch",
    }


def test_a_node_s_price_names_the_layer_that_binds(opened, billed):
    dynamic = next(
        reference
        for reference in references(opened, billed[2])
        if reference.line.kind == "charge.dynamic"
    )
    of_day = line_day(opened, dynamic, FIRST_DAY)
    facts = day_facts(opened, of_day.run, FIRST_DAY)
    for interval in INTERVALS:
        (paid,) = explain_interval(dynamic, of_day, interval).children
        energy, price = paid.children
        assert abs(paid.value - energy.value * price.value // 1_000_000) <= 1
        tightness, on_curve, steepest = price.children
        layer, holon = tightness.label.removeprefix("Tightness of ").split(" ")
        assert f"{layer} {holon} binds" in price.formula
        entity = f"{layer}/{holon}"
        assert facts.result("price_micro_per_mwh", entity, interval) == price.value
        assert facts.result("tightness_ppm", entity, interval) == tightness.value
        wanted, deliverable = tightness.children
        inside, brought = deliverable.children
        assert tightness.value == wanted.value * 1_000_000 // deliverable.value
        assert facts.result("deliverable_w", entity, interval) == deliverable.value
        assert deliverable.value == inside.value + brought.value
        assert on_curve.value == price.value
        low, left, at, _, rise, run = numbers_in(on_curve.formula)
        assert (at, low + (at - left) * rise // run) == (tightness.value, price.value)
        assert steepest.value == (6_000_000_000 - 90_000_000) // 60
        assert steepest.unit == "micro/MWh per percentage point"


def test_what_is_not_there_is_not_found(opened, billed):
    invoice = billed[2][0]
    assert find_line(opened, uuid.uuid4(), 1) is None
    assert find_line(opened, invoice.row.id, 0) is None
    assert find_line(opened, invoice.row.id, len(invoice.lines) + 1) is None
    reference = find_line(opened, invoice.row.id, 1)
    assert line_day(opened, reference, LAST_DAY + dt.timedelta(days=1)) is None


def test_a_point_that_moved_is_explained_to_the_old_and_the_new_supplier(session):
    publish_tiny(session)
    ingest_tiny(session)
    settle_tiny(session)
    issue(session, SETTLED)
    move_c_home(session)
    settle_tiny(session, "SF", RESETTLED)
    notes = issue(session, RESETTLED)
    lines = [
        reference for reference in references(session, notes) if reference.line.subject == "C-home"
    ]
    assert {reference.invoice.participant for reference in lines} == {"cedar", "doric"}
    for reference in lines:
        explained = explain_line(session, reference)
        assert sum(child.value for child in explained.children) == reference.line.amount_micro
        for child in explained.children:
            of_day = line_day(session, reference, child.day)
            assert int(of_day.amounts_micro.sum()) == child.value
            interval = explain_interval(reference, of_day, 5)
            values = [part.value for part in interval.children]
            assert interval.value == of_day.amounts_micro[5] == values[0] - sum(values[1:])


def test_a_charge_without_payments_or_a_tree_is_explained_by_its_clause(
    opened, billed, monkeypatch
):
    """Fuel stands in for a charge that no unit is paid for, as none of the catalogue is one yet."""
    unpaid = {code: kind for code, kind in LINE_KINDS.items() if code != "payment.fuel"}
    monkeypatch.setattr("settlement.explanations.charges.LINE_KINDS", unpaid)
    facts = day_facts(opened, billed[1][0], FIRST_DAY)
    shared = Charges(facts, 17).charge("fuel", "B-home")
    assert shared.value == facts.result("charge.fuel_micro", "B-home", 17) > 0
    assert shared.label == "Fuel"
    assert [clause.anchor for clause in shared.clauses] == ["AP-6"]
    (reading,) = shared.children
    assert reading.value == facts.readings[DEMAND, "B-home"].values[17]
