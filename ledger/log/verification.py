"""Verification of the log: every fact is a leaf, every leaf has its fact, and no index is missing.

Which tables hold facts is read from the triggers themselves, and held to `SOURCES`, so that a
trigger that was taken away is found as well as a row.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from sqlalchemy import Numeric, Text, TextClause, cast, func, select, text
from sqlalchemy.orm import Session, aliased

from common.damage import damage
from common.refusals import Finding
from ledger import tables
from ledger.cause_verification import JOURNAL, JOURNAL_CAUSE
from ledger.invoice import document_number
from ledger.log.leaf import Leaf
from ledger.log.tables import LogCheckpoint, LogLeaf
from ledger.store import lock_shared
from ledger.verification import FOREIGN, MISSING, ROWS_AT_A_TIME, Findings, changed

# Written down here as well as in the triggers: the database alone could not tell that one is gone.
SOURCES = frozenset(
    {
        "ledger.allocation",
        "ledger.attachment",
        "ledger.bank_file",
        "ledger.bank_statement",
        "ledger.checkpoint",
        "ledger.dispute",
        "ledger.dispute_event",
        "ledger.interest",
        "ledger.invoice",
        "ledger.journal",
        "ledger.log_key",
        "ledger.seal",
        "ledger.trail_head",
        "ledger.witness",
        "market.sealed",
        "people.account",
        "people.account_grant",
        "people.answer",
        "people.approval",
        "people.founding",
        "people.person",
        "people.proposal",
        "people.proposal_end",
        "people.withdrawal",
        "rulebook.change",
        "rulebook.change_event",
        "rulebook.revision",
        "rulebook.version",
        "settlement.fairness_report",
        "settlement.online_day",
        "settlement.reading_file",
        "settlement.run",
        "settlement.study",
        "settlement.transition_report",
        "settlement.trial",
    }
)
"""The tables whose rows are leaves of the log; a migration calls `log_facts` for each."""

NUMBERED = (
    "ledger.journal",
    "ledger.log_key",
    "ledger.checkpoint",
    "ledger.trail_head",
    "ledger.witness",
    "people.person",
    "people.proposal",
    "people.answer",
    "people.account_grant",
)
"""Sources whose keys are numbers that only rise, so that their leaves stand in that order."""

INVOICE = "ledger.invoice"
SEALED_CHECKPOINT = "log-sealed-checkpoint"
UNLOGGED = "log-fact-unlogged"
ORDER = "log-leaf-order"
LEAVES = "ledger.log_leaf"

TRIGGERS = text(
    "SELECT nspname || '.' || relname, tgargs FROM pg_trigger "
    "JOIN pg_class ON pg_class.oid = tgrelid JOIN pg_namespace ON pg_namespace.oid = relnamespace "
    "WHERE tgfoid = 'ledger.log_facts()'::regprocedure AND tgenabled = 'O' ORDER BY 1"
)


class Source(NamedTuple):
    """A table of facts, with the SQL expressions of a fact's key and digest."""

    table: str
    key: str
    digest: str


def sources(session: Session) -> list[Source]:
    """Return the tables whose triggers append leaves, as the database has them."""
    return [
        Source(table, *bytes(arguments).decode().split("\0")[:2])
        for table, arguments in session.execute(TRIGGERS)
    ]


def verify_leaves(session: Session) -> Findings:
    """Hold every leaf to its own hash and index, and to the one fact that it is of."""
    lock_shared(session)
    yield from _verify_rows(session)
    found = sources(session)
    for table in SOURCES - {source.table for source in found}:
        yield damage(MISSING, f"{table} (every row)", "no trigger makes its rows leaves")
    yield from _verify_facts(session, found)
    yield from _verify_order(session)
    yield from _verify_causes(session)
    yield from _verify_sealed_checkpoints(session)
    known = [source.table for source in found]
    unknown = select(LogLeaf.index, LogLeaf.source).where(LogLeaf.source.not_in(known))
    for index, table in session.execute(unknown):
        yield damage(FOREIGN, f"{LEAVES} {index}", f"{table} is no table of facts")


def _verify_rows(session: Session) -> Findings:
    columns = (LogLeaf.index, LogLeaf.source, LogLeaf.key, LogLeaf.digest, LogLeaf.leaf_hash)
    statement = select(*columns).order_by(LogLeaf.index)
    rows = session.execute(statement, execution_options={"yield_per": ROWS_AT_A_TIME})
    expected = 0
    for index, source, key, digest, stored in rows:
        if index < expected:
            yield damage(FOREIGN, f"{LEAVES} {index}", "the row stands twice")
        elif index > expected:
            yield damage(MISSING, f"{LEAVES} {expected}", f"a gap, up to {index}")
        if Leaf(source, key, digest).hash != stored:
            yield changed(LEAVES, str(index))
        expected = index + 1


def _verify_facts(session: Session, found: Sequence[Source]) -> Iterator[Finding]:
    """Pair the rows of the tables with their leaves, by key and digest; each has exactly one."""
    if not found:
        return
    facts, leaves = defaultdict(list), defaultdict(list)
    for table, key, count in session.execute(_unpaired_facts(found)):
        facts[table].append((key, count))
    for table, index, key, count in session.execute(_unpaired_leaves(found)):
        leaves[table].append((index, key, count))
    for source in found:
        for key, count in facts[source.table]:
            value = "no leaf of the log holds it" if count == 0 else f"it pairs {count} times"
            yield damage(UNLOGGED, f"{source.table} {key}", value)
        for index, key, count in leaves[source.table]:
            value = f"{source.table} {key} with its digest stands there {count} times, not once"
            yield damage(FOREIGN, f"{LEAVES} {index}", value)


def _verify_order(session: Session) -> Iterator[Finding]:
    """Hold the leaves of numbered facts to the order of their numbers."""
    before = func.lag(LogLeaf.key).over(partition_by=LogLeaf.source, order_by=LogLeaf.index)
    # A forged key may be no number, and a cast of it would end the check instead of finding it;
    # such a leaf is found by the pairing of facts and leaves.
    is_numbered = LogLeaf.source.in_(NUMBERED) & LogLeaf.key.regexp_match("^[0-9]+$")
    leaves = select(LogLeaf.index, LogLeaf.source, LogLeaf.key, before.label("before"))
    each = leaves.where(is_numbered).subquery()
    statement = (
        select(each.c.index, each.c.source, each.c.key, each.c.before)
        .where(cast(each.c.key, Numeric) < cast(each.c.before, Numeric))
        .order_by(each.c.index)
    )
    for index, table, key, last in session.execute(statement):
        value = f"{table} {key} stands after {last}"
        yield damage(ORDER, f"{LEAVES} {index}", value)


def _verify_causes(session: Session) -> Findings:
    """Find journals whose cause is no leaf that stands before their own."""
    journal, own, cause = tables.Journal, aliased(LogLeaf), aliased(LogLeaf)
    statement = (
        select(journal.number, journal.key, journal.cause_source, journal.cause_key)
        .outerjoin(own, (own.source == JOURNAL) & (own.key == cast(journal.number, Text)))
        .outerjoin(
            cause,
            (cause.source == journal.cause_source)
            & (cause.key == journal.cause_key)
            & (cause.digest == journal.cause_digest),
        )
        .where(cause.index.is_(None) | (cause.index > own.index))
        .order_by(journal.number)
    )
    for number, key, source, of_cause in session.execute(statement):
        value = f"its cause {source} {of_cause} was not published before it"
        yield damage(JOURNAL_CAUSE, f"{JOURNAL} {number} ({key})", value)


def _verify_sealed_checkpoints(session: Session) -> Findings:
    """Find documents that do not seal the newest checkpoint whose leaf stands before their own."""
    invoice, own = tables.Invoice, aliased(LogLeaf)
    digits = cast(invoice.number, Text)
    padded = func.lpad(digits, func.greatest(6, func.length(digits)), "0")
    name = func.concat(invoice.series, "-", padded)
    before = (
        select(func.max(LogCheckpoint.size))
        .where(LogCheckpoint.size < own.index)
        .correlate(own)
        .scalar_subquery()
    )
    sealed = aliased(LogCheckpoint)
    statement = (
        select(invoice.series, invoice.number, invoice.checkpoint_size, before)
        .join(own, (own.source == INVOICE) & (own.key == name))
        .outerjoin(sealed, sealed.size == invoice.checkpoint_size)
        .where(
            invoice.checkpoint_size.is_distinct_from(before)
            | invoice.checkpoint_root.is_distinct_from(sealed.root)
        )
        .order_by(invoice.series, invoice.number)
    )
    for series, number, size, expected in session.execute(statement):
        place = f"{INVOICE} {document_number(series, number)}"
        value = f"it seals checkpoint {size}, and the newest before it is {expected}"
        same = f"the root that it seals is not that of checkpoint {size}"
        yield damage(SEALED_CHECKPOINT, place, value if size != expected else same)


def _facts(found: Sequence[Source]) -> str:
    return " UNION ALL ".join(
        f"SELECT '{source.table}' AS source, ({source.key})::text COLLATE \"default\" AS key, "
        f"{source.digest} AS digest FROM {source.table}"
        for source in found
    )


def _unpaired_facts(found: Sequence[Source]) -> TextClause:
    return text(
        f"SELECT fact.source, fact.key, count(leaf.index) FROM ({_facts(found)}) AS fact "
        "LEFT JOIN ledger.log_leaf AS leaf ON leaf.source = fact.source "
        "AND leaf.key = fact.key AND leaf.digest = fact.digest "
        "GROUP BY fact.source, fact.key HAVING count(leaf.index) <> 1 ORDER BY fact.key"
    )


def _unpaired_leaves(found: Sequence[Source]) -> TextClause:
    return text(
        "SELECT leaf.source, leaf.index, leaf.key, count(fact.key) FROM ledger.log_leaf AS leaf "
        f"LEFT JOIN ({_facts(found)}) AS fact ON leaf.source = fact.source "
        "AND leaf.key = fact.key AND leaf.digest = fact.digest "
        "WHERE leaf.source = ANY(:known) GROUP BY leaf.source, leaf.index, leaf.key "
        "HAVING count(fact.key) <> 1 ORDER BY leaf.index"
    ).bindparams(known=[source.table for source in found])
