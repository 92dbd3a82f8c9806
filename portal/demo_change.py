"""The change of the demonstration: less for reserve, tried on the month, and in consultation.

So the pages of changes and trials have something to show, and whoever comes may respond.
"""

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from database.session import transaction
from portal.demo_people import COMMISSIONER, REGULATOR, DemoPeople
from portal.study_figures import money
from rulebook.changes import store
from rulebook.changes.life import Life, Wanted
from rulebook.changes.steps import Kind, State
from rulebook.documents import AllocationPolicy, Document, MarketRules
from rulebook.law import rules_at
from rulebook.resolve import RuleSet
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


@dataclass(frozen=True)
class _Text:
    """What the change wants, in words and as law.

    Attributes:
        kind: of the document that it changes.
        words: what stands in it from then on.
    """

    kind: str
    document: Document
    title: str
    words: str
    problem: str
    objectives: str
    do_nothing: str
    other: str


def consult_on_change(
    market: str,
    days: tuple[dt.date, dt.date],
    clock: Callable[[], dt.datetime],
    people: DemoPeople,
    *,
    threads: int,
    progress: Progress,
) -> bool:
    """Open a change of what reserve is paid, try it on days, and consult; return whether it did.

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
    law = rules_at(session, market, now, now)
    policy = law.allocation_policy
    reserve = policy.reserve
    buys_reserve = reserve is not None and reserve.availability_price_micro_per_mw_h > 1
    text = _cheaper_reserve(policy, law.market_rules) if buys_reserve else _lower_cap(law)
    opening = Opening(
        market=market,
        title=text.title,
        problem=text.problem,
        objectives=text.objectives,
        do_nothing=text.do_nothing,
        options=(text.title, text.other),
        reason="The demonstration has one change to read and to respond to.",
    )
    life = open_change(session, opening, now)
    validity = Validity(_first_of_month(now.date() + dt.timedelta(days=NOTICE_DAYS)))
    placed = [(text.kind, text.document)]
    draft = drawn_draft(session, market, placed, validity, now)
    number = life.change.number
    revise(session, number, draft, None, validity, reason=text.words, now=now)
    take_step(session, number, Wanted(Kind.ASK_REVIEW, "Look at the text, please."), now)
    return number


def _cheaper_reserve(policy: AllocationPolicy, rules: MarketRules) -> _Text:
    """Return half the price of reserve: it moves money in every month in which any is held."""
    body: dict[str, Any] = policy.model_dump(mode="json")
    price_micro = body["reserve"]["availability_price_micro_per_mw_h"] // 2
    body["reserve"]["availability_price_micro_per_mw_h"] = price_micro
    words = f"{money(price_micro, rules.currency)} per MW and hour"
    return _Text(
        "allocation-policy",
        AllocationPolicy.model_validate(body),
        title=f"Pay {words} for reserve",
        words=f"Reserve at {words}",
        problem="Reserve is paid alike wherever it stands, and households pay for all of it.",
        objectives="Pay for reserve what keeps it there, and no more.",
        do_nothing="The price of reserve stays where it is; so does what subscriptions bear of it.",
        other="Keep the price, and buy less reserve",
    )


def _lower_cap(law: RuleSet) -> _Text:
    """Return half the price cap, for a market that buys no reserve."""
    rules = law.market_rules
    cap_micro = rules.price_cap_micro_per_mwh // 2
    words = f"{money(cap_micro, rules.currency)} per MWh"
    return _Text(
        "market-rules",
        _capped(rules, cap_micro),
        title=f"Lower the price cap to {words}",
        words=f"The cap at {words}, and every curve that ended above it",
        problem="In scarce hours a few units earn most of the month, and households pay for it.",
        objectives="Bound what a scarce hour may cost, and keep what pays for capacity.",
        do_nothing="The cap stays where it is; so does what scarce hours cost.",
        other="Keep the cap, and pay more by subscription",
    )


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
