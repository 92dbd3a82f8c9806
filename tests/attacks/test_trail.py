"""Attacks on the trail: who may act, what was done, what was sent, and what a replay found."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from database.session import make_engine, transaction
from ledger.log.checkpoints import keep_checkpoint, publish_checkpoint
from ledger.log.kept import parse_kept
from ledger.log.tree_verification import verify_published
from ledger.trail.verification import TRAILED, verify_trail
from tests.attacks.attacker import remake_digests, turn_triggers_off
from tests.worlds.logged import ROTATED, SIGNED, signer
from tests.worlds.rolled_back import rolled_back
from tests.worlds.trailed import fill_trail
from tests.worlds.witnessed import cosign_last, register_witnesses


@pytest.fixture(scope="module")
def trailed(clone_portal_database):
    made = make_engine(clone_portal_database())
    with transaction(made) as session:
        register_witnesses(session)
        publish_checkpoint(session, signer(1), SIGNED)
        cosign_last(session, 1)
        fill_trail(session)
        published = publish_checkpoint(session, signer(1), SIGNED)
        kept = parse_kept(keep_checkpoint(session, published.checkpoint))
    yield made, kept
    made.dispose()


@pytest.fixture
def session(trailed):
    with rolled_back(trailed[0]) as opened:
        yield opened


def found(session: Session) -> list[tuple[str, str]]:
    return [(finding.code, finding.place) for finding in verify_trail(session)]


def do(session: Session, statement: str) -> None:
    assert session.execute(text(statement)).rowcount >= 1


def settle_triggers(session: Session) -> None:
    session.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))


def test_every_row_is_linked_and_a_checkpoint_names_the_head(session):
    assert found(session) == []
    links = session.execute(text("SELECT source, change FROM ledger.trail_link")).all()
    assert {source for source, _ in links} == set(TRAILED)
    assert session.scalar(text("SELECT max(number) FROM ledger.trail_head")) == len(links)


def test_a_change_and_a_removal_are_links_too(session):
    do(session, "UPDATE portal.auth_user SET is_superuser = true WHERE username = 'pia'")
    do(session, "DELETE FROM portal.mfa_authenticator")
    settle_triggers(session)
    last = session.execute(
        text("SELECT source, change FROM ledger.trail_link ORDER BY number DESC LIMIT 2")
    ).all()
    assert [tuple(row) for row in last] == [
        ("portal.mfa_authenticator", "removed"),
        ("portal.auth_user", "stored"),
    ]
    assert found(session) == []


def test_a_sign_in_alone_makes_a_new_checkpoint_and_nothing_at_all_makes_none(session):
    assert not publish_checkpoint(session, signer(1), ROTATED).is_new
    do(session, "UPDATE portal.auth_user SET is_active = false")
    settle_triggers(session)
    assert publish_checkpoint(session, signer(1), ROTATED).is_new
    assert not publish_checkpoint(session, signer(1), ROTATED).is_new


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE ledger.trail_link SET key = 'x'",
        "DELETE FROM ledger.trail_head",
        "UPDATE portal.portal_auditentry SET reason = 'none'",
        "UPDATE portal.portal_noticesent SET sent_to = 'nobody'",
        "DELETE FROM portal.portal_noticesent",
        "INSERT INTO ledger.trail_link SELECT number + 1, source, key, change, row_digest, "
        "previous_digest, digest FROM ledger.trail_link ORDER BY number DESC LIMIT 1",
    ],
)
def test_the_database_refuses_to_change_the_trail(session, statement):
    with pytest.raises(DBAPIError, match="append-only"):
        session.execute(text(statement))


@pytest.mark.parametrize("table", TRAILED)
def test_a_row_changed_with_the_whole_chain_made_anew_is_named(trailed, session, table):
    """With the key of the log stolen, too: nothing within tells; the kept file names the row."""
    turn_triggers_off(session)
    key, column = TRAILED[table].key, TRAILED[table].columns[-1]
    first = f"(SELECT min({key}) FROM {table})"
    value = {
        "created_at": "now()",
        "date_joined": "now()",
        "primary": "false",
        "group_id": "77",
        "signature": "decode(repeat('00', 64), 'hex')",
    }.get(column, "'changed'")
    do(session, f'UPDATE {table} SET "{column}" = {value} WHERE {key} = {first}')
    remake_digests(session, table)
    assert found(session) == []
    named = {finding.code: finding.place for finding in verify_published(session, trailed[1])}
    assert named["trail-link-changed"].startswith(f"{table} ")
    assert named["log-leaf-changed"].startswith("ledger.trail_head ")


def test_an_end_of_the_trail_that_was_cut_off_with_its_rows_is_found(trailed, session):
    turn_triggers_off(session)
    for statement in (
        "DELETE FROM portal.portal_replayrequest",
        "DELETE FROM ledger.trail_link WHERE source = 'portal.portal_replayrequest'",
        "DELETE FROM ledger.trail_head",
    ):
        do(session, statement)
    assert found(session) == []
    named = {finding.code: finding.place for finding in verify_published(session, trailed[1])}
    assert named["trail-end-cut-off"] == "ledger.trail_link 10 to 11"


@pytest.mark.parametrize(
    ("statement", "code", "place"),
    [
        ("UPDATE portal.auth_user SET is_superuser = true WHERE username = 'pia'",
         "trail-row-altered", "portal.auth_user 2"),
        ("DELETE FROM portal.portal_auditentry WHERE action = 'evidence'",
         "trail-row-gone", "portal.portal_auditentry 2"),
        ("INSERT INTO people.deed (at, account, command, words) "
         "VALUES ('2024-03-01T13:00Z', 'olga', 'post', 'run x')",
         "trail-row-unlinked", "people.deed 2"),
        ("UPDATE portal.portal_replayrequest SET state = 'different'",
         "trail-row-altered", "portal.portal_replayrequest 1"),
        ("UPDATE ledger.trail_link SET row_digest = sha256('x') WHERE number = 5",
         "ledger-digest", "ledger.trail_link 5"),
        ("DELETE FROM ledger.trail_link WHERE number = 5",
         "ledger-row-missing", "ledger.trail_link 5"),
        ("UPDATE ledger.trail_head SET link_digest = sha256('x')",
         "ledger-digest", "ledger.trail_head 11"),
        ("ALTER TABLE portal.auth_user DISABLE TRIGGER link_row",
         "ledger-row-missing", "portal.auth_user (every row)"),
        ("DROP TRIGGER link_row ON portal.portal_auditentry",
         "ledger-row-missing", "portal.portal_auditentry (every row)"),
    ],
)  # fmt: skip
def test_what_is_done_behind_the_triggers_is_named(session, statement, code, place):
    turn_triggers_off(session)
    session.execute(text(statement))
    assert (code, place) in found(session)
