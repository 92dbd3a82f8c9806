"""Trials of the tiny market: drafts in a line, and a trial made."""

import json
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from typing import Any

from sqlalchemy.orm import Session

from rulebook.documents import Document, MarketRules
from settlement.runs.settle import Progress, no_progress
from settlement.trials.inputs import TrialRequest
from settlement.trials.trial import Transactions, TrialOutcome, run_trial
from tests.worlds import tiny_market
from tests.worlds.settled import FIRST_DAY, LAST_DAY, SETTLED

LOWER_CAP_MICRO = 150_000_000


def changed(document: Document, **changes: Any) -> Document:
    """Return a document with some fields changed, read again as files are."""
    body = document.model_dump(mode="json") | changes
    return type(document).model_validate_json(json.dumps(body))


def capped(rules: MarketRules, cap_micro: int = LOWER_CAP_MICRO) -> Document:
    """Return market rules with a lower cap, and curves that end at it."""
    layers = rules.model_dump(mode="json")["layers"]
    for layer in layers:
        for knot in (*layer["curve"], *layer["sell_curve"]):
            knot["price_micro_per_mwh"] = min(knot["price_micro_per_mwh"], cap_micro)
    return changed(rules, price_cap_micro_per_mwh=cap_micro, layers=layers)


def placed(*documents: Document) -> list[tuple[str, Document]]:
    """Return documents as if they were read from files."""
    return [(f"draft/{document.instrument}.yaml", document) for document in documents]


def within(session: Session) -> Transactions:
    """Return what opens transactions, all of them the one of a session."""
    return lambda: nullcontext(session)


def request(*drafts: Sequence[Document], **changes: Any) -> TrialRequest:
    """Return a request to try drafts on the days of the tiny market."""
    settings = {
        "market": "tiny",
        "first_day": FIRST_DAY,
        "last_day": LAST_DAY,
        "drafts": [placed(*documents) for documents in drafts],
        "known_at": SETTLED,
        "threshold_ppm": 10_000,
    }
    return TrialRequest(**(settings | changes))


def try_tiny(
    session: Session,
    *drafts: Sequence[Document],
    progress: Progress = no_progress,
    **changes: Any,
) -> TrialOutcome:
    """Try drafts on the tiny market, published and metered before."""
    wanted = request(*(drafts or ([capped(tiny_market.market_rules())],)), **changes)
    return run_trial(within(session), wanted, now=wanted.known_at, progress=progress)


def counting(seen: list[tuple[int, int]]) -> Callable[[int, int], None]:
    """Return a progress that keeps what it is told."""
    return lambda done, total: seen.append((done, total))
