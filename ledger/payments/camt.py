"""Reading ISO 20022 bank statements (camt.053) of any version; nothing here touches the ledger.

Elements are found by their local names, since versions differ in namespace only and in where a few
of them stand: the status of an entry (`Sts` in .001.02, `Sts/Cd` from .001.04 on), the amount of a
payment of a batch (`AmtDtls/TxAmt/Amt`, later `Amt`), and the name of a party (`Nm`, `Pty/Nm`).

A file is a set of statements, of one account or of several, whole or in pages. Those of other
accounts are left out, and named.

The library pycamt reads the same files but joins the statements of a file, gives no entry a number,
has no identification, sequence number or status of a statement, and takes the first amount it
finds below a payment, such as that in the payer's currency. So lxml reads them here, and the tests
hold what is read to pycamt where both can speak.

A document type is refused whatever it holds, and nothing is fetched, so neither entity expansion
nor an external entity is possible.
"""

import re
from collections.abc import Set
from dataclasses import dataclass, field
from typing import Any

from lxml import etree

from common.refusals import Finding
from ledger.payments.bank_files import Member, Note, foreign_kind, open_file, unreadable
from ledger.payments.camt_fields import account_of, text
from ledger.payments.camt_pages import Page, join_pages, pages_of
from ledger.payments.camt_statement import ReadStatement, read_statement
from ledger.rules import LedgerRule

NAMESPACE = re.compile(r"urn:iso:std:iso:20022:tech:xsd:camt\.053\.001\.\d\d", re.ASCII)
MESSAGE = re.compile(r"urn:iso:std:iso:20022:tech:xsd:(\w{4}\.\d{3}\.\d{3}\.\d\d)", re.ASCII)


@dataclass
class BankFile:
    """What a file holds: statements, what was left out of it, and what cannot be read."""

    statements: list[ReadStatement] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)


def read_file(
    content: bytes, account_names: Set[str] | None = None, currency: str = ""
) -> BankFile:
    """Return the statements of an account that a file holds, and what was left out of it.

    Args:
        account_names: every name of the account, as `common.bank_accounts` writes it; None for the
            statements of all accounts.
        currency: in which the account is kept.
    """
    opened = open_file(content)
    found = BankFile([], opened.notes, opened.findings)
    pages: list[Page] = []
    misfits: list[tuple[Member, str]] = []
    for member in opened.members:
        elements, misfit = _statements_of(member, found.findings)
        pages += elements
        if misfit is not None:
            misfits.append((member, misfit))
    # A file of another kind is left out of an archive, and refused where there is nothing else.
    if pages or found.findings:
        found.notes += [Note(each.place, f"left out: {what}") for each, what in misfits]
    else:
        found.findings += [unreadable(each.place, what) for each, what in misfits]
        if not misfits:
            found.findings.append(unreadable("the file", "an archive without files"))
    _read_pages(pages, account_names, currency, found)
    return found


def _read_pages(
    pages: list[Page], account_names: Set[str] | None, currency: str, found: BankFile
) -> None:
    own, foreign = list[Page](), list[tuple[Page, LedgerRule, str]]()
    for page in pages:
        why = _why_foreign(page.element, account_names, currency) if account_names else None
        if why is None:
            own.append(page)
        else:
            foreign.append((page, *why))
    # A file that has nothing for the account is the wrong file, not one that changes nothing.
    if own or found.findings:
        found.notes += [Note(page.place, f"left out: {value}") for page, _, value in foreign]
    else:
        found.findings += [rule.finding(page.place, value) for page, rule, value in foreign]
    for paged in join_pages(own, found.notes, found.findings):
        found.statements.append(read_statement(paged, found.notes, found.findings))


def _why_foreign(
    element: Any, account_names: Set[str], currency: str
) -> tuple[LedgerRule, str] | None:
    """Return which rule a statement of another account breaks, and how; None for the own one."""
    account = account_of(element, "Acct", "Acct/Svcr")
    # An account that is not stated is for whoever reads the statement to name as missing.
    if account and account not in account_names:
        value = f"it is of account {account}, not {max(account_names, key=len)}"
        return LedgerRule.STATEMENT_IS_OF_ANOTHER_ACCOUNT, value
    # A bank may keep one account in several currencies, with statements for each.
    kept_in = text([element], "Acct/Ccy")
    if kept_in and kept_in != currency:
        value = f"it is of the account in {kept_in}, not in {currency}"
        return LedgerRule.STATEMENT_CURRENCY_DIFFERS, value
    return None


def _statements_of(member: Member, findings: list[Finding]) -> tuple[list[Page], str | None]:
    """Return the statements of a file, or what else it is; what is broken is a finding."""
    content = member.content.lstrip(b" \t\r\n")
    kind = foreign_kind(content) or ("an empty file" if not content else None)
    if kind is not None:
        return [], kind
    # The file comes from outside, so no entity, address or type in it is followed; and a comment
    # within an amount would cut its text in two.
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, remove_comments=True,
        remove_pis=True,
    )  # fmt: skip
    try:
        root = etree.fromstring(content, parser)
    except etree.XMLSyntaxError as error:
        broken = f"no XML: {' '.join((error.msg or '').split())}"
        if member.name and not member.name.lower().endswith(".xml"):
            return [], broken
        findings.append(unreadable(member.within(f"line {error.lineno}"), broken))
        return [], None
    if root.getroottree().docinfo.doctype:
        findings.append(unreadable(member.place, "a document type (DOCTYPE)"))
        return [], None
    # Some banks send the document in an envelope of their own, or several.
    documents = [each for each in root.iter("{*}Document") if NAMESPACE.fullmatch(_space(each))]
    if not documents:
        return [], _other_kind(root)
    pages = [page for document in documents for page in pages_of(document, member)]
    return pages, None if pages else "camt.053 without a statement (BkToCstmrStmt/Stmt)"


def _space(element: Any) -> str:
    return etree.QName(element).namespace or ""


def _other_kind(root: Any) -> str:
    for element in root.iter("*"):
        message = MESSAGE.fullmatch(_space(element))
        if message:
            return f"a message {message[1]}, not camt.053"
    return f"root element {root.tag}"
