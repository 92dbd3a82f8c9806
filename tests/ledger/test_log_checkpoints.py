"""Checkpoints, keys, rotation and proofs, on the real database."""

import datetime as dt
import json
import stat

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, text

from common.refusals import Refused
from database.session import make_engine, transaction
from ledger.log import store
from ledger.log.checkpoints import (
    next_signer,
    present_signer,
    prove_consistency,
    prove_inclusion,
    publish_checkpoint,
    rotate_key,
)
from ledger.log.kept import parse_kept
from ledger.log.keys import load_key, load_or_make_key, move_into_place, next_path
from ledger.log.note import Checkpoint, parse_note, sign
from ledger.log.proof_file import MalformedProof, check_proof
from ledger.log.tables import LogLeaf, LogTile
from ledger.log.tree_verification import verify_published
from ledger.log.verification import verify_leaves
from ledger.rules import LedgerRule
from ledger.tree import merkle_root
from tests.examples import tried
from tests.ledger.rules import rule_of
from tests.worlds.logged import LOG_NAME, ROTATED, SIGNED, fill_log, publish_small_facts, signer
from tests.worlds.rolled_back import rolled_back


def refusal_of(function, *given, **named) -> LedgerRule:
    with pytest.raises(Refused) as refused:
        function(*given, **named)
    return rule_of(refused.value.findings[0])


def findings(session, kept: str | None = None) -> list[str]:
    note = parse_kept(kept) if kept else None
    return [*map(str, verify_leaves(session)), *map(str, verify_published(session, note))]


@pytest.fixture(scope="module")
def empty_log(clone_bare_database):
    """A database whose log is empty, as nobody is in it."""
    made = make_engine(clone_bare_database())
    yield made
    made.dispose()


@pytest.fixture
def session(empty_log):
    """A session whose log is empty, unlike that of other tests."""
    with rolled_back(empty_log) as opened:
        yield opened


def leaf_hashes(session) -> list[bytes]:
    return list(session.execute(select(LogLeaf.leaf_hash).order_by(LogLeaf.index)).scalars())


def test_a_checkpoint_signs_all_there_is_the_key_among_it(session):
    publish_small_facts(session, 3)
    published = publish_checkpoint(session, signer(1), SIGNED)
    made = published.checkpoint
    assert (published.is_new, made.size) == (True, 4)
    assert made.root == merkle_root(leaf_hashes(session)[:4])
    note = parse_note(made.note)
    assert note.checkpoint == Checkpoint(LOG_NAME, 4, made.root)
    assert note.signed_by([signer(1).key, signer(2).key]) == [signer(1).key]
    assert store.find_leaf(session, "ledger.log_key", "1").index == 3
    assert store.find_leaf(session, "ledger.checkpoint", "4").index == 4
    assert findings(session) == []


def test_nothing_new_is_no_new_checkpoint(session):
    first = publish_checkpoint(session, signer(1), SIGNED)
    again = publish_checkpoint(session, signer(1), ROTATED)
    assert (again.is_new, again.checkpoint) == (False, first.checkpoint)
    publish_small_facts(session, 1)
    third = publish_checkpoint(session, signer(1), ROTATED)
    assert (third.is_new, third.checkpoint.size) == (True, 3)


def test_another_key_signs_nothing(session):
    publish_checkpoint(session, signer(1), SIGNED)
    publish_small_facts(session, 1)
    given = (session, signer(2), SIGNED)
    assert refusal_of(publish_checkpoint, *given) is LedgerRule.LOG_KEY_IS_ANOTHER
    assert len(store.checkpoints(session)) == 1


def test_a_rotation_is_signed_by_both_keys(session):
    publish_checkpoint(session, signer(1), SIGNED)
    made = rotate_key(session, signer(1), signer(2), ROTATED).checkpoint
    both = [signer(1).key, signer(2).key]
    assert parse_note(made.note).signed_by(both) == both
    publish_small_facts(session, 1)
    after = publish_checkpoint(session, signer(2), ROTATED).checkpoint
    assert parse_note(after.note).signed_by(both) == [signer(2).key]
    given = (session, signer(1), SIGNED)
    assert refusal_of(publish_checkpoint, *given) is LedgerRule.LOG_KEY_IS_ANOTHER
    assert [placed.row.cause for placed in store.key_rows(session)] == ["first", "rotation"]
    assert findings(session) == []


def test_a_rotation_away_from_a_lost_key_says_so(session):
    publish_checkpoint(session, signer(1), SIGNED)
    made = rotate_key(session, None, signer(2), ROTATED).checkpoint
    both = [signer(1).key, signer(2).key]
    assert parse_note(made.note).signed_by(both) == [signer(2).key]
    assert store.key_rows(session)[-1].row.cause == "loss"
    assert findings(session) == []


def test_only_the_present_key_rotates_and_only_if_there_is_one(session):
    given = (session, signer(1), signer(2), SIGNED)
    assert refusal_of(rotate_key, *given) is LedgerRule.LOG_HAS_NO_CHECKPOINT
    publish_checkpoint(session, signer(1), SIGNED)
    given = (session, signer(3), signer(2), SIGNED)
    assert refusal_of(rotate_key, *given) is LedgerRule.LOG_KEY_IS_ANOTHER


@pytest.fixture(scope="module")
def filled_engine(clone_database):
    made = make_engine(clone_database())
    with transaction(made) as opened:
        fill_log(opened)
    yield made
    made.dispose()


@pytest.fixture
def filled(filled_engine):
    """A log of a full tile and more, in a database of its own."""
    with transaction(filled_engine) as opened:
        yield opened


def test_full_tiles_are_stored(filled):
    tile = filled.execute(select(LogTile)).scalars().one()
    assert (tile.level, tile.index) == (0, 0)
    assert tile.hashes == b"".join(leaf_hashes(filled)[:256])
    assert tile.root == merkle_root(leaf_hashes(filled)[:256])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=tried(30))
@given(st.integers(0, 259))
def test_every_fact_that_is_covered_is_proven(filled, index):
    row = filled.execute(select(LogLeaf).where(LogLeaf.index == index)).scalars().one()
    proof = prove_inclusion(filled, row.source, row.key)
    assert (proof.index, proof.leaf.digest, proof.leaf.hash) == (index, row.digest, row.leaf_hash)
    checked = check_proof(json.dumps(proof.as_dict()), [signer(1).key, signer(2).key])
    assert [one.holds for one in checked] == [True] * 4


def test_what_no_checkpoint_covers_is_refused_with_the_remedy(filled):
    size = store.last_checkpoint(filled).size
    with pytest.raises(Refused, match=r"make one: manage\.py checkpoint") as refused:
        prove_inclusion(filled, "ledger.checkpoint", str(size))
    assert rule_of(refused.value.findings[0]) is LedgerRule.FACT_IS_NOT_COVERED
    given = (filled, "ledger.invoice", "tiny-invoice-000009")
    assert refusal_of(prove_inclusion, *given) is LedgerRule.FACT_IS_UNKNOWN


def test_a_log_without_a_checkpoint_proves_nothing(session):
    given = (session, "ledger.bank_statement", "small-bank-000001")
    assert refusal_of(prove_inclusion, *given) is LedgerRule.LOG_HAS_NO_CHECKPOINT


def test_every_two_checkpoints_are_consistent(filled):
    sizes = sorted(row.size for row in store.checkpoints(filled))
    assert len(sizes) == 3
    for at, old in enumerate(sizes):
        for size in sizes[at:]:
            proof = prove_consistency(filled, old, size)
            checked = check_proof(json.dumps(proof.as_dict()), [signer(1).key, signer(2).key])
            assert [one.holds for one in checked] == [True] * 5


def test_consistency_of_what_was_not_published_is_refused_in_full(filled):
    with pytest.raises(Refused) as refused:
        prove_consistency(filled, 7, 5)
    codes = [rule_of(refusal) for refusal in refused.value.findings]
    assert codes == [LedgerRule.CHECKPOINT_IS_UNKNOWN] * 3


def test_a_damaged_tile_proves_nothing(database_engine):
    with rolled_back(database_engine) as session:
        fill_log(session)
        prove_nothing_by_a_damaged_tile(session)


def prove_nothing_by_a_damaged_tile(session):
    session.execute(text("SET LOCAL session_replication_role = replica"))
    session.execute(text("UPDATE ledger.log_tile SET hashes = decode(repeat('07', 8192), 'hex')"))
    given = (session, "ledger.bank_statement", "small-bank-000001")
    assert refusal_of(prove_inclusion, *given) is LedgerRule.LOG_IS_DAMAGED
    sizes = sorted(checkpoint.size for checkpoint in store.checkpoints(session))
    given = (session, sizes[0], sizes[-1])
    assert refusal_of(prove_consistency, *given) is LedgerRule.LOG_IS_DAMAGED
    assert findings(session)[0].startswith("ledger.log_tile 0/0")


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ("root = decode(repeat('07', 32), 'hex')", "ledger.checkpoint 1"),
        ("note = 'no note'", "ledger.checkpoint 1"),
        ("note = replace(note, 'tallystick.test/log', 'another.test/log')", "ledger.checkpoint 1"),
        ("signed_at = signed_at + interval '1 second'", "ledger.checkpoint 1"),
    ],
)
def test_a_changed_checkpoint_is_named(session, change, place):
    publish_checkpoint(session, signer(1), SIGNED)
    session.execute(text("SET LOCAL session_replication_role = replica"))
    session.execute(text(f"UPDATE ledger.checkpoint SET {change}"))
    assert any(found.startswith(place) for found in findings(session))


def test_a_checkpoint_of_a_stranger_is_found(session):
    """A forged row, consistent in itself, that the log's key has not signed."""
    publish_checkpoint(session, signer(1), SIGNED)
    row = store.last_checkpoint(session)
    forged = row._replace(note=sign(Checkpoint(LOG_NAME, row.size, row.root), [signer(5)]))
    session.execute(text("SET LOCAL session_replication_role = replica"))
    session.execute(
        text("UPDATE ledger.checkpoint SET note = :note, digest = :digest"),
        {"note": forged.note, "digest": forged.digest},
    )
    found = [one for one in findings(session) if "no valid signature" in one]
    assert len(found) == 1
    assert str(signer(1).key) in found[0]


def test_a_rotation_without_the_old_key_s_signature_is_found(session):
    publish_checkpoint(session, signer(1), SIGNED)
    row = rotate_key(session, signer(1), signer(2), ROTATED).checkpoint
    alone = row._replace(note=sign(Checkpoint(LOG_NAME, row.size, row.root), [signer(2)]))
    session.execute(text("SET LOCAL session_replication_role = replica"))
    session.execute(
        text("UPDATE ledger.checkpoint SET note = :note WHERE size = :size"),
        {"note": alone.note, "size": row.size},
    )
    assert any(str(signer(1).key) in one for one in findings(session))


def test_a_cut_off_end_is_found_against_a_note_kept_elsewhere(session):
    publish_checkpoint(session, signer(1), SIGNED)
    publish_small_facts(session, 3)
    kept = publish_checkpoint(session, signer(1), SIGNED).checkpoint
    assert findings(session, kept.note) == []
    session.execute(text("SET LOCAL session_replication_role = replica"))
    for statement in (
        "DELETE FROM settlement.run WHERE kind = 'small-3'",
        "DELETE FROM ledger.log_leaf WHERE index > 3",
        f"DELETE FROM ledger.checkpoint WHERE size = {kept.size}",
    ):
        session.execute(text(statement))
    assert findings(session) == []
    found = findings(session, kept.note)
    assert len(found) == 1
    assert "its end was cut off" in found[0]


def test_a_rewritten_past_is_found_against_a_note_kept_elsewhere(session):
    kept = publish_checkpoint(session, signer(1), SIGNED).checkpoint
    note = sign(Checkpoint(LOG_NAME, kept.size, bytes(32)), [signer(1)])
    assert "do not give its root" in findings(session, note)[0]
    stranger = sign(Checkpoint(LOG_NAME, kept.size, kept.root), [signer(4)])
    assert "no key of this log has signed it" in findings(session, stranger)[0]


def test_the_key_file_is_made_once_for_its_owner_alone(session, tmp_path):
    path = tmp_path / "var" / "log_key"
    made = present_signer(session, path, LOG_NAME)
    assert made.is_made
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    again = present_signer(session, path, LOG_NAME)
    assert (again.is_made, again.signer.key) == (False, made.signer.key)
    publish_checkpoint(session, made.signer, SIGNED)
    assert present_signer(session, path, "another name").signer.key == made.signer.key
    assert [file.name for file in path.parent.iterdir()] == ["log_key"]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o777])
def test_a_key_file_that_others_can_read_is_refused(session, tmp_path, mode):
    path = tmp_path / "log_key"
    load_or_make_key(path)
    path.chmod(mode)
    given = (session, path, LOG_NAME)
    assert refusal_of(present_signer, *given) is LedgerRule.LOG_KEY_IS_EXPOSED


def test_a_file_without_such_a_key_is_refused(session, tmp_path):
    path = tmp_path / "log_key"
    curve = generate_private_key(SECP256R1())
    for content in (
        b"",
        b"no key",
        curve.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
    ):
        path.write_bytes(content)
        path.chmod(0o600)
        assert refusal_of(load_key, path) is LedgerRule.LOG_KEY_IS_UNREADABLE
    assert refusal_of(load_key, tmp_path) is LedgerRule.LOG_KEY_IS_UNREADABLE


def test_a_missing_or_another_key_file_is_refused_once_the_log_has_a_key(session, tmp_path):
    path = tmp_path / "log_key"
    publish_checkpoint(session, signer(1), SIGNED)
    given = (session, path, LOG_NAME)
    assert refusal_of(present_signer, *given) is LedgerRule.LOG_KEY_IS_ANOTHER
    assert not path.exists()
    load_or_make_key(path)
    assert refusal_of(present_signer, *given) is LedgerRule.LOG_KEY_IS_ANOTHER


def test_a_malformed_name_is_refused(session, tmp_path):
    given = (session, tmp_path / "log_key", "a name")
    assert refusal_of(present_signer, *given) is LedgerRule.LOG_NAME_IS_MALFORMED
    assert list(tmp_path.iterdir()) == []


def test_a_rotation_that_was_cut_off_is_finished_by_the_next_use(session, tmp_path):
    path = tmp_path / "log_key"
    old = present_signer(session, path, LOG_NAME).signer
    publish_checkpoint(session, old, SIGNED)
    new = next_signer(session, path, is_lost=False)
    assert present_signer(session, path, LOG_NAME).signer.key == old.key  # not rotated yet
    assert next_signer(session, path, is_lost=False).key == new.key
    rotate_key(session, old, new, ROTATED)
    assert next_path(path).exists()
    assert present_signer(session, path, LOG_NAME).signer.key == new.key
    assert not next_path(path).exists()


def test_a_key_that_is_there_is_not_lost(session, tmp_path):
    path = tmp_path / "log_key"
    old = present_signer(session, path, LOG_NAME).signer
    publish_checkpoint(session, old, SIGNED)
    given = (session, path)
    assert refusal_of(next_signer, *given, is_lost=True) is LedgerRule.LOG_KEY_IS_ANOTHER
    path.unlink()
    new = next_signer(session, path, is_lost=True)
    rotate_key(session, None, new, ROTATED)
    assert present_signer(session, path, LOG_NAME).signer.key == new.key


def test_two_makers_of_a_key_end_with_one(tmp_path):
    path = tmp_path / "log_key"
    first, _ = load_or_make_key(path)
    second, is_made = load_or_make_key(path)
    assert not is_made
    assert first.private_bytes_raw() == second.private_bytes_raw()
    load_or_make_key(next_path(path))
    move_into_place(path)
    assert load_key(path).private_bytes_raw() != first.private_bytes_raw()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"format": "another"}, "its format is neither"),
        ({"key": 7}, "key is not a text"),
        ({"source": None}, "source is not a text"),
        ({"digest": "00"}, "digest is not 64"),
        ({"digest": "zz" * 32}, "digest is not 64"),
        ({"leaf_hash": None}, "leaf_hash is not 64"),
        ({"index": -1}, "index is not a whole number"),
        ({"index": True}, "index is not a whole number"),
        ({"size": 2**63}, "size is not a whole number"),
        ({"size": 1.0}, "size is not a whole number"),
        ({"hashes": "00"}, "hashes is not a list"),
        ({"hashes": ["00" * 32] * 129}, "hashes is not a list of at most"),
        ({"hashes": [1]}, "one of hashes is not 64"),
        ({"checkpoint": 1}, "checkpoint is not a text"),
        ({"checkpoint": "no note"}, "checkpoint: no empty line"),
    ],
)
def test_a_malformed_proof_is_refused(filled, change, reason):
    proof = prove_inclusion(filled, "ledger.bank_statement", "small-bank-000001").as_dict()
    with pytest.raises(MalformedProof, match=reason):
        check_proof(json.dumps({**proof, **change}), [])


@pytest.mark.parametrize("given", ["", "[]", "7", "{}", "null", "[" * 50_000, "x" * 200_000])
def test_what_is_no_proof_at_all_is_refused(given):
    with pytest.raises(MalformedProof):
        check_proof(given, [])


@pytest.mark.parametrize(
    ("change", "failing"),
    [
        ({"key": "2"}, [0, 1]),
        ({"digest": "07" * 32}, [0, 1]),
        ({"leaf_hash": "07" * 32}, [0]),
        ({"index": 4}, [1]),
        ({"root": "07" * 32}, [1, 2]),
        ({"hashes": []}, [1]),
    ],
)
def test_a_changed_proof_says_which_claim_fails(filled, change, failing):
    proof = prove_inclusion(filled, "ledger.bank_statement", "small-bank-000001").as_dict()
    checked = check_proof(json.dumps({**proof, **change}), [signer(1).key, signer(2).key])
    assert [at for at, one in enumerate(checked) if not one.holds] == failing


def test_keys_in_the_file_prove_nothing(filled):
    proof = prove_inclusion(filled, "ledger.bank_statement", "small-bank-000001").as_dict()
    assert str(signer(2).key) in proof["keys"]
    assert [one.holds for one in check_proof(json.dumps(proof), [])] == [True, True, True, False]


def test_now_has_a_zone(session):
    with pytest.raises(ValueError, match="no zone"):
        publish_checkpoint(session, signer(1), dt.datetime(2024, 3, 1))
