"""Invoices and credit notes: their lines, their series, and the journals that close them."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from verifier.archive import Files
from verifier.encoding import encode_row, parse_layout, select_fields
from verifier.law import VERSIONS, Law
from verifier.ledger import DIGEST, GENESIS, digest_over_rows
from verifier.merkle_tree import leaf_hash, merkle_root
from verifier.report import Report
from verifier.rows import read_json_lines
from verifier.values import Row, parse_hex, to_integer, to_text

INVOICE_TAG = "tallystick.invoice.5"
INVOICE_LINE_TAG = "tallystick.invoice-line.4"
INVOICES = "ledger/invoices.jsonl"
INVOICE_LINES = "ledger/invoice-lines.jsonl"
PARTY = ("legal_name:T", "tax_identifier:T", "address_lines:T", "postcode:T", "country:T",
         "contact_name:T", "contact_email:T", "iban:T?")  # fmt: skip
INVOICE = parse_layout(
    "series:T number:I id:U kind:T market:T participant:T participant_number:I billing_month:D "
    "original:U? run_id:U? last_journal_number:I journal_number:I? issued_at:M due_on:D "
    "currency:T minor_unit_micro:I "
    "amount_micro:I rounding_micro:I net_minor:I tax_minor:I due_minor:I line_count:I "
    "previous_digest:B "
    + " ".join(f"{side}_{name}" for side in ("seller", "buyer") for name in PARTY)
    + " payment_term_days:I checkpoint_size:I? checkpoint_root:B?"
)
LINE = parse_layout(
    "invoice_id:U line:I kind:T subject:T description:T quantity:I? quantity_unit:T? "
    "amount_micro:I quality:T estimated_quantity:I? clauses:LT rule_digests:LB tax_category:T "
    "tax_rate_ppm:I tax_note:T"
)


LINE_KEY = ("invoice_id", "line")
LINES_ROOT = parse_layout("lines_root:B")
FAMILIES = ("invoice", "self-billed")
"""The series of a market: what it bills, and what it bills in the name of others."""


def is_of_market(market: str, number: str) -> bool:
    """Return whether the number of a document is of a series of a market.

    >>> is_of_market("gb", "gb-invoice-000007"), is_of_market("gb", "gb-west-invoice-000007")
    (True, False)
    """
    return number.rpartition("-")[0] in {f"{market}-{family}" for family in FAMILIES}


def document_number(row: Row) -> str:
    """Return the number that is printed on a document."""
    return f"{to_text(row['series'])}-{to_integer(row['number']):06d}"


def line_digest(row: Row) -> bytes:
    """Return the digest of a line."""
    return leaf_hash(encode_row(INVOICE_LINE_TAG, select_fields(LINE, row)))


@dataclass
class Invoice:
    """A document and its lines; none where the evidence holds their root alone."""

    row: Row
    lines: list[Row]


def check_invoices(files: Files, law: Law, report: Report) -> list[Invoice]:
    """Hash documents and lines again; hold each series to its chain."""
    found = read_invoices(files, law, report)
    digests = {
        (each.row["series"], each.row["number"]): parse_hex(each.row["digest"]) for each in found
    }
    for invoice in found:
        with report.reading(INVOICES, document_number(invoice.row)):
            check_invoice_link(invoice.row, digests, report)
    check_counts(found, report)
    return found


def read_invoices(files: Files, law: Law, report: Report) -> list[Invoice]:
    """Hash documents and their lines again."""
    lines: defaultdict[str, list[Row]] = defaultdict(list)
    known_digests = {digest for _, digest in law.versions}
    for at, row in read_json_lines(files, INVOICE_LINES, {**LINE, **DIGEST}, LINE_KEY, report):
        with report.reading(INVOICE_LINES, at):
            place = f"{at}, invoice {row['invoice_id']} line {row['line']}"
            lines[row["invoice_id"]].append(row)
            report.equal(INVOICE_LINES, place, "the row to have digest", row["digest"],
                         line_digest(row).hex())  # fmt: skip
            for digest in row["rule_digests"]:
                if digest not in known_digests:
                    report.add(INVOICE_LINES, place, f"the rule {digest} in {VERSIONS}", None)
            report.count("lines of documents")
    found: list[Invoice] = []
    columns = {**INVOICE, **LINES_ROOT, **DIGEST}
    for place, row in read_json_lines(files, INVOICES, columns, ("series", "number"), report):
        with report.reading(INVOICES, place):
            invoice = Invoice(row, lines.pop(row["id"], []))
            check_invoice(invoice, report)
            found.append(invoice)
    for invoice_id in lines:
        report.add(INVOICE_LINES, f"invoice {invoice_id}", f"a document of {INVOICES}", None)
    return found


def check_counts(invoices: Sequence[Invoice], report: Report) -> None:
    """Hold the documents of each participant to be counted from 1, without gaps."""
    numbers: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
    for invoice in invoices:
        row = invoice.row
        numbers[row["market"], row["participant"]].append(row["participant_number"])
    for (market, participant), found in numbers.items():
        report.equal(INVOICES, f"{participant} in {market}", "documents of a participant, counted,",
                     list(range(1, len(found) + 1)), sorted(found))  # fmt: skip
        report.count("documents that are counted without gaps", len(found))


def check_invoice(invoice: Invoice, report: Report) -> None:
    """Hash a document again; where its lines are here, over them too."""
    row, name = invoice.row, document_number(invoice.row)
    digest = digest_over_rows(INVOICE_TAG, INVOICE, row, parse_hex(row["lines_root"]))
    report.equal(INVOICES, name, "the row to have digest", row["digest"], digest.hex())
    report.count("documents, by digest")
    if not invoice.lines:
        return
    root = merkle_root(parse_hex(line["digest"]) for line in invoice.lines).hex()
    report.equal(INVOICES, name, "over its lines, lines_root", row["lines_root"], root)
    report.equal(INVOICES, name, "line numbers", list(range(1, row["line_count"] + 1)),
                 [line["line"] for line in invoice.lines])  # fmt: skip
    report.count("documents that participants got, with their lines")


def check_invoice_link(row: Row, digests: Mapping[tuple[str, int], bytes], report: Report) -> None:
    """Hold a document to the one before it in its series."""
    number = to_integer(row["number"])
    before = GENESIS if number == 1 else digests.get((row["series"], number - 1))
    expected = None if before is None else before.hex()
    what = "the digest of the document before, as previous_digest,"
    report.equal(INVOICES, document_number(row), what, expected, row["previous_digest"])
    report.count("links of the chains of documents")
