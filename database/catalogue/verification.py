"""What a live database holds, from PostgreSQL's catalogue, and whether it is what it should be."""

from collections.abc import Iterator

from sqlalchemy import Connection, text
from sqlalchemy.orm import Session

from common.refusals import Finding
from database.catalogue import routines, surroundings, tables
from database.catalogue.manifest import Description, parse_manifest, schema_findings
from database.catalogue.partitions import with_partitions
from database.catalogue.words import PREPARATION, ROLES
from database.embedded import ROOT

MANIFEST = ROOT / "migrations" / "schema.txt"
QUERIES = (*tables.QUERIES, *routines.QUERIES, *surroundings.QUERIES)


def describe(connection: Connection) -> Description:
    """Return everything that somebody made in a database, by its place; nothing stays changed."""
    # Definitions are printed by settings of the session, which go with the savepoint.
    savepoint = connection.begin_nested()
    try:
        connection.execute(text(PREPARATION))
        description: dict[str, str] = {}
        for query in QUERIES:
            for place, described in sorted(map(tuple, connection.execute(text(ROLES + query)))):
                # Two with one name differ in what names leave out, and both should be seen.
                also = f"{description[place]}\n" if place in description else ""
                description[place] = also + described
        # Of nothing but a table: to read a view may run what an intruder wrote.
        if description.get("public.alembic_version", "").startswith("table;"):
            revisions = connection.scalars(text(surroundings.REVISION)).all()
            description["revision"] = " ".join(revisions)
    finally:
        savepoint.rollback()
    return description


def verify_schema(session: Session) -> Iterator[Finding]:
    """Hold the schema of a live database to the manifest that is shipped with the product.

    Proofs of rows rest on it: who can switch a guard off, or put a view where a table was, decides
    what is stored from then on, and what is read. The partition of a day is held to that of any.
    """
    expected = parse_manifest(MANIFEST.read_text(encoding="utf-8"))
    found = describe(session.connection())
    yield from schema_findings(with_partitions(expected, found), found)
