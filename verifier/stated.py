"""What documents state beside their amounts: who the parties are, where and when is paid, and why.

Amounts follow from journals. That a document pays the account of the law, and not one that its
issuer chose, follows from the law in force on the last settled day of its month, as it was known
when it was issued: every version stands in the evidence of a run.
"""

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from verifier.documents import FAMILIES, INVOICE_LINES, INVOICES, PARTY, Invoice, document_number
from verifier.law import DocumentKey, Law, list_in_force
from verifier.ledger import Ledger
from verifier.posting import QUANTITIES
from verifier.report import Report
from verifier.runs import SOME_TIME_ON_THE_DAY
from verifier.scope import MONTH
from verifier.values import Row, parse_day, parse_moment, to_integer, to_text

TERMS, REGISTRATION, MARKET_RULES, CHARGE_LIST = (
    "settlement-terms", "registration", "market-rules", "charge-list",
)  # fmt: skip
PARTY_NAMES = tuple(column.partition(":")[0] for column in PARTY)
SELF_BILLED = FAMILIES[1]
TAXING = (MARKET_RULES, CHARGE_LIST)
"""The kinds of documents that say how a line is taxed."""

COUNTED = {
    "payment.fuel": "generation",
    "charge.over_take": "over_take",
    "charge.compensation": "shortfall",
    "charge.excess": "excess",
    "charge.booking": "booked",
    **dict.fromkeys(
        (
            "charge.fuel", "charge.regulated", "charge.availability", "charge.adequacy",
            "charge.location", "charge.flexibility", "charge.reserve", "charge.dynamic",
            "charge.equalisation",
        ),
        "demand",
    ),
}  # fmt: skip
"""The account of energy that lines of a kind count; others count none, or what a list charges."""


class Settled(NamedTuple):
    """What was settled of a month when a document was issued: the days, and the last run of all."""

    days: Collection[str]
    run_id: str


def find_settled(invoice: Row, journals: Iterable[Row]) -> Settled:
    """Return what was settled of the month of a document; no days where nothing was.

    Args:
        invoice: its row.
        journals: rows of journals by number; of those that are no posted day of its month, others.
    """
    month, up_to = (
        to_text(invoice["billing_month"])[:MONTH],
        to_integer(invoice["last_journal_number"]),
    )
    days: dict[str, None] = {}
    run_id = ""
    for row in journals:
        day = row["settlement_day"]
        if row["market"] != invoice["market"] or day is None or row["run_id"] is None:
            continue
        if day[:MONTH] == month and row["number"] <= up_to:
            days[day], run_id = None, row["run_id"]
    return Settled(sorted(days), run_id)


def list_stated_law(law: Law, invoice: Row, settled: Settled) -> set[DocumentKey]:
    """Return the terms and the registration that a document's parties and term follow from.

    Of a participant who left, the last registration of the month is what was billed by.
    """
    market, issued_at = invoice["market"], parse_moment(invoice["issued_at"])
    terms = f"{market}/{TERMS}"
    own = f"{market}/{REGISTRATION}/{invoice['participant']}"
    found: set[DocumentKey] = set()
    for day in sorted(settled.days, reverse=True):
        instant = dt.datetime.combine(parse_day(day), SOME_TIME_ON_THE_DAY)
        in_force = list_in_force(law, market, instant, issued_at)
        wanted = {terms, own} if not found else {own}
        found |= {key for key in in_force if key[0] in wanted}
        if own in {instrument for instrument, _ in found}:
            break
    return found


def list_needed_law(law: Law, invoices: Iterable[Row], journals: Sequence[Row]) -> set[DocumentKey]:
    """Return the documents of the law that the parties and terms of documents follow from."""
    return {
        key for row in invoices for key in list_stated_law(law, row, find_settled(row, journals))
    }


def check_stated(invoices: Sequence[Invoice], law: Law, book: Ledger, report: Report) -> None:
    """Hold parties, terms, runs and quantities of documents to the law and the journals."""
    journals = [book.journals[number] for number in sorted(book.journals)]
    for invoice in invoices:
        name = document_number(invoice.row)
        with report.reading(INVOICES, name):
            settled = find_settled(invoice.row, journals)
            report.equal(INVOICES, name, "the run that posted last of its month, as run_id,",
                         settled.run_id or None, invoice.row["run_id"])  # fmt: skip
            bodies = [law.bodies[key] for key in list_stated_law(law, invoice.row, settled)]
            check_parties(invoice.row, bodies, report)
    with report.reading(INVOICE_LINES):
        check_quantities(invoices, law, book, report)


def check_parties(invoice: Row, bodies: Sequence[Row], report: Report) -> None:
    """Hold a document to the parties and the term of terms and a registration.

    Args:
        bodies: of several terms or registrations, any may be stated.
    """
    name = document_number(invoice)
    by_kind = {kind: [body for body in bodies if body["kind"] == kind] for kind in (
        TERMS, REGISTRATION)}  # fmt: skip
    for kind, found in by_kind.items():
        if not found:
            report.add(INVOICES, name, f"{kind} that its parties follow from", None)
    is_self_billed = to_text(invoice["series"]).endswith(f"-{SELF_BILLED}")
    operator_side, own_side = ("buyer", "seller") if is_self_billed else ("seller", "buyer")
    sides = (
        (
            operator_side,
            [(body["operator"], body["operator"]["contact"]) for body in by_kind[TERMS]],
        ),
        (own_side, [(body, body["contacts"][0]) for body in by_kind[REGISTRATION]]),
    )
    for side, parties in sides:
        stated = {column: invoice[f"{side}_{column}"] for column in PARTY_NAMES}
        expected = [write_party(party, contact) for party, contact in parties]
        if expected and stated not in expected:
            for column, value in stated.items():
                report.equal(INVOICES, name, f"{side}_{column}, by the law of its issue,",
                             expected[0][column], value)  # fmt: skip
        report.count("parties of documents that are those of the law")
    terms = [body["payment_term_days"] for body in by_kind[TERMS]]
    if terms and invoice["payment_term_days"] not in terms:
        what = "payment_term_days, by the law of its issue,"
        report.equal(INVOICES, name, what, terms[0], invoice["payment_term_days"])


def write_party(party: Row, contact: Row) -> Row:
    """Return an operator or a registration as the columns of a party."""
    address, national = party["address"], party.get("national_account") or {}
    printed = " ".join(filter(None, (national.get("sort_code"), national.get("account_number"))))
    return {
        "legal_name": party["legal_name"],
        "tax_identifier": party["tax_identifier"],
        "address_lines": "\n".join(address["lines"]),
        "postcode": address["postcode"],
        "country": address["country"],
        "contact_name": contact["name"],
        "contact_email": contact["email"],
        "iban": party.get("iban") or printed or None,
    }


def check_quantities(invoices: Sequence[Invoice], law: Law, book: Ledger, report: Report) -> None:
    """Hold what lines count to what the accounts beside them moved since the last documents.

    A line is an account under one tax. Where more than one law of taxes touched the month, only
    the law of each day, as runs knew it, parts the movement among lines: that is not done here.
    """
    last: dict[tuple[str, ...], int] = {}
    covered: dict[tuple[str, ...], int] = {}
    movements = list_movements(book)
    for invoice in sorted(invoices, key=lambda each: each.row["last_journal_number"]):
        row = invoice.row
        whose, up_to = (
            (row["market"], row["participant"], row["billing_month"]),
            row["last_journal_number"],
        )
        if last.get(whose) != up_to:
            covered[whose], last[whose] = last.get(whose, 0), up_to
        for line in invoice.lines:
            place = f"{document_number(row)} line {line['line']}"
            account = find_counted(line)
            if (account is None) != (line["quantity"] is None):
                what = "a quantity" if account else "no quantity"
                report.add(INVOICE_LINES, place, what, line["quantity"])
            elif account and has_one_tax(law, row):
                code = f"{row['market']}:{account[0]}:{row['participant']}:{account[1]}"
                moved = sum(
                    amount
                    for number, month, amount in movements[f"{code}:{line['subject']}"]
                    if covered[whose] < number <= up_to and month == whose[2][:MONTH]
                )
                expected = -moved if line["kind"].startswith("payment.") else moved
                report.equal(INVOICE_LINES, place, "quantity, as the journals moved it,", expected,
                             line["quantity"])  # fmt: skip
                report.count("quantities of lines that are what the journals moved")
            elif account:
                report.count("quantities of months of several laws of taxes, not recomputed")


def find_counted(line: Row) -> tuple[str, str] | None:
    """Return commodity and kind of the account that a line counts; None where it counts none."""
    component = to_text(line["kind"]).partition(".")[2]
    if component in QUANTITIES:
        return QUANTITIES[component][1], line["kind"]
    return ("WH", COUNTED[line["kind"]]) if line["kind"] in COUNTED else None


def list_movements(book: Ledger) -> defaultdict[str, list[tuple[int, str, int]]]:
    """Return journal, month and amount of every posting, by account."""
    found: defaultdict[str, list[tuple[int, str, int]]] = defaultdict(list)
    for number, postings in book.postings.items():
        # Postings of no journal are a finding of the ledger's.
        month = to_text(book.journals.get(number, {}).get("settlement_day") or "")[:MONTH]
        for account, amount in postings:
            found[account].append((number, month, amount))
    return found


def has_one_tax(law: Law, invoice: Row) -> bool:
    """Return whether one version alone of each document that taxes lines touches a month."""
    month = to_text(invoice["billing_month"])[:MONTH]
    touching: defaultdict[str, set[str]] = defaultdict(set)
    for instrument, digest, row in list_rows(law, invoice["market"]):
        # By texts: of a version that ends as the month begins in another zone, it may say yes.
        if row["valid_from"][:MONTH] <= month and (
            row["valid_to"] is None or row["valid_to"][:MONTH] >= month
        ):
            touching[instrument].add(digest)
    return all(len(digests) == 1 for digests in touching.values())


def list_rows(law: Law, market: str) -> Iterator[tuple[str, str, Row]]:
    """Yield the versions of a market by which lines are taxed, with instrument and digest."""
    for (instrument, digest), rows in law.versions.items():
        for row in rows:
            if row["market"] == market and row["kind"] in TAXING:
                yield instrument, digest, row


def check_own_stated(
    invoices: Sequence[Invoice], law: Law, own: Mapping[str, str], report: Report
) -> None:
    """Hold a participant's documents to terms and registrations that were published before them.

    Args:
        own: the instruments of the terms and of the participant's registration, by kind.
    """
    for invoice in invoices:
        row, name = invoice.row, document_number(invoice.row)
        with report.reading(INVOICES, name):
            month, issued_at = to_text(row["billing_month"])[:MONTH], row["issued_at"]
            bodies = [
                law.bodies[key]
                for key, versions in law.versions.items()
                if key[0] in own.values()
                and any(
                    each["recorded_from"] <= issued_at
                    and each["valid_from"][:MONTH] <= month
                    and (each["valid_to"] is None or each["valid_to"][:MONTH] >= month)
                    for each in versions
                )
            ]
            check_parties(row, bodies, report)
