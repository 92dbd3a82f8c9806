"""Sixteen writers race to post and to bill: no gap, no duplicate, nothing unbalanced or lost.

The suite lets them race for a few seconds; `make campaign` for a minute (TALLYSTICK_SECONDS).
"""

import datetime as dt
import os
import random
import threading
import time
from collections import Counter
from dataclasses import dataclass, field, replace

import psycopg
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from common.refusals import Refused
from ledger import invoice_queries
from ledger.invoice import Family
from ledger.issuing import issue
from ledger.posting import post_many
from ledger.store import lock
from ledger.verification import verify
from tests.campaign.auditor import audit
from tests.ledger import drafts
from tests.worlds.published_runs import publish_runs

SECONDS = float(os.environ.get("TALLYSTICK_SECONDS", "5"))
WRITERS = 16
CAREFUL = 0.8
CONTESTED = 5_000
"""Kinds that all writers want, each with its run."""
FIRST_DAY = dt.date(2024, 1, 1)
DAYS = 60
NOW = dt.datetime(2024, 3, 1, 9, tzinfo=dt.UTC)


@dataclass
class Writer:
    """One writer: it posts days of its own, days that all want, and bills whole months."""

    engine: Engine
    number: int
    until: float
    done: Counter = field(default_factory=Counter)
    committed: dict = field(default_factory=dict)
    failures: list = field(default_factory=list)

    def run(self) -> None:
        chance = random.Random(self.number)
        step = 0
        while time.monotonic() < self.until:
            step += 1
            try:
                self.one(chance, step)
            except Refused as refused:
                self.done["refused: " + refused.findings[0].code] += 1
            except Exception as error:
                self.failures.append(error)
                return

    def one(self, chance: random.Random, step: int) -> None:
        kind = chance.choice(("own", "own", "contested", "bill", "roll back", "break off"))
        with Session(self.engine, expire_on_commit=False) as session:
            if kind == "bill":
                self.bill(session, chance)
                session.commit()
            else:
                contested = kind == "contested"
                name = f"K{chance.randrange(CONTESTED)}" if contested else f"W{self.number}-{step}"
                day = FIRST_DAY + dt.timedelta(days=chance.randrange(DAYS))
                draft = drafts.journal(day, name, charge=1_000_003 + len(name), payment=990_001)
                draft = replace(draft, key=f"{drafts.MARKET}:{name}")
                if not contested:
                    publish_runs(session, drafts.MARKET, [name])
                (posted,) = post_many(session, [draft], NOW)
                if kind == "roll back":
                    session.rollback()
                elif kind == "break off":
                    self.break_off(session)
                else:
                    session.commit()
                    if not posted.is_repeat:
                        self.committed[draft.key] = draft
        self.done[kind] += 1

    def bill(self, session: Session, chance: random.Random) -> None:
        month = chance.choice((dt.date(2024, 1, 1), dt.date(2024, 2, 1)))
        if chance.random() < CAREFUL:
            lock(session)  # else somebody may post in between, and the draft is refused
        made = []
        for participant, moved in invoice_queries.unbilled(session, drafts.MARKET, month).items():
            lines = [
                drafts.line(account, amount)
                for account, amount in moved.items()
                if account.commodity == "GBP"
            ]
            is_supplier = participant == drafts.SUPPLIER
            family = Family.INVOICE if is_supplier else Family.SELF_BILLED
            draft = drafts.invoice(*lines, participant=participant, family=family)
            made.append(replace(draft, billing_month=month))
        issue(session, made, NOW)

    def break_off(self, session: Session) -> None:
        """Lose the connection before the commit."""
        try:
            session.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))
        except (DBAPIError, psycopg.Error):
            session.invalidate()


def test_writers_who_race_lose_nothing(committed_database):
    engine = create_engine(committed_database.url, pool_size=WRITERS)
    with Session(engine) as session, session.begin():
        publish_runs(session, drafts.MARKET, [f"K{number}" for number in range(CONTESTED)])
    until = time.monotonic() + SECONDS
    writers = [Writer(engine, number, until) for number in range(WRITERS)]
    threads = [threading.Thread(target=writer.run) for writer in writers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    engine.dispose()
    assert [failure for writer in writers for failure in writer.failures] == []
    done = sum((writer.done for writer in writers), Counter())
    committed = [draft for writer in writers for draft in writer.committed.values()]
    print(f"\n{WRITERS} writers, {SECONDS:g} s: {dict(sorted(done.items()))}")
    assert len({draft.key for draft in committed}) == len(committed) > 0

    with Session(committed_database) as session:
        found = audit(session.connection().connection.driver_connection)
        assert found.wrong == []
        assert list(verify(session)) == []
        keys = set(session.execute(text("SELECT key FROM ledger.journal")).scalars())
        assert {key for key in keys if ":" in key} == {draft.key for draft in committed}
    expected = Counter()
    for draft in committed:
        for posting in draft.postings:
            expected[posting.account.code] += posting.amount
    booked = {code: found.balances.get(code, 0) for code in expected}
    assert booked == dict(expected)
    assert found.documents
