"""Verification of the whole ledger from its rows alone.

Every row is hashed again and held to the digest stored with it; journals and the documents of a
series are followed from the first to the last, every journal is summed in each commodity, and the
money of every document is computed again from its lines and those of the documents before it.
Rows stream from the database, so memory does not grow with the number of journals.

A chain cannot show by itself that its end was cut off together with all that refers to it. For
that, pass the `Head` that was kept elsewhere.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, date
from functools import partial
from itertools import groupby
from operator import attrgetter
from typing import Any, NamedTuple

from sqlalchemy import Select, exists, select
from sqlalchemy.orm import Session

from common.damage import damage
from common.refusals import Finding
from database.metadata import Base
from ledger import tables
from ledger.cause_verification import (
    JOURNAL_CAUSE,
    hold_to_causes,
    moves_account,
)
from ledger.causes import CauseSource
from ledger.chain import (
    AccountRow,
    InvoiceLineRow,
    InvoiceRow,
    JournalRow,
    PostingRow,
    account_code,
    account_digest,
    invoice_digest,
    invoice_line_digest,
    journal_digest,
    posting_digests,
)
from ledger.closing import closing_journal
from ledger.invoice import Tax, document_number, subtotals, sum_by_tax, totals
from ledger.invoice_queries import stored_line
from ledger.journal import JournalDraft
from ledger.store import EMPTY, Head, lock_shared

ROWS_AT_A_TIME = 10_000

DIGEST = "ledger-digest"
CHAIN = "ledger-chain"
MISSING = "ledger-row-missing"
FOREIGN = "ledger-row-foreign"
BALANCE = "ledger-balance"
CODE = "ledger-account-code"
TOTALS = "ledger-totals"


Findings = Iterator[Finding]


def verify(session: Session, known: Head | None = None) -> Findings:
    """Yield everything that is wrong with the ledger, in the order of its rows.

    Appending waits until the caller's transaction ends, so that what is read belongs together.

    Args:
        session: the caller's session.
        known: a head that was kept elsewhere; the ledger must still contain it.
    """
    lock_shared(session)
    commodities: dict[str, str] = {}
    moved: set[str] = set()
    yield from _verify_accounts(session, commodities)
    yield from _verify_postings_have_journals(session)
    yield from _verify_journals(session, commodities, moved, known)
    # Accounts stand in no chain. But the ledger opens one only for a posting, so that one without
    # any was put there by hand.
    for code in commodities.keys() - moved:
        yield damage(FOREIGN, f"ledger.account {code}", "no journal opened it: no posting moves it")
    yield from _verify_lines_have_invoices(session)
    closing: dict[int, JournalDraft] = {}
    yield from _verify_invoices(session, closing)
    yield from hold_to_causes(session, CauseSource.DOCUMENT, closing)


def _verify_accounts(session: Session, commodities: dict[str, str]) -> Findings:
    for row in _stream(session, _columns(tables.Account, AccountRow)):
        account, digest = AccountRow(*row[:-1]), row[-1]
        if account.code in commodities:
            yield damage(FOREIGN, f"ledger.account {account.code}", "the row stands twice")
        commodities[account.code] = account.commodity
        if account_digest(account) != digest:
            yield changed("ledger.account", account.code)
        # No leaf holds an account: postings do, by its code, which must say all that it is.
        if account_code(account) != account.code:
            value = f"its columns make the code {account_code(account)}"
            yield damage(CODE, f"ledger.account {account.code}", value)


def _verify_journals(
    session: Session, commodities: dict[str, str], moved: set[str], known: Head | None
) -> Findings:
    journal, posting = tables.Journal, tables.Posting
    parents = _stream(session, _columns(journal, JournalRow).order_by(journal.number))
    children = _stream(
        session,
        _columns(posting, PostingRow)
        # Postings without a journal have no parent to come with; they are found apart.
        .join(journal, journal.number == posting.journal_number)
        .order_by(posting.journal_number, posting.line),
    )
    head = EMPTY
    caused: set[tuple[str, str, date | None]] = set()
    known_is_there = known is None or known == head
    for row, rows in _with_children(parents, children, "number", "journal_number"):
        stored, digest = JournalRow(*row[:-1]), row[-1]
        postings = [PostingRow(*each[:-1]) for each in rows]
        digests = [each[-1] for each in rows]
        yield from _verify_follows(
            head, Head(stored.number, stored.previous_digest), "ledger.journal", str
        )
        yield from _verify_postings(stored, postings, digests, commodities)
        # Over the stored digests of the postings, each held to its row above: so a posting that was
        # changed is one finding, and does not accuse its journal too.
        if journal_digest(stored, digests) != digest:
            yield changed("ledger.journal", f"{stored.number} ({stored.key})")
        cause = (stored.cause_source, stored.cause_key, stored.settlement_day)
        if cause in caused:
            value = f"{stored.cause_source} {stored.cause_key} moved money before it"
            yield damage(JOURNAL_CAUSE, f"ledger.journal {stored.number} ({stored.key})", value)
        caused.add(cause)
        moved.update(each.account for each in postings)
        head = Head(stored.number, digest)
        known_is_there = known_is_there or head == known
    if known is not None and not known_is_there:
        yield damage(
            MISSING,
            f"ledger.journal {known.number}",
            f"the ledger does not hold it with digest {known.digest.hex()}, as was known",
        )


def _verify_postings(
    journal: JournalRow,
    postings: Sequence[PostingRow],
    digests: Sequence[bytes],
    commodities: dict[str, str],
) -> Findings:
    totals: defaultdict[str, int] = defaultdict(int)
    for posting, digest, actual in zip(postings, digests, posting_digests(postings), strict=True):
        if actual != digest:
            yield changed("ledger.posting", _key_of(posting))
        if posting.account in commodities:
            totals[commodities[posting.account]] += posting.amount
        else:
            value = f"its account {posting.account} does not exist"
            yield damage(MISSING, f"ledger.posting {_key_of(posting)}", value)
        if not moves_account(journal.cause_source, posting.account):
            value = f"{journal.cause_source} caused it, which moves no {posting.account}"
            yield damage(JOURNAL_CAUSE, f"ledger.posting {_key_of(posting)}", value)
    lines = [posting.line for posting in postings]
    yield from _verify_lines(
        "ledger.posting", lines, journal.posting_count, f"{journal.number}/{{}}".format
    )
    for commodity, total in totals.items():
        if total != 0:
            value = f"{commodity} sums to {total}, not to zero"
            yield damage(BALANCE, f"ledger.journal {journal.number}", value)


def _key_of(posting: PostingRow) -> str:
    return f"{posting.journal_number}/{posting.line}"


def _verify_invoices(session: Session, closing: dict[int, JournalDraft]) -> Findings:
    """Hash every document again, and draft the journal of its rounding and tax in `closing`."""
    invoice, line = tables.Invoice, tables.InvoiceLine
    order = (invoice.series, invoice.number)
    parents = _stream(session, _columns(invoice, InvoiceRow).order_by(*order))
    children = _stream(
        session,
        _columns(line, InvoiceLineRow)
        .join(invoice, invoice.id == line.invoice_id)
        .order_by(*order, line.line),
    )
    heads: dict[str, Head] = {}
    counted: defaultdict[tuple[str, str], set[int]] = defaultdict(set)
    billed: defaultdict[tuple[str, ...], dict[Tax, int]] = defaultdict(dict)
    for row, rows in _with_children(parents, children, "id", "invoice_id"):
        stored, digest = InvoiceRow(*row[:-1]), row[-1]
        name = document_number(stored.series, stored.number)
        head = heads.get(stored.series, EMPTY)
        place = partial(document_number, stored.series)
        yield from _verify_follows(
            head, Head(stored.number, stored.previous_digest), "ledger.invoice", place
        )
        for each in rows:
            if invoice_line_digest(stored_line(each)) != each[-1]:
                yield changed("ledger.invoice_line", f"{name}/{each.line}")
        lines = [each.line for each in rows]
        yield from _verify_lines(
            "ledger.invoice_line", lines, stored.line_count, f"{name}/{{}}".format
        )
        if invoice_digest(stored, [each[-1] for each in rows]) != digest:
            yield changed("ledger.invoice", name)
        month = f"{stored.billing_month}"
        series = (stored.series, stored.market, stored.participant, month, stored.currency)
        yield from _verify_totals(stored, name, rows, billed[series])
        yield from _draft_closing(stored, digest, rows, billed[series], closing)
        for line in rows:
            tax = Tax(line.tax_category, line.tax_rate_ppm)
            billed[series][tax] = billed[series].get(tax, 0) + line.amount_micro
        heads[stored.series] = Head(stored.number, digest)
        counted[stored.market, stored.participant].add(stored.participant_number)
    for (market, participant), numbers in counted.items():
        # The first alone: a number that was changed may be a billion beyond the one before it.
        gap = next((n for n, found in enumerate(sorted(numbers), start=1) if n != found), None)
        if gap is not None:
            owner = f"ledger.invoice of {participant} in {market}"
            yield damage(MISSING, owner, f"document {gap} of the participant is missing")


def _verify_totals(
    stored: InvoiceRow, name: str, lines: Sequence[Any], billed: Mapping[Tax, int]
) -> Findings:
    """Hold the money of a document to its lines.

    Args:
        stored: the document.
        name: its number as it is printed.
        lines: its lines as they are stored.
        billed: what the documents of its participant, series and month before it come to, by tax.
    """
    days_to_pay = (stored.due_on - stored.issued_at.astimezone(UTC).date()).days
    if days_to_pay != stored.payment_term_days:
        value = f"it is due after {days_to_pay} days, and its term is {stored.payment_term_days}"
        yield damage(TOTALS, f"ledger.invoice {name}", value)
    amounts = sum_by_tax(
        (Tax(line.tax_category, line.tax_rate_ppm), line.amount_micro) for line in lines
    )
    if stored.minor_unit_micro > 0:  # else the row does not give its digest, and nothing rounds
        expected = totals(amounts, billed, stored.minor_unit_micro)
        for column, value in expected._asdict().items():
            if getattr(stored, column) != value:
                words = f"its lines, with those billed before, come to {column} {value}"
                yield damage(TOTALS, f"ledger.invoice {name}", words)


def _draft_closing(
    stored: InvoiceRow,
    digest: bytes,
    lines: Sequence[Any],
    billed: Mapping[Tax, int],
    closing: dict[int, JournalDraft],
) -> Findings:
    """Draft the journal of a document's rounding and tax anew; find whether it names one."""
    if stored.minor_unit_micro <= 0:
        return
    amounts = sum_by_tax(
        (Tax(line.tax_category, line.tax_rate_ppm), line.amount_micro) for line in lines
    )
    taxes = subtotals(amounts, billed, stored.minor_unit_micro)
    draft = closing_journal(stored, digest, taxes)
    if (stored.journal_number is None) == bool(draft.postings):
        place = f"ledger.invoice {document_number(stored.series, stored.number)}"
        value = (
            f"it names journal {stored.journal_number}, and moves {len(draft.postings)} accounts"
        )
        yield damage(JOURNAL_CAUSE, place, value)
    elif stored.journal_number is not None:
        closing[stored.journal_number] = draft


def _verify_postings_have_journals(session: Session) -> Findings:
    posting, journal = tables.Posting, tables.Journal
    statement = select(posting.journal_number, posting.line).where(
        ~exists().where(journal.number == posting.journal_number)
    )
    for number, line in session.execute(statement):
        value = f"its journal {number} does not exist"
        yield damage(FOREIGN, f"ledger.posting {number}/{line}", value)


def _verify_lines_have_invoices(session: Session) -> Findings:
    line, invoice = tables.InvoiceLine, tables.Invoice
    statement = select(line.invoice_id, line.line).where(
        ~exists().where(invoice.id == line.invoice_id)
    )
    for identity, number in session.execute(statement):
        value = f"its invoice {identity} does not exist"
        yield damage(FOREIGN, f"ledger.invoice_line {identity}/{number}", value)


def _verify_follows(head: Head, named: Head, table: str, key_of: Callable[[int], str]) -> Findings:
    """Hold a row's number and the digest it names before it to the row before it."""
    missing = range(head.number + 1, named.number)
    if missing:
        last = f" to {key_of(missing[-1])}" if len(missing) > 1 else ""
        value = f"the numbers have a gap here{last}"
        yield damage(MISSING, f"{table} {key_of(missing[0])}", value)
    elif named.digest != head.digest:
        value = "the digest it names before it is not that of the row before it"
        yield damage(CHAIN, f"{table} {key_of(named.number)}", value)


def _verify_lines(
    table: str, lines: Sequence[int], count: int, key_of: Callable[[int], str]
) -> Findings:
    expected, found = set(range(1, count + 1)), set(lines)
    for line in sorted(expected - found):
        yield damage(MISSING, f"{table} {key_of(line)}", f"it is one of {count} and is missing")
    for line in sorted(found - expected):
        yield damage(FOREIGN, f"{table} {key_of(line)}", f"it is not one of {count}")


def changed(table: str, key: str) -> Finding:
    """Return the finding that a row's columns do not give its digest."""
    return damage(DIGEST, f"{table} {key}", "its columns do not give the digest stored with it")


def _columns(table: type[Base], row: type[NamedTuple]) -> Select[Any]:
    """Select the sealed columns of a table, in the order of their row class, and the digest."""
    columns = table.__table__.columns
    return select(*(columns[name] for name in (*row._fields, "digest")))


def _stream(session: Session, statement: Select[Any]) -> Iterator[Any]:
    # Of the connection: the session would make each row twice, though these hold columns alone.
    options = {"yield_per": ROWS_AT_A_TIME}
    return iter(session.connection().execute(statement, execution_options=options))


def _with_children(
    parents: Iterator[Any], children: Iterator[Any], parent_key: str, child_key: str
) -> Iterator[tuple[Any, list[Any]]]:
    """Pair each parent with its children; both come in one order, and no child lacks a parent."""
    groups = groupby(children, key=attrgetter(child_key))
    key, group = next(groups, (None, ()))
    for parent in parents:
        if key == getattr(parent, parent_key):
            yield parent, list(group)
            key, group = next(groups, (None, ()))
        else:
            yield parent, []
