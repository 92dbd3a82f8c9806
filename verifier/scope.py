"""What the evidence of a run must hold whole, by the headers of all that there is.

Every journal of the log, and every document of the market, stands in the file with its header and
the Merkle root over its postings or lines. Of the months in which days of the run lie, the
postings and lines themselves must be there: so neither a journal nor a document of those months
can be left out, nor what is in it.
"""

from collections.abc import Collection, Sequence

from verifier.documents import INVOICES, Invoice, document_number
from verifier.ledger import JOURNALS, Ledger
from verifier.report import Report
from verifier.values import Row, list_days, to_text

MONTH = len("2024-01")


def list_months(run: Row) -> set[str]:
    """Return the months in which a run has days; a study posts none of them."""
    if not run or run["kind"] == "study":
        return set()
    return {day[:MONTH] for day in list_days(run["first_day"], run["last_day"])}


def is_of_months(market: str, day: object, row: Row, months: Collection[str]) -> bool:
    """Return whether a row of the ledger is of a market and of some months."""
    return row["market"] == market and day is not None and to_text(day)[:MONTH] in months


def check_scope(run: Row, book: Ledger, invoices: Sequence[Invoice], report: Report) -> None:
    """Hold postings and lines to be those of the market in the months of the run, and all."""
    if not run:
        return  # which is a finding already
    market, months = run["market"], list_months(run)
    closing: set[int] = set()
    for invoice in invoices:
        row, name = invoice.row, document_number(invoice.row)
        report.equal(INVOICES, name, "the run's market", market, row["market"])
        is_whole = is_of_months(market, row["billing_month"], row, months)
        if is_whole != bool(invoice.lines):
            report.add(INVOICES, name, describe_part("lines", is_whole), describe_found(is_whole))
        if is_whole and row["journal_number"] is not None:
            closing.add(row["journal_number"])
    for number, row in book.journals.items():
        is_whole = number in closing or is_of_months(market, row["settlement_day"], row, months)
        if is_whole and row["posting_count"] == 0:
            continue
        if is_whole != (number in book.postings):
            report.add(JOURNALS, f"journal {number}", describe_part("postings", is_whole),
                       describe_found(is_whole))  # fmt: skip


def describe_part(what: str, is_whole: bool) -> str:
    """Return what a finding expects of the postings or lines of a row."""
    months = "it is of a month of the run" if is_whole else "it is of no month of the run"
    return f"its {what}, as {months}," if is_whole else f"no {what}, as {months},"


def describe_found(is_whole: bool) -> str:
    """Return what a finding says was found instead."""
    return "none" if is_whole else "some"
