"""Simple interest on what was paid late, in whole micro, so that days sum to their whole.

A part of a document that is paid `n` days after it was due bears interest for `n` days, unless `n`
lies within the grace; what is not paid yet is late by the days up to the day asked about. With the
rate in ppm a year and `d` days in a year, a document has borne

    floor( sum of (part in micro x its days late) x rate / (1,000,000 x d) )

up to a day, and a posting is what that is more than was posted before. Rounding down the whole and
never its days is what makes one posting a day come to the same as one posting of all days:

    GBP 100.00 at 8 % over 365 days: 21,917.8 micro a day
    day 1   21,917        day 2   43,835 - 21,917 = 21,918        day 3   65,753 - 43,835 = 21,918

A payment that becomes known late counts from its value day, so the difference may be below zero.
Interest that a document billed itself bears none, and a payment pays it last.
"""

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from ledger.causes import CHARGE_INTEREST, INTEREST, PAYMENT_INTEREST
from ledger.chain import encode
from ledger.journal import Account, JournalDraft, Posting
from ledger.payments.interest import InterestRow
from ledger.tree import leaf_hash
from rulebook.documents import SettlementTerms
from rulebook.documents.base import MILLION

INTEREST_KINDS = (CHARGE_INTEREST, PAYMENT_INTEREST)
"""Kinds of account whose subject is the number of a document that was paid late."""

POSTING_TAG = "tallystick.interest-posting.1"
MARKET_ACCOUNT = (INTEREST, "market")


@dataclass(frozen=True)
class LateDocument:
    """A document that was due, in micro; + is what the participant pays.

    Attributes:
        principal_micro: what is due less the interest in it.
        paid: value day and amount of each payment.
        posted_micro: interest that is posted for it, in the same sign.
        posted_count: how many journals that took.
        posted_until: the day up to which it was posted last, if ever.
    """

    market: str
    name: str
    participant: str
    currency: str
    due_on: dt.date
    principal_micro: int
    paid: tuple[tuple[dt.date, int], ...]
    posted_micro: int
    posted_count: int
    posted_until: dt.date | None


@dataclass(frozen=True)
class Rate:
    """The rule of interest that a document bears: that of the day it was due."""

    annual_ppm: int
    days_in_year: int
    grace_days: int


def rate_of(terms: SettlementTerms) -> Rate:
    """Return the rate of settlement terms."""
    late = terms.late_payment
    return Rate(late.annual_rate_ppm, late.days_in_year, late.grace_days)


def interest_micro(document: LateDocument, until: dt.date, rate: Rate) -> int:
    """Return the interest that a document has borne up to and with a day, in its own sign."""
    micro_days = sum(amount * days for amount, days in _late_parts(document, until, rate))
    # Down on the magnitude: neither side bears a micro that has not accrued. Divided once, over
    # all parts, so that a payment in parts costs nobody a micro.
    borne = abs(micro_days) * rate.annual_ppm // (MILLION * rate.days_in_year)
    return borne if micro_days > 0 else -borne


def _late_parts(document: LateDocument, until: dt.date, rate: Rate) -> Iterator[tuple[int, int]]:
    """Yield each part of the principal with the days for which it bears interest."""
    sign = 1 if document.principal_micro > 0 else -1
    principal, paid, covered = abs(document.principal_micro), 0, 0
    for value_on, amount in sorted(document.paid):
        if value_on <= until:
            paid += sign * amount
            now_covered = max(0, min(paid, principal))
            yield sign * (now_covered - covered), _days(document.due_on, value_on, rate)
            covered = now_covered
    yield sign * (principal - covered), _days(document.due_on, until, rate)


def _days(due_on: dt.date, day: dt.date, rate: Rate) -> int:
    days = (day - due_on).days
    # Once grace is over interest runs from the due day: grace defers it, and takes no day off.
    return days if days > max(0, rate.grace_days) else 0


class DraftedInterest(NamedTuple):
    """Interest to post: what states it, and the journal that follows from it."""

    row: InterestRow
    journal: JournalDraft


def draft_interest(
    document: LateDocument, until: dt.date, rate: Rate, journal_number: int
) -> DraftedInterest | None:
    """Return what to post of what a document has borne and was not posted; None for nothing.

    The journal's settlement day is the last day of the interest, whose month bills it.

    Args:
        document: what is late.
        until: the day up to and with which it bears interest.
        rate: at which it does.
        journal_number: the number that the journal will have.
    """
    borne_micro = interest_micro(document, until, rate)
    amount = borne_micro - document.posted_micro
    if not amount:
        return None
    market, currency = document.market, document.currency
    row = InterestRow(
        market=market,
        document=document.name,
        # Counted, as a payment of earlier value may correct the same day again.
        number=document.posted_count + 1,
        until=until,
        borne_micro=borne_micro,
        annual_rate_ppm=rate.annual_ppm,
        days_in_year=rate.days_in_year,
        grace_days=rate.grace_days,
        journal_number=journal_number,
    )
    kind = CHARGE_INTEREST if document.principal_micro > 0 else PAYMENT_INTEREST
    postings = (
        Posting(Account(market, currency, document.participant, kind, document.name), amount),
        Posting(Account(market, currency, None, *MARKET_ACCOUNT), -amount),
    )
    key = f"{market}:interest:{document.name}:{until}:{row.number}"
    reason = interest_reason(document, until, rate, is_less=amount * document.principal_micro < 0)
    journal = JournalDraft(
        key=key,
        market=market,
        settlement_day=until,
        run_id=None,
        run_kind=None,
        reason=reason,
        input_digest=leaf_hash(encode(POSTING_TAG, (key, document.participant, kind, amount))),
        cause=row.cause,
        postings=postings,
    )
    return DraftedInterest(row, journal)


def interest_reason(document: LateDocument, until: dt.date, rate: Rate, *, is_less: bool) -> str:
    """Return the sentence that a journal, and the line of a document, says about interest."""
    whole, part = divmod(rate.annual_ppm, 10_000)
    shown = f"{whole}.{part:04d}".rstrip("0").rstrip(".")
    before = document.posted_until
    first = document.due_on if before is None or before >= until else before
    last = min(until, _settled_on(document, until))
    if is_less or last <= first:
        what = f"corrected to {_day(until)} for a payment of earlier value"
    else:
        days = (last - first).days
        since = "due" if first == document.due_on else "billed to"
        what = f"{days} {'day' if days == 1 else 'days'} to {_day(last)}, {since} {_day(first)}"
    return f"Interest on {document.name}, {what}, at {shown} % a year"


def _settled_on(document: LateDocument, until: dt.date) -> dt.date:
    """Return the day on which the last of the principal was paid; `until` while it is not."""
    paid = sum(amount for value_on, amount in document.paid if value_on <= until)
    if abs(paid) < abs(document.principal_micro):
        return until
    return max(value_on for value_on, _ in document.paid if value_on <= until)


def _day(day: dt.date) -> str:
    return f"{day.day} {day:%B %Y}"


def draft_all_interest(
    documents: Sequence[LateDocument],
    rates: Sequence[Rate],
    until: dt.date,
    first_journal_number: int,
) -> list[DraftedInterest]:
    """Return what to post of documents up to a day, each at its own rate."""
    found: list[DraftedInterest] = []
    for document, rate in zip(documents, rates, strict=True):
        drafted = draft_interest(document, until, rate, first_journal_number + len(found))
        if drafted is not None:
            found.append(drafted)
    return found
