"""Invoices from the ledger's movements: every line an account, later notes hold differences."""

import datetime as dt
from collections import defaultdict

import pytest
from sqlalchemy import text

from common.refusals import Refused
from ledger.invoice import document_number
from rulebook.law import rules_at
from settlement.billing.day_law import DayLaw
from settlement.billing.invoicing import clauses_of
from settlement.billing.issuing import issue_month
from settlement.runs.settle import settle
from tests.worlds import tiny_market
from tests.worlds.law import publish
from tests.worlds.rolled_back import rolled_back
from tests.worlds.settled import (
    CORRECTED,
    FIRST_DAY,
    LAST_DAY,
    RESETTLED,
    SETTLED,
    bill_tiny,
    correct_tiny,
    ingest_tiny,
    publish_tiny,
    settle_tiny,
)

MONTH = dt.date(2024, 1, 1)
MICRO_PER_PENNY = 10_000


def issue(session, now=SETTLED):
    return issue_month(session, "tiny", MONTH, now=now).invoices


def bill_twice(session):
    first = bill_tiny(session)
    correct_tiny(session)
    settle_tiny(session, "SF", RESETTLED)
    return first, issue(session, RESETTLED)


def bill_once(session):
    return bill_tiny(session), ()


@pytest.fixture
def billed(request, world_of):
    """The tiny market billed once, or twice where the test asks for its notes."""
    return world_of(bill_twice if "notes" in request.fixturenames else bill_once)


@pytest.fixture
def session(request, database_engine):
    """A session that is rolled back, in the billed market where the test asks for documents."""
    is_billed = "first" in request.fixturenames
    with rolled_back(
        request.getfixturevalue("billed")[0] if is_billed else database_engine
    ) as opened:
        yield opened


@pytest.fixture
def first(billed):
    """The documents after a first run."""
    return billed[1][0]


@pytest.fixture
def notes(billed):
    """The notes after a correction and a second run."""
    return billed[1][1]


def lines_of(invoices) -> dict[tuple[str, str, str], int]:
    found = defaultdict(int)
    for invoice in invoices:
        for line in invoice.lines:
            found[invoice.row.participant, line.kind, line.subject] += line.amount_micro
    return {key: amount for key, amount in found.items() if amount}


def moved(session) -> dict[tuple[str, str, str], int]:
    rows = session.execute(
        text(
            "SELECT participant, kind, subject, sum(amount)::bigint FROM ledger.account "
            "JOIN ledger.posting ON account = code JOIN ledger.journal ON number = journal_number "
            "WHERE commodity = 'GBP' AND participant IS NOT NULL AND settlement_day IS NOT NULL "
            "GROUP BY participant, kind, subject"
        )
    )
    return {(owner, kind, subject): amount for owner, kind, subject, amount in rows if amount}


def test_suppliers_get_invoices_and_owners_self_billed_ones(first):
    kinds = {(invoice.row.participant, invoice.row.kind) for invoice in first}
    assert kinds == {
        ("cedar", "invoice"),
        ("doric", "invoice"),
        ("alder", "self-billed invoice"),
        ("birch", "self-billed invoice"),
    }
    names = sorted(document_number(invoice.row.series, invoice.row.number) for invoice in first)
    assert names == [
        "tiny-invoice-000001",
        "tiny-invoice-000002",
        "tiny-self-billed-000001",
        "tiny-self-billed-000002",
    ]


def test_lines_sum_to_the_movement_of_their_accounts(session, first):
    assert lines_of(first) == moved(session)
    for invoice in first:
        assert invoice.row.amount_micro == sum(line.amount_micro for line in invoice.lines)
        assert invoice.row.line_count == len(invoice.lines)


def test_notes_and_first_documents_together_are_the_new_total(session, first, notes):
    assert notes
    assert lines_of([*first, *notes]) == moved(session)
    assert lines_of(notes) != {}
    originals = {(invoice.row.series, invoice.row.participant): invoice.row.id for invoice in first}
    for note in notes:
        assert note.row.original == originals[note.row.series, note.row.participant]
        as_billed = -1 if note.row.series.endswith("self-billed") else 1
        direction = "debit" if as_billed * note.row.amount_micro > 0 else "credit"
        assert note.row.kind.endswith(f"{direction} note")
        assert all(line.amount_micro for line in note.lines)


def test_money_is_rounded_once_over_all_documents_of_a_month(session, first, notes):
    exact, net = defaultdict(int), defaultdict(int)
    for invoice in (*first, *notes):
        row = invoice.row
        key = row.participant, row.series
        exact[key] += row.amount_micro
        net[key] += row.net_minor
        assert row.amount_micro + row.rounding_micro == row.net_minor * MICRO_PER_PENNY
        assert row.tax_minor == 0
        assert row.due_minor == row.net_minor
    for key, amount in exact.items():
        assert 2 * abs(net[key] * MICRO_PER_PENNY - amount) <= MICRO_PER_PENNY, key


def test_after_billing_accounts_stand_at_whole_pennies(session, first, notes):
    """What a participant owes in the ledger, rounding included, is what its documents say."""
    due = defaultdict(int)
    for invoice in (*first, *notes):
        due[invoice.row.participant] += invoice.row.due_minor * MICRO_PER_PENNY
    rows = session.execute(
        text(
            "SELECT participant, sum(amount)::bigint FROM ledger.account "
            "JOIN ledger.posting ON account = code "
            "WHERE commodity = 'GBP' AND participant IS NOT NULL GROUP BY participant"
        )
    )
    assert dict(rows.all()) == dict(due)


def test_quantities_are_the_metered_energy(session, first, notes):
    energy = defaultdict(int)
    for invoice in (*first, *notes):
        for line in invoice.lines:
            if line.kind in ("charge.fuel", "charge.dynamic", "payment.fuel"):
                assert line.quantity_unit == "Wh"
                energy[line.kind, line.subject] += line.quantity
    rows = session.execute(
        text(
            "SELECT entity, sum((SELECT sum(v) FROM unnest(values) AS v))::bigint FROM ("
            " SELECT DISTINCT ON (settlement_day, entity) entity, values FROM settlement.reading"
            " WHERE measure <> 'available_w' ORDER BY settlement_day, entity, revision DESC"
            ") AS latest GROUP BY entity"
        )
    )
    metered = dict(rows.all())
    assert energy
    for (_, subject), quantity in energy.items():
        assert quantity == metered[subject]


def test_what_carries_no_energy_has_no_quantity(first):
    for invoice in first:
        for line in invoice.lines:
            if line.kind.startswith("payment.") and line.kind != "payment.fuel":
                assert (line.quantity, line.quantity_unit) == (None, None)


def test_every_line_cites_clauses_and_the_rules_that_hold_them(session, first):
    rules = rules_at(session, "tiny", FIRST_DAY, SETTLED)
    digests = {version.digest for version in rules.versions}
    texts = {clause.anchor for document in rules.documents for clause in document.clauses}
    for invoice in first:
        for line in invoice.lines:
            assert line.clauses, line
            assert set(line.clauses) <= texts
            assert line.rule_digests
            assert set(line.rule_digests) <= digests
            assert line.description
            assert str(line.description) != f"{line.subject}: {line.kind}"


@pytest.mark.parametrize("side", ["charge", "payment"])
@pytest.mark.parametrize("component", ["fuel", "regulated", "adequacy", "location"])
def test_every_kind_of_line_is_governed_by_some_clause(session, side, component):
    publish_tiny(session)
    rules = rules_at(session, "tiny", FIRST_DAY, SETTLED)
    who, subject = ("cedar", "B-home") if side == "charge" else ("alder", "U1")
    assert clauses_of(DayLaw(rules), who, f"{side}.{component}", subject)


def test_billing_again_without_a_change_issues_nothing(session, first):
    before = session.scalar(text("SELECT count(*) FROM ledger.journal"))
    assert issue(session, RESETTLED) == ()
    assert session.scalar(text("SELECT count(*) FROM ledger.journal")) == before


def test_a_month_without_posted_days_is_refused(session):
    publish_tiny(session)
    ingest_tiny(session)
    settle(session, "tiny", "II", FIRST_DAY, LAST_DAY, known_at=SETTLED, now=SETTLED)
    with pytest.raises(Refused) as refused:
        issue(session)
    (finding,) = refused.value.findings
    assert (finding.code, finding.place) == ("nothing-posted", "tiny 2024-01")
    assert finding.value and finding.limit and finding.remedy


def test_a_document_is_due_by_the_terms_of_the_month(session):
    law = tiny_market.documents()[:-1]
    publish_tiny(session, [*law, tiny_market.settlement_terms(payment_term_days=30)])
    ingest_tiny(session)
    settle_tiny(session)
    assert {invoice.row.due_on for invoice in issue(session)} == {
        SETTLED.date() + dt.timedelta(days=30)
    }


def test_a_market_without_terms_bills_once_they_are_published(session):
    publish_tiny(session, tiny_market.documents()[:-1])
    ingest_tiny(session)
    settle_tiny(session)
    with pytest.raises(Refused) as refused:
        issue(session)
    (finding,) = refused.value.findings
    assert (finding.code, finding.place) == ("no-settlement-terms", "tiny/settlement-terms")
    assert "publish settlement terms" in finding.remedy
    published = SETTLED + dt.timedelta(minutes=1)
    publish_tiny(session, [tiny_market.settlement_terms()], known=published)
    assert issue(session, now=published)


def test_a_unit_that_was_sold_is_credited_to_one_and_billed_to_the_other(session, first):
    alder, birch = (registration.model_dump() for registration in tiny_market.registrations()[:2])
    sold = next(unit for unit in alder["units"] if unit["unit"] == "U3")
    alder["units"] = tuple(unit for unit in alder["units"] if unit is not sold)
    birch["units"] = (*birch["units"], sold)
    publish(
        session,
        [
            type(tiny_market.registrations()[0]).model_validate(registration)
            for registration in (alder, birch)
        ],
        valid_from=FIRST_DAY,
        known=CORRECTED,
        reason="U3 was sold",
    )
    settle_tiny(session, "SF", RESETTLED)
    notes = issue(session, RESETTLED)
    before = {key: amount for key, amount in lines_of(first).items() if key[2] == "U3"}
    assert before
    assert {key for key in before if key[0] != "alder"} == set()
    assert lines_of(notes) == {
        **{key: -amount for key, amount in before.items()},
        **{("birch", *key[1:]): amount for key, amount in before.items()},
    }
    assert all("Unit U3" in line.description for note in notes for line in note.lines)
    net = {note.row.participant: note.row.amount_micro for note in notes}
    assert net["alder"] == -net["birch"]
