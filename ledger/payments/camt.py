"""Reading ISO 20022 bank statements (camt.053) of any version; nothing here touches the ledger.

Elements are found by their local names, since versions differ in namespace only and in where a few
of them stand: the status of an entry (`Sts` in .001.02, `Sts/Cd` from .001.04 on), the amount of a
payment of a batch (`AmtDtls/TxAmt/Amt`, later `Amt`), and the name of a party (`Nm`, `Pty/Nm`).

The library pycamt reads the same files but joins the statements of a file, gives no entry a number,
has no identification, sequence number or status of a statement, and takes the first amount it
finds below a payment, such as that in the payer's currency. So lxml reads them here, and the tests
hold what is read to pycamt where both can speak.

A document type is refused whatever it holds, and nothing is fetched, so neither entity expansion
nor an external entity is possible.
"""

import re
from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

from lxml import etree

from common.currencies import BILLABLE, MOST_DECIMALS, currency
from common.refusals import Finding
from ledger.payments.statements import Statement, Transaction
from ledger.rules import LedgerRule

LARGEST_FILE_BYTES = 50_000_000
NAMESPACE = re.compile(r"urn:iso:std:iso:20022:tech:xsd:camt\.053\.001\.\d\d")
SIGNS = {"CRDT": 1, "DBIT": -1}
OPENING, CLOSING = ("OPBD", "PRCD"), ("CLBD",)
"""Codes of the booked balances; the one the bank closed with before opens a statement too."""

_AMOUNT = re.compile(r"(\d{1,15})(?:\.(\d{1,5}))?")


def read_statements(content: bytes) -> tuple[list[Statement], list[Finding]]:
    """Return the statements of a file and everything that cannot be read in it.

    A statement is whole only where there is no refusal of it.
    """
    findings: list[Finding] = []
    root = _parse(content, findings)
    if root is None:
        return [], findings
    found = root.findall("{*}BkToCstmrStmt/{*}Stmt")
    if not found:
        findings.append(_unreadable("the file", "no statement (BkToCstmrStmt/Stmt)"))
    return [
        _Reader(element, place, findings).statement() for place, element in _place_statements(found)
    ], findings


def _place_statements(found: list[Any]) -> Iterator[tuple[str, Any]]:
    for number, element in enumerate(found, start=1):
        name = element.findtext("{*}Id") or f"number {number} of the file"
        yield f"statement {name}", element


def _parse(content: bytes, findings: list[Finding]) -> Any | None:
    if len(content) > LARGEST_FILE_BYTES:
        findings.append(_unreadable("the file", f"{len(content):_} bytes"))
        return None
    # The file comes from outside, so no entity, address or type in it is followed; and a comment
    # within an amount would cut its text in two.
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, remove_comments=True,
        remove_pis=True,
    )  # fmt: skip
    try:
        root = etree.fromstring(content, parser)
    except etree.XMLSyntaxError as error:
        findings.append(_unreadable(f"line {error.lineno}", str(error.msg)))
        return None
    if root.getroottree().docinfo.doctype:
        findings.append(_unreadable("the file", "a document type (DOCTYPE)"))
        return None
    name = etree.QName(root)
    if name.localname != "Document" or not NAMESPACE.fullmatch(name.namespace or ""):
        findings.append(_unreadable("the file", f"root element {root.tag}"))
        return None
    return root


def _unreadable(place: str, value: str) -> Finding:
    return LedgerRule.STATEMENT_IS_UNREADABLE.finding(place, value)


class _Reader:
    """Reads one statement; what is missing becomes a refusal, and a stand-in in its place."""

    def __init__(self, element: Any, place: str, findings: list[Finding]) -> None:
        self.element = element
        self.place = place
        self.findings = findings

    def statement(self) -> Statement:
        element = self.element
        currencies = set[str]()
        opening, opened_on = self._balance(OPENING, currencies)
        closing, closed_on = self._balance(CLOSING, currencies)
        entries = element.findall("{*}Ntry")
        transactions = [
            transaction
            for number, entry in enumerate(entries, start=1)
            for transaction in self._entry(entry, number, currencies)
        ]
        stated = element.findtext("{*}Acct/{*}Ccy")
        currencies |= {stated} if stated else set()
        statement = Statement(
            identification=self._needed(element, "Id", self.place),
            sequence_number=self._sequence_number(),
            iban=self._needed(element, "Acct/Id/IBAN", self.place),
            currency="/".join(sorted(currencies)),
            opened_on=opened_on,
            closed_on=closed_on,
            opening_minor=opening,
            closing_minor=closing,
            transactions=tuple(transactions),
        )
        moved = sum(transaction.amount_minor for transaction in transactions)
        if opening + moved != closing:
            value = f"opens at {opening}, moves {moved} and closes at {closing} minor units"
            self._refuse(LedgerRule.STATEMENT_DOES_NOT_ADD_UP, self.place, value)
        return statement

    def _sequence_number(self) -> int:
        for name in ("ElctrncSeqNb", "LglSeqNb"):
            text = (self.element.findtext(f"{{*}}{name}") or "").strip()
            if text.isascii() and text.isdecimal() and len(text) <= 18:
                return int(text)
        self._missing(self.place, "ElctrncSeqNb or LglSeqNb")
        return 0

    def _balance(self, codes: tuple[str, ...], currencies: set[str]) -> tuple[int, date]:
        for code in codes:
            for balance in self.element.findall("{*}Bal"):
                if balance.findtext("{*}Tp/{*}CdOrPrtry/{*}Cd") == code:
                    place = f"{self.place}, balance {code}"
                    amount = self._amount(balance.find("{*}Amt"), place, currencies)
                    return self._sign(balance, place) * amount, self._day(balance, "Dt", place)
        self._missing(self.place, f"booked balance {' or '.join(codes)}")
        return 0, date.min

    def _entry(self, entry: Any, number: int, currencies: set[str]) -> Iterator[Transaction]:
        place = f"{self.place}, entry {number}"
        status = (entry.findtext("{*}Sts/{*}Cd") or entry.findtext("{*}Sts") or "").strip()
        # What is pending may never come, and would be posted again once it is booked.
        if status != "BOOK":
            self._refuse(LedgerRule.ENTRY_IS_NOT_BOOKED, place, f"status {status or 'none'}")
        amount = self._sign(entry, place) * self._amount(entry.find("{*}Amt"), place, currencies)
        booked_on = self._day(entry, "BookgDt", place)
        has_value = entry.find("{*}ValDt") is not None
        value_on = self._day(entry, "ValDt", place) if has_value else booked_on
        is_reversal = entry.findtext("{*}RvslInd") in ("true", "1")
        payments = entry.findall("{*}NtryDtls/{*}TxDtls")
        for part, (signed, of_part) in enumerate(
            self._parts(payments, amount, place, currencies), start=1
        ):
            yield Transaction(
                entry=number,
                part=part,
                amount_minor=signed,
                booked_on=booked_on,
                value_on=value_on,
                is_reversal=is_reversal,
                bank_reference=_text([entry], "AcctSvcrRef"),
                end_to_end=_text(of_part, "Refs/EndToEndId", none="NOTPROVIDED"),
                **_counterparty(of_part, signed, is_reversal),
                reference=" ".join(
                    filter(None, (_text(of_part, path) for path in STRUCTURED)),
                ),
                remittance=_text(of_part, "RmtInf/Ustrd") or _text([entry], "AddtlNtryInf"),
            )

    def _parts(
        self, payments: list[Any], amount: int, place: str, currencies: set[str]
    ) -> list[tuple[int, list[Any]]]:
        """Return each payment of an entry with its amount; one payment where none has its own."""
        found = [_own_amount(payment) for payment in payments]
        if len(payments) < 2 or not any(own_amount is not None for own_amount in found):
            return [(amount, payments)]
        signed = []
        for part, (payment, own) in enumerate(zip(payments, found, strict=True), start=1):
            where = f"{place}, payment {part}"
            states_side = payment.find("{*}CdtDbtInd") is not None
            sign = self._sign(payment, where) if states_side else (1 if amount > 0 else -1)
            signed.append(sign * self._amount(own, where, currencies))
        if sum(signed) != amount:
            value = f"{len(signed)} payments sum to {sum(signed)}, the entry is {amount}"
            self._refuse(LedgerRule.ENTRY_DOES_NOT_ADD_UP, place, value)
        return [
            (own_amount, [payment]) for own_amount, payment in zip(signed, payments, strict=True)
        ]

    def _amount(self, element: Any | None, place: str, currencies: set[str]) -> int:
        text = "" if element is None else (element.text or "").strip()
        matched = _AMOUNT.fullmatch(text)
        decimals = (matched[2] or "").rstrip("0") if matched else ""
        code = "none" if element is None else element.get("Ccy") or "none"
        digits = currency(code).minor_digits if code in BILLABLE else MOST_DECIMALS
        if element is None or matched is None or len(decimals) > digits:
            form = "without decimals" if digits == 0 else "of at most two decimals"
            self._missing(place, f"amount {form}, found {text!r}")
            return 0
        currencies.add(code)
        return int(f"{matched[1]}{decimals.ljust(digits, '0')}")

    def _sign(self, element: Any, place: str) -> int:
        side = (element.findtext("{*}CdtDbtInd") or "").strip()
        if side not in SIGNS:
            self._missing(place, f"CdtDbtInd of CRDT or DBIT, found {side!r}")
        return SIGNS.get(side, 1)

    def _day(self, element: Any, name: str, place: str) -> date:
        inner = f"{{*}}{name}/{{*}}"
        text = element.findtext(f"{inner}Dt") or element.findtext(f"{inner}DtTm") or ""
        try:
            return datetime.fromisoformat(text.strip()).date()
        except ValueError:
            self._missing(place, f"{name} as a date, found {text!r}")
            return date.min

    def _needed(self, element: Any, path: str, place: str) -> str:
        text = _text([element], path)
        if not text:
            self._missing(place, path)
        return text

    def _missing(self, place: str, what: str) -> None:
        self._refuse(LedgerRule.STATEMENT_FIELD_IS_MISSING, place, f"no {what}")

    def _refuse(self, rule: LedgerRule, place: str, value: str) -> None:
        self.findings.append(rule.finding(place, value))


STRUCTURED = ("RmtInf/Strd/CdtrRefInf/Ref", "RmtInf/Strd/RfrdDocInf/Nb")
"""Where a payment names documents by reference rather than in words."""


def _own_amount(payment: Any) -> Any | None:
    own = payment.find("{*}Amt")
    return own if own is not None else payment.find("{*}AmtDtls/{*}TxAmt/{*}Amt")


def _counterparty(payments: list[Any], amount: int, is_reversal: bool) -> dict[str, str]:
    """Return name and account of who paid or was paid; a reversal has them the other way round."""
    side = "Dbtr" if (amount > 0) != is_reversal else "Cdtr"
    party = f"RltdPties/{side}"
    return {
        "counterparty": _text(payments, f"{party}/Nm") or _text(payments, f"{party}/Pty/Nm"),
        "counterparty_iban": _text(payments, f"RltdPties/{side}Acct/Id/IBAN").replace(" ", ""),
    }


def _text(elements: list[Any], path: str, none: str = "") -> str:
    """Return every text at a path, in order, joined by spaces and without needless white space."""
    steps = "/".join(f"{{*}}{step}" for step in path.split("/"))
    texts = [found.text or "" for element in elements for found in element.findall(steps)]
    return " ".join(" ".join(text for text in texts if text.strip() != none).split())
