"""One changed digit anywhere makes verification fail, and it names the row.

Every column of every domain table is changed in turn, with the triggers off, as the owner of the
tables could; the columns come from the database itself, so that a new one cannot escape.
"""

import copy
import datetime as dt
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from typing import Any, TypeVar

import numpy as np
import psycopg
import pytest
from psycopg import sql
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb
from psycopg.types.range import Range, TimestamptzRange
from sqlalchemy import Connection as SqlConnection
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from database.market_log import PARTITIONED
from database.metadata import SCHEMAS
from database.moments import MOMENTS
from database.session import make_engine
from ledger import tables as ledger_tables
from ledger.chain import PostingRow, posting_digest
from ledger.disputes import tables as dispute_tables
from ledger.log import tables as log_tables
from ledger.log.checkpoints import publish_checkpoint
from ledger.log.verification import SOURCES, sources
from ledger.payments import tables as payment_tables
from ledger.people import tables as people_tables
from ledger.people.roles import Role
from ledger.people.verification import DEEDS, HASHED
from ledger.sealing import seal_days
from ledger.trail import tables as trail_tables
from ledger.trail.verification import TRAILED
from market import tables as market_tables
from market.handing_over import hand_over
from market.verification import CHECKS as MARKET_CHECKS
from rulebook import tables as rulebook_tables
from rulebook.changes import tables as change_tables
from rulebook.digest import body_digest
from rulebook.documents import Registration
from rulebook.store import every_version
from rulebook.versions import Version, row_digest
from settlement import tables
from settlement.accounts.late import post_interest
from settlement.billing.issuing import issue_month
from settlement.billing.post import post
from settlement.fairness.make import FairnessRequest, keep_report, make_report
from settlement.meters.digest import StoredReading, reading_digest
from settlement.runs.results import vector_digest
from settlement.runs.settle import settle
from settlement.trials.records import MODES
from settlement.verification import list_row_checks
from tests.market.led import askings, happenings, lead, resolve
from tests.market.streams import DAY
from tests.settlement.study_cases import study_tiny
from tests.settlement.transition_cases import keep_transition_of_tiny
from tests.settlement.trial_cases import try_tiny
from tests.worlds import tiny_market
from tests.worlds.banked import pay_tiny
from tests.worlds.changing import AFTER_CHANGES, fill_changes
from tests.worlds.disputed import dispute_tiny, settled
from tests.worlds.law import publish
from tests.worlds.logged import fill_log, signer
from tests.worlds.people import add, give_up_a_right, withdraw_last
from tests.worlds.settled import (
    CORRECTED,
    FIRST_DAY,
    RESETTLED,
    SETTLED,
    ingest_tiny,
    publish_tiny,
    seal_request,
    settle_tiny,
)
from tests.worlds.trailed import fill_trail
from tests.worlds.witnessed import cosign_last, register_witnesses

ROWS_AT_ONCE = 4
MICROSECOND = dt.timedelta(microseconds=1)
MINUTE = dt.timedelta(minutes=1)
JANUARY = dt.date(2024, 1, 1)
LAST_DAY = FIRST_DAY
UNPAID_UNTIL = dt.date(2024, 4, 14)
UNPAID = dt.datetime(2024, 4, 14, 9, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)
FILLED = UNPAID + HOUR
"""When the log is signed that holds a row of every sort; a second time an hour later."""
TABLES = [
    *(table.__table__ for table in HASHED),
    people_tables.Deed.__table__,
    rulebook_tables.VersionRow.__table__,
    change_tables.Change.__table__,
    change_tables.Revision.__table__,
    change_tables.ChangeEvent.__table__,
    tables.ReadingFileRow.__table__,
    tables.ReadingRow.__table__,
    tables.OnlineDayRow.__table__,
    tables.RunRow.__table__,
    tables.ResultRow.__table__,
    tables.DayTotalRow.__table__,
    tables.StudyRow.__table__,
    tables.TrialRow.__table__,
    tables.FairnessReportRow.__table__,
    tables.TransitionReportRow.__table__,
    tables.TrialMadeRow.__table__,
    ledger_tables.Account.__table__,
    ledger_tables.Journal.__table__,
    ledger_tables.Posting.__table__,
    ledger_tables.Invoice.__table__,
    ledger_tables.InvoiceLine.__table__,
    log_tables.LogLeaf.__table__,
    ledger_tables.Seal.__table__,
    payment_tables.BankFile.__table__,
    payment_tables.BankStatement.__table__,
    payment_tables.BankTransaction.__table__,
    payment_tables.Allocation.__table__,
    payment_tables.Interest.__table__,
    dispute_tables.Attachment.__table__,
    dispute_tables.Dispute.__table__,
    dispute_tables.DisputeEvent.__table__,
    log_tables.LogTile.__table__,
    log_tables.LogKey.__table__,
    log_tables.LogCheckpoint.__table__,
    log_tables.LogWitness.__table__,
    log_tables.Cosignature.__table__,
    trail_tables.TrailLink.__table__,
    trail_tables.TrailHead.__table__,
    market_tables.EventRow.__table__,
    market_tables.PublicationRow.__table__,
    market_tables.BookingRow.__table__,
    market_tables.OpeningRow.__table__,
    market_tables.WrittenRow.__table__,
    market_tables.SealedRow.__table__,
    market_tables.HeadRow.__table__,
    market_tables.OutlookRow.__table__,
    market_tables.StandingRow.__table__,
]
UNSEALED = {
    *(("people.token", name) for name in ("account", "expires_at", "hash", "made_at")),
    *(
        (f"market.{table.__tablename__}", column.name)
        for table in (
            market_tables.SubmissionRow,
            market_tables.OutlookRow,
            market_tables.StandingRow,
        )
        for column in table.__table__.c
    ),
    ("market.head", "epoch"),
    ("market.publication", "published_at"),
}
"""What lets processes act for some hours, waits for its turn, says who leads or when it was stored,
or how a market stood when an interval ended: no fact rests on it."""
COLUMNS = [
    (f"{table.schema}.{table.name}", column.name)
    for table in TABLES
    for column in table.c
    if (f"{table.schema}.{table.name}", column.name) not in UNSEALED
]
OF_A_DAY = "^(event|publication)_[0-9]{8}$"
"""Partitions, whose rows are their parent's."""


MAY_MAKE_DAYS = "SELECT has_function_privilege('market.make_days(text, date[])', 'EXECUTE')"
MAKE_DAY = "SELECT market.make_days(:table, ARRAY[CAST(:day AS date)])"
ELSEWHERE = "GB50TSBX00123412345678"


def fill(session: Session) -> None:
    """Publish, amend, meter, correct, settle twice, bill twice, study: a row of every sort."""
    publish_tiny(session, tiny_market.with_areas(tiny_market.documents()))
    ingest_tiny(session, last_day=LAST_DAY)
    add(session, "left", Role.AUDITOR)
    withdraw_last(session)
    publish_checkpoint(session, signer(1), SETTLED)  # which documents seal
    _settle(session, "II", SETTLED)
    disputed, *_ = dispute_tiny(session, SETTLED + MINUTE)
    alder = tiny_market.registrations({"U3": 71_000_000})[0]
    publish(
        session,
        [Registration.model_validate(alder.model_dump())],
        valid_from=LAST_DAY + dt.timedelta(days=1),
        valid_to=LAST_DAY + dt.timedelta(days=7),
        known=CORRECTED,
        reason="Offer of a week",
    )
    ingest_tiny(session, last_day=LAST_DAY, seed=2, only=["B-home"], received_at=CORRECTED)
    later = _settle(session, "SF", RESETTLED)
    settled(session, disputed, later, RESETTLED + MINUTE)
    reported = make_report(session, FairnessRequest("tiny", FIRST_DAY, LAST_DAY))
    keep_report(session, reported, now=RESETTLED + MINUTE)
    keep_transition_of_tiny(session, FIRST_DAY, LAST_DAY, now=RESETTLED + MINUTE)
    study_tiny(session, now=RESETTLED, days=(FIRST_DAY, LAST_DAY))
    for mode in MODES:
        try_tiny(session, known_at=RESETTLED, first_day=FIRST_DAY, last_day=LAST_DAY, mode=mode)
    fill_changes(session, first_day=FIRST_DAY, last_day=LAST_DAY)
    give_up_a_right(session, AFTER_CHANGES)
    seal_days(session, seal_request(FIRST_DAY, LAST_DAY), RESETTLED)
    pay_tiny(session, RESETTLED)
    post_interest(session, "tiny", UNPAID_UNTIL, now=UNPAID)
    paid_elsewhere = tiny_market.registrations()[1].model_dump() | {"iban": ELSEWHERE}
    publish(
        session,
        [Registration.model_validate(paid_elsewhere)],
        valid_from=UNPAID_UNTIL + dt.timedelta(days=10),
        known=UNPAID + MINUTE,
    )
    fill_trail(session)
    lead(session, happenings(40)[:15])
    lead(session, happenings(40)[15:])
    lead(session, askings())
    hand_over(session, "tiny", [DAY], now=UNPAID + 2 * MINUTE, law=lambda *_: resolve)
    if session.scalar(text(MAY_MAKE_DAYS)):
        for table in PARTITIONED:  # in which a row stands whose day is changed
            for days in (-1, 1, 2, 4_000, 4_001):
                day = DAY + dt.timedelta(days=days)
                session.execute(text(MAKE_DAY), {"table": table, "day": day})
    register_witnesses(session)
    fill_log(session, FILLED)
    cosign_last(session, 1, 2, at=FILLED + 3 * HOUR)


def _settle(session: Session, kind: str, now: dt.datetime) -> uuid.UUID:
    run = settle(session, "tiny", kind, FIRST_DAY, LAST_DAY, known_at=now, now=now).run
    post(session, run, now=now)
    issue_month(session, "tiny", JANUARY, now=now)
    return run.id


@pytest.fixture(scope="module")
def filled_database(clone_filled_database) -> Iterator[Engine]:
    made = make_engine(clone_filled_database())
    yield made
    made.dispose()


@pytest.fixture
def tampered(filled_database) -> Iterator["Tampering"]:
    with tampering(filled_database) as opened:
        yield opened


@contextmanager
def tampering(engine: Engine) -> Iterator["Tampering"]:
    """Open what tampers in a transaction that is rolled back; triggers are off."""
    with engine.connect() as connection:
        outer = connection.begin()
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        yield Tampering(connection)
        outer.rollback()


@dataclass
class Tampering:
    """Changes rows behind the product's back, and asks the product what is wrong."""

    bind: SqlConnection

    @property
    def connection(self) -> psycopg.Connection:
        return self.bind.connection.driver_connection

    def keys(self, table: str) -> list[str]:
        model = next(model for model in TABLES if f"{model.schema}.{model.name}" == table)
        return [column.name for column in model.primary_key]

    def rows(self, table: str) -> list[dict[str, Any]]:
        """Return the rows of a table, in the order of their keys."""
        order = sql.SQL(", ").join(map(sql.Identifier, self.keys(table)))
        query = sql.SQL("SELECT * FROM {} ORDER BY {}").format(_name(table), order)
        with self.connection.cursor(row_factory=dict_row) as cursor:
            return cursor.execute(query).fetchall()

    def update(self, table: str, row: dict[str, Any], column: str, value: Any) -> None:
        """Change one column of one row; whatever constraint forbids it is dropped first."""
        where, keys = self._where(table, row)
        statement = sql.SQL("UPDATE {} SET {} = %s WHERE {}").format(
            _name(table), sql.Identifier(column), where
        )
        assert self._force(table, statement, [_bound(value), *keys]) == 1

    def delete(self, table: str, row: dict[str, Any]) -> None:
        where, keys = self._where(table, row)
        statement = sql.SQL("DELETE FROM {} WHERE {}").format(_name(table), where)
        assert self._force(table, statement, keys) == 1

    def insert(self, table: str, row: dict[str, Any]) -> None:
        statement = sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(
            _name(table),
            sql.SQL(", ").join(map(sql.Identifier, row)),
            sql.SQL(", ").join([sql.Placeholder()] * len(row)),
        )
        assert self._force(table, statement, [_bound(value) for value in row.values()]) == 1

    def leaf_place(self, table: str, row: dict[str, Any]) -> str:
        """Return the place of the leaf of the log that is of a row."""
        with Session(self.bind, join_transaction_mode="create_savepoint") as session:
            source = next(each for each in sources(session) if each.table == table)
        where, keys = self._where(table, row)
        query = sql.SQL(
            "SELECT index FROM ledger.log_leaf JOIN "
            "(SELECT ({})::text AS key, {} AS digest FROM {} WHERE {}) AS fact USING (key, digest) "
            "WHERE source = {}"
        ).format(
            sql.SQL(source.key), sql.SQL(source.digest), _name(table), where, sql.Literal(table)
        )
        (index,) = self.connection.execute(query, keys).fetchone()
        return f"ledger.log_leaf {index}"

    def findings(self) -> list[str]:
        """Return the places that verification names."""
        with Session(self.bind, join_transaction_mode="create_savepoint") as session:
            checks = (*list_row_checks(), *MARKET_CHECKS)
            return [found.place for check in checks for found in check.findings(session)]

    def _where(self, table: str, row: dict[str, Any]) -> tuple[sql.Composable, list[Any]]:
        keys = self.keys(table)
        clause = sql.SQL(" AND ").join(
            sql.SQL("{} = %s").format(sql.Identifier(name)) for name in keys
        )
        return clause, [row[name] for name in keys]

    def _dropped(self, table: str, broken: str) -> sql.Composable:
        """Return what drops the constraint that refused a row, or a unique index that is none."""
        # That of a partition is dropped where it came from.
        named = (
            "SELECT coalesce(above.conname, below.conname) FROM pg_constraint AS below "
            "LEFT JOIN pg_constraint AS above ON above.oid = below.conparentid "
            "WHERE below.conname = %s"
        )
        found = self.connection.execute(named, [broken]).fetchone()
        if found:
            broken = found[0]
            statement = sql.SQL("ALTER TABLE {} DROP CONSTRAINT {} CASCADE")
            return statement.format(_name(table), sql.Identifier(broken))
        return sql.SQL("DROP INDEX {}").format(_name(f"{table.split('.', maxsplit=1)[0]}.{broken}"))

    def _force(self, table: str, statement: sql.Composable, values: list[Any]) -> int:
        for _ in range(10):
            try:
                with self.connection.transaction():
                    return self.connection.execute(statement, values).rowcount
            except psycopg.errors.IntegrityError as refusal:
                broken = refusal.diag.constraint_name
            except psycopg.errors.NotNullViolation as refusal:  # pragma: no cover
                raise AssertionError(f"a NULL was tried: {refusal}") from refusal
            self.connection.execute(self._dropped(table, broken))
        raise AssertionError(f"{table}: more than ten constraints stood in the way")


def _name(table: str) -> sql.Identifier:
    return sql.Identifier(*table.split("."))


def _bound(value: Any) -> Any:
    return Jsonb(value) if isinstance(value, dict) or _is_json_list(value) else value


def _is_json_list(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and isinstance(value[0], dict)


def changes(value: Any, other: Any) -> list[Any]:  # noqa: PLR0911 -- a line a type
    """Return changed versions of a value: one digit, character, byte, element or leaf each.

    `other` is a value of the same column in another row, for a column that is NULL here.
    """
    if value is None:
        return [] if other is None else [other]
    if isinstance(value, bool):
        return [not value]
    if isinstance(value, int):
        return [_digit(value)]
    if isinstance(value, float):  # in JSON alone
        return [value + 1]
    if isinstance(value, str):
        return [_letter(value)]
    if isinstance(value, bytes):
        return [bytes([value[0] ^ 1]) + value[1:], value[:-1] + bytes([value[-1] ^ 128])]
    if isinstance(value, dt.datetime):
        return [value + MICROSECOND]
    if isinstance(value, dt.date):
        return [value + dt.timedelta(days=1)]
    if isinstance(value, uuid.UUID):
        return [uuid.UUID(int=value.int ^ 1)]
    if isinstance(value, Range):
        return _bounds(value)
    if isinstance(value, dict) or _is_json_list(value):
        return list(_leaves(value))
    if isinstance(value, list):
        return _elements(value, other)
    raise AssertionError(f"no change is known for {type(value)}")


def _digit(value: int) -> int:
    """Return the number with its last digit changed."""
    last = abs(value) % 10
    return value + (1 if value >= 0 else -1) * (1 if last < 9 else -1)


def _letter(value: str) -> str:
    """Return the text with its last character changed: a digit to a digit, a letter to a letter."""
    last = value[-1:]
    if last.isdigit():
        return value[:-1] + str(_digit(int(last)))
    return value[:-1] + ("a" if last != "a" else "b")


def _bounds(value: Range) -> list[TimestamptzRange]:
    lower, upper = value.lower, value.upper
    later = lower + dt.timedelta(days=400) if upper is None else upper + MICROSECOND
    changed = [TimestamptzRange(lower - MICROSECOND, upper), TimestamptzRange(lower, later)]
    return changed if upper is None else [*changed, TimestamptzRange(lower, None)]


def _elements(value: list[Any], other: Any) -> list[list[Any]]:
    if not value:
        return [other] if other else [[uuid.uuid4()]]
    middle = len(value) // 2
    changed = [
        [*value[:middle], element, *value[middle + 1 :]] for element in changes(value[middle], None)
    ]
    shortened = value[:-1]
    swapped = [value[-1], *value[1:-1], value[0]]
    return [*changed, shortened, *([swapped] if swapped != value else [])]


def _leaves(body: Any, limit: int = 12) -> Iterator[Any]:
    """Yield copies of a JSON value, each with one leaf changed; evenly spread over the leaves."""
    paths = list(_paths(body))
    for path in paths[:: max(1, len(paths) // limit)]:
        changed = copy.deepcopy(body)
        place = changed
        for step in path[:-1]:
            place = place[step]
        place[path[-1]] = _leaf(place[path[-1]])
        yield changed


def _paths(value: Any, above: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if isinstance(value, dict):
        parts: Any = value.items()
    elif isinstance(value, list):
        parts = enumerate(value)
    else:
        yield above
        return
    for step, part in parts:
        yield from _paths(part, (*above, step))


def _leaf(value: Any) -> Any:
    return 1 if value is None else changes(value, None)[0]


NAMES = {
    "rulebook.version": "{id}",
    "rulebook.change": "{number}",
    "rulebook.revision": "{change}/{number}",
    "rulebook.change_event": "{change}/{sequence}",
    "settlement.reading_file": "{id}",
    "settlement.reading": "{market} {settlement_day} {measure} {entity} revision {revision}",
    "settlement.online_day": "{market}/{settlement_day}/{revision}",
    "settlement.run": "{id}",
    "settlement.result": "{run_id}|{settlement_day}|{measure}|{entity}",
    "settlement.day_total": "{run_id}|{settlement_day}|{measure}|{entity}",
    "settlement.study": "{run_id}",
    "settlement.trial": "{id}",
    "settlement.fairness_report": "{id}",
    "settlement.transition_report": "{id}",
    "settlement.trial_made": "{trial_id}",
    "ledger.account": "{code}",
    "ledger.journal": "{number}",
    "ledger.posting": "{journal_number}/{line}",
    "ledger.invoice": "{series}-{number:06}",
    "ledger.invoice_line": "{series}-{number:06}/{line}",
    "ledger.log_leaf": "{index}",
    "ledger.bank_file": "{content_digest}",
    "ledger.bank_statement": "{market}-bank-{number:06}",
    "ledger.bank_transaction": "{market}-bank-{statement_number:06}/{line}",
    "ledger.allocation": "{market}-bank-{statement_number:06}/{line}:{decision}",
    "ledger.seal": "{market} {settlement_day}",
    "ledger.interest": "{document}:{number}",
    "ledger.attachment": "{sha256}",
    "ledger.dispute": "{market}/{number}",
    "ledger.dispute_event": "{market}/{number}",
    "ledger.log_tile": "{level}/{index}",
    "ledger.log_key": "{number}",
    "ledger.checkpoint": "{size}",
    "ledger.trail_link": "{number}",
    "ledger.trail_head": "{number}",
    "ledger.witness": "{number}",
    "ledger.cosignature": "{number}",
    "people.person": "{number}",
    "people.account": "{id}",
    "people.founding": "",  # there is one
    "people.proposal": "{number}",
    "people.approval": "{proposal}",
    "people.proposal_end": "{proposal}",
    "people.answer": "{number}",
    "people.account_grant": "{number}",
    "people.withdrawal": "{grant_number}",
    "people.deed": "{number}",
    "market.event": "{market} {sequence}",
    "market.publication": "{market} {sequence}/{part}",
    "market.booking": "{market} {sequence}/{part}",
    "market.opening": "{market} {day}",
    "market.sealed": "{market}/{last_sequence}",
    "market.head": "{market}",
    "market.written": "{market} {parent} {sequence} {day}",
}
"""How a place names a row of a table; all parts between the bars must be there."""
MOVED = {
    ("settlement.result", "run_id"): "{run_id}",
    ("settlement.result", "settlement_day"): "{run_id}|{settlement_day}",
    ("settlement.day_total", "run_id"): "{run_id}",
    ("ledger.invoice_line", "invoice_id"): "{invoice_id}",
}
"""Where a row was moved below a parent that cannot have it, the place names it as the only one."""


def names_of(
    table: str, row: dict[str, Any], series: dict[uuid.UUID, dict[str, Any]], moved: str = ""
) -> list[str]:
    """Return the words that a place must hold to name a row."""
    pattern = MOVED.get((table, moved), NAMES[table])
    parent = series.get(row.get("invoice_id"), {})
    shown = {
        name: value.hex() if isinstance(value, bytes) else value
        for name, value in {**parent, **row}.items()
    }
    return pattern.format(**shown).split("|")


def is_named(places: list[str], table: str, names: list[str]) -> bool:
    return any(
        place.startswith(f"{table} ") and all(name in place for name in names) for place in places
    )


def test_the_filled_database_holds(tampered):
    assert tampered.findings() == []


def test_every_table_has_rows(tampered):
    assert all(tampered.rows(f"{table.schema}.{table.name}") for table in TABLES)


def test_every_column_of_the_domain_is_tampered_with(tampered):
    found = tampered.connection.execute(
        "SELECT table_schema || '.' || table_name, column_name "
        "FROM information_schema.columns JOIN information_schema.tables "
        "USING (table_schema, table_name) "
        "WHERE table_schema = ANY(%s) AND table_type = 'BASE TABLE' AND table_name !~ %s",
        [list(SCHEMAS), OF_A_DAY],
    ).fetchall()
    assert sorted(set(found) - UNSEALED) == sorted(COLUMNS)


DECIDED = {
    "people.proposal", "people.approval", "people.answer", "people.account_grant",
    "people.proposal_end", "rulebook.version", "rulebook.change_event",
}  # fmt: skip
DONE = {deed.table for deed in DEEDS} | {
    "ledger.dispute_event", "people.answer", "people.proposal_end", "rulebook.change_event",
}  # fmt: skip
OF_CHANGES = {"rulebook.change", "rulebook.revision", "rulebook.change_event"}
KNOCK_ON: dict[str, set[str]] = {
    "people.person": {"people.account", "people.founding", "people.approval"},
    "people.account": {
        "people.founding",
        "people.approval",
        "people.answer",
        "people.proposal_end",
        "rulebook.version",
        "rulebook.change_event",
    },
    "people.answer": DECIDED,
    "people.proposal_end": DECIDED,
    "people.founding": {"people.person", "people.account", "people.account_grant"},
    "people.proposal": DECIDED,
    "people.approval": DECIDED,
    "people.account_grant": {*DECIDED, *DONE},
    "people.withdrawal": {*DECIDED, *DONE},
    **dict.fromkeys(OF_CHANGES, OF_CHANGES),
    "settlement.trial": {"rulebook.change_event", "settlement.trial_made"},
    "settlement.trial_made": {"settlement.trial"},
    # A journal posts what it sums, and a report says what was taken.
    "settlement.day_total": {"ledger.journal", "settlement.fairness_report"},
    "rulebook.version": {
        "settlement.fairness_report",
        "settlement.transition_report",
        "ledger.dispute",
        "settlement.run",
        "settlement.day_total",
        "settlement.trial",
        "ledger.interest",
        "ledger.journal",
        "ledger.invoice_line",
    },
    "settlement.reading": {
        "settlement.reading_file",
        "settlement.run",
        "settlement.day_total",
        "settlement.fairness_report",  # whose intervals have what was metered
        "settlement.transition_report",  # which is of what was metered
    },
    "settlement.run": {
        "settlement.result",
        "settlement.day_total",
        "settlement.study",
        "settlement.fairness_report",
        "settlement.transition_report",
        "ledger.invoice",
        "ledger.journal",
    },
    # Losses and imbalance of areas are posted as they stand there.
    "settlement.result": {
        "settlement.run",
        "settlement.fairness_report",
        "settlement.transition_report",
        "ledger.journal",
        "ledger.posting",
    },
    "settlement.study": {"settlement.run", "settlement.day_total"},
    "ledger.account": {"ledger.journal", "ledger.posting", "ledger.allocation", "ledger.invoice"},
    "ledger.journal": {
        "ledger.posting",
        "ledger.account",
        "ledger.seal",
        "ledger.dispute_event",
        "ledger.invoice",
        "ledger.interest",
        "settlement.fairness_report",  # which is of runs that journals post
    },
    "ledger.posting": {"ledger.account", "ledger.journal", "ledger.invoice"},
    "ledger.invoice": {
        "ledger.invoice_line",
        "ledger.allocation",
        "ledger.interest",
        "ledger.journal",
    },
    "ledger.invoice_line": {
        "ledger.invoice",
        "ledger.dispute",
        "ledger.interest",
        "ledger.journal",
    },
    "ledger.seal": {"ledger.journal"},
    "ledger.interest": {"ledger.journal"},
    "ledger.log_leaf": {"ledger.log_tile", *SOURCES},
    "ledger.bank_file": {"ledger.bank_statement"},
    "ledger.bank_statement": {
        "ledger.bank_file",
        "ledger.bank_transaction",
        "ledger.allocation",
        "ledger.journal",
    },
    "ledger.bank_transaction": {
        "ledger.bank_statement",
        "ledger.allocation",
        "ledger.interest",
        "ledger.journal",
    },
    "ledger.allocation": {"ledger.bank_transaction", "ledger.interest", "ledger.journal"},
    "ledger.dispute": {"ledger.dispute_event"},
    "ledger.dispute_event": {"ledger.attachment"},
    "ledger.log_key": {"ledger.checkpoint"},
    # Which documents seal, and which bound the moments of decisions.
    "ledger.checkpoint": {"ledger.cosignature", "ledger.invoice", *MOMENTS},
    "ledger.witness": {"ledger.cosignature"},
    "ledger.cosignature": {"ledger.trail_link"},
    "ledger.trail_link": {"ledger.trail_head", *TRAILED},
    "ledger.trail_head": {"ledger.trail_link"},
    "market.event": {"market.head", "market.sealed", "market.written"},
    "market.publication": {
        "market.opening",
        "market.booking",
        "market.head",
        "market.sealed",
        "market.written",
    },
    "market.booking": {"market.opening", "market.publication", "market.head", "market.sealed"},
    "market.opening": {
        "market.publication",
        "market.booking",
        "market.head",
        "market.sealed",
        "market.written",
    },
    # What it does not name, who takes a day again does not find.
    "market.written": {"market.event", "market.publication", "market.opening"},
}
"""The other tables in which verification may name rows, or prove fewer, where one of this is wrong.

What is logged shows in the log too.
"""
Change = tuple[dict[str, Any], Any]
Damage = TypeVar("Damage")


def touched(table: str) -> set[str]:
    """Return the tables in which a wrong row of a table may show."""
    return {table, *KNOCK_ON.get(table, ()), *(["ledger.log_leaf"] if table in SOURCES else [])}


def is_named_apart(table: str, other: str) -> bool:
    """Tell whether of two tables with wrong rows, neither shows in the rows of the other."""
    return table not in touched(other) and other not in touched(table)


def is_found_apart(table: str, other: str) -> bool:
    """Tell whether rows of two tables that are gone, or stand twice, are told from each other.

    Each row that is logged is missed at its own leaf, whatever else is gone.
    """
    if table in SOURCES and other in SOURCES:
        return True
    return not touched(table) & touched(other)


def rounds(
    damages: Mapping[str, Sequence[Damage]], is_apart: Callable[[str, str], bool]
) -> Iterator[dict[str, Damage]]:
    """Yield what is damaged at once: one damage a table, and only tables that are apart.

    So no finding that one table's damage asks for can come from the damage of another.
    """
    left = {table: list(of_table) for table, of_table in damages.items()}
    while left:
        taken: dict[str, Damage] = {}
        for table in sorted(left, key=lambda table: -len(left[table])):
            if all(is_apart(table, other) for other in taken):
                taken[table] = left[table].pop(0)
        yield taken
        left = {table: of_table for table, of_table in left.items() if of_table}


def table_of(place: str) -> str:
    return place.partition(" ")[0]


@dataclass(frozen=True)
class Verified:
    """A damage of a table, and the places that verification named of what it may touch."""

    damage: Any
    places: list[str]


def verify_rounds(
    tampered: Tampering,
    damages: Mapping[str, Sequence[Damage]],
    is_apart: Callable[[str, str], bool],
    apply: Callable[[Tampering, str, Damage], None],
) -> dict[str, list[Verified]]:
    """Apply the damages of each table, as many at once as are apart; return what was found."""
    verified: defaultdict[str, list[Verified]] = defaultdict(list)
    for taken in rounds(damages, is_apart):
        with tampered.connection.transaction(force_rollback=True):
            for table, damage in taken.items():
                apply(tampered, table, damage)
            places = tampered.findings()
        expected = set().union(*map(touched, taken))
        strange = [place for place in places if table_of(place) not in expected]
        assert strange == [], f"named where only {list(taken)} are damaged"
        for table, damage in taken.items():
            of_table = [place for place in places if table_of(place) in touched(table)]
            verified[table].append(Verified(damage, of_table))
    return verified


@pytest.fixture(scope="module")
def verified_changes(filled_database) -> dict[tuple[str, str], list[Verified]]:
    """Return every change of every column, with what was found; by table and column."""
    by_column: dict[tuple[str, str], list[Verified]] = {name: [] for name in COLUMNS}
    with tampering(filled_database) as tampered:
        damages: defaultdict[str, list[tuple[str, list[Change]]]] = defaultdict(list)
        for table, column in COLUMNS:
            for batch in batches(tampered.rows(table), column):
                damages[table].append((column, batch))
        found = verify_rounds(tampered, damages, is_named_apart, change_column)
    for table, of_table in found.items():
        for each in of_table:
            column, batch = each.damage
            by_column[table, column].append(Verified(batch, each.places))
    return by_column


def change_column(tampered: Tampering, table: str, damage: tuple[str, list[Change]]) -> None:
    column, batch = damage
    for row, change in reversed(batch):  # from the last, so that no key meets the next
        tampered.update(table, row, column, change)


@pytest.mark.parametrize(("table", "column"), COLUMNS, ids=lambda name: name)
def test_a_changed_column_is_found_and_its_row_named(tampered, verified_changes, table, column):
    series = {row["id"]: row for row in tampered.rows("ledger.invoice")}
    tried = 0
    for verified in verified_changes[table, column]:
        for row, change in verified.damage:
            tried += 1
            expected = [names_of(table, row, series)]
            if column in tampered.keys(table):
                expected.append(names_of(table, {**row, column: change}, series, moved=column))
            assert any(is_named(verified.places, table, names) for names in expected), (
                f"{row[column]!r} -> {change!r}: none of {expected} in {verified.places}"
            )
    assert tried


def batches(rows: list[dict[str, Any]], column: str) -> list[list[tuple[dict[str, Any], Any]]]:
    """Return rounds of changes, each of a few rows at once: every row must be named by itself.

    Rows are spread over the table, those with NULL among them, and the sorts of change over rows
    and rounds.
    """
    with_value = [row for row in rows if row[column] not in (None, [])]
    without = [row for row in rows if row[column] in (None, [])]
    other = with_value[0][column] if with_value else None
    picked = [*spread(with_value, ROWS_AT_ONCE), *spread(without, 1)]
    sorts = [changes(row[column], other) for row in picked]
    if without and without[0][column] is None:
        for row, of_row in zip(picked, sorts, strict=True):
            if row[column] is not None:
                of_row.append(None)
    most = max(map(len, sorts))
    rounds = -(-most // max(1, len(with_value[:ROWS_AT_ONCE])))
    return [
        [
            (row, of_row[(number + turn * ROWS_AT_ONCE) % len(of_row)])
            for number, (row, of_row) in enumerate(zip(picked, sorts, strict=True))
            if of_row
        ]
        for turn in range(rounds)
    ]


def spread(rows: list[dict[str, Any]], count: int) -> list[dict[str, Any]]:
    if len(rows) <= count:
        return rows
    return [rows[number * (len(rows) - 1) // max(1, count - 1)] for number in range(count)]


def test_pins_that_are_no_pins_are_found_and_the_run_named(tampered):
    row = tampered.rows("settlement.run")[0]
    first, *others = row["pins"]
    for pin in (
        {**first, "digest": first["digest"][:-1] + "x"},
        {**first, "first_day": "2024-01-91"},
        {name: value for name, value in first.items() if name != "instrument"},
        {**first, "digest": 7},
    ):
        with tampered.connection.transaction(force_rollback=True):
            tampered.update("settlement.run", row, "pins", [pin, *others])
            places = tampered.findings()
        assert is_named(places, "settlement.run", [str(row["id"])])


Rows = dict[str, list[dict[str, Any]]]


@pytest.fixture(scope="module")
def verified_deletions(filled_database) -> dict[str, list[Verified]]:
    return verify_rows(filled_database, Tampering.delete)


@pytest.fixture(scope="module")
def verified_doubles(filled_database) -> dict[str, list[Verified]]:
    return verify_rows(filled_database, Tampering.insert)


def verify_rows(
    engine: Engine, apply: Callable[[Tampering, str, dict[str, Any]], None]
) -> dict[str, list[Verified]]:
    """Damage the first, the middle and the last row of each table; return what was found.

    Of a row that is logged only its own leaf counts as found; of another, any place it touches.
    """
    with tampering(engine) as tampered:
        rows: Rows = {}
        for table in NAMES:
            of_table = tampered.rows(table)
            rows[table] = [
                of_table[at] for at in sorted({0, len(of_table) // 2, len(of_table) - 1})
            ]
        leaves = {
            table: [tampered.leaf_place(table, row) for row in rows[table]]
            for table in sorted(SOURCES)
        }
        verified = verify_rounds(tampered, rows, is_found_apart, apply)
    return verified | {
        table: [
            Verified(each.damage, [place for place in each.places if place == leaf])
            for each, leaf in zip(verified[table], of_table, strict=True)
        ]
        for table, of_table in leaves.items()
    }


@pytest.mark.parametrize("table", NAMES)
def test_a_deleted_row_is_found(verified_deletions, table):
    assert verified_deletions[table]
    for verified in verified_deletions[table]:
        assert verified.places, f"the deletion of {verified.damage} was not found"


@pytest.mark.parametrize("table", NAMES)
def test_a_row_twice_is_found(verified_doubles, table):
    assert verified_doubles[table]
    for verified in verified_doubles[table]:
        assert verified.places, f"a second {verified.damage} was not found"


@pytest.fixture(scope="module")
def verified_copies(filled_database) -> dict[str, list[Verified]]:
    with tampering(filled_database) as tampered:
        rows: Rows = {}
        for table in NAMES:
            key = tampered.keys(table)[-1]
            row = tampered.rows(table)[-1]
            (change, *_) = changes(row[key], None)
            if isinstance(change, int) and not isinstance(change, bool):
                change += 1_000
            rows[table] = [{**row, key: change}]
        return verify_rounds(tampered, rows, is_named_apart, Tampering.insert)


@pytest.mark.parametrize("table", NAMES)
def test_a_copied_row_under_another_key_is_found(verified_copies, table):
    (verified,) = verified_copies[table]
    assert any(place.startswith(f"{table} ") for place in verified.places), verified


def forged(tampered: Tampering, table: str, row: dict[str, Any], **values: Any) -> list[str]:
    """Change several columns of a row together; return the places that verification names."""
    with tampered.connection.transaction(force_rollback=True):
        for column, value in values.items():
            tampered.update(table, row, column, value)
        return tampered.findings()


def test_a_forged_result_with_its_own_digest_is_found(tampered):
    row = next(r for r in tampered.rows("settlement.result") if r["measure"].startswith("payment."))
    values = np.array(row["values"]) + 1
    digest = vector_digest(row["settlement_day"], row["measure"], row["entity"], values)
    places = forged(tampered, "settlement.result", row, values=values.tolist(), digest=digest)
    assert is_named(places, "settlement.run", [str(row["run_id"])])


def test_a_forged_posting_with_its_own_digest_is_found(tampered):
    row = tampered.rows("ledger.posting")[0]
    amount = row["amount"] + 1
    columns = {name: row[name] for name in PostingRow._fields} | {"amount": amount}
    digest = posting_digest(PostingRow(**columns))
    places = forged(tampered, "ledger.posting", row, amount=amount, digest=digest)
    assert is_named(places, "ledger.journal", [str(row["journal_number"])])


def test_a_forged_rule_with_its_own_digests_is_found(tampered):
    row = next(r for r in tampered.rows("rulebook.version") if r["kind"] == "allocation-policy")
    body = {**row["body"], "title": "Another policy"}
    digest = body_digest(body)
    version = next(v for v in every_version_of(tampered) if v.id == row["id"])
    sealed = row_digest(replace(version, body=body, digest=digest))
    places = forged(tampered, "rulebook.version", row, body=body, digest=digest, row_digest=sealed)
    assert any(place.startswith("settlement.run ") for place in places)


def every_version_of(tampered: Tampering) -> list[Version]:
    with Session(tampered.bind, join_transaction_mode="create_savepoint") as session:
        return list(every_version(session))


def test_a_forged_reading_with_its_own_digest_is_found(tampered):
    row = next(r for r in tampered.rows("settlement.reading") if r["entity"] == "U2")
    values = np.array(row["values"]) + 1
    columns = {name: row[name] for name in (field.name for field in fields(StoredReading))}
    digest = reading_digest(StoredReading(**columns | {"values": values}))
    places = forged(tampered, "settlement.reading", row, values=values.tolist(), digest=digest)
    assert any(place.startswith("settlement.run ") for place in places)


def test_a_moment_that_cannot_be_read_is_found(session):
    publish_tiny(session)
    ingest_tiny(session)
    settle_tiny(session)
    session.execute(text("SET LOCAL session_replication_role = replica"))
    session.execute(text("UPDATE ledger.journal SET posted_at = 'infinity' WHERE number = 1"))
    found = [finding for check in list_row_checks() for finding in check.run(session)]
    assert [finding.code for finding in found] == ["unreadable"]
    assert "ledger" in found[0].place
