"""Which documents a payment pays: from transactions and documents to allocations, purely.

A payment pays the documents whose numbers it names, in a structured reference or in its text,
whatever their case, spaces and dashes, or as a creditor reference of ISO 11649. If it names none,
and its account is that of one participant alone, it pays that participant's one open document of
exactly its amount, or everything that is open where that is its amount. Whatever cannot be told for
certain stays in the queue, with the reason. Nothing is ever allocated beyond what a document still
asks for, so what is allocated and what rests in the queue always sum to the payment.

    documents   gb12-invoice-000001  +100.00     gb12-invoice-000002  -20.00 (credit note)
    payment       80.00 "GB12 INVOICE 000001, 000002"?  names one number only: 80.00 of 000001
    payment       80.00 "gb12-invoice-000001 gb12-invoice-000002"   both, whole
    payment       90.00 of the same text                            both, and 10.00 in the queue

A part payment goes first to credit notes, whole, then to what was due first.

What is set off is one participant's: a payer who names the credit note of another would pay less
with money that is not theirs, so such a payment waits for a person, who may not do it either.
Money that goes out pays a document where it went to an account of its participant, as far as the
bank names the account and the participant registered any; a person may know of another.
"""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum

from common.bank_accounts import account_names, is_iban
from common.unseen import is_unseen
from ledger.payments.reversals import Earlier, why_of_another
from ledger.payments.statements import CHARGES, UNDIVIDED, UNSTATED, TransactionRow

_GAP = r"[\s./_:#\u2010-\u2015\u2212-]*"
"""What people and programs put between the parts of a number, a word processor's dashes too."""

_CREDITOR_REFERENCE = re.compile(r"(?<![a-z0-9])rf ?\d\d(?: ?[a-z0-9]){6,22}")
_PREFIX, _LEAST_REFERENCE, _LONGEST_REFERENCE = 4, 10, 25


class Method(StrEnum):
    """How it was told what a payment pays."""

    REFERENCE = "reference"
    ACCOUNT = "account"
    PERSON = "person"
    NONE = "none"


@dataclass(frozen=True)
class OpenDocument:
    """A document, as far as payments need it; `paid_minor` has the sign of what it paid.

    + is what the participant pays, in both amounts.
    """

    series: str
    number: int
    name: str
    participant: str
    currency: str
    due_on: date
    due_minor: int
    paid_minor: int = 0

    @property
    def balance_minor(self) -> int:
        """What is still to be paid; below zero, by the market."""
        return self.due_minor - self.paid_minor

    def without(self, amount_minor: int) -> "OpenDocument":
        """Return it as it stands without a payment of this amount."""
        return replace(self, paid_minor=self.paid_minor - amount_minor)


@dataclass(frozen=True)
class Matched:
    """What a transaction pays: document -> amount, how that was told, and the rest."""

    amounts: tuple[tuple[str, int], ...]
    rest_minor: int
    method: Method
    reason: str


def match(
    transactions: Sequence[TransactionRow],
    documents: Iterable[OpenDocument],
    owners: Mapping[str, frozenset[str]],
    earlier: Iterable[Earlier] = (),
) -> list[Matched]:
    """Return what each transaction pays, in order; earlier ones lower what is open for later ones.

    Args:
        transactions: of one statement.
        documents: of the market, those that are paid already among them.
        owners: bank account -> the participants that registered it.
        earlier: payments that were imported before, of which reversals may take one back.
    """
    book = _Book(documents)
    book.earlier += earlier
    found = []
    for transaction in transactions:
        matched = _match_transaction(transaction, book, owners)
        book.pay(transaction, matched)
        found.append(matched)
    return found


class _Book:
    """The documents as earlier transactions left them, and how their numbers are found in text."""

    def __init__(self, documents: Iterable[OpenDocument]) -> None:
        self.by_name = {document.name: document for document in documents}
        self.earlier: list[Earlier] = []
        self.by_key = {
            (document.series, document.number): document.name for document in self.by_name.values()
        }
        self.series = sorted(
            {document.series for document in self.by_name.values()}, key=len, reverse=True
        )
        self.patterns = {series: _pattern(series) for series in self.series}
        self.of_participant: defaultdict[str, list[str]] = defaultdict(list)
        for document in self.by_name.values():
            self.of_participant[document.participant].append(document.name)

    def pay(self, transaction: TransactionRow, matched: Matched) -> None:
        names = frozenset(name for name, _ in matched.amounts)
        account = transaction.counterparty_account
        self.earlier.append(Earlier(transaction.name, account, names, matched.rest_minor))
        for name, amount in matched.amounts:
            document = self.by_name[name]
            self.by_name[name] = replace(document, paid_minor=document.paid_minor + amount)

    def named_in(self, text: str) -> tuple[list[OpenDocument], list[str]]:
        """Return the documents that a text names, each once, and numbers that no document has."""
        known: dict[str, OpenDocument] = {}
        unknown: dict[str, None] = {}
        plain = _plain(text)
        plain = "\n".join([plain, *_in_creditor_references(plain)])
        for series in self.series:
            for found in self.patterns[series].finditer(plain):
                number = int(re.sub(_GAP, "", found[1]))
                name = self.by_key.get((series, number))
                if name is None:
                    unknown[f"{series}-{number:06d}"] = None
                else:
                    known[name] = self.by_name[name]
        return list(known.values()), list(unknown)

    def open_of(self, participant: str) -> list[OpenDocument]:
        found = (self.by_name[name] for name in self.of_participant[participant])
        return [document for document in found if document.balance_minor]


def _pattern(series: str) -> re.Pattern[str]:
    """Return what finds a number of a series, which may stand in groups of three or two digits.

    Other groups are left alone: the 25 of `gb12-invoice-0001 25 January` is no part of a number.
    """
    letters = _GAP.join(re.escape(each) for each in re.sub(_GAP, "", series.casefold()))
    numbers = (r"[1-9]\d{6,17}", r"\d{6}", rf"\d{{3}}{_GAP}\d{{3}}", rf"\d\d{_GAP}\d\d{_GAP}\d\d")
    return re.compile(rf"(?<![a-z0-9]){letters}{_GAP}({'|'.join(numbers)})(?!\d)")


def _plain(text: str) -> str:
    """Return a text as it is searched: one form of each letter and digit, and nothing unseen.

    >>> _plain("\uff27\uff2212\u2011INV\u00adOICE")
    'gb12\u2010invoice'
    """
    seen = "".join(each for each in text if not is_unseen(each))
    return unicodedata.normalize("NFKC", seen).casefold()


def _in_creditor_references(plain: str) -> Iterator[str]:
    """Yield what creditor references are about, known by their check digits, however grouped.

    >>> list(_in_creditor_references("rf18 5390 0754 7034, rf19 5390 0754 7034"))
    ['539007547034']
    """
    for found in _CREDITOR_REFERENCE.finditer(plain):
        compact = found[0].replace(" ", "")
        # What follows it in a text may look like more of it.
        for size in range(min(len(compact), _LONGEST_REFERENCE), _LEAST_REFERENCE - 1, -1):
            turned = compact[_PREFIX:size] + compact[:_PREFIX]
            if int("".join(str(int(each, 36)) for each in turned)) % 97 == 1:
                yield compact[_PREFIX:size]
                break


def _match_transaction(
    transaction: TransactionRow, book: _Book, owners: Mapping[str, frozenset[str]]
) -> Matched:
    texts = (transaction.reference, transaction.remittance, transaction.end_to_end)
    named, unknown = book.named_in("\n".join(texts))
    nobodys = _why_nobodys(transaction, named, unknown)
    if nobodys:
        return _match_nothing(transaction.amount_minor, nobodys)
    if transaction.is_reversal:
        return _match_reversal(transaction, named, book.earlier)
    if named:
        return _match_by_reference(transaction, named, unknown, owners)
    # Not by the account instead: who names a document means one, and a slip of the number is for a
    # person to see.
    if unknown:
        return _match_nothing(
            transaction.amount_minor, f"it names {', '.join(unknown)}: no such document"
        )
    return _match_by_account(transaction, book, owners)


def _why_nobodys(
    transaction: TransactionRow, named: list[OpenDocument], unknown: list[str]
) -> str | None:
    """Return why a person decides of a transaction whatever it names; None where not."""
    if transaction.entry == UNSTATED:
        return "the bank gave no statement of it"
    if transaction.part == CHARGES:
        return "charges that the bank deducted"
    # All that is named, paid whole: then nobody need say who paid what of it.
    asked = sum(document.balance_minor for document in named)
    if transaction.part == UNDIVIDED and (unknown or asked != transaction.amount_minor):
        return "payments of several payers, and the bank gives their sum alone"
    return None


def _match_by_reference(
    transaction: TransactionRow,
    named: list[OpenDocument],
    unknown: list[str],
    owners: Mapping[str, frozenset[str]],
) -> Matched:
    amount = transaction.amount_minor
    names = ", ".join(document.name for document in named)
    also = f"; it also names {', '.join(unknown)}: no such document" if unknown else ""
    total = sum(document.balance_minor for document in named)
    if not any(document.balance_minor for document in named):
        return _match_nothing(amount, f"it names {names}, which is paid already{also}")
    if total * amount <= 0:
        return _match_nothing(
            amount, f"it names {names}, whose balance of {total} minor units it cannot pay{also}"
        )
    amounts = tuple(_spread(amount, named))
    participant_of = {document.name: document.participant for document in named}
    taken_from = taken_from_others(amount, dict(amounts), participant_of)
    if taken_from:
        whose = _join_names(taken_from)
        return _match_nothing(
            amount, f"it names {names}, and would pay with what is owed to {whose}{also}"
        )
    astray = _paid_astray(
        transaction, sorted({participant_of[name] for name, _ in amounts}), owners
    )
    if astray:
        return _match_nothing(
            amount,
            f"it names {names}, and went to an account that {_join_names(astray)} did not "
            f"register{also}",
        )
    rest = amount - sum(paid for _, paid in amounts)
    if rest:
        reason = f"it names {names} and pays more than was open{also}"
    elif abs(amount) < abs(total):
        reason = f"it names {names} and pays a part{also}"
    else:
        reason = f"it names {names}{also}"
    return Matched(amounts, rest, Method.REFERENCE, reason)


def _paid_astray(
    transaction: TransactionRow, participants: Sequence[str], owners: Mapping[str, frozenset[str]]
) -> list[str]:
    """Return those of the participants who registered accounts, but not the one that was paid.

    Anyone may pay a debt, so of money that comes in the account says nothing.
    """
    account = transaction.counterparty_account
    if transaction.amount_minor > 0 or not account:
        return []
    names = account_names(account if is_iban(account) else None, account)
    paid = frozenset[str]().union(*(owners.get(name, frozenset()) for name in names))
    registered = frozenset[str]().union(*owners.values())
    return [name for name in participants if name in registered - paid]


def _spread(amount: int, named: list[OpenDocument]) -> Iterator[tuple[str, int]]:
    """Yield what each document gets: those that ask for the opposite first, then by due day."""
    sign = 1 if amount > 0 else -1
    order = sorted(
        named,
        key=lambda document: (document.balance_minor * sign > 0, document.due_on, document.name),
    )
    left = amount * sign
    for document in order:
        # Below zero for a credit note beside an invoice: it adds to what is left for that.
        paid = min(left, document.balance_minor * sign)
        if paid:
            left -= paid
            yield document.name, paid * sign


def taken_from_others(
    amount: int, amounts: Mapping[str, int], participant_of: Mapping[str, str]
) -> list[str]:
    """Return the participants at whose cost a payment would pay more for others than it is.

    What a payment gives to each participant, over all of their documents, has its sign: the credit
    note of one lowers what the same one pays, and nobody else's.

    >>> owner = {"invoice": "cedar", "note": "alder"}
    >>> taken_from_others(80, {"invoice": 100, "note": -20}, owner)
    ['alder']
    >>> taken_from_others(80, {"invoice": 100, "note": -20}, {"invoice": "cedar", "note": "cedar"})
    []
    """
    totals: defaultdict[str, int] = defaultdict(int)
    for name, given in amounts.items():
        totals[participant_of[name]] += given
    return sorted(participant for participant, total in totals.items() if total * amount < 0)


def _match_reversal(
    transaction: TransactionRow, named: list[OpenDocument], earlier: Sequence[Earlier]
) -> Matched:
    """Return what a reversal takes back: payments of the one document that it names."""
    amount, account = transaction.amount_minor, transaction.counterparty_account
    if len(named) != 1:
        return _match_nothing(amount, "a reversal that does not name one document")
    (document,) = named
    if amount * document.paid_minor >= 0 or abs(amount) > abs(document.paid_minor):
        return _match_nothing(amount, f"a reversal of more than was paid of {document.name}")
    of_another = why_of_another(amount, account, document.name, earlier)
    if of_another:
        return _match_nothing(amount, of_another)
    return Matched(
        ((document.name, amount),),
        0,
        Method.REFERENCE,
        f"the bank took back a payment of {document.name}",
    )


def _match_by_account(
    transaction: TransactionRow, book: _Book, owners: Mapping[str, frozenset[str]]
) -> Matched:
    amount, account = transaction.amount_minor, transaction.counterparty_account
    found = owners.get(account, frozenset())
    if not account or not found:
        return _match_nothing(
            amount, "it names no document, and no participant registered its account"
        )
    # An account of two participants does not say which of them paid, so nobody's debt is lowered.
    if len(found) > 1:
        return _match_nothing(
            amount, f"it names no document, and its account is of {_join_names(found)}"
        )
    (participant,) = found
    documents = book.open_of(participant)
    exact = [document for document in documents if document.balance_minor == amount]
    if len(exact) == 1:
        reason = f"it names no document; {exact[0].name} of {participant} has its amount"
        return Matched(((exact[0].name, amount),), 0, Method.ACCOUNT, reason)
    if len(exact) > 1:
        names = _join_names(document.name for document in exact)
        return _match_nothing(amount, f"it names no document, and {names} have its amount")
    if documents and sum(document.balance_minor for document in documents) == amount:
        amounts = tuple((document.name, document.balance_minor) for document in documents)
        reason = f"it names no document, and pays all that is open of {participant}"
        return Matched(amounts, 0, Method.ACCOUNT, reason)
    return _match_nothing(amount, f"it names no document, and none of {participant} has its amount")


def _match_nothing(amount: int, reason: str) -> Matched:
    return Matched((), amount, Method.NONE, reason)


def _join_names(names: Iterable[str]) -> str:
    return " and ".join(sorted(names))
