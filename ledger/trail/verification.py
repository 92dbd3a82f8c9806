"""Verification of the trail: its chain, the heads that checkpoints name, and the rows it is of.

Each link is hashed again and followed from the first to the last. The last link of a row says what
the row is now; each row is hashed again by an implementation of its own, not by the triggers'.
"""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from common.damage import damage
from ledger.chain import GENESIS_DIGEST
from ledger.trail.link import HEADS, REMOVED, HeadRow, LinkRow, row_digest
from ledger.trail.tables import TrailHead, TrailLink
from ledger.verification import CHAIN, FOREIGN, MISSING, ROWS_AT_A_TIME, Findings, changed

LINKS = "ledger.trail_link"
UNLINKED = "trail-row-unlinked"
ALTERED = "trail-row-altered"
GONE = "trail-row-gone"
HEAD = "trail-head"


class Trailed(NamedTuple):
    """What the trail holds of a table: the column of a row's key, and those that a row states."""

    key: str
    columns: tuple[str, ...]


# Written down here as well as in the triggers: the database alone could not tell that one is gone.
TRAILED = {
    "ledger.cosignature": Trailed("number", ("size", "witness", "signed_at", "signature")),
    "people.deed": Trailed("number", ("at", "account", "command", "words")),
    "portal.account_emailaddress": Trailed("id", ("user_id", "email", "verified", "primary")),
    "portal.auth_user": Trailed(
        "id",
        ("username", "password", "email", "first_name", "last_name", "is_active", "is_staff",
         "is_superuser", "date_joined"),
    ),
    "portal.mfa_authenticator": Trailed("id", ("user_id", "type", "data", "created_at")),
    "portal.portal_auditentry": Trailed(
        "id", ("at", "account", "action", "subject", "reason")
    ),
    "portal.portal_noticesent": Trailed("id", ("key", "sent_at", "sent_to")),
    "portal.portal_replayrequest": Trailed(
        "id",
        ("run_id", "requested_by_id", "requested_at", "state", "finished_at", "stored_digest",
         "recomputed_digest", "first_difference", "error"),
    ),
}  # fmt: skip
"""The tables whose changes are links of the trail; a migration calls `chain_rows` for each."""

TRIGGERS = text(
    "SELECT nspname || '.' || relname, tgargs FROM pg_trigger "
    "JOIN pg_class ON pg_class.oid = tgrelid JOIN pg_namespace ON pg_namespace.oid = relnamespace "
    "WHERE tgfoid = 'ledger.link_row()'::regprocedure AND tgenabled = 'O'"
)
COLUMNS = text(
    "SELECT column_name, data_type FROM information_schema.columns "
    "WHERE table_schema || '.' || table_name = :table"
)


def verify_trail(session: Session) -> Findings:
    """Hold the trail to its own digests, to the heads that the log names, and to the rows it is of.

    Nobody waits for it: what must belong together is read by one statement.
    """
    # Before the links: a head that is named meanwhile is of a link that is read.
    heads = {row.number: row for row in session.execute(select(TrailHead.__table__)).all()}
    yield from _verify_chain(session, heads)
    triggers = {
        table: bytes(arguments).decode().split("\0")[:-1]
        for table, arguments in session.execute(TRIGGERS)
    }
    for table, trailed in TRAILED.items():
        types = {row[0]: row[1] for row in session.execute(COLUMNS, {"table": table})}
        if types and triggers.get(table) != [trailed.key, *trailed.columns]:
            value = "no trigger makes changes of its rows links of the trail"
            yield damage(MISSING, f"{table} (every row)", value)
        yield from _verify_rows(session, table, trailed, types)
    unknown = select(TrailLink.number, TrailLink.source).where(TrailLink.source.not_in(TRAILED))
    for number, table in session.execute(unknown):
        yield damage(FOREIGN, f"{LINKS} {number}", f"{table} is no table of the trail")


def _verify_chain(session: Session, heads: dict[int, Any]) -> Findings:
    columns = (*(TrailLink.__table__.c[name] for name in LinkRow._fields), TrailLink.digest)
    rows = session.execute(
        select(*columns).order_by(TrailLink.number), execution_options={"yield_per": ROWS_AT_A_TIME}
    )
    last, before = 0, GENESIS_DIGEST
    waiting = dict(heads)
    for *values, digest in rows:
        link = LinkRow(*values)
        key = str(link.number)
        if link.number > last + 1:
            yield damage(MISSING, f"{LINKS} {last + 1}", f"a gap, up to {link.number}")
        elif link.number <= last:
            yield damage(FOREIGN, f"{LINKS} {key}", "the row stands twice")
        elif link.previous_digest != before:
            value = "the digest it names before it is not that of the link before it"
            yield damage(CHAIN, f"{LINKS} {key}", value)
        if link.digest != digest:
            yield changed(LINKS, key)
        named = waiting.pop(link.number, None)
        if named is not None and named.link_digest != digest:
            value = "a checkpoint named the link with another digest"
            yield damage(HEAD, f"{HEADS} {key}", value)
        last, before = link.number, digest
    for number, row in heads.items():
        if HeadRow(number, row.link_digest).digest != row.digest:
            yield changed(HEADS, str(number))
    for number in waiting:
        yield damage(HEAD, f"{HEADS} {number}", "the trail has no such link: its end was cut off")


def _verify_rows(
    session: Session, table: str, trailed: Trailed, types: dict[str, str]
) -> Iterator[Any]:
    """Hold every row of a table to the last link of it, and every link to its row."""
    names = [name for name in trailed.columns if name in types]
    shown = [f'"{name}"::text' if types[name] == "jsonb" else f'"{name}"' for name in names]
    rows = f'SELECT ("{trailed.key}")::text AS row_key, {", ".join(shown)} FROM {table}'
    if not names:
        rows = "SELECT NULL::text AS row_key WHERE false"  # no such table
    statement = text(
        "SELECT link.key, link.change, link.row_digest, held.* FROM "
        "(SELECT DISTINCT ON (key) key, change, row_digest FROM ledger.trail_link "
        "WHERE source = :table ORDER BY key, number DESC) AS link "
        f"FULL JOIN ({rows}) AS held ON held.row_key = link.key "
        "ORDER BY coalesce(link.key, held.row_key)"
    )
    before = None
    for key, change, digest, row_key, *values in session.execute(statement, {"table": table}):
        place = f"{table} {row_key or key}"
        is_held = key is not None and change != REMOVED
        is_again = row_key is not None and row_key == before
        before = row_key
        if is_again:
            yield damage(FOREIGN, place, "the row stands twice")
        elif row_key is None and is_held:
            yield damage(GONE, place, "no row, and no link of the trail that says it was removed")
        elif row_key is not None and not is_held:
            yield damage(UNLINKED, place, "no link of the trail says that it was stored")
        elif row_key is not None and row_digest(table, row_key, _named(names, values)) != digest:
            yield damage(ALTERED, place, "it is not as its last link of the trail says")


def _named(names: Sequence[str], values: Sequence[object]) -> Iterator[tuple[str, object]]:
    return zip(names, values, strict=True)
