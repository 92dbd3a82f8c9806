"""Attacks on co-signatures in the database and at the portal, and on those who demand a quorum.

The attacker owns the database and the log's key. It has no witness's key, and not the policy, which
is a file of the verifier.
"""

import datetime as dt

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from common.refusals import Refused
from database.session import make_engine, transaction
from ledger.log.checkpoints import keep_checkpoint, publish_checkpoint
from ledger.log.kept import parse_kept
from ledger.log.note import parse_note
from ledger.log.policy import parse_policy
from ledger.log.store import last_checkpoint
from ledger.log.witness_store import cosigned_note
from ledger.log.witness_verification import verify_quorum, verify_witnesses
from ledger.log.witnesses import (
    MOST_A_DAY,
    register_witness,
    take_cosignatures,
    withdraw_witness,
)
from tests.worlds.logged import SIGNED, publish_small_facts, signer
from tests.worlds.rolled_back import rolled_back
from tests.worlds.witnessed import COSIGNED, cosign_last, register_witnesses, witness

POLICY = (
    f"log {signer(1).key}\nwitness one {witness(1).key}\nwitness two {witness(2).key}\n"
    "group both all one two\nquorum both\nage_hours 48\n"
)
HOUR = dt.timedelta(hours=1)


@pytest.fixture(scope="module")
def witnessed(clone_database) -> Engine:
    """A checkpoint that two witnesses have co-signed, and a fact after it."""
    made = make_engine(clone_database())
    with transaction(made) as session:
        publish_small_facts(session, 5)
        register_witnesses(session)
        publish_checkpoint(session, signer(1), SIGNED)
        cosign_last(session, 1, 2)
        publish_small_facts(session, 1, first=6)
    yield made
    made.dispose()


@pytest.fixture
def session(witnessed) -> Session:
    with rolled_back(witnessed) as opened:
        yield opened


@pytest.fixture
def attacked(session) -> Session:
    session.execute(text("SET LOCAL session_replication_role = replica"))
    return session


def found(session: Session, policy: str = POLICY, kept: str | None = None, at=COSIGNED + HOUR):
    demanded = verify_quorum(session, parse_policy(policy), parse_kept(kept) if kept else None, at)
    return [finding.code for finding in demanded]


def refusal(session: Session, size: int, line: str, now=COSIGNED) -> str:
    with pytest.raises(Refused) as refused:
        take_cosignatures(session, size, line, now)
    return refused.value.findings[0].code


def line_by(number: int, session: Session, at: dt.datetime = COSIGNED) -> tuple[int, str]:
    checkpoint = parse_note(last_checkpoint(session).note).checkpoint
    return checkpoint.size, witness(number).cosign(checkpoint, int(at.timestamp())).text


# ---------------------------------------------------------------- what is to hold


def test_a_quorum_that_is_there_is_found(session):
    assert found(session) == []
    assert list(verify_witnesses(session)) == []


def test_a_note_carries_its_cosignatures_and_the_kept_file_too(session):
    row = last_checkpoint(session)
    names = [line.name for line in parse_note(cosigned_note(session, row)).signatures]
    assert names == ["tallystick.test/log", "witness-1.test/w", "witness-2.test/w"]
    assert len(parse_kept(keep_checkpoint(session, row)).note.signatures) == 3


def test_a_later_checkpoint_needs_no_quorum_while_an_earlier_one_is_recent(session):
    publish_checkpoint(session, signer(1), SIGNED + HOUR)
    assert found(session) == []


def test_a_cosignature_in_a_kept_note_counts_though_the_database_has_none(attacked):
    kept = keep_checkpoint(attacked, last_checkpoint(attacked))
    attacked.execute(text("DELETE FROM ledger.cosignature"))
    assert found(attacked) == ["witness-quorum"]
    assert found(attacked, kept=kept) == []


# ---------------------------------------------------------------- the database


def test_a_quorum_that_lacks_one_is_a_finding(attacked):
    attacked.execute(text("DELETE FROM ledger.cosignature WHERE witness = 2"))
    assert found(attacked) == ["witness-quorum"]


def test_an_old_cosignature_is_no_quorum(session):
    """A log that was set back has the co-signatures that it had then."""
    assert found(session, at=COSIGNED + 49 * HOUR) == ["witness-quorum"]


def test_a_cosignature_moved_to_another_checkpoint_is_found(attacked):
    published = publish_checkpoint(attacked, signer(1), SIGNED + HOUR).checkpoint
    attacked.execute(text("UPDATE ledger.cosignature SET size = :size"), {"size": published.size})
    assert found(attacked) == ["cosignature-invalid"] * 2 + ["witness-quorum"]
    assert [each.code for each in verify_witnesses(attacked)] == ["cosignature-invalid"] * 2


def test_a_cosignature_made_younger_is_found(attacked):
    later = text("UPDATE ledger.cosignature SET signed_at = signed_at + interval '30 days'")
    attacked.execute(later)
    assert found(attacked, at=COSIGNED + 31 * 24 * HOUR)[:2] == ["cosignature-invalid"] * 2


def test_a_time_to_come_is_no_time(session):
    assert found(session, at=COSIGNED - HOUR) == ["cosignature-invalid"] * 2 + ["witness-quorum"]


def test_a_checkpoint_with_another_root_under_old_cosignatures_is_found(attacked):
    """The log rewritten and signed again: the witnesses' lines are of the root that was."""
    row = last_checkpoint(attacked)
    note = parse_note(row.note).checkpoint
    forged = note._replace(root=bytes(32))
    body = forged.body + "\n" + signer(1).signature_line(forged.body)
    attacked.execute(text("UPDATE ledger.checkpoint SET note = :note"), {"note": body})
    assert found(attacked) == ["cosignature-invalid"] * 2 + ["witness-quorum"]


def test_a_key_of_a_witness_swapped_in_the_database_helps_nobody(attacked):
    """The attacker's own key in the place of the witness's, and co-signatures by it."""
    mine = witness(9)
    size, line = line_by(9, attacked)
    attacked.execute(
        text("UPDATE ledger.witness SET public_key = :key, name = :name WHERE number = 1"),
        {"key": mine.key.public_key, "name": mine.name},
    )
    attacked.execute(text("DELETE FROM ledger.cosignature WHERE witness = 1"))
    take_cosignatures(attacked, size, line, COSIGNED)
    assert found(attacked) == ["witness-quorum"], "the policy knows the other key"
    places = [each.place for each in verify_witnesses(attacked)]
    assert places == ["ledger.witness 1"], "and the row does not give its digest"


def test_the_logs_own_key_as_a_witness_of_the_policy_is_a_finding(session):
    """Named under another log's line, so that the policy alone cannot tell."""
    own = witness(1).key._replace(public_key=signer(1).key.public_key)
    policy = f"log {signer(2).key}\nwitness own {own}\nquorum own\nage_hours 48\n"
    assert found(session, policy)[:2] == ["witness-of-log", "witness-log-key"]


def test_a_log_that_the_policy_does_not_name_has_no_quorum(session):
    policy = POLICY.replace(str(signer(1).key), str(signer(2).key))
    assert found(session, policy) == ["witness-log-key", "witness-quorum"]


def test_a_line_that_stands_twice_in_a_kept_note_is_one_witness(attacked):
    row = last_checkpoint(attacked)
    _, line = line_by(1, attacked)
    attacked.execute(text("DELETE FROM ledger.cosignature"))
    kept = row.note + line + line
    assert found(attacked, kept=kept) == ["cosignature-twice", "witness-quorum"]


def test_a_cosignature_cannot_be_changed_or_taken_out(session):
    for statement in ("UPDATE ledger.cosignature SET witness = 2", "DELETE FROM ledger.witness"):
        with pytest.raises(Exception, match="append-only"), session.begin_nested():
            session.execute(text(statement))


# ---------------------------------------------------------------- what the portal takes


def test_a_key_that_nobody_registered_is_refused(session):
    assert refusal(session, *line_by(3, session)) == "WITNESS_IS_UNKNOWN"


def test_a_stranger_beside_a_witness_is_passed_over(session):
    size, stranger = line_by(3, session)
    _, known = line_by(1, session, COSIGNED + HOUR)
    (taken,) = take_cosignatures(session, size, stranger + known, COSIGNED + HOUR)
    assert taken.key == witness(1).key


def test_a_withdrawn_witness_is_refused_and_does_not_come_back(session):
    withdraw_witness(session, str(witness(1).key), COSIGNED)
    assert refusal(session, *line_by(1, session, COSIGNED + HOUR)) == "WITNESS_IS_UNKNOWN"
    with pytest.raises(Refused, match="WITNESS_IS_KNOWN"):
        register_witness(session, str(witness(1).key), COSIGNED)


def test_a_signature_of_another_checkpoint_is_refused(session):
    _, line = line_by(1, session)
    published = publish_checkpoint(session, signer(1), SIGNED + HOUR).checkpoint
    assert refusal(session, published.size, line) == "COSIGNATURE_DOES_NOT_HOLD"
    assert refusal(session, published.size + 1, line) == "CHECKPOINT_IS_UNKNOWN"


def test_a_replayed_cosignature_changes_nothing_and_an_old_one_is_refused(session):
    count = text("SELECT count(*) FROM ledger.cosignature")
    before = session.scalar(count)
    take_cosignatures(session, *line_by(1, session), COSIGNED + HOUR)
    assert session.scalar(count) == before
    old = line_by(1, session)
    assert refusal(session, *old, COSIGNED + 25 * HOUR) == "COSIGNATURE_IS_NOT_OF_TODAY"
    early = line_by(1, session, COSIGNED + HOUR)
    assert refusal(session, *early) == "COSIGNATURE_IS_NOT_OF_TODAY"


def test_two_lines_of_one_key_are_refused(session):
    size, line = line_by(1, session)
    assert refusal(session, size, line + line) == "COSIGNATURE_IS_MALFORMED"
    assert refusal(session, size, "nonsense") == "COSIGNATURE_IS_MALFORMED"


def test_a_witness_cannot_fill_the_disk(session):
    for minute in range(1, MOST_A_DAY):
        cosign_last(session, 1, at=COSIGNED + dt.timedelta(minutes=minute))
    line = line_by(1, session, COSIGNED + HOUR)
    assert refusal(session, *line, COSIGNED + HOUR) == "COSIGNATURES_ARE_TOO_MANY"


def test_a_key_of_the_log_is_no_witness(session):
    own = witness(1).key._replace(public_key=signer(1).key.public_key)
    for key in (str(own), str(signer(1).key), "nonsense"):
        with pytest.raises(Refused, match="WITNESS_KEY_IS_MALFORMED"):
            register_witness(session, key, COSIGNED)
