"""Statements in pages: a bank cuts a long one into several, in one file or in several of a zip.

Each page says its number and whether it is the last (`StmtPgntn`); where it does not, that of the
message counts (`GrpHdr/MsgPgntn`). Pages of one account, identification and sequence number are
joined in the order of their numbers. A statement that stands whole on one page is whole whatever
its page says.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from lxml import etree

from common.refusals import Finding
from ledger.payments.bank_files import Member, Note
from ledger.payments.camt_balances import CLOSING, OPENING, has_balance
from ledger.payments.camt_fields import account_of, text
from ledger.rules import LedgerRule


@dataclass(frozen=True)
class Page:
    """A statement or a page of one, as it stands in a file; `number` is None where none is."""

    element: Any
    place: str
    number: int | None
    is_last: bool

    @property
    def is_whole(self) -> bool:
        """Whether it needs no other page: it says so, or it opens and closes with the account."""
        if self.number is not None:
            return self.number == 1 and self.is_last
        return has_balance(self.element, OPENING) and has_balance(self.element, CLOSING)

    @property
    def key(self) -> tuple[str, ...]:
        """What the pages of one statement have in common."""
        sequence = text([self.element], "ElctrncSeqNb") or text([self.element], "LglSeqNb")
        account = account_of(self.element, "Acct", "Acct/Svcr")
        return account, text([self.element], "Id"), sequence, text([self.element], "Acct/Ccy")


@dataclass(frozen=True)
class Paged:
    """A statement with all its pages, or `lacks` says which are not there."""

    elements: list[Any]
    place: str
    lacks: str


def pages_of(document: Any, member: Member) -> Iterator[Page]:
    """Yield the statements of a document, each with the page that it says it is."""
    message = document.find("{*}BkToCstmrStmt/{*}GrpHdr/{*}MsgPgntn")
    for number, element in enumerate(document.findall("{*}BkToCstmrStmt/{*}Stmt"), start=1):
        name = text([element], "Id") or f"number {number} of the file"
        pagination = element.find("{*}StmtPgntn")
        pagination = message if pagination is None else pagination
        stated = "" if pagination is None else text([pagination], "PgNb")
        is_number = stated.isascii() and stated.isdecimal() and len(stated) < 6
        last = "true" if pagination is None else text([pagination], "LastPgInd")
        yield Page(
            element,
            member.within(f"statement {name}"),
            int(stated) if is_number else None,
            last in ("true", "1"),
        )


def join_pages(pages: list[Page], notes: list[Note], findings: list[Finding]) -> Iterator[Paged]:
    """Yield statements, each with its pages in order; pages that contradict are findings."""
    groups: dict[tuple[str, ...], list[Page]] = {}
    for page in pages:
        groups.setdefault(page.key, []).append(page)
    for group in groups.values():
        whole = [page for page in group if page.is_whole]
        yield from (Paged([page.element], page.place, "") for page in whole)
        unnumbered = [page for page in group if not page.is_whole and page.number is None]
        if unnumbered:
            yield Paged([page.element for page in unnumbered], unnumbered[0].place, "")
        by_number: dict[int, Page] = {}
        for page in group:
            if page.is_whole or page.number is None:
                continue
            there = by_number.setdefault(page.number, page)
            if there is page:
                continue
            if _bytes(there) == _bytes(page):
                notes.append(Note(page.place, f"left out: page {page.number} stands there twice"))
            else:
                value = f"page {page.number} twice, with other content"
                findings.append(LedgerRule.STATEMENT_LACKS_PAGES.finding(page.place, value))
        if by_number:
            yield _joined(by_number)


def _joined(by_number: dict[int, Page]) -> Paged:
    numbers = sorted(by_number)
    lacks = [f"page {each}" for each in range(1, numbers[-1]) if each not in by_number]
    if not by_number[numbers[-1]].is_last:
        lacks.append(f"what follows page {numbers[-1]}")
    first = by_number[numbers[0]]
    return Paged([by_number[each].element for each in numbers], first.place, " and ".join(lacks))


def _bytes(page: Page) -> bytes:
    content: bytes = etree.tostring(page.element, method="c14n")
    return content
