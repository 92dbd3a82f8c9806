"""Documents over changes of the law, on PostgreSQL: tax, names, clauses and parties of each day."""

import datetime as dt
from collections import Counter
from itertools import permutations

import pytest
from sqlalchemy import text

from ledger.billing import SealedInvoice
from ledger.disputes.claims import Claim
from ledger.disputes.corrections import billed, note_line
from ledger.disputes.course import Role
from ledger.disputes.records import Actor
from ledger.invoice import Tax, document_number, round_half_away
from ledger.log.checkpoints import publish_checkpoint
from portal.queries.invoices import invoice_page
from rulebook.documents import MarketRules, Registration
from settlement.billing.disputing import dispute_line
from settlement.billing.issuing import issue_month
from settlement.billing.post import post
from settlement.documents.as_json import as_json
from settlement.documents.en16931 import factur_x, ubl
from settlement.documents.intervals import interval_rows
from settlement.documents.render import find_document
from settlement.explanations.explain import (
    explain_interval,
    explain_line,
    line_day,
    line_references,
)
from settlement.meters.ingest import MeterFile, ingest
from settlement.runs.settle import settle
from settlement.runs.store import runs_of_month
from settlement.verification import list_checks
from tests.documents.validators import breaches
from tests.settlement.evidence_cases import Memory, exported, rows, written
from tests.worlds import tiny_market
from tests.worlds.law import publish
from tests.worlds.logged import signer
from tests.worlds.people import act_as
from tests.worlds.rolled_back import rolled_back
from tests.worlds.settled import (
    CORRECTED,
    INGESTED,
    PUBLISHED,
    RESETTLED,
    SETTLED,
    ingest_tiny,
    publish_tiny,
)

MONTH = dt.date(2024, 1, 1)
DAYS = [MONTH + dt.timedelta(days=offset) for offset in range(3)]
MINUTE = dt.timedelta(minutes=1)
BEFORE = dt.datetime(2023, 12, 1, tzinfo=dt.UTC)
"""Long enough before the days that a new name may apply in them."""
REVISED = RESETTLED + dt.timedelta(hours=1)
NINETEEN, SIXTEEN = Tax("S", 190_000), Tax("S", 160_000)


def rules_of(tax: Tax) -> MarketRules:
    stated = {"category": tax.category, "rate_ppm": tax.rate_ppm, "note": f"Tax is {tax}."}
    rules = tiny_market.market_rules()
    return MarketRules.model_validate(rules.model_dump() | {"tax": stated})


def change(session, documents, valid_from, known=PUBLISHED + MINUTE, proposed=None):
    publish(
        session, documents, valid_from=valid_from, known=known, proposed=proposed,
        reason="A change of the law",
    )  # fmt: skip


def start(session, tax: Tax, *others, last_day=DAYS[-1], known=PUBLISHED) -> None:
    """Publish the market under a tax, with other documents, and meter its first days."""
    publish_tiny(session, [rules_of(tax), *tiny_market.documents()[1:], *others], known=known)
    ingest_tiny(session, last_day=last_day)


def post_days(session, kind, first, last, now=SETTLED):
    run = settle(session, "tiny", kind, first, last, known_at=now, now=now).run
    post(session, run, now=now)
    return run


def bill(session, now=SETTLED, month=MONTH) -> tuple[SealedInvoice, ...]:
    return issue_month(session, "tiny", month, now=now).invoices


def taxes_of(invoices) -> Counter[tuple[str, Tax]]:
    """Return what lines come to by participant and tax, without what comes to nothing."""
    sums: Counter[tuple[str, Tax]] = Counter()
    for invoice in invoices:
        for line in invoice.lines:
            tax = Tax(line.tax_category, line.tax_rate_ppm)
            sums[invoice.row.participant, tax] += line.amount_micro
    return Counter({key: amount for key, amount in sums.items() if amount})


def money_of(invoices) -> dict[str, tuple[int, int]]:
    """Return participant -> net and tax of all documents."""
    sums: dict[str, tuple[int, int]] = {}
    for invoice in invoices:
        row = invoice.row
        net, tax = sums.get(row.participant, (0, 0))
        sums[row.participant] = (net + row.net_minor, tax + row.tax_minor)
    return sums


def damages(session) -> list[str]:
    return [str(found) for check in list_checks() for found in check.run(session)]


def test_notes_that_take_everything_back_leave_no_tax(session):
    """Of each document by itself 19 % would not: the pennies of three roundings do not cancel."""
    start(session, NINETEEN, last_day=DAYS[0])
    post_days(session, "II", DAYS[0], DAYS[0])
    issued = [*bill(session)]
    ingest_tiny(session, last_day=DAYS[0], seed=2, received_at=CORRECTED)
    post_days(session, "SF", DAYS[0], DAYS[0], RESETTLED)
    issued += bill(session, RESETTLED)
    nothing = tiny_market.readings_csv(DAYS[0], DAYS[0]).decode().splitlines()
    zeros = [
        ",".join([*cells[:3], "0" if cells[2].startswith("metered") else cells[3], *cells[4:]])
        for cells in (row.split(",") for row in nothing[1:])
    ]
    content = "\n".join([nothing[0], *zeros]).encode()
    ingest(session, "tiny", [MeterFile("zeros.csv", content)], received_at=RESETTLED + MINUTE)
    post_days(session, "R1", DAYS[0], DAYS[0], REVISED)
    issued += bill(session, REVISED)
    of_doric = [invoice for invoice in issued if invoice.row.participant == "doric"]
    assert [invoice.row.kind for invoice in of_doric] == ["invoice", "credit note", "credit note"]
    by_themselves = [
        round_half_away(invoice.row.net_minor * NINETEEN.rate_ppm, 1_000_000)
        for invoice in of_doric
    ]
    assert sum(by_themselves) != 0
    assert money_of(of_doric) == {"doric": (0, 0)}
    assert sum(invoice.row.rounding_micro for invoice in of_doric) == 0
    owed = session.execute(
        text(
            "SELECT coalesce(sum(amount), 0) FROM ledger.posting JOIN ledger.account "
            "ON code = account WHERE participant = 'doric' AND commodity = 'GBP'"
        )
    ).scalar_one()
    assert owed == 0
    for invoice in of_doric:
        shown = find_document(session, document_number(invoice.row.series, invoice.row.number))
        assert breaches(factur_x(shown), "factur-x") == []
        assert breaches(ubl(shown), "ubl-2.1") == []
    assert damages(session) == []


def test_the_order_in_which_days_are_settled_and_billed_changes_no_tax(session):
    start(session, NINETEEN)
    change(session, [rules_of(SIXTEEN)], DAYS[1])
    change(session, [rules_of(Tax("E", 0))], DAYS[2], PUBLISHED + 2 * MINUTE)
    found = []
    for order in permutations(DAYS):
        for bills_each_day in (False, True):
            with session.begin_nested() as savepoint:
                issued = []
                for day in order:
                    post_days(session, "II", day, day)
                    issued += bill(session) if bills_each_day else ()
                issued += bill(session)
                found.append((taxes_of(issued), money_of(issued)))
                savepoint.rollback()
    assert {tax for _, tax in found[0][0]} == {NINETEEN, SIXTEEN, Tax("E", 0)}
    assert all(each == found[0] for each in found)


def correct_tax(session):
    """Bill three days at 19 %, then one of them under a law of 16 %, and every reading anew."""
    start(session, NINETEEN)
    post_days(session, "II", DAYS[0], DAYS[-1])
    first = bill(session)
    change(session, [rules_of(SIXTEEN)], DAYS[1], CORRECTED)
    ingest_tiny(session, last_day=DAYS[-1], seed=2, only=["B-home"], received_at=CORRECTED)
    post_days(session, "SF", DAYS[0], DAYS[-1], RESETTLED)
    return first, bill(session, RESETTLED)


@pytest.fixture
def corrected(world_of):
    """The documents of a first run, and the notes after the correction."""
    return world_of(correct_tax)[1]


@pytest.fixture
def session(request, world_of, database_engine):
    """A session that is rolled back, in the corrected market where the test asks for it."""
    is_corrected = "corrected" in request.fixturenames
    with rolled_back(world_of(correct_tax)[0] if is_corrected else database_engine) as opened:
        yield opened


def test_a_law_of_the_past_takes_its_old_tax_back_and_bills_the_new(session, corrected):
    first, notes = corrected
    assert {tax for _, tax in taxes_of(first)} == {NINETEEN}
    whole = taxes_of([*first, *notes])
    days = {
        day: session.execute(
            text(
                "SELECT participant, sum(amount) FROM ledger.posting "
                "JOIN ledger.account ON code = account "
                "JOIN ledger.journal ON number = journal_number "
                "WHERE participant IS NOT NULL AND commodity = 'GBP' AND settlement_day = :day "
                "GROUP BY participant"
            ),
            {"day": day},
        ).all()
        for day in DAYS
    }
    expected: Counter[tuple[str, Tax]] = Counter()
    for day, moved in days.items():
        for participant, amount in moved:
            expected[participant, NINETEEN if day == DAYS[0] else SIXTEEN] += amount
    assert whole == Counter({key: amount for key, amount in expected.items() if amount})
    assert damages(session) == []


def test_every_line_is_explained_by_the_days_that_bear_its_tax(session, corrected):
    for invoice in (*corrected[0], *corrected[1]):
        shown = find_document(session, document_number(invoice.row.series, invoice.row.number))
        rows = list(interval_rows(session, shown))
        for reference, line in zip(
            line_references(session, invoice.row.id), shown.lines, strict=True
        ):
            explained = explain_line(session, reference)
            assert sum(child.value for child in explained.children) == reference.line.amount_micro
            for child in explained.children:
                of_day = line_day(session, reference, child.day)
                assert int(of_day.amounts_micro.sum()) == child.value
                tree = explain_interval(reference, of_day, 7)
                assert tree.value == int(of_day.amounts_micro[7])
            own = [row for row in rows if row.line == line.number]
            assert sum(row.amount_micro for row in own) == line.exact_micro
            if line.quantity is not None:
                assert sum(row.quantity for row in own if row.quantity) == line.quantity


def test_a_line_that_is_taken_back_says_why_the_run_that_holds_counts_as_nothing(
    session, corrected
):
    (note,) = [invoice for invoice in corrected[1] if invoice.row.participant == "cedar"]
    references = line_references(session, note.row.id)
    back = next(each for each in references if each.tax == NINETEEN)
    assert line_day(session, back, DAYS[1]).amounts_micro.sum() < 0
    now, before = explain_interval(back, line_day(session, back, DAYS[1]), 0).children
    assert now.value == 0
    assert "another tax is due on it" in now.label
    assert before.value > 0
    new = next(each for each in references if each.tax == SIXTEEN)
    assert line_day(session, new, DAYS[0]) is None


@pytest.mark.parametrize("write", [as_json, factur_x, ubl])
def test_formats_state_a_subtotal_for_each_tax(session, corrected, write):
    (note,) = [invoice for invoice in corrected[1] if invoice.row.participant == "cedar"]
    shown = find_document(session, document_number(note.row.series, note.row.number))
    assert [(total.category, total.rate_ppm) for total in shown.taxes] == [NINETEEN, SIXTEEN]
    assert sum(total.base_minor for total in shown.taxes) == shown.net_minor
    assert sum(total.tax_minor for total in shown.taxes) == shown.tax_minor
    assert shown.tax_notes == (f"Tax is {NINETEEN}.", f"Tax is {SIXTEEN}.")
    assert {line.tax_words for line in shown.lines} == {"tax at 19 %", "tax at 16 %"}
    if write is not as_json:
        flavor = {factur_x: "factur-x", ubl: "ubl-2.1"}[write]
        assert breaches(write(shown), flavor) == []
    else:
        assert write(shown).count(b'"rate_ppm"') == 2


def test_a_charge_that_is_no_longer_taxed_is_taxed_on_its_days(session):
    start(session, NINETEEN, *tiny_market.charges())
    listed = tiny_market.charge_list().model_dump()
    grid, levy = listed["tariffs"]
    change(
        session,
        [tiny_market.charge_list(tariffs=[grid | {"taxed": False}, levy])],
        DAYS[1],
    )
    post_days(session, "II", DAYS[0], DAYS[-1])
    for invoice in bill(session):
        lines = [line for line in invoice.lines if line.subject == "grid"]
        if lines:
            found = {(line.tax_category, line.tax_rate_ppm): line for line in lines}
            assert list(found) == [NINETEEN, ("E", 0)]
            # The hours of one day, and of two.
            assert 0 < abs(found[NINETEEN].quantity) < abs(found["E", 0].quantity)
    assert damages(session) == []


def test_a_charge_list_that_is_replaced_names_and_grounds_the_lines_of_its_days(session):
    start(session, NINETEEN, *tiny_market.charges())
    listed = tiny_market.charge_list().model_dump()
    grid, levy = listed["tariffs"]
    network = grid | {"code": "network", "title": "Use of the network", "clause": "CL-2"}
    links = [
        link | {"charge": "network"} if link["charge"] == "grid" else link
        for link in listed["links"]
    ]
    later = tiny_market.charge_list(
        tariffs=[network, levy | {"title": "Levy, renamed"}], links=links
    )
    change(session, [later], DAYS[1])
    post_days(session, "II", DAYS[0], DAYS[-1])
    (invoice,) = [each for each in bill(session) if each.row.participant == "doric"]
    lines = {line.subject: line for line in invoice.lines if line.kind == "charge.tariff"}
    assert lines["grid"].description == "Use of the grid"
    assert lines["network"].description == "Use of the network"
    assert lines["levy"].description == "Levy on energy; from 2 January 2024 Levy, renamed"
    assert (lines["grid"].clauses, lines["network"].clauses) == (("CL-1",), ("CL-2",))
    assert len(lines["grid"].rule_digests) == len(lines["network"].rule_digests) == 1
    assert lines["grid"].rule_digests != lines["network"].rule_digests
    assert lines["levy"].rule_digests == (
        *lines["grid"].rule_digests,
        *lines["network"].rule_digests,
    )


def test_a_month_names_its_parties_as_of_its_own_last_day(session):
    """A run over the end of a month names nobody as of the next month."""
    first, last = dt.date(2024, 1, 31), dt.date(2024, 2, 1)
    publish_tiny(session, known=BEFORE)
    ingest_tiny(session, first, last, received_at=INGESTED)
    cedar = next(each for each in tiny_market.registrations() if each.participant == "cedar")
    renamed = Registration.model_validate(cedar.model_dump() | {"legal_name": "Cedar Energy"})
    change(session, [renamed], last, proposed=BEFORE + MINUTE)
    post_days(session, "II", first, last)
    for month, name in ((MONTH, "Cedar Limited"), (last, "Cedar Energy")):
        (invoice,) = [
            each for each in bill(session, month=month) if each.row.participant == "cedar"
        ]
        assert invoice.row.buyer_legal_name == name


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE ledger.invoice_line SET tax_rate_ppm = 160000 WHERE tax_rate_ppm = 190000",
        "UPDATE ledger.invoice_line SET amount_micro = amount_micro + 1 WHERE line = 1",
        "UPDATE ledger.posting SET amount = amount + 1 WHERE journal_number = 1",
    ],
)
def test_lines_that_are_not_what_the_law_of_their_days_makes_of_the_journals_are_found(
    session, corrected, damage
):
    session.execute(text("SET LOCAL session_replication_role = replica"))
    session.execute(text(damage))
    assert any("[document-lines]" in each for each in damages(session))


def test_a_dispute_is_settled_by_the_line_that_takes_the_disputed_one_back(session, corrected):
    first, notes = (
        next(each for each in issued if each.row.participant == "cedar") for issued in corrected
    )
    disputed = first.lines[-1]
    act_as(session, "desk-of-cedar")
    record = dispute_line(
        session,
        document_number(first.row.series, first.row.number),
        disputed.line,
        Claim(amount_micro=disputed.amount_micro),
        Actor("desk-of-cedar", Role.PARTICIPANT, "cedar"),
        "The rate is not ours",
        REVISED,
    )
    found = note_line(session, record, billed(session, notes.row.id))
    line = notes.lines[found.line - 1]
    assert (line.kind, line.subject) == (disputed.kind, disputed.subject)
    assert (line.tax_category, line.tax_rate_ppm) == NINETEEN
    of_account = [
        each
        for each in notes.lines
        if (each.kind, each.subject) == (disputed.kind, disputed.subject)
    ]
    assert len(of_account) == 2


def test_evidence_adds_up_each_tax_of_a_month_by_itself(session, corrected):
    publish_checkpoint(session, signer(1), REVISED)
    files = Memory.of(exported(session, runs_of_month(session, "tiny", MONTH)[-1]))
    assert files.findings() == []
    name = "ledger/invoice-lines.jsonl"
    lines = rows(name, files[name])
    changed = next(line for line in lines if line["tax_rate_ppm"] == NINETEEN.rate_ppm)
    changed["tax_rate_ppm"] = 170_000
    found = {str(each) for each in files.with_file(name, written(name, lines)).findings()}
    assert any("the row to have digest" in each for each in found)
    assert any("tax_minor, rounded once for each tax" in each for each in found)


def test_the_page_names_the_market_rules_of_the_days_and_the_registration_of_the_party(session):
    """Not those of the month's last day, under which nothing was settled yet."""
    start(session, NINETEEN, known=BEFORE)
    change(session, [rules_of(SIXTEEN)], DAYS[1], BEFORE + MINUTE)
    cedar = next(each for each in tiny_market.registrations() if each.participant == "cedar")
    renamed = Registration.model_validate(cedar.model_dump() | {"legal_name": "Cedar Energy"})
    end = dt.date(2024, 1, 31)
    change(session, [renamed, rules_of(Tax("E", 0))], end, BEFORE + 2 * MINUTE)
    post_days(session, "II", DAYS[0], DAYS[-1])
    (invoice,) = [each for each in bill(session) if each.row.participant == "cedar"]
    page = invoice_page(session, document_number(invoice.row.series, invoice.row.number))
    assert [version.document.tax.rate_ppm for version in page.market_rules] == [190_000, 160_000]
    assert [version.first_day for version in page.market_rules][1] == DAYS[1]
    assert (
        page.registration.document.legal_name == page.document.buyer.legal_name == "Cedar Limited"
    )
