"""An attacker who owns the database: triggers off, every digest made anew, and the key stolen.

What is left against them is a checkpoint that somebody kept before, and what verification computes
again from other rows.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from hashlib import sha256
from itertools import groupby
from typing import Any

import numpy as np
from sqlalchemy import Table, select, text, update
from sqlalchemy.orm import Session

from ledger import tables as ledger_tables
from ledger.chain import (
    GENESIS_DIGEST,
    AccountRow,
    InvoiceLineRow,
    InvoiceRow,
    JournalRow,
    PostingRow,
    account_digest,
    invoice_digest,
    invoice_line_digest,
    journal_digest,
    posting_digest,
)
from ledger.disputes import tables as dispute_tables
from ledger.disputes.sealing import (
    AttachmentRow,
    DisputeRow,
    EventRow,
    attachment_digest,
    dispute_digest,
    event_digest,
)
from ledger.invoice_queries import stored_line
from ledger.log import tables as log_tables
from ledger.log.leaf import Leaf
from ledger.log.note import Checkpoint, parse_note, sign
from ledger.log.rows import CheckpointRow, KeyRow, WitnessRow
from ledger.log.tiles import TILE_WIDTH, full_tiles
from ledger.log.verification import sources
from ledger.payments import tables as payment_tables
from ledger.payments.interest import InterestRow
from ledger.payments.statements import (
    AllocationRow,
    FileRow,
    StatementRow,
    TransactionRow,
    allocation_digest,
    content_digest,
    file_digest,
    statement_digest,
    transaction_digest,
)
from ledger.people import tables as people_tables
from ledger.people.verification import HASHED
from ledger.seal import SealRow, seal_digest
from ledger.trail import tables as trail_tables
from ledger.trail.link import HeadRow, LinkRow
from ledger.trail.link import row_digest as trail_row_digest
from ledger.trail.verification import TRAILED
from ledger.tree import merkle_root
from rulebook import store as law_store
from rulebook import tables as law_tables
from rulebook.changes import records as change_records
from rulebook.changes.tables import Change, ChangeEvent, Revision
from rulebook.digest import body_digest
from rulebook.versions import row_digest
from settlement import tables
from settlement.fairness.store import report_of
from settlement.meters.digest import (
    StoredFile,
    StoredReading,
    reading_digest,
    reading_file_digest,
    readings_root,
)
from settlement.runs.day_totals import DayTotal
from settlement.runs.online_day_store import online_day_of
from settlement.runs.results import (
    ResultVector,
    day_digest,
    run_result_digest,
    vector_digest,
    vector_of,
)
from settlement.runs.store import run_of
from settlement.studies.records import Study
from settlement.studies.transition_store import transition_of
from settlement.trials.made import made_digest
from settlement.trials.store import trial_of
from tests.attacks.market_attacker import OF_MARKETS, remake_markets
from tests.worlds.logged import LOG_NAME, signer

KEYS = [signer(1), signer(2)]
Row = Mapping[str, Any]


def turn_triggers_off(session: Session) -> None:
    session.execute(text("SET LOCAL session_replication_role = replica"))


def remake_digests(session: Session, table: str) -> None:
    """Make every digest anew that rests on rows of a table: its own, its parents', the log's."""
    for remake in REMAKES.get(table, ()):
        remake(session)
    remake_log(session)


def rows_of(session: Session, table: Table, *order: str) -> Iterator[Row]:
    columns = [table.c[name] for name in order or table.primary_key.columns.keys()]
    yield from session.execute(select(table).order_by(*columns)).mappings().all()


def write(session: Session, table: Table, row: Row, **values: Any) -> dict[str, Any]:
    """Write what differs from a row; return the row as it is then."""
    if any(row[name] != value for name, value in values.items()):
        same = [column == row[column.name] for column in table.primary_key.columns]
        session.execute(update(table).where(*same).values(**values))
    return {**row, **values}


def sealed_as(kind: Any, row: Row) -> Any:
    return kind(**{name: row[name] for name in kind._fields})


def remake_each(table: Table, digest_of: Callable[[Row], bytes]) -> Callable[[Session], None]:
    """Return what makes the digest of every row of a table anew."""

    def remake(session: Session) -> None:
        for row in rows_of(session, table):
            write(session, table, row, digest=digest_of(row))

    return remake


def remake_law(session: Session) -> None:
    table = law_tables.VersionRow.__table__
    rows = {row["id"]: row for row in rows_of(session, table)}
    session.expire_all()
    for version in law_store.every_version(session):
        digest = body_digest(version.body)
        sealed = row_digest(replace(version, digest=digest))
        write(session, table, rows[version.id], digest=digest, row_digest=sealed)


def remake_readings(session: Session) -> None:
    table, files = tables.ReadingRow.__table__, tables.ReadingFileRow.__table__
    of_file = defaultdict(list)
    for row in rows_of(session, table):
        named = {name: row[name] for name in StoredReading.__dataclass_fields__}
        digest = reading_digest(StoredReading(**named | {"values": np.array(row["values"])}))
        write(session, table, row, digest=digest)
        place = (row["settlement_day"], row["measure"], row["entity"])
        of_file[row["file_id"]].append((place, digest))
    for row in rows_of(session, files):
        root = readings_root(of_file[row["id"]])
        named = {name: row[name] for name in StoredFile.__dataclass_fields__}
        digest = reading_file_digest(StoredFile(**named | {"readings_root": root}))
        write(session, files, row, readings_root=root, digest=digest)


def remake_results(session: Session) -> None:
    table, runs = tables.ResultRow.__table__, tables.RunRow.__table__
    of_run: dict[Any, dict[Any, list[bytes]]] = defaultdict(lambda: defaultdict(list))
    vectors = sorted(
        rows_of(session, table),
        key=lambda row: (row["settlement_day"], row["measure"], row["entity"]),
    )
    for row in vectors:
        values = np.array(row["values"])
        digest = vector_digest(row["settlement_day"], row["measure"], row["entity"], values)
        write(session, table, row, digest=digest)
        of_run[row["run_id"]][row["settlement_day"]].append(digest)
    for row in rows_of(session, runs):
        days = of_run[row["id"]].values()
        write(
            session, runs, row, result_digest=run_result_digest([day_digest(day) for day in days])
        )


def remake_runs(session: Session) -> None:
    table = tables.RunRow.__table__
    session.expire_all()
    runs = {run.id: run_of(run) for run in session.scalars(select(tables.RunRow))}
    for row in rows_of(session, table):
        write(session, table, row, digest=runs[row["id"]].digest)


def remake_chain(
    session: Session,
    table: Table,
    rows: Iterable[Row],
    digest_of: Callable[[Row], bytes],
) -> None:
    """Make a chain anew, from its first row to its last."""
    before = GENESIS_DIGEST
    for row in rows:
        linked = write(session, table, row, previous_digest=before)
        before = digest_of(linked)
        write(session, table, linked, digest=before)


def remake_journals(session: Session) -> None:
    table, postings = ledger_tables.Journal.__table__, ledger_tables.Posting.__table__
    of_journal = remade_children(
        session, postings, "journal_number", lambda row: posting_digest(sealed_as(PostingRow, row))
    )

    def digest_of(row: Row) -> bytes:
        return journal_digest(sealed_as(JournalRow, row), of_journal[row["number"]])

    remake_chain(session, table, rows_of(session, table), digest_of)


def remake_invoices(session: Session) -> None:
    table, lines = ledger_tables.Invoice.__table__, ledger_tables.InvoiceLine.__table__

    def line_digest(row: Row) -> bytes:
        return invoice_line_digest(
            stored_line(InvoiceLineRow(*(row[n] for n in InvoiceLineRow._fields)))
        )

    of_invoice = remade_children(session, lines, "invoice_id", line_digest)

    def digest_of(row: Row) -> bytes:
        return invoice_digest(sealed_as(InvoiceRow, row), of_invoice[row["id"]])

    for _, series in groupby(
        rows_of(session, table, "series", "number"), lambda row: row["series"]
    ):
        remake_chain(session, table, list(series), digest_of)


def remake_statements(session: Session) -> None:
    files = payment_tables.BankFile.__table__
    for row in rows_of(session, files):
        write(session, files, row, digest=file_digest(sealed_as(FileRow, row)))
    table, transactions = (
        payment_tables.BankStatement.__table__,
        payment_tables.BankTransaction.__table__,
    )
    of_statement = remade_children(
        session,
        transactions,
        "statement_number",
        lambda row: transaction_digest(sealed_as(TransactionRow, row)),
    )

    def digest_of(row: Row) -> bytes:
        return statement_digest(sealed_as(StatementRow, row), of_statement[row["number"]])

    remake_chain(session, table, rows_of(session, table), digest_of)


def remake_file_content(session: Session) -> None:
    """Give a bank file that was changed its own digest of content, and its statements that name."""
    files = payment_tables.BankFile.__table__
    statements = payment_tables.BankStatement.__table__
    for row in rows_of(session, files):
        now = content_digest(row["content"])
        if now != row["content_digest"]:
            named = statements.c.file_digest == row["content_digest"]
            session.execute(update(statements).where(named).values(file_digest=now))
            write(session, files, row, content_digest=now)


def remake_attachments(session: Session) -> None:
    """Give an attachment that was changed its own SHA-256, and the events that name it."""
    table, events = dispute_tables.Attachment.__table__, dispute_tables.DisputeEvent.__table__
    for row in rows_of(session, table):
        now = sha256(row["content"]).digest()
        if now != row["sha256"]:
            named = events.c.attachment_sha256 == row["sha256"]
            session.execute(update(events).where(named).values(attachment_sha256=now))
        changed = {**row, "sha256": now}
        write(
            session,
            table,
            row,
            sha256=now,
            digest=attachment_digest(sealed_as(AttachmentRow, changed)),
        )


def remake_disputes(session: Session) -> None:
    table, events = dispute_tables.Dispute.__table__, dispute_tables.DisputeEvent.__table__
    heads = {}
    for row in rows_of(session, table):
        digest = dispute_digest(sealed_as(DisputeRow, row))
        heads[row["market"], row["number"]] = digest
        write(session, table, row, digest=digest)
    for row in rows_of(session, events, "market", "number"):
        key = (row["market"], row["dispute_number"])
        linked = write(session, events, row, previous_digest=heads.get(key, GENESIS_DIGEST))
        event = sealed_as(EventRow, linked)
        digest = event_digest(event._replace(journal_numbers=tuple(event.journal_numbers)))
        heads[key] = digest
        write(session, events, linked, digest=digest)


def remade_children(
    session: Session, table: Table, parent: str, digest_of: Callable[[Row], bytes]
) -> dict[Any, list[bytes]]:
    """Make the digests of rows below a parent anew; return them in order, by parent."""
    found: defaultdict[Any, list[bytes]] = defaultdict(list)
    for row in rows_of(session, table):
        digest = digest_of(row)
        write(session, table, row, digest=digest)
        found[row[parent]].append(digest)
    return found


def remake_trail(session: Session) -> None:
    """Give every row of the trail's tables the last link that is of it, and make the chain anew."""
    links, heads = trail_tables.TrailLink.__table__, trail_tables.TrailHead.__table__
    digests = dict(_trail_rows(session))
    rows = list(rows_of(session, links))
    last = {(row["source"], row["key"]): row["number"] for row in rows}
    before, chain = GENESIS_DIGEST, {}
    for row in rows:
        place = (row["source"], row["key"])
        is_last = last[place] == row["number"] and place in digests
        values = {"row_digest": digests[place] if is_last else row["row_digest"]}
        link = LinkRow(
            **{n: row[n] for n in LinkRow._fields} | values | {"previous_digest": before}
        )
        before = chain[row["number"]] = link.digest
        write(session, links, row, **link._asdict(), digest=before)
    for row in rows_of(session, heads):
        head = HeadRow(row["number"], chain.get(row["number"], row["link_digest"]))
        write(session, heads, row, link_digest=head.link_digest, digest=head.digest)


def _trail_rows(session: Session) -> Iterator[tuple[tuple[str, str], bytes]]:
    for table, trailed in TRAILED.items():
        shown = ", ".join(
            f'"{name}"::text' if name == "data" else f'"{name}"' for name in trailed.columns
        )
        for key, *values in session.execute(
            text(f"SELECT {trailed.key}::text, {shown} FROM {table}")
        ):
            named = zip(trailed.columns, values, strict=True)
            yield (table, key), trail_row_digest(table, key, named)


def remake_leaves(session: Session) -> None:
    """Give every leaf the digest of its fact; a fact of another key takes the leaf that is free."""
    leaves = log_tables.LogLeaf.__table__
    for source in sources(session):
        statement = f"SELECT ({source.key})::text, {source.digest} FROM {source.table}"
        facts = dict(map(tuple, session.execute(text(statement))))
        of_source = select(leaves).where(leaves.c.source == source.table).order_by(leaves.c.index)
        rows = session.execute(of_source).mappings().all()
        free = iter(sorted(facts.keys() - {row["key"] for row in rows}))
        for row in rows:
            key = row["key"] if row["key"] in facts else next(free, None)
            if key is not None:
                hashed = Leaf(source.table, key, facts[key]).hash
                write(session, leaves, row, key=key, digest=facts[key], leaf_hash=hashed)


def remake_log(session: Session) -> None:
    """Make leaves, tiles and checkpoints anew, and sign them with the keys that were stolen."""
    remake_leaves(session)
    leaves, checkpoints = log_tables.LogLeaf.__table__, log_tables.LogCheckpoint.__table__
    rows = list(rows_of(session, leaves))
    hashes = [row["leaf_hash"] for row in rows]
    for row in rows_of(session, checkpoints):
        size = row["size"]
        if size > len(hashes):
            continue
        root = merkle_root(hashes[:size])
        signed = parse_note(row["note"]).signed_by([key.key for key in KEYS])
        signers = [key for key in KEYS if key.key in signed]
        note = sign(Checkpoint(LOG_NAME, size, root), signers)
        digest = CheckpointRow(size, root, row["signed_at"], note).digest
        write(session, checkpoints, row, root=root, note=note, digest=digest)
        if size < len(rows):
            leaf = Leaf("ledger.checkpoint", str(size), digest)
            hashes[size] = leaf.hash
            write(session, leaves, rows[size], digest=digest, leaf_hash=leaf.hash)
    remake_tiles(session, hashes)


def remake_tiles(session: Session, hashes: list[bytes]) -> None:
    table = log_tables.LogTile.__table__
    stored = {(row["level"], row["index"]): row for row in rows_of(session, table)}
    for level, count in full_tiles(len(hashes)):
        roots = []
        for index in range(count):
            within = hashes[index * TILE_WIDTH : (index + 1) * TILE_WIDTH]
            roots.append(merkle_root(within))
            row = stored.get((level, index))
            if row is not None:
                write(session, table, row, hashes=b"".join(within), root=roots[-1])
        hashes = roots


def _total_digest(row: Row) -> bytes:
    return DayTotal(row["settlement_day"], row["measure"], row["entity"], row["total_wh"]).digest


def _study_digest(row: Row) -> bytes:
    return Study(row["run_id"], row["before_run_id"], row["overlay"], row["report"]).digest


_accounts = remake_each(
    ledger_tables.Account.__table__, lambda row: account_digest(sealed_as(AccountRow, row))
)
_totals = remake_each(tables.DayTotalRow.__table__, _total_digest)
_studies = remake_each(tables.StudyRow.__table__, _study_digest)
_trials = remake_each(
    tables.TrialRow.__table__, lambda row: trial_of(tables.TrialRow(**row)).digest
)


_fairness = remake_each(
    tables.FairnessReportRow.__table__,
    lambda row: report_of(tables.FairnessReportRow(**row)).digest,
)


_transitions = remake_each(
    tables.TransitionReportRow.__table__,
    lambda row: transition_of(tables.TransitionReportRow(**row)).digest,
)


_online_days = remake_each(
    tables.OnlineDayRow.__table__,
    lambda row: online_day_of(tables.OnlineDayRow(**row)).digest,
)


def remake_made(session: Session) -> None:
    """Make anew the digests of what was made of trials, and those of each side over them."""
    table, trials = tables.TrialMadeRow.__table__, tables.TrialRow.__table__
    made: dict[Any, dict[str, list[ResultVector]]] = defaultdict(lambda: defaultdict(list))
    for row in rows_of(session, table):
        named = (row["settlement_day"], row["measure"], row["entity"])
        vector = vector_of(*named, np.array(row["values"]))
        write(session, table, row, digest=vector.digest)
        made[row["trial_id"]][row["side"]].append(vector)
    for row in rows_of(session, trials):
        of_trial = made.get(row["id"], {})
        sides = [
            side | ({"made_digest": made_digest(of_trial[side["side"]]).hex()}
                    if side["side"] in of_trial else {})
            for side in row["sides"]
        ]  # fmt: skip
        write(session, trials, row, sides=sides)


_changes = remake_each(
    Change.__table__, lambda row: sealed_as(change_records.ChangeRow, row).digest
)
_revisions = remake_each(
    Revision.__table__, lambda row: sealed_as(change_records.RevisionRow, row).digest
)
_seals = remake_each(ledger_tables.Seal.__table__, lambda row: seal_digest(sealed_as(SealRow, row)))
_allocations = remake_each(
    payment_tables.Allocation.__table__,
    lambda row: allocation_digest(sealed_as(AllocationRow, row)),
)
_interest = remake_each(
    payment_tables.Interest.__table__, lambda row: sealed_as(InterestRow, row).digest
)
_witnesses = remake_each(
    log_tables.LogWitness.__table__, lambda row: sealed_as(WitnessRow, row).digest
)
_keys = remake_each(log_tables.LogKey.__table__, lambda row: sealed_as(KeyRow, row).digest)

PEOPLE = {
    f"people.{table.__tablename__}": remake_each(
        table.__table__, lambda row, kind=kind: sealed_as(kind, row).digest
    )
    for table, kind in HASHED.items()
}


def remake_contents(session: Session) -> None:
    """Make anew the digests of what was proposed, and of what names them."""
    for table in (people_tables.Proposal.__table__, people_tables.Approval.__table__):
        key = table.primary_key.columns.keys()[0]
        contents = dict(session.execute(text("SELECT number, content FROM people.proposal")).all())
        for row in rows_of(session, table):
            if row[key] in contents:
                digest = sha256(contents[row[key]].encode()).digest()
                write(session, table, row, content_digest=digest)
    PEOPLE["people.proposal"](session)
    PEOPLE["people.approval"](session)


def remake_events(session: Session) -> None:
    """Give every event the digest of its columns, and of the one before it."""
    table = ChangeEvent.__table__
    last: dict[int, bytes] = {}
    for row in rows_of(session, table):
        previous = last.get(row["change"], row["previous_digest"])  # one that moved stands alone
        digest = sealed_as(change_records.EventRow, {**row, "previous_digest": previous}).digest
        write(session, table, row, previous_digest=previous, digest=digest)
        last[row["change"]] = digest


REMAKES: dict[str, tuple[Callable[[Session], None], ...]] = {
    **dict.fromkeys(OF_MARKETS, (remake_markets,)),
    "rulebook.change": (_changes,),
    "rulebook.change_event": (remake_events,),
    "rulebook.revision": (_revisions,),
    "rulebook.version": (remake_law,),
    **{table: (remake,) for table, remake in PEOPLE.items()},
    "people.proposal": (remake_contents,),
    "people.approval": (remake_contents,),
    "settlement.reading": (remake_readings,),
    "settlement.reading_file": (remake_readings,),
    "settlement.result": (remake_results, remake_runs),
    "settlement.run": (remake_runs,),
    "settlement.day_total": (_totals,),
    "settlement.study": (_studies,),
    "settlement.trial": (_trials,),
    "settlement.online_day": (_online_days,),
    "settlement.fairness_report": (_fairness,),
    "settlement.transition_report": (_transitions,),
    "settlement.trial_made": (remake_made, _trials),
    "ledger.account": (_accounts,),
    "ledger.journal": (remake_journals,),
    "ledger.posting": (remake_journals,),
    "ledger.invoice": (remake_invoices,),
    "ledger.invoice_line": (remake_invoices,),
    "ledger.seal": (_seals,),
    "ledger.bank_file": (remake_file_content, remake_statements),
    "ledger.bank_statement": (remake_statements,),
    "ledger.bank_transaction": (remake_statements,),
    "ledger.allocation": (_allocations,),
    "ledger.interest": (_interest,),
    "ledger.attachment": (remake_attachments, remake_disputes),
    "ledger.dispute": (remake_disputes,),
    "ledger.dispute_event": (remake_disputes,),
    "ledger.log_key": (_keys,),
    "ledger.witness": (_witnesses,),
    **dict.fromkeys(["ledger.trail_link", "ledger.trail_head", *TRAILED], (remake_trail,)),
}
"""What rests on the rows of a table, from the row up; the log comes after all of them."""
