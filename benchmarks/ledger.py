"""Speed of the ledger: sealed postings beside a bare COPY of the same rows, and small journals.

Everything is posted in a transaction that is rolled back, on the server of DATABASE_URL or the
embedded one. The yardstick is the same COPY of the same rows, digests included, into a table
without key, constraint or trigger: what remains is what the database's own promises cost.
Small journals are timed from draft to stored: checked, numbered, hashed, chained and logged.
"""

import datetime as dt
from collections.abc import Callable, Sequence
from statistics import median
from time import perf_counter
from uuid import UUID

from sqlalchemy import insert, text
from sqlalchemy.orm import Session

from benchmarks.figures import Result
from benchmarks.server import owner_engine
from database import schema
from database.session import transaction
from ledger.causes import Cause, CauseSource
from ledger.chain import SealedJournal, seal_journal
from ledger.journal import Account, JournalDraft, Posting
from ledger.posting import post_many
from ledger.store import copy_postings, insert_journals, journal_head, new_ids
from settlement.runs.run import ENGINE_VERSION
from settlement.tables import RunRow

MARKET = "ledger-benchmark"
CURRENCY = "GBP"
FIRST_DAY = dt.date(2024, 1, 1)
NOW = dt.datetime(2024, 3, 1, 9, tzinfo=dt.UTC)
JOURNALS, POSTINGS = 100, 1_000
SMALL_JOURNALS, SMALL_BATCH = 2_000, 100
RUNS = 5
RUNS_OF_KIND = {"bulk": UUID(int=1), "small": UUID(int=2)}
"""The runs that the journals name as their causes."""


class _RollBack(Exception):
    """Ends a measurement: nothing of it stays in the database."""


def results() -> list[Result]:
    """Return the two figures of posting, each the median of several runs."""
    schema.upgrade()
    shares, rates = zip(*(_rolled_back(_measure) for _ in range(RUNS)), strict=True)
    return [
        Result(
            "bulk postings, as a share of the rate of a bare COPY",
            round(median(shares), 3),
            0.33,
            at_most=False,
        ),
        Result(
            f"small hashed journals, {SMALL_BATCH} a call: a second",
            round(median(rates)),
            1_000,
            at_most=False,
        ),
    ]


def _measure(session: Session) -> tuple[float, float]:
    """Return the rate of storing sealed postings over that of a bare COPY, and small journals/s."""
    accounts = [
        Account(MARKET, CURRENCY, f"p{point // 50}", "charge.fuel", f"N{point}")
        for point in range(POSTINGS - 1)
    ]
    whole = Account(MARKET, CURRENCY, None, "equalisation", "market")
    bulk = [_bulk_journal(number, accounts, whole) for number in range(JOURNALS)]
    small = [_small_journal(number) for number in range(SMALL_JOURNALS)]
    _publish_runs(session)
    post_many(session, bulk[:1], NOW)
    sealed = _sealed(session, bulk[1:])
    storing_s = _timed(lambda: insert_journals(session, sealed))
    copying_s = _bare_copy_s(session, sealed)
    small_s = _timed(
        lambda: [
            post_many(session, small[start : start + SMALL_BATCH], NOW)
            for start in range(0, SMALL_JOURNALS, SMALL_BATCH)
        ]
    )
    return copying_s / storing_s, SMALL_JOURNALS / small_s


def _sealed(session: Session, drafts: Sequence[JournalDraft]) -> list[SealedJournal]:
    number, digest = journal_head(session)
    sealed = []
    for draft, identity in zip(drafts, new_ids(session, len(drafts)), strict=True):
        number += 1
        sealed.append(seal_journal(draft, number, identity, NOW, digest))
        digest = sealed[-1].digest
    return sealed


def _bare_copy_s(session: Session, sealed: Sequence[SealedJournal]) -> float:
    """Return the seconds that a COPY of the postings takes where nothing else is done."""
    session.execute(
        text("CREATE TABLE ledger.bare_posting AS SELECT * FROM ledger.posting WHERE false")
    )
    return _timed(lambda: copy_postings(session, "ledger.bare_posting", sealed))


def _bulk_journal(number: int, accounts: Sequence[Account], whole: Account) -> JournalDraft:
    postings = [Posting(account, 1 + place) for place, account in enumerate(accounts)]
    postings.append(Posting(whole, -sum(posting.amount for posting in postings)))
    return _journal("bulk", number, postings)


def _small_journal(number: int) -> JournalDraft:
    account = Account(MARKET, CURRENCY, f"p{number % 20}", "charge.fuel", "N0")
    whole = Account(MARKET, CURRENCY, None, "equalisation", "market")
    return _journal("small", number, [Posting(account, 1_000), Posting(whole, -1_000)])


def _journal(kind: str, number: int, postings: list[Posting]) -> JournalDraft:
    day = FIRST_DAY + dt.timedelta(days=number)
    key = f"{MARKET}:{kind}-{number}"
    run = RUNS_OF_KIND[kind]
    cause = Cause(CauseSource.RUN, str(run), bytes(32))
    return JournalDraft(key, MARKET, day, run, kind, "Benchmark", bytes(32), cause, tuple(postings))


def _publish_runs(session: Session) -> None:
    """Publish the runs that the journals name: money without a cause is refused."""
    rows = [
        {
            "id": run,
            "market": MARKET,
            "kind": kind,
            "first_day": FIRST_DAY,
            "last_day": FIRST_DAY + dt.timedelta(days=SMALL_JOURNALS),
            "known_at": NOW,
            "pins": [],
            "input_digest": bytes(32),
            "engine_version": ENGINE_VERSION,
            "result_digest": bytes(32),
            "created_at": NOW,
            "digest": bytes(32),
        }
        for kind, run in RUNS_OF_KIND.items()
    ]
    session.execute(insert(RunRow), rows)


def _rolled_back(work: Callable[[Session], tuple[float, float]]) -> tuple[float, float]:
    found: list[tuple[float, float]] = []
    try:
        with transaction(owner_engine()) as session:
            found.append(work(session))
            raise _RollBack
    except _RollBack:
        return found[0]


def _timed(work: Callable[[], object]) -> float:
    start = perf_counter()
    work()
    return perf_counter() - start
