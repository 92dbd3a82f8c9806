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
from tests.attacks.column_cases import (
    COLUMNS,
    attacking,
    found_within,
    is_there,
    named_against,
    rounds,
    unnamed_digests,
)
from tests.attacks.columns import DERIVED, DIGESTS, FACTS, columns_of, listed
from tests.settlement.test_verification import FILLED, HOUR
from tests.worlds.logged import signer


@pytest.fixture(scope="module")
def world(clone_filled_database):
    """A row of every sort, and a checkpoint that was kept of it all."""
    made = make_engine(clone_filled_database())
    with transaction(made) as session:
        published = publish_checkpoint(session, signer(2), FILLED + 2 * HOUR)
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
    for column in DERIVED[table].split():
        rows, places = found_within(attacked, table, column)
        assert any(is_there(places, table, row) for row in rows), f"{column}: {places}"


def test_a_digest_is_computed_again(attacked):
    """One of every table at once: each is named without anything kept."""
    left = {table: names.split() for table, names in DIGESTS.items()}
    while left:
        assert unnamed_digests(attacked, {table: names[0] for table, names in left.items()}) == []
        left = {table: names[1:] for table, names in left.items() if len(names) > 1}
