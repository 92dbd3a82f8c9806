"""The money of documents: sums, rounding and tax, and what the accounts moved."""

import datetime as dt
from collections import defaultdict
from collections.abc import Sequence
from itertools import groupby

from verifier.documents import INVOICES, Invoice, document_number
from verifier.ledger import Ledger
from verifier.report import Report
from verifier.values import parse_moment

MILLION = 1_000_000


def round_half_away(value: int, divisor: int) -> int:
    """Return value / divisor rounded to the nearest integer, halves away from zero."""
    rounded = (2 * abs(value) + divisor) // (2 * divisor)
    return rounded if value >= 0 else -rounded


def check_sums(invoices: Sequence[Invoice], report: Report) -> None:
    """Add up lines, rounding, net, tax and due, document by document of a month."""
    billed: defaultdict[tuple[str, ...], tuple[int, int, int]] = defaultdict(lambda: (0, 0, 0))
    for invoice in sorted(
        invoices, key=lambda issued: (issued.row["series"], issued.row["number"])
    ):
        row, name = invoice.row, document_number(invoice.row)
        with report.reading(INVOICES, name):
            minor = row["minor_unit_micro"]
            key = (row["participant"], row["billing_month"], row["series"], row["currency"])
            micro, net, untaxed = billed[key]
            amount = sum(line["amount_micro"] for line in invoice.lines)
            report.equal(INVOICES, name, "amount_micro, the sum of its lines,", amount,
                         row["amount_micro"])  # fmt: skip
            report.equal(INVOICES, name, "net_minor, amount and rounding,",
                         row["amount_micro"] + row["rounding_micro"],
                         row["net_minor"] * minor)  # fmt: skip
            rounded = round_half_away(micro + amount, minor) - net
            report.equal(INVOICES, name, "net_minor, rounded once on all that is billed,", rounded,
                         row["net_minor"])  # fmt: skip
            untaxed_now = untaxed + invoice.untaxed_micro
            untaxed_minor = round_half_away(untaxed_now, minor) - round_half_away(untaxed, minor)
            taxed_minor = row["net_minor"] - untaxed_minor
            tax = round_half_away(taxed_minor * row["tax_rate_ppm"], MILLION)
            report.equal(INVOICES, name, "tax_minor", tax, row["tax_minor"])
            report.equal(INVOICES, name, "due_minor, net and tax,",
                         row["net_minor"] + row["tax_minor"], row["due_minor"])  # fmt: skip
            if row["payment_term_days"] is not None:
                issued = parse_moment(row["issued_at"]).date()
                due_on = issued + dt.timedelta(row["payment_term_days"])
                report.equal(INVOICES, name, "due_on", due_on.isoformat(), row["due_on"])
            billed[key] = (micro + amount, net + row["net_minor"], untaxed_now)
            report.count("totals of documents")


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
