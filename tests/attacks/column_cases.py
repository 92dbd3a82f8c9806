"""Changed values of columns, with every digest below the log made anew, and what is named."""

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from ledger.invoice import document_number
from ledger.log.kept import KeptCheckpoint
from ledger.log.tree_verification import verify_published
from ledger.payments.statements import content_digest
from ledger.trail.verification import TRAILED
from market.verification import CHECKS as MARKET_CHECKS
from settlement.verification import list_row_checks
from tests.attacks.attacker import REMAKES, remake_log, turn_triggers_off
from tests.settlement.test_verification import (
    OF_A_DAY,
    Tampering,
    changes,
    is_named,
    names_of,
)

Row = dict[str, Any]

COLUMNS = text(
    "SELECT table_schema || '.' || table_name, column_name FROM information_schema.columns "
    "JOIN information_schema.tables USING (table_schema, table_name) "
    "WHERE table_schema IN ('rulebook', 'settlement', 'ledger', 'people', 'market', 'portal') "
    f"AND table_type = 'BASE TABLE' AND table_name !~ '{OF_A_DAY}'"
)
KEYS = text(
    "SELECT attname FROM pg_index JOIN pg_attribute ON attrelid = indrelid AND attnum = ANY(indkey)"
    " WHERE indrelid = CAST(:table AS regclass) AND indisprimary ORDER BY attnum"
)
LEAVES = {
    "ledger.allocation": (
        "ledger.allocation {market}-bank-{statement_number:06}/{line}:{decision}"
    ),
    "ledger.attachment": "ledger.attachment {sha256}",
    "ledger.bank_file": "ledger.bank_file {market}/{content_digest}",
    "ledger.bank_statement": "ledger.bank_statement {market}-bank-{number:06}",
    "ledger.bank_transaction": "ledger.bank_statement {market}-bank-{statement_number:06}",
    "ledger.checkpoint": "ledger.checkpoint {size}",
    "ledger.cosignature": "ledger.cosignature {number}",
    "ledger.dispute": "ledger.dispute {market}/{number}",
    "ledger.dispute_event": "ledger.dispute_event {market}/{number}",
    "ledger.interest": "ledger.interest {document}:{number}",
    "ledger.journal": "ledger.journal {number}",
    "ledger.log_key": "ledger.log_key {number}",
    "ledger.posting": "ledger.journal {journal_number}",
    "ledger.seal": "ledger.seal {market}/{settlement_day}",
    "ledger.trail_link": "{source} {key}",
    "ledger.witness": "ledger.witness {number}",
    "market.sealed": "market.sealed {market}/{last_sequence}",
    "people.account": "people.account {id}",
    "people.account_grant": "people.account_grant {number}",
    "people.answer": "people.answer {number}",
    "people.approval": "people.approval {proposal}",
    "people.deed": "people.deed {number}",
    "people.founding": "people.founding {operator}",
    "people.person": "people.person {number}",
    "people.proposal": "people.proposal {number}",
    "people.proposal_end": "people.proposal_end {proposal}",
    "people.withdrawal": "people.withdrawal {grant_number}",
    "rulebook.change": "rulebook.change {number}",
    "rulebook.change_event": "rulebook.change_event {change}/{sequence}",
    "rulebook.revision": "rulebook.revision {change}/{number}",
    "rulebook.version": "rulebook.version {id}",
    "settlement.online_day": "settlement.online_day {market}/{settlement_day}/{revision}",
    "settlement.reading": "settlement.reading_file {file_id}",
    "settlement.reading_file": "settlement.reading_file {id}",
    "settlement.result": "settlement.run {run_id}",
    "settlement.run": "settlement.run {id}",
    "settlement.study": "settlement.study {run_id}",
    "settlement.trial": "settlement.trial {id}",
    "settlement.fairness_report": "settlement.fairness_report {id}",
    "settlement.transition_report": "settlement.transition_report {id}",
    "settlement.trial_made": "settlement.trial {trial_id}",
}
"""The leaf or link that covers a row, by its table; of the portal's tables, the row itself."""

CHAINS = (
    ("ledger.journal", "ledger.posting"),
    ("ledger.invoice", "ledger.invoice_line"),
    ("ledger.bank_file", "ledger.bank_statement", "ledger.bank_transaction"),
    ("ledger.attachment", "ledger.dispute", "ledger.dispute_event"),
    ("settlement.reading", "settlement.reading_file"),
    ("settlement.result", "settlement.run"),
    ("settlement.trial_made", "settlement.trial"),
    ("market.event", "market.publication", "market.booking", "market.opening", "market.sealed"),
)
"""Tables whose rows are sealed together: a change in one makes digests of the others anew."""


CHECK_OF = {
    "ledger.account": "ledger",
    "market.head": "logs of markets",
    "market.written": "logs of markets",
    "settlement.day_total": "runs and results",
}
"""The check that computes a table's columns again; of the portal's tables, that of the trail."""


_keys: dict[str, list[str]] = {}


@dataclass(frozen=True)
class Changed:
    """A row of which one column was changed, and the leaves that may tell: its own, or its old."""

    table: str
    column: str
    leaves: frozenset[str]


class Attacked(Tampering):
    """Changes rows of any table, those of the portal too."""

    def keys(self, table: str) -> list[str]:
        # Known from the first time on: what is forced may have dropped the constraint since.
        if table not in _keys:
            _keys[table] = list(self.bind.execute(KEYS, {"table": table}).scalars())
        return _keys[table]

    @contextmanager
    def session(self) -> Iterator[Session]:
        """Open a session in the transaction of the attack, and keep what it writes."""
        with Session(self.bind, join_transaction_mode="create_savepoint") as opened:
            yield opened
            opened.commit()

    def change(self, table: str, column: str, place: int = -1) -> Changed:
        """Change a column in a row that has a value to change, the last of them unless told."""
        rows = self.rows(table)
        if table == "ledger.checkpoint":
            rows = rows[:-1]  # the last is a leaf that no checkpoint covers yet
        valued = [row for row in rows if row[column] not in (None, [], {})]
        row = valued[place % len(valued)] if valued else rows[place % len(rows)]
        is_key = column in self.keys(table)
        value = next(
            each
            for each in [*(moved(row[column]) if is_key else ()), *changes(row[column], None)]
            if each != row[column]
        )
        self.update(table, row, column, value)
        after = {**row, column: value}
        if isinstance(value, bytes) and column == "content":  # named by its digest, made anew
            after |= {"sha256": sha256(value).digest(), "content_digest": content_digest(value)}
        leaves = {self._leaf_of(table, each) for each in (row, after)}
        return Changed(table, column, frozenset(leaves))

    def _leaf_of(self, table: str, row: dict[str, Any]) -> str:
        if table == "ledger.invoice":
            return f"{table} {document_number(row['series'], row['number'])}"
        if table == "ledger.invoice_line":
            invoices = {each["id"]: each for each in self.rows("ledger.invoice")}
            of_line = invoices.get(row["invoice_id"])
            return self._leaf_of("ledger.invoice", of_line) if of_line else "none"
        if table in ("market.event", "market.publication", "market.booking", "market.opening"):
            ends = [each["last_sequence"] for each in self.rows("market.sealed")]
            end = next((end for end in ends if end >= row["sequence"]), ends[-1])
            return f"market.sealed {row['market']}/{end}"
        shown = {
            key: value.hex() if isinstance(value, bytes) else value for key, value in row.items()
        }
        pattern = LEAVES.get(table, f"{table} {{id}}" if "id" in row else table)
        return pattern.format(**shown)


def moved(value: Any) -> Iterator[Any]:
    """Yield a key far from those that there are: two rows of one key could not be told apart."""
    if isinstance(value, int):
        yield value + 1_000_003
    elif isinstance(value, str):
        yield value + "x"
    elif isinstance(value, dt.date) and not isinstance(value, dt.datetime):
        yield value + dt.timedelta(days=4_000)


@contextmanager
def attacking(engine: Engine) -> Iterator[Attacked]:
    """Open what attacks in a transaction that is rolled back; triggers are off."""
    with engine.connect() as connection:
        outer = connection.begin()
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        yield Attacked(connection)
        outer.rollback()


def chain_of(table: str) -> str:
    """Return the first of the tables with which a table is sealed; the trail is one chain."""
    if table in TRAILED or table.startswith("portal.") or table == "ledger.trail_link":
        return "ledger.trail_link"
    return next((chain[0] for chain in CHAINS if table in chain), table)


def rounds(columns: Sequence[tuple[str, str]]) -> Iterator[list[tuple[str, str]]]:
    """Yield the columns that are changed at once: one of each chain, so that each tells apart."""
    left: dict[str, list[tuple[str, str]]] = {}
    for table, column in columns:
        left.setdefault(chain_of(table), []).append((table, column))
    while left:
        yield [of_chain[0] for of_chain in left.values()]
        left = {chain: of_chain[1:] for chain, of_chain in left.items() if len(of_chain) > 1}


def remake_after(session: Session, changed: Sequence[Changed]) -> None:
    """Make every digest anew that rests on rows that were changed."""
    done: set[Callable[[Session], None]] = set()
    for each in changed:
        for remake in REMAKES.get(each.table, ()):
            if remake not in done:
                remake(session)
                done.add(remake)
    remake_log(session)


def named_against(
    attacked: Attacked, columns: Sequence[tuple[str, str]], kept: KeptCheckpoint, place: int = -1
) -> dict[tuple[str, str], tuple[Changed, set[str]]]:
    """Change columns with every digest below the log; return what a kept checkpoint names."""
    with attacked.connection.transaction(force_rollback=True):
        changed = [attacked.change(table, column, place) for table, column in columns]
        with attacked.session() as session:
            turn_triggers_off(session)
            remake_after(session, changed)
            found = list(verify_published(session, kept))
        places = {
            finding.place
            for finding in found
            if finding.code.startswith(("log-leaf", "trail-link"))
        }
    return {(each.table, each.column): (each, places) for each in changed}


def found_within(
    attacked: Attacked, table: str, column: str, place: int = -1
) -> tuple[list[dict[str, Any]], list[str]]:
    """Change a derived column with its digest; return the row then and now, and what is named."""
    wanted = CHECK_OF.get(table, "trail")
    (check,) = [each for each in (*list_row_checks(), *MARKET_CHECKS) if each.name == wanted]
    with attacked.connection.transaction(force_rollback=True):
        before = attacked.rows(table)
        changed = attacked.change(table, column, place)
        after = attacked.rows(table)
        with attacked.session() as session:
            if table not in TRAILED:  # the trail made anew would lose a key that moved
                remake_after(session, [changed])
            places = [finding.place for finding in check.run(session)]
    return differing(before, after), places


def unnamed_digests(attacked: Attacked, columns: Mapping[str, str], place: int = -1) -> list[str]:
    """Change one digest of each table at once; return those that verification does not name."""
    with attacked.connection.transaction(force_rollback=True):
        series = {row["id"]: row for row in attacked.rows("ledger.invoice")}
        changed = {}
        for table, column in columns.items():
            before = attacked.rows(table)
            attacked.change(table, column, place)
            changed[table] = differing(before, attacked.rows(table))
        with attacked.session() as session:
            checks = (*list_row_checks(), *MARKET_CHECKS)
            places = [found.place for check in checks for found in check.run(session)]
    return [
        f"{table} {columns[table]}"
        for table, rows in changed.items()
        if not any(is_named(places, table, names_of(table, row, series)) for row in rows)
    ]


def differing(before: Sequence[Row], after: Sequence[Row]) -> list[Row]:
    """Return the rows that stand in one of two lists alone."""
    then, now = ({repr(row): row for row in rows} for rows in (before, after))
    return [then[text] for text in then.keys() - now.keys()] + [
        now[text] for text in now.keys() - then.keys()
    ]


def is_there(places: Sequence[str], table: str, row: Row) -> bool:
    """Return whether a place names a row; seals are named by their anchor, too."""
    if table.startswith("portal."):
        return f"{table} {row['id']}" in places
    return is_named(list(places), table, names_of(table, row, {}))
