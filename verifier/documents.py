"""Invoices and credit notes: their lines, their series, and the journals that close them."""

import struct
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from verifier.archive import Files
from verifier.encoding import encode_field, encode_row, parse_layout, select_fields
from verifier.law import VERSIONS, Law
from verifier.ledger import (
    DIGEST,
    GENESIS,
    JOURNALS,
    Ledger,
    check_links,
    digest_over_rows,
)
from verifier.merkle_tree import leaf_hash, merkle_root
from verifier.report import Report
from verifier.rows import read_json_lines
from verifier.values import Row, parse_hex, to_integer, to_text

INVOICE_TAG = "tallystick.invoice.2"
INVOICES = "ledger/invoices.jsonl"
INVOICE_LINES = "ledger/invoice-lines.jsonl"
INVOICE_LINKS = "ledger/invoice-links.jsonl"
PARTY = ("legal_name:T", "tax_identifier:T", "address_lines:T", "postcode:T", "country:T",
         "contact_name:T", "contact_email:T", "iban:T?")  # fmt: skip
INVOICE = parse_layout(
    "series:T number:I id:U kind:T market:T participant:T billing_month:D original:U? run_id:U? "
    "last_journal_number:I journal_number:I? issued_at:M due_on:D currency:T minor_unit_micro:I "
    "amount_micro:I rounding_micro:I net_minor:I tax_category:T tax_rate_ppm:I tax_minor:I "
    "due_minor:I line_count:I previous_digest:B "
    + " ".join(f"{side}_{name}" for side in ("seller", "buyer") for name in PARTY)
    + " tax_note:T payment_term_days:I"
)
LINE = parse_layout(
    "invoice_id:U line:I kind:T subject:T description:T quantity:I? quantity_unit:T? "
    "amount_micro:I quality:T estimated_quantity:I? clauses:LT rule_digests:LB"
)
UNTAXED_LINE = {**LINE, **parse_layout("tax_category:T?")}
"""Only an untaxed line has a tax category of its own."""


def document_number(row: Row) -> str:
    """Return the number that is printed on a document."""
    return f"{to_text(row['series'])}-{to_integer(row['number']):06d}"


def line_digest(row: Row) -> bytes:
    """Return the digest of a line, with its tax category where it has one."""
    if row["tax_category"] is not None:
        return leaf_hash(encode_row("tallystick.invoice-line.3", select_fields(UNTAXED_LINE, row)))
    return leaf_hash(encode_row("tallystick.invoice-line.2", select_fields(LINE, row)))


@dataclass
class Invoice:
    """A document and its lines."""

    row: Row
    lines: list[Row]

    @property
    def untaxed_micro(self) -> int:
        """The sum of the lines that no tax is due on."""
        return sum(line["amount_micro"] for line in self.lines if line["tax_category"] is not None)


def check_invoices(files: Files, law: Law, book: Ledger, report: Report) -> list[Invoice]:
    """Hash documents and lines again; hold each series to its chain."""
    lines: defaultdict[str, list[Row]] = defaultdict(list)
    known_digests = {digest for _, digest in law.versions}
    for at, row in read_json_lines(files, INVOICE_LINES, {**UNTAXED_LINE, **DIGEST}, report):
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
    digests: dict[tuple[str, int], bytes] = {}
    for place, row in read_json_lines(files, INVOICES, {**INVOICE, **DIGEST}, report):
        with report.reading(INVOICES, place):
            own = lines.pop(row["id"], [])
            name = document_number(row)
            leaves = [parse_hex(line["digest"]) for line in own]
            digest = digest_over_rows(INVOICE_TAG, INVOICE, row, merkle_root(leaves))
            what = "the row and its lines to have digest"
            report.equal(INVOICES, name, what, row["digest"], digest.hex())
            report.equal(INVOICES, name, "line numbers", list(range(1, row["line_count"] + 1)),
                         [line["line"] for line in own])  # fmt: skip
            digests[row["series"], row["number"]] = parse_hex(row["digest"])
            found.append(Invoice(row, own))
            report.count("documents that participants got")
    for invoice_id in lines:
        report.add(INVOICE_LINES, f"invoice {invoice_id}", f"a document of {INVOICES}", None)
    check_links(
        files,
        INVOICE_LINKS,
        INVOICE_TAG,
        INVOICE,
        "lines_root",
        lambda row: (row["series"], row["number"]),
        digests,
        report,
    )
    for invoice in found:
        with report.reading(INVOICES, document_number(invoice.row)):
            check_invoice_link(invoice.row, digests, report)
            check_closing(invoice.row, book, report)
    return found


def check_invoice_link(row: Row, digests: Mapping[tuple[str, int], bytes], report: Report) -> None:
    """Hold a document to the one before it in its series."""
    number = to_integer(row["number"])
    before = GENESIS if number == 1 else digests.get((row["series"], number - 1))
    expected = None if before is None else before.hex()
    what = "the digest of the document before, as previous_digest,"
    report.equal(INVOICES, document_number(row), what, expected, row["previous_digest"])
    report.count("links of the chains of documents")


def check_closing(row: Row, book: Ledger, report: Report) -> None:
    """Hold the journal of a document's rounding and tax to the document."""
    name = document_number(row)
    tax_micro = row["tax_minor"] * row["minor_unit_micro"]
    family = to_text(row["series"]).removeprefix(f"{row['market']}-")
    expected: list[tuple[str, int]] = []
    for kind, subject, amount in (
        ("rounding", family, row["rounding_micro"]),
        ("tax", row["tax_category"], tax_micro),
    ):
        for owner, moved in ((row["participant"], amount), ("-", -amount)):
            if moved:
                code = f"{row['market']}:{row['currency']}:{owner}:{kind}:{subject}"
                expected.append((code, moved))
    number = row["journal_number"]
    if number is None:
        report.equal(INVOICES, name, "no rounding or tax without a journal", [], expected)
        return
    journal = book.journals.get(number)
    if journal is None:
        report.add(INVOICES, name, f"its journal {number} in {JOURNALS}", None)
        return
    place = f"journal {number}"
    report.equal(JOURNALS, place, "the key of its document", name, journal["key"])
    report.equal(JOURNALS, place, f"the rounding and tax of {name}", expected,
                 book.postings.get(number, []))  # fmt: skip
    pairs = b"".join(encode_pair(*pair) for pair in expected)
    tag = encode_field("T", "tallystick.document-posting.1")
    found = leaf_hash(tag + encode_field("T", name) + pairs).hex()
    report.equal(JOURNALS, place, f"of {name}, input_digest", journal["input_digest"], found)
    report.count("journals of rounding and tax")


def encode_pair(account: str, amount: int) -> bytes:
    """Return the field of a list that holds an account and an amount."""
    payload = encode_field("T", account) + encode_field("I", amount)
    return b"L" + struct.pack(">I", len(payload)) + payload
