"""Bank statements made of issued documents and a seed, as camt.053.001.08 would come from a bank.

The same documents and seed give the same bytes. `statement_xml` writes a file and knows nothing of
documents.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from lxml import etree

from common.bank_accounts import is_iban
from common.currencies import minor_text

NAMESPACE = "urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"


@dataclass(frozen=True)
class Payment:
    """One booked payment of a statement: + comes in, - goes out; `reference` is structured."""

    amount_minor: int
    on: dt.date
    name: str
    account: str
    text: str = ""
    reference: str = ""
    is_reversal: bool = False


@dataclass(frozen=True)
class StatementHead:
    """What a statement says before its entries."""

    identification: str
    sequence_number: int
    account: str
    currency: str
    opening_minor: int
    on: dt.date


def statement_xml(head: StatementHead, entries: Sequence[Sequence[Payment]]) -> bytes:
    """Return a file of one statement; an entry of several payments is a batch, of one direction."""
    root = etree.Element("Document", nsmap={None: NAMESPACE})
    message = _under(root, "BkToCstmrStmt")
    group = _under(message, "GrpHdr")
    _under(group, "MsgId", f"MSG-{head.identification}")
    _under(group, "CreDtTm", f"{head.on.isoformat()}T18:00:00+00:00")
    statement = _under(message, "Stmt")
    _under(statement, "Id", head.identification)
    _under(statement, "ElctrncSeqNb", str(head.sequence_number))
    _under(statement, "CreDtTm", f"{head.on.isoformat()}T18:00:00+00:00")
    account = _under(statement, "Acct")
    _account_id(account, head.account)
    _under(account, "Ccy", head.currency)
    moved = sum(payment.amount_minor for entry in entries for payment in entry)
    for code, amount in (("OPBD", head.opening_minor), ("CLBD", head.opening_minor + moved)):
        balance = _under(statement, "Bal")
        _under(_under(_under(balance, "Tp"), "CdOrPrtry"), "Cd", code)
        _amount(balance, amount, head.currency)
        _under(balance, "CdtDbtInd", _side(amount))
        _under(_under(balance, "Dt"), "Dt", head.on.isoformat())
    for number, entry in enumerate(entries, start=1):
        _entry(statement, head, number, entry)
    content: bytes = etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True)
    return content


def _entry(
    statement: etree._Element, head: StatementHead, number: int, payments: Sequence[Payment]
) -> None:
    total = sum(payment.amount_minor for payment in payments)
    entry = _under(statement, "Ntry")
    _amount(entry, total, head.currency)
    _under(entry, "CdtDbtInd", _side(total))
    if payments[0].is_reversal:
        _under(entry, "RvslInd", "true")
    _under(_under(entry, "Sts"), "Cd", "BOOK")
    _under(_under(entry, "BookgDt"), "Dt", payments[0].on.isoformat())
    _under(_under(entry, "ValDt"), "Dt", payments[0].on.isoformat())
    _under(entry, "AcctSvcrRef", f"{head.identification}-{number:04d}")
    details = _under(entry, "NtryDtls")
    for part, payment in enumerate(payments, start=1):
        transaction = _under(details, "TxDtls")
        _under(_under(transaction, "Refs"), "EndToEndId", f"{head.identification}-{number}-{part}")
        _amount(transaction, payment.amount_minor, head.currency)
        _under(transaction, "CdtDbtInd", _side(payment.amount_minor))
        _parties(transaction, payment)
        if payment.text or payment.reference:
            remittance = _under(transaction, "RmtInf")
            if payment.text:
                _under(remittance, "Ustrd", payment.text)
            if payment.reference:
                structured = _under(_under(remittance, "Strd"), "CdtrRefInf")
                _under(structured, "Ref", payment.reference)


def _parties(details: etree._Element, payment: Payment) -> None:
    side = "Dbtr" if (payment.amount_minor > 0) != payment.is_reversal else "Cdtr"
    parties = _under(details, "RltdPties")
    _under(_under(_under(parties, side), "Pty"), "Nm", payment.name)
    _account_id(_under(parties, f"{side}Acct"), payment.account)


def _account_id(parent: etree._Element, account: str) -> None:
    named = _under(parent, "Id")
    if is_iban(account) or not account:
        _under(named, "IBAN", account)
    else:
        _under(_under(named, "Othr"), "Id", account)


def _under(parent: etree._Element, name: str, text: str | None = None) -> etree._Element:
    child = etree.SubElement(parent, name)
    child.text = text
    return child


def _amount(parent: etree._Element, amount_minor: int, currency: str) -> None:
    _under(parent, "Amt", minor_text(abs(amount_minor), currency)).set("Ccy", currency)


def _side(amount_minor: int) -> str:
    return "DBIT" if amount_minor < 0 else "CRDT"
