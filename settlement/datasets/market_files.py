"""Meter and bank files for a market under its rules, recorded or synthetic, ready to ingest."""

import calendar
import datetime as dt
from collections.abc import Collection
from pathlib import Path

from sqlalchemy.orm import Session

from ledger.payments.queries import documents
from rulebook.law import rules_at, rules_for_period
from settlement.accounts.law import terms_of
from settlement.core.periods import interval_starts
from settlement.datasets.bank import StatementHead, statement_xml
from settlement.datasets.corrections import make_correction_file
from settlement.datasets.files import Form, make_profile_files
from settlement.datasets.market import MarketShape, market_shape, resolutions_of
from settlement.datasets.payers import Payer, draw_payments
from settlement.datasets.profile import ProfileDay, Progress, dispatch_profile
from settlement.datasets.recorded import first_instant, recorded_profile
from settlement.datasets.synthetic import synthetic_profile
from settlement.meters.ingest import MeterFile
from settlement.meters.store import readings_known_at


def make_synthetic_files(
    session: Session,
    market: str,
    first_day: dt.date,
    last_day: dt.date,
    *,
    seed: int,
    known: dt.datetime,
    form: Form,
    progress: Progress,
) -> list[MeterFile]:
    """Return demand, availability and dispatched generation made from the rules and a seed.

    The rules in force on the first day serve for all of them.

    Raises:
        Refused: no rules are in force on the first day.
    """
    shape = market_shape(rules_at(session, market, first_day, known))
    days = [first_day + dt.timedelta(days=n) for n in range((last_day - first_day).days + 1)]
    return _files(shape, synthetic_profile(shape, days, seed), form, progress)


def make_recorded_files(
    session: Session,
    market: str,
    folder: Path,
    first_day: dt.date | None,
    last_day: dt.date | None,
    *,
    known: dt.datetime,
    form: Form,
    progress: Progress,
) -> list[MeterFile]:
    """Return demand, availability and dispatched generation of the days that a folder covers.

    The rules in force on the first of the days serve for all of them.

    Raises:
        Refused: the folder cannot be used, or no rules are in force on the first day.
    """
    shape = market_shape(rules_at(session, market, first_day or first_instant(folder), known))
    return _files(shape, recorded_profile(shape, folder, first_day, last_day), form, progress)


def make_corrections(
    session: Session,
    market: str,
    first_day: dt.date,
    last_day: dt.date,
    *,
    seed: int,
    known: dt.datetime,
    read_again: Collection[str] = (),
) -> MeterFile:
    """Return a file that corrects a handful of the demand readings known of these days.

    What a reading covers is as registered on the first of the days. Supply points to be read again
    are among those corrected.

    Raises:
        Refused: no demand is known on any of the days, or rules are not in force on one.
    """
    readings = readings_known_at(session, market, first_day, last_day, known)
    periods = rules_for_period(session, market, first_day, last_day, known)
    starts = {
        day: interval_starts(day, rules.market_rules.time_zone, rules.market_rules.interval_minutes)
        for first, last, rules in periods
        for day in (first + dt.timedelta(days=n) for n in range((last - first).days + 1))
    }
    label = days_label(first_day, last_day)
    resolutions = resolutions_of(periods[0].rules)
    return make_correction_file(readings, starts, seed, label, resolutions, read_again)


def days_label(first_day: dt.date, last_day: dt.date) -> str:
    """Return how files name their days: 2024-01 for a whole month, else both days.

    >>> days_label(dt.date(2024, 2, 1), dt.date(2024, 2, 29))
    '2024-02'
    """
    month_length = calendar.monthrange(first_day.year, first_day.month)[1]
    if first_day.day == 1 and last_day == first_day.replace(day=month_length):
        return f"{first_day:%Y-%m}"
    return f"{first_day}-to-{last_day}"


def _files(
    shape: MarketShape, profile: list[ProfileDay], form: Form, progress: Progress
) -> list[MeterFile]:
    generation = dispatch_profile(shape, profile, progress)
    label = days_label(profile[0].day, profile[-1].day)
    return make_profile_files(shape, label, profile, generation, form)


def make_bank_statement(
    session: Session, market: str, *, seed: int, known: dt.datetime
) -> MeterFile:
    """Return a bank statement of the day that pays what is open; see `payers.draw_payments`.

    Raises:
        Refused: the market has no settlement terms, or no law, at this moment.
    """
    rules = rules_at(session, market, known, known)
    payers = {
        registration.participant: Payer(
            registration.legal_name, (registration.account_names or ("",))[0]
        )
        for registration in rules.registrations
    }
    found = [document for document in documents(session, market) if document.participant in payers]
    head = StatementHead(
        identification=f"{market.upper()}-{known:%Y}-1",
        sequence_number=1,
        account=terms_of(rules).operator.account_names[0],
        currency=rules.market_rules.currency,
        opening_minor=0,
        on=known.date(),
    )
    entries = draw_payments(found, payers, seed, known.date())
    return MeterFile(f"{head.identification}.xml", statement_xml(head, entries))
