"""Attacks on every column of every table: a fact, derived, or of no weight; none is unlisted.

The attacker owns the database and has stolen the key of the log: triggers are off, and every digest
from the changed row up to the signature is made anew. `tests/campaign/test_columns.py` does the
same in the demonstration's month, row after row.
"""

import pytest

from database.session import make_engine, transaction
from ledger.log.checkpoints import keep_checkpoint, publish_checkpoint
from ledger.log.kept import parse_kept
from ledger.log.tree_verification import verify_published
from settlement.verification import list_row_checks
from tests.attacks.column_cases import (
    COLUMNS,
    attacking,
    named_against,
    remake_after,
    rounds,
)
from tests.attacks.columns import DERIVED, DIGESTS, FACTS, columns_of, listed
from tests.settlement.test_verification import fill, is_named, names_of
from tests.worlds.logged import ROTATED, signer

CHECK_OF = {
    "ledger.account": "ledger",
    "ledger.allocation": "bank statements",
    "ledger.seal": "seals",
    "settlement.day_total": "runs and results",
}
"""The check that computes a table's columns again; of the portal's tables, that of the trail."""


@pytest.fixture(scope="module")
def world(clone_portal_database):
    """A row of every sort, and a checkpoint that was kept of it all."""
    made = make_engine(clone_portal_database())
    with transaction(made) as session:
        fill(session)
        published = publish_checkpoint(session, signer(2), ROTATED)
        kept = parse_kept(keep_checkpoint(session, published.checkpoint))
    yield made, kept
    made.dispose()


@pytest.fixture
def attacked(world):
    with attacking(world[0]) as opened:
        yield opened


def test_every_column_is_listed_once(attacked):
    found = attacked.bind.execute(COLUMNS).all()
    assert sorted(map(tuple, found)) == sorted(listed())


def test_what_was_kept_is_what_is_there(world):
    with transaction(world[0]) as session:
        assert list(verify_published(session, world[1])) == []


@pytest.fixture(scope="module")
def named(world):
    """What a kept checkpoint names of every fact, changed in the last row that states it."""
    found = {}
    with attacking(world[0]) as opened:
        for columns in rounds(columns_of(FACTS)):
            found |= named_against(opened, columns, world[1])
    return found


@pytest.mark.parametrize(("table", "column"), columns_of(FACTS), ids=lambda name: name)
def test_a_fact_changed_with_every_digest_is_named_against_a_kept_checkpoint(named, table, column):
    changed, places = named[table, column]
    assert changed.leaves & places, f"none of {set(changed.leaves)} in {sorted(places)}"


@pytest.mark.parametrize("table", DERIVED)
def test_what_is_derived_is_computed_again(attacked, table):
    """With its own digest made anew, and without anything kept."""
    wanted = CHECK_OF.get(table, "trail")
    (check,) = [each for each in list_row_checks() if each.name == wanted]
    for column in DERIVED[table].split():
        with attacked.connection.transaction(force_rollback=True):
            before = attacked.rows(table)
            changed = attacked.change(table, column)
            after = attacked.rows(table)
            if not table.startswith("portal."):
                with attacked.session() as session:
                    remake_after(session, [changed])
            with attacked.session() as session:
                places = [finding.place for finding in check.run(session)]
        rows = [row for row in before if row not in after] + [
            row for row in after if row not in before
        ]
        assert any(is_there(places, table, row) for row in rows), f"{column}: {places}"


def is_there(places, table, row) -> bool:
    """Return whether a place names a row; seals are named by their anchor, too."""
    if table.startswith("portal."):
        return f"{table} {row['id']}" in places
    if table == "ledger.seal" and f"{table} of journal {row['journal_number']}" in places:
        return True
    return is_named(places, table, names_of(table, row, {}))


def test_a_digest_is_computed_again(attacked):
    """Of every table one at a time, all tables at once: each is named without anything kept."""
    left = {table: names.split() for table, names in DIGESTS.items()}
    while left:
        with attacked.connection.transaction(force_rollback=True):
            series = {row["id"]: row for row in attacked.rows("ledger.invoice")}
            changed = []
            for table, names in left.items():
                rows = attacked.rows(table)
                attacked.change(table, names[0])
                now = attacked.rows(table)
                differ = [row for row in rows if row not in now] + [
                    row for row in now if row not in rows
                ]
                changed.append((table, names[0], differ))
            with attacked.session() as session:
                places = [
                    found.place for check in list_row_checks() for found in check.run(session)
                ]
            for table, column, rows in changed:
                words = [names_of(table, row, series) for row in rows]
                assert any(is_named(places, table, each) for each in words), f"{table} {column}"
        left = {table: names[1:] for table, names in left.items() if len(names) > 1}
