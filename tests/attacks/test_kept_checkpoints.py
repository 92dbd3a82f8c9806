"""Attacks on the log below a checkpoint that somebody kept: what changed is named, leaf and row.

The attacker owns the database: triggers are off, and every digest below the note is made anew.
"""

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from database.session import make_engine, transaction
from ledger.log import store
from ledger.log.checkpoints import keep_checkpoint, publish_checkpoint
from ledger.log.kept import parse_kept
from ledger.log.tree_verification import verify_published
from tests.worlds.logged import SIGNED, publish_small_facts, signer
from tests.worlds.rolled_back import rolled_back

COUNT = 9


@pytest.fixture(scope="module")
def logged(clone_bare_database) -> Engine:
    """Nine runs and the key, a kept checkpoint, and one run that came after it."""
    made = make_engine(clone_bare_database())
    with transaction(made) as session:
        publish_small_facts(session, COUNT)
        publish_checkpoint(session, signer(1), SIGNED)
        publish_small_facts(session, 1, first=COUNT + 1)
    yield made
    made.dispose()


@pytest.fixture(scope="module")
def kept(logged) -> str:
    with transaction(logged) as session:
        return keep_checkpoint(session, store.last_checkpoint(session))


@pytest.fixture
def attacked(logged) -> Session:
    with rolled_back(logged) as session:
        session.execute(text("SET LOCAL session_replication_role = replica"))
        # A stored checkpoint would tell of itself: the attacker takes those away.
        session.execute(text("DELETE FROM ledger.checkpoint"))
        yield session


def named(session: Session, kept: str) -> list[tuple[str, str]]:
    found = list(verify_published(session, parse_kept(kept)))
    assert found[0].code == "log-checkpoint", "the note alone tells that something differs"
    return [(finding.code, finding.place) for finding in found[1:]]


def rehash(session: Session) -> None:
    session.execute(
        text("UPDATE ledger.log_leaf SET leaf_hash = ledger.log_leaf_hash(source, key, digest)")
    )


def fact_at(session, index: int) -> str:
    """The fact that a leaf is of, as findings name it."""
    statement = text("SELECT source || ' ' || key FROM ledger.log_leaf WHERE index = :index")
    return session.execute(statement, {"index": index}).scalar_one()


def test_the_kept_file_holds_of_the_log_as_it_is(logged, kept):
    with rolled_back(logged) as session:
        assert list(verify_published(session, parse_kept(kept))) == []


def test_a_row_changed_with_its_leaf_is_named(attacked, kept):
    attacked.execute(text("UPDATE ledger.log_leaf SET digest = sha256('x') WHERE index = 4"))
    rehash(attacked)
    assert named(attacked, kept) == [("log-leaf-changed", fact_at(attacked, 4))]


def test_a_row_renamed_in_its_leaf_is_named(attacked, kept):
    attacked.execute(text("UPDATE ledger.log_leaf SET key = '77' WHERE index = 4"))
    rehash(attacked)
    assert named(attacked, kept) == [("log-leaf-changed", "settlement.run 77")]


def test_an_end_that_was_cut_off_is_named_with_its_leaves(attacked, kept):
    attacked.execute(text("DELETE FROM ledger.log_leaf WHERE index >= 7"))
    assert named(attacked, kept) == [("log-end-cut-off", "ledger.log_leaf 7 to 9")]


def test_a_leaf_taken_out_is_not_taken_for_an_end_cut_off(attacked, kept):
    attacked.execute(text("DELETE FROM ledger.log_leaf WHERE index = 4"))
    for index in range(5, COUNT + 3):  # one by one, as every index is unique
        attacked.execute(
            text(f"UPDATE ledger.log_leaf SET index = index - 1 WHERE index = {index}")
        )
    assert named(attacked, kept) == [("log-leaf-gone", "ledger.log_leaf 4")]


def test_a_leaf_put_in_is_named(attacked, kept):
    for index in range(COUNT + 2, 3, -1):
        attacked.execute(
            text(f"UPDATE ledger.log_leaf SET index = index + 1 WHERE index = {index}")
        )
    attacked.execute(
        text(
            "INSERT INTO ledger.log_leaf VALUES (4, 'ledger.journal', '4711', sha256('x'), "
            "ledger.log_leaf_hash('ledger.journal', '4711', sha256('x')))"
        )
    )
    assert named(attacked, kept) == [("log-leaf-inserted", "ledger.journal 4711")]


def test_leaves_in_another_order_are_named(attacked, kept):
    moved = [fact_at(attacked, 2), fact_at(attacked, 6)]
    for old, new in ((2, -1), (6, 2), (-1, 6)):
        attacked.execute(
            text(
                "ALTER TABLE ledger.log_leaf "
                "DROP CONSTRAINT IF EXISTS ck_log_leaf_index_is_not_negative"
            )
        )
        attacked.execute(text(f"UPDATE ledger.log_leaf SET index = {new} WHERE index = {old}"))
    assert sorted(named(attacked, kept)) == sorted(("log-leaf-moved", fact) for fact in moved)


def test_the_note_alone_still_tells_that_something_differs(attacked, kept):
    attacked.execute(text("UPDATE ledger.log_leaf SET digest = sha256('x') WHERE index = 4"))
    note = parse_kept(kept)._replace(leaf_hashes=None)
    (found,) = [each for each in verify_published(attacked, note) if "kept" in each.place]
    assert found.value == "the leaves that it covers do not give its root"
