"""Accounts of participants: open items by age, and the statement of one; own or everyone's."""

import csv
import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe
from sqlalchemy.orm import Session

from database.session import transaction
from ledger.payments.account import BUCKETS, AccountStatement, Ageing, age_open_items
from ledger.payments.account_queries import (
    account_statement,
    day_end,
    first_movement,
    markets_of,
    standings,
)
from ledger.payments.queries import documents
from portal.access import SignedInRequest, Viewer, open_to
from portal.days import day_complaint, parse_day
from portal.middleware import UnreadableRequest
from portal.quotas import Kind, spends
from portal.readings_kept import keep_list, keep_reading
from portal.views.rules import chosen_day, status_of
from rulebook.store import markets

SHOWN_WHOLE = "Shown is the whole account."
COLUMNS = (
    "booked_at",
    "entry",
    "document",
    "payment",
    "value_or_due_day",
    "text",
    "amount_micro",
    "balance_micro",
    "journal",
    "bank_account",
)


@dataclass(frozen=True)
class AgedMarket:
    """The open items of a market, by participant and in all, in minor units."""

    market: str
    currency: str
    rows: tuple[Ageing, ...]

    @property
    def totals_minor(self) -> tuple[int, ...]:
        """What is open in each bucket."""
        return tuple(map(sum, zip(*(row.amounts_minor for row in self.rows), strict=True)))

    @property
    def total_minor(self) -> int:
        """What is open in all."""
        return sum(row.total_minor for row in self.rows)


def sees_accounts(viewer: Viewer) -> bool:
    """Return whether there is an account for this user to see."""
    return viewer.sees_invoices


@require_safe
@open_to(sees_accounts)
def listing(request: SignedInRequest) -> HttpResponse:
    """Show what is open by participant and age, as it stood on a day."""
    on, complaint = chosen_day(request)
    with transaction() as session:
        found = _aged_markets(session, request.viewer, on)
        accounts = [
            (market, participant)
            for market in markets(session)
            for participant, _ in standings(session, market, day_end(on))
            if request.viewer.may_see(market, participant)
        ]
    keep_list(request, is_everybodys=request.viewer.participants is None)
    context = {
        "on": on,
        "complaint": complaint,
        "buckets": BUCKETS,
        "markets": found,
        "accounts": accounts,
        "section": "accounts",
    }
    return render(request, "accounts/listing.html", context, status=status_of(complaint))


def _aged_markets(session: Session, viewer: Viewer, on: dt.date) -> list[AgedMarket]:
    found = []
    for market in markets(session):
        rows = [
            ageing
            for ageing in age_open_items(documents(session, market, day_end(on)), on)
            if viewer.may_see(market, ageing.participant)
        ]
        for currency in sorted({row.currency for row in rows}):
            of_currency = tuple(row for row in rows if row.currency == currency)
            found.append(AgedMarket(market, currency, of_currency))
    return found


@require_safe
@open_to(sees_accounts)
def page(request: SignedInRequest, market: str, participant: str) -> HttpResponse:
    """Show the statement of account of a participant over a period, and its open items."""
    with transaction() as session:
        first_day, last_day, complaint = _period(session, request, market, participant)
        statements = account_statement(session, market, participant, first_day, last_day)
        on = min(last_day, timezone.now().date())
        open_items = [
            ageing
            for ageing in age_open_items(documents(session, market, day_end(last_day)), on)
            if ageing.participant == participant
        ]
    context = {
        "market": market,
        "participant": participant,
        "first_day": first_day,
        "last_day": last_day,
        "on": on,
        "complaint": complaint,
        "statements": statements,
        "open_items": open_items,
        "buckets": BUCKETS,
        "is_own": (market, participant) in (request.viewer.participants or ()),
        "section": "accounts",
    }
    return render(request, "accounts/page.html", context, status=status_of(complaint))


@require_safe
@open_to(sees_accounts)
@spends(Kind.EXPORT)
def as_csv(request: SignedInRequest, market: str, participant: str) -> HttpResponse:
    """Answer with the statement of account as CSV, amounts in micro."""
    with transaction() as session:
        first_day, last_day, complaint = _period(session, request, market, participant)
        if complaint:
            # A file says nothing of what it was not asked for: a wrong period is no file.
            raise UnreadableRequest(complaint.removesuffix(f" {SHOWN_WHOLE}"))
        statements = account_statement(session, market, participant, first_day, last_day)
    answer = HttpResponse(content_type="text/csv; charset=utf-8")
    name = f"{market}-{participant}-{first_day}-{last_day}.csv"
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    writer = csv.writer(answer)
    writer.writerow(("currency", *COLUMNS))
    for account in statements:
        writer.writerows(_csv_rows(account))
    return answer


def _csv_rows(account: AccountStatement) -> Iterator[tuple[object, ...]]:
    blank = [""] * 4
    opening, closing = account.opening_micro, account.closing.balance_micro
    yield (account.currency, account.first_day, "opening", *blank, "", opening, "", "")
    for line in account.lines:
        moved = line.movement
        yield (
            account.currency,
            moved.at.isoformat(),
            moved.entry.value,
            moved.document,
            moved.payment,
            moved.value_on,
            moved.text,
            moved.amount_micro,
            line.balance_micro,
            moved.number or "",
            moved.account,
        )
    yield (account.currency, account.last_day, "closing", *blank, "", closing, "", "")


def _period(
    session: Session, request: SignedInRequest, market: str, participant: str
) -> tuple[dt.date, dt.date, str]:
    """Return the period asked for, or the whole account; and what was wrong with it, if anything.

    Raises:
        Http404: the account is not there, or not for this user; the answer does not tell which.
    """
    if not request.viewer.may_see(market, participant) or (
        request.viewer.participants is None and market not in markets_of(session, participant)
    ):
        raise Http404("no such account for this user")
    keep_reading(request.user, request.viewer, market, participant)
    today = timezone.now().date()
    begun = first_movement(session, market, participant)
    usual = (begun.date() if begun else today, max(today, begun.date() if begun else today))
    asked = [request.GET.get(name, "").strip() for name in ("from", "to")]
    complaints = [day_complaint(text) for text in asked if text and parse_day(text) is None]
    if complaints:
        return *usual, f"{' '.join(complaints)} {SHOWN_WHOLE}"
    first_day, last_day = (
        parse_day(text) or default for text, default in zip(asked, usual, strict=True)
    )
    if last_day < first_day:
        return *usual, f"The period ends before it begins. {SHOWN_WHOLE}"
    return first_day, last_day, ""
