"""Who pays what, how: an invented month of payments for issued documents, by a seed.

Of those who owe, one pays a part, one names a document that is not there, one does not pay in time,
and the others pay all that they owe: by structured reference, in words of their own, or naming
nothing, so that only account and amount tell. What the market owes goes out in one batch.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ledger.payments.matching import OpenDocument
from settlement.datasets.bank import Payment

PART_PPM = 600_000
MILLION = 1_000_000
HOW = ("in part", "with a wrong number", "late")
"""How the first participants of the drawn order pay; the others pay as they should."""


@dataclass(frozen=True)
class Payer:
    """A participant as its bank names it; its account is empty where none is registered."""

    legal_name: str
    account: str


def draw_payments(
    documents: Sequence[OpenDocument], payers: Mapping[str, Payer], seed: int, on: dt.date
) -> list[list[Payment]]:
    """Return the entries of a statement: a payment for each that owes, and a batch to the others.

    Args:
        documents: of the market, with what is paid of them.
        payers: participant -> who pays.
        seed: decides who pays how; the same documents give the same payments.
        on: the day on which all of it is booked.
    """
    owed: dict[str, list[OpenDocument]] = {}
    for document in documents:
        if document.balance_minor:
            owed.setdefault(document.participant, []).append(document)
    totals = {who: sum(document.balance_minor for document in of_it) for who, of_it in owed.items()}
    random = np.random.Generator(np.random.PCG64(seed))
    debtors = random.permutation(sorted(who for who, total in totals.items() if total > 0)).tolist()
    entries = [
        [payment]
        for place, who in enumerate(debtors)
        if (payment := _payment(place, owed[who], totals[who], payers[who], on)) is not None
    ]
    batch = [
        Payment(
            totals[who], on, payers[who].legal_name, payers[who].account,
            reference=" ".join(document.name for document in owed[who]),
        )
        for who in sorted(who for who, total in totals.items() if total < 0)
    ]  # fmt: skip
    return [*entries, batch] if batch else entries


def _payment(
    place: int, documents: Sequence[OpenDocument], total: int, payer: Payer, on: dt.date
) -> Payment | None:
    """Return how the participant at a place of the drawn order pays; None if it does not yet."""
    names = [document.name for document in documents]
    how = HOW[place] if place < len(HOW) else ""
    if how == "late":
        return None
    if how == "in part":
        total = total * PART_PPM // MILLION
        return Payment(total, on, payer.legal_name, payer.account, f"first part of {names[0]}")
    if how:
        wrong = f"{documents[0].series}-{documents[0].number + 900_000:06d}"
        return Payment(total, on, payer.legal_name, payer.account, f"Payment of {wrong}")
    forms = (
        ("", " ".join(names)),
        (f"Our payment for {' and '.join(names)}".upper().replace("-", " "), ""),
        ("Energy, with thanks", ""),
    )
    words, reference = forms[place % len(forms)]
    return Payment(total, on, payer.legal_name, payer.account, words, reference)
