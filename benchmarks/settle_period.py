"""Settle and post some days of a market in the database that DATABASE_URL names.

    python -m benchmarks.settle_period MARKET FIRST LAST KNOWN_AT

A process of its own, so that `benchmarks.settling` can measure it: it prints its peak memory in KiB
and shows its progress on standard error.
"""

import datetime as dt
import os
import resource
import sys

from database.session import transaction
from settlement.billing.post import post
from settlement.runs.settle import settle

DAYS_BETWEEN_LINES = 30


def main() -> None:
    market, first_day, last_day, known_at = sys.argv[1:]
    now = dt.datetime.fromisoformat(known_at)
    with transaction() as session:
        run = settle(
            session,
            market,
            "II",
            dt.date.fromisoformat(first_day),
            dt.date.fromisoformat(last_day),
            known_at=now,
            now=now,
            threads=os.cpu_count() or 1,
            progress=_progress,
        ).run
        post(session, run, now=now)
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)


def _progress(done: int, total: int) -> None:
    if done % DAYS_BETWEEN_LINES == 0 or done == total:
        print(f"    settled {done} of {total} days", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
