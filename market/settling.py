"""Settling days of a market that may be online: handed over first, and told what was delivered."""

import datetime as dt

from sqlalchemy.orm import Session

from market.deliveries import tell_deliveries
from market.handing_over import hand_over
from settlement.runs.settle import Progress, Settled, no_progress, settle


def settle_with_market(
    session: Session,
    market: str,
    kind: str,
    first_day: dt.date,
    last_day: dt.date,
    *,
    known_at: dt.datetime,
    now: dt.datetime,
    threads: int = 1,
    progress: Progress = no_progress,
) -> Settled:
    """Settle days as `settle` does, from what the market's log says of them by now.

    A run that looks back is handed nothing: it knows what was handed over by then.

    Raises:
        Refused: as `settle` and `hand_over` do; nothing is written.
    """
    if known_at >= now:
        count = (last_day - first_day).days + 1
        days = [first_day + dt.timedelta(days=offset) for offset in range(count)]
        hand_over(session, market, days, now=now)
    settled = settle(
        session,
        market,
        kind,
        first_day,
        last_day,
        known_at=known_at,
        now=now,
        threads=threads,
        progress=progress,
    )
    tell_deliveries(session, settled.run)
    return settled
