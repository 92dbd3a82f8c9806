"""The money of documents: sums, rounding and tax, and what the accounts moved."""

import datetime as dt
import struct
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from itertools import groupby

from verifier.causes import DOCUMENT_CAUSE
from verifier.documents import INVOICES, Invoice, document_number
from verifier.encoding import encode_field
from verifier.ledger import JOURNALS, Ledger
from verifier.merkle_tree import leaf_hash
from verifier.report import Report
from verifier.values import Row, parse_moment, to_text

MILLION = 1_000_000

Tax = tuple[str, int]
"""How a line is taxed: a category of EN 16931, and a rate in ppm."""


def round_half_away(value: int, divisor: int) -> int:
    """Return value / divisor rounded to the nearest integer, halves away from zero."""
    rounded = (2 * abs(value) + divisor) // (2 * divisor)
    return rounded if value >= 0 else -rounded


def check_sums(invoices: Sequence[Invoice], book: Ledger | None, report: Report) -> None:
    """Add up lines, rounding, net, tax and due, document by document of a month.

    Args:
        book: the ledger, to hold the journals of rounding and tax to them; None without it.
    """
    billed: defaultdict[tuple[str, ...], Counter[Tax]] = defaultdict(Counter)
    for invoice in sorted(
        invoices, key=lambda issued: (issued.row["series"], issued.row["number"])
    ):
        row, name = invoice.row, document_number(invoice.row)
        with report.reading(INVOICES, name):
            key = (row["participant"], row["billing_month"], row["series"], row["currency"])
            amounts = sum_lines(invoice)
            net, tax_minor = add_taxes(amounts, billed[key], row["minor_unit_micro"])
            report.equal(INVOICES, name, "amount_micro, the sum of its lines,",
                         sum(amounts.values()), row["amount_micro"])  # fmt: skip
            report.equal(INVOICES, name, "net_minor, amount and rounding,",
                         row["amount_micro"] + row["rounding_micro"],
                         row["net_minor"] * row["minor_unit_micro"])  # fmt: skip
            what = "net_minor, rounded once for each tax on all that is billed,"
            report.equal(INVOICES, name, what, net, row["net_minor"])
            what = "tax_minor, rounded once for each tax on all that is billed,"
            report.equal(INVOICES, name, what, sum(tax_minor.values()), row["tax_minor"])
            report.equal(INVOICES, name, "due_minor, net and tax,",
                         row["net_minor"] + row["tax_minor"], row["due_minor"])  # fmt: skip
            if row["payment_term_days"] is not None:
                issued = parse_moment(row["issued_at"]).date()
                due_on = issued + dt.timedelta(row["payment_term_days"])
                report.equal(INVOICES, name, "due_on", due_on.isoformat(), row["due_on"])
            if book is not None:
                check_closing(row, tax_minor, book, report)
            billed[key].update(amounts)
            report.count("totals of documents")


def sum_lines(invoice: Invoice) -> Counter[Tax]:
    """Return what the lines of a document come to, by tax."""
    amounts: Counter[Tax] = Counter()
    for line in invoice.lines:
        amounts[line["tax_category"], line["tax_rate_ppm"]] += line["amount_micro"]
    return amounts


def add_taxes(
    amounts: Mapping[Tax, int], billed: Mapping[Tax, int], minor: int
) -> tuple[int, Counter[str]]:
    """Return the net of a document, and its tax by category.

    Args:
        amounts: what its lines come to, by tax.
        billed: the same of the documents before it.
        minor: micro in a minor unit.
    """
    net, tax_minor = 0, Counter[str]()
    for (category, rate_ppm), amount in amounts.items():
        before = billed.get((category, rate_ppm), 0)
        for sign, total in ((1, before + amount), (-1, before)):
            base = round_half_away(total, minor)
            net += sign * base
            tax_minor[category] += sign * round_half_away(base * rate_ppm, MILLION)
    return net, tax_minor


def check_closing(row: Row, tax_minor: Mapping[str, int], book: Ledger, report: Report) -> None:
    """Hold the journal of a document's rounding and tax to the document.

    Args:
        tax_minor: its tax by category.
    """
    name = document_number(row)
    family = to_text(row["series"]).removeprefix(f"{row['market']}-")
    expected: list[tuple[str, int]] = []
    for kind, subject, amount in (
        ("rounding", family, row["rounding_micro"]),
        *(
            ("tax", category, tax * row["minor_unit_micro"])
            for category, tax in sorted(tax_minor.items())
        ),
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
    cause = [journal["cause_source"], journal["cause_key"], journal["cause_digest"]]
    report.equal(
        JOURNALS, place, "its document as its cause", [DOCUMENT_CAUSE, name, row["digest"]], cause
    )
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


def billing_order(invoice: Invoice) -> tuple[str, str, str, int]:
    """Return whom a document bills, for which month, and up to which journal."""
    row = invoice.row
    return row["market"], row["participant"], row["billing_month"], row["last_journal_number"]


def check_billed(invoices: Sequence[Invoice], book: Ledger, report: Report) -> None:
    """Hold the lines of each participant's documents to what its money accounts moved."""
    last: dict[tuple[str, str, str], int] = {}
    for (market, participant, month, up_to), group in groupby(
        sorted(invoices, key=billing_order), billing_order
    ):
        documents = list(group)
        names = ", ".join(document_number(issued.row) for issued in documents)
        with report.reading(INVOICES, names):
            after = last.get((market, participant, month), 0)
            last[market, participant, month] = up_to
            billed: defaultdict[str, int] = defaultdict(int)
            for invoice in documents:
                owner = f"{market}:{invoice.row['currency']}:{participant}"
                for line in invoice.lines:
                    billed[f"{owner}:{line['kind']}:{line['subject']}"] += line["amount_micro"]
            moved = sum_moved_money(book, market, participant, month, after, up_to)
            for account in sorted(billed.keys() | moved.keys()):
                what = f"account {account} billed as journals {after + 1} to {up_to} moved it,"
                report.equal(INVOICES, names, what, moved[account], billed[account])
            report.count("accounts billed as the journals moved them", len(moved))


def sum_moved_money(
    book: Ledger, market: str, participant: str, month: str, after: int, up_to: int
) -> defaultdict[str, int]:
    """Return what a participant's money accounts moved for days of a month, in some journals."""
    moved: defaultdict[str, int] = defaultdict(int)
    for number, row in book.journals.items():
        day = row["settlement_day"]
        if row["market"] != market or day is None or day[:7] != month[:7]:
            continue
        if after < number <= up_to:
            for account, amount in book.postings.get(number, []):
                commodity, owner = account.split(":")[1:3]
                if owner == participant and commodity != "WH" and "CHARGED-" not in commodity:
                    moved[account] += amount
    return moved
