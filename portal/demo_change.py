"""The change of the demonstration: a lower price cap, tried on the month, and in consultation.

So the pages of changes and trials have something to show, and whoever comes may respond.
"""

import datetime as dt
from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy.orm import Session

from common.currencies import currency
from common.quantities import MICRO
from database.session import transaction
from portal.demo_people import COMMISSIONER, REGULATOR, DemoPeople
from rulebook.changes import store
from rulebook.changes.life import Life, Wanted
from rulebook.changes.steps import Kind, State
from rulebook.documents import MarketRules
from rulebook.law import rules_at
from settlement.enactment.change_law import last_draft
from settlement.enactment.changes import (
    Opening,
    Validity,
    consultation_body,
    drawn_draft,
    find,
    open_change,
    revise,
    take_step,
)
from settlement.runs.settle import Progress
from settlement.trials.inputs import TrialRequest
from settlement.trials.trial import run_trial

MUCH_PPM = 10_000
CONSULTED_DAYS = 42
NOTICE_DAYS = 90
"""From now to the first of the month from which it is wanted, at least."""


def consult_on_lower_cap(
    market: str,
    days: tuple[dt.date, dt.date],
    clock: Callable[[], dt.datetime],
    people: DemoPeople,
    *,
    threads: int,
    progress: Progress,
) -> bool:
    """Open a change that halves the price cap, try it on days, and consult; return whether it did.

    Does nothing where the market has a change already.
    """
    with people.acting_as(REGULATOR.account) as session:
        lives = store.lives(session, with_texts=False).values()
        if any(life.change.market == market for life in lives):
            return False
        number = _write(session, market, clock())
    _try(market, number, days, clock(), threads, progress)
    with people.acting_as(COMMISSIONER.account) as session:
        now = clock()
        last_day = now.date() + dt.timedelta(days=CONSULTED_DAYS)
        asked = "Tell us whom it would cost what, and what would keep the lights on instead."
        body = consultation_body(session, market, last_day, now)
        take_step(session, number, Wanted(Kind.CONSULT, asked, body=body), now)
    return True


def consulted_change(market: str) -> str:
    """Return the number and title of the last law change in consultation; empty without one."""
    with transaction() as session:
        lives = store.lives(session, with_texts=False).values()
    consulted = [
        life.change
        for life in lives
        if life.change.market == market and life.state is State.IN_CONSULTATION
    ]
    return f"{consulted[-1].number}, {consulted[-1].title}" if consulted else ""


def _write(session: Session, market: str, now: dt.datetime) -> int:
    """Open the change, save its text and ask for review; return its number."""
    rules = rules_at(session, market, now, now).market_rules
    code, cap_micro = rules.currency, rules.price_cap_micro_per_mwh // 2
    words = f"{currency(code).sign}{cap_micro // MICRO:,} per MWh"
    opening = Opening(
        market=market,
        title=f"Lower the price cap to {words}",
        problem="In scarce hours a few units earn most of the month, and households pay for it.",
        objectives="Bound what a scarce hour may cost, and keep what pays for capacity.",
        do_nothing="The cap stays where it is; so does what scarce hours cost.",
        options=(f"Lower the cap to {words}", "Keep the cap, and pay more by subscription"),
        reason="The demonstration has one change to read and to respond to.",
    )
    life = open_change(session, opening, now)
    validity = Validity(_first_of_month(now.date() + dt.timedelta(days=NOTICE_DAYS)))
    placed = [("market-rules", _capped(rules, cap_micro))]
    draft = drawn_draft(session, market, placed, validity, now)
    number = life.change.number
    reason = f"The cap at {words}, and every curve that ended above it"
    revise(session, number, draft, None, validity, reason=reason, now=now)
    take_step(session, number, Wanted(Kind.ASK_REVIEW, "Look at the curves, please."), now)
    return number


def _first_of_month(day: dt.date) -> dt.date:
    return (day.replace(day=1) + dt.timedelta(days=32)).replace(day=1)


def _capped(rules: MarketRules, cap_micro: int) -> MarketRules:
    """Return market rules with a lower cap, and no point of a curve above it."""
    body: dict[str, Any] = rules.model_dump(mode="json")
    layers: Sequence[dict[str, Any]] = body["layers"]
    for layer in layers:
        for knot in (*layer["curve"], *layer["sell_curve"]):
            knot["price_micro_per_mwh"] = min(knot["price_micro_per_mwh"], cap_micro)
    return MarketRules.model_validate(body | {"price_cap_micro_per_mwh": cap_micro})


def _try(
    market: str,
    number: int,
    days: tuple[dt.date, dt.date],
    now: dt.datetime,
    threads: int,
    progress: Progress,
) -> None:
    """Try the text of the change on days of the past, as metered."""
    with transaction() as session:
        life: Life = find(session, number)
        _, draft = last_draft(life)
    request = TrialRequest(
        market, *days, [draft.documents], now, MUCH_PPM, drawn_from=draft.drawn_from
    )
    run_trial(transaction, request, now=now, threads=threads, progress=progress)
