"""Speed of documents: a thousand different invoices as PDF/A-3b with their XML, on two cores.

The yardstick is the setting of a blank page by the same page setter in the same run, so that the
ratio says how much of a document is ours; the target is the wall clock of all thousand.
"""

import datetime as dt
import uuid
from collections.abc import Sequence
from time import perf_counter

import typst

from benchmarks.figures import Result
from ledger.billing import Billed, EarlierCheckpoint, document_of, seal_invoice
from ledger.invoice import Family, InvoiceDraft, InvoiceLine, Tax
from ledger.parties import Party
from settlement.documents.bulk import render_all
from settlement.documents.issued_document import IssuedDocument, RunReference
from settlement.documents.sealed_rows import document_of_rows

DOCUMENTS = 1_000
PROCESSES = 2
TARGET_SECONDS = 60
BLANK_PAGES = 200
TARGET_BLANK_PAGES = 100
MONTH = dt.date(2024, 1, 1)
ISSUED = dt.datetime(2024, 2, 1, 9, tzinfo=dt.UTC)
KINDS = ("charge.adequacy", "charge.dynamic", "charge.fuel", "charge.regulated")
DIGEST = bytes(range(32))


def results() -> list[Result]:
    """Return the seconds of a thousand invoices, and how many blank pages one invoice takes."""
    documents = [_issued_document(number) for number in range(1, DOCUMENTS + 1)]
    start = perf_counter()
    written = sum(1 for _ in render_all(documents, "pdf", PROCESSES))
    seconds = perf_counter() - start
    each_s = PROCESSES * seconds / written
    return [
        Result(
            "1,000 invoices as PDF with XML, on 2 cores: seconds", seconds, TARGET_SECONDS, True
        ),
        Result(
            "an invoice as PDF with XML, over a blank page: times",
            each_s / _blank_page_s(),
            TARGET_BLANK_PAGES,
            True,
        ),
    ]


def _blank_page_s() -> float:
    """Return the seconds that a page with a number on it takes."""
    start = perf_counter()
    for number in range(BLANK_PAGES):
        typst.compile(f"Page {number}".encode(), format="pdf", ignore_system_fonts=True)
    return (perf_counter() - start) / BLANK_PAGES


def _issued_document(number: int) -> IssuedDocument:
    """Return an invoice that no other is like but in layout: 12 to 35 lines of its own."""
    draft = InvoiceDraft(
        market="gb12",
        participant=f"supplier-{number}",
        billing_month=MONTH,
        family=Family.INVOICE,
        seller=_party("Market Operator Limited", 0),
        buyer=_party(f"Supplier {number} Limited", number),
        currency="GBP",
        run_id=uuid.UUID(int=7),
        payment_term_days=14,
        lines=_lines(number),
    )
    sealed = seal_invoice(
        document_of(draft, Billed(), number),
        uuid.UUID(int=number),
        participant_number=1,
        last_journal_number=number,
        journal_number=None,
        issued_at=ISSUED,
        previous_digest=DIGEST,
        earlier=EarlierCheckpoint(number, DIGEST),
    )
    run = RunReference(uuid.UUID(int=7), "II", DIGEST)
    return document_of_rows(sealed, Billed(), None, run, {DIGEST: "gb12/market-rules"})


def _lines(number: int) -> Sequence[InvoiceLine]:
    count = 12 + number % 24
    return tuple(
        InvoiceLine(
            kind=KINDS[line * len(KINDS) // count],
            subject=f"N{line}-P{number % 7}",
            description=f"Homes of supplier {number} at node {line}",
            quantity=1_000_003 * (line + 1) + 7_919 * number,
            quantity_unit="Wh",
            amount_micro=61_234_567 * (line + 3) + 104_729 * number,
            tax=Tax("AE", 0),
            tax_note="Reverse charge: the buyer accounts for value added tax.",
            quality="measured",
            estimated_quantity=None,
            clauses=("AP-2.1", "MR-4.2"),
            rule_digests=(DIGEST,),
        )
        for line in range(count)
    )


def _party(name: str, number: int) -> Party:
    return Party(
        legal_name=name,
        tax_identifier=f"GB{100_000_000 + number}",
        address_lines=f"{number + 1} High Street\nCoventry",
        postcode="CV1 9ZZ",
        country="GB",
        contact_name="Settlement desk",
        contact_email=f"desk-{number}@market.example",
        iban="GB82WEST12345698765432",
    )
