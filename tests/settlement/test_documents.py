"""Issued documents from the store: alike for ever, in every format, and their intervals sum."""

import csv
import datetime as dt
import io
import json
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import pytest

from common.refusals import Refused
from rulebook.documents import Registration
from settlement.billing.issuing import issue_month
from settlement.documents.as_json import InvoiceJson, schema
from settlement.documents.bulk import render_all
from settlement.documents.formats import FORMATS
from settlement.documents.intervals import interval_rows
from settlement.documents.render import (
    find_document,
    issued_documents_of_month,
    render_document,
)
from tests.worlds import tiny_market
from tests.worlds.law import publish
from tests.worlds.rolled_back import rolled_back
from tests.worlds.settled import (
    FIRST_DAY,
    RESETTLED,
    SETTLED,
    correct_tiny,
    ingest_tiny,
    publish_tiny,
    settle_tiny,
)

MONTH = dt.date(2024, 1, 1)
SCHEMA = Path(__file__).parents[2] / "docs" / "invoice.schema.json"


def bill_charges_twice(session):
    """Bill a first run with pass-through charges, and its correction; return every document."""
    publish_tiny(session, [*tiny_market.documents(), *tiny_market.charges()])
    ingest_tiny(session)
    settle_tiny(session)
    issue_month(session, "tiny", MONTH, now=SETTLED)
    correct_tiny(session)
    settle_tiny(session, "SF", RESETTLED)
    issue_month(session, "tiny", MONTH, now=RESETTLED)
    return issued_documents_of_month(session, "tiny", MONTH)


@pytest.fixture
def issued(world_of):
    """Every document and note."""
    return world_of(bill_charges_twice)[1]


@pytest.fixture
def billed(world_of):
    """A session in which the documents are there; rolled back at the end."""
    with rolled_back(world_of(bill_charges_twice)[0]) as session:
        yield session


def test_intervals_sum_to_the_lines_exactly(billed, issued):
    kinds = set()
    for document in issued:
        amounts, quantities = defaultdict(int), defaultdict(int)
        for row in interval_rows(billed, document):
            amounts[row.line] += row.amount_micro
            quantities[row.line] += row.quantity or 0
        for line in document.lines:
            kinds.add(line.kind)
            assert amounts[line.number] == line.exact_micro, line
            assert quantities[line.number] == (line.quantity or 0), line
    assert {"charge.tariff", "payment.tariff", "charge.dynamic", "payment.fuel"} <= kinds
    assert {"charge.fee", "charge.subscription", "charge.adequacy", "payment.location"} <= kinds
    assert {document.kind for document in issued} >= {"invoice", "self-billed invoice"}
    assert any(document.original for document in issued)


def test_what_rests_on_no_interval_is_a_row_of_its_own(billed, issued):
    document = next(
        candidate
        for candidate in issued
        if candidate.participant == "doric" and not candidate.original
    )
    first, *others = document.lines
    more = replace(document, lines=(replace(first, exact_micro=first.exact_micro + 5), *others))
    without = [row for row in interval_rows(billed, more) if not row.interval_start]
    assert [(row.line, row.amount_micro) for row in without] == [(first.number, 5)]
    assert all(row.interval_start for row in interval_rows(billed, document))


def test_an_interval_has_its_clock_and_its_price_or_pot(billed, issued):
    document = next(
        candidate
        for candidate in issued
        if candidate.participant == "doric" and not candidate.original
    )
    content = render_document(billed, document, FORMATS["csv"]).decode()
    rows = list(csv.DictReader(io.StringIO(content)))
    assert rows[0]["interval_start"] == "2024-01-01T00:00:00+00:00"
    dynamic = [row for row in rows if row["kind"] == "charge.dynamic"]
    assert len(dynamic) == 2 * 3 * 48
    assert all(int(row["price_micro_per_mwh"]) > 0 for row in dynamic)
    supplier = next(
        candidate
        for candidate in issued
        if candidate.participant == "cedar" and not candidate.original
    )
    shares = [row for row in interval_rows(billed, supplier) if row.kind == "charge.adequacy"]
    assert all(abs(row.amount_micro) <= row.pot_micro for row in shares)


def test_later_registrations_and_terms_leave_issued_documents_as_they_are(billed, issued):
    before = {
        (document.number, name): render_document(billed, document, FORMATS[name])
        for document in issued[:3]
        for name in FORMATS
    }
    moved = [
        Registration.model_validate(
            registration.model_dump() | {"legal_name": "Renamed Limited", "tax_identifier": "GB1"}
        )
        for registration in tiny_market.registrations()
    ]
    rules = tiny_market.market_rules().model_dump()
    rules["tax"]["note"] = "Another note."
    operator = tiny_market.settlement_terms().model_dump()["operator"]
    terms = tiny_market.settlement_terms(
        payment_term_days=60, operator=operator | {"legal_name": "Another Operator"}
    )
    law = [terms, type(tiny_market.market_rules()).model_validate(rules)]
    later = RESETTLED + dt.timedelta(hours=1)
    # A name changes for days to come alone, once its participant confirmed it.
    for documents, valid_from in ((law, FIRST_DAY), (moved, later.date() + dt.timedelta(days=3))):
        publish(
            billed, documents, valid_from=valid_from, known=later, reason="Another law and names"
        )
        later += dt.timedelta(minutes=1)
    for (number, name), content in before.items():
        assert render_document(billed, find_document(billed, number), FORMATS[name]) == content
        assert b"Renamed" not in content


def test_json_keeps_its_published_schema_and_states_what_the_document_does(billed, issued):
    assert SCHEMA.read_text(encoding="utf-8") == schema()
    for document in issued:
        content = render_document(billed, document, FORMATS["json"])
        read = InvoiceJson.model_validate_json(content)
        assert (read.number, read.digest) == (document.number, document.digest.hex())
        assert sum(round(100 * float(line.amount)) for line in read.lines) == document.net_minor
        assert json.loads(content)["seller"]["legal_name"] == document.seller.legal_name


def test_a_bulk_of_documents_is_what_each_is_alone_in_any_number_of_processes(issued):
    many = (issued * 6)[:20]
    alone = [FORMATS["xml"].render(document) for document in many]
    told = []
    found = list(render_all(many, "xml", 2, lambda done, total: told.append((done, total))))
    assert [content for _, content in found] == alone
    assert [document.number for document, _ in found] == [document.number for document in many]
    assert told[-1] == (20, 20)
    with pytest.raises(ValueError, match="from a document alone"):
        list(render_all(many[:2], "csv"))


def test_a_number_that_is_none_is_refused(session):
    for number in ("tiny-invoice-000001", "tiny-invoice-1", "x"):
        with pytest.raises(Refused) as refused:
            find_document(session, number)
        assert [finding.code for finding in refused.value.findings] == ["no-such-document"]
