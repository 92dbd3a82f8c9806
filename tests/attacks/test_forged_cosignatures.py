"""Whoever has the password of the portal's role adds co-signatures that nobody signed.

It is the one fact that the web process appends. What they add stays for good; it must neither show
as a co-signature, nor hide a genuine one, nor keep a witness out, nor end what reads the log.
"""

import datetime as dt
from collections.abc import Iterator

import psycopg
import pytest
from psycopg import errors
from sqlalchemy import Engine

from database.roles.granting import plain_url
from database.roles.names import Role
from database.session import make_engine, transaction
from ledger.log.checkpoints import keep_checkpoint, publish_checkpoint
from ledger.log.cosignature import cosigned_at_seconds
from ledger.log.kept import parse_kept
from ledger.log.note import parse_note
from ledger.log.store import last_checkpoint
from ledger.log.witness_store import cosigned_note
from ledger.log.witness_verification import verify_witnesses
from ledger.log.witnesses import MOST_A_DAY, register_witness, take_cosignatures
from portal.queries.proof import with_signers
from settlement.verification import list_row_checks
from tests.worlds.logged import publish_small_facts, signer
from tests.worlds.roles import url_as
from tests.worlds.witnessed import witness

NOW = dt.datetime.now(dt.UTC).replace(microsecond=0)
MINUTE = dt.timedelta(minutes=1)
FORGED = b"\x07" * 64
ADD = (
    "INSERT INTO ledger.cosignature (size, witness, signed_at, signature) "
    "SELECT max(size), 1, %s::timestamptz, %s FROM ledger.checkpoint"
)


@pytest.fixture
def url(clone_database) -> str:
    return clone_database()


@pytest.fixture
def engine(url) -> Iterator[Engine]:
    """A log whose last checkpoint a registered witness co-signed an hour ago."""
    made = make_engine(url)
    with transaction(made) as session:
        publish_small_facts(session, 3)
        register_witness(session, str(witness(1).key), NOW)
        publish_checkpoint(session, signer(1), NOW)
        cosign(session, NOW - 60 * MINUTE)
    yield made
    made.dispose()


@pytest.fixture
def portal(url, engine) -> Iterator[psycopg.Connection]:
    with psycopg.connect(plain_url(url_as(url, Role.PORTAL)), autocommit=True) as connection:
        yield connection


def cosign(session, at: dt.datetime) -> None:
    row = last_checkpoint(session)
    line = witness(1).cosign(parse_note(row.note).checkpoint, int(at.timestamp())).text
    take_cosignatures(session, row.size, line, NOW)


def times(engine: Engine) -> list[list[dt.datetime]]:
    """Return when the witness co-signed, by the note, by the kept file and by the page of proof."""
    with transaction(engine) as session:
        row = last_checkpoint(session)
        (shown,) = with_signers(session, [row])
        notes = [
            parse_note(cosigned_note(session, row)),
            parse_kept(keep_checkpoint(session, row)).note,
        ]
    read = []
    for note in notes:
        lines = note.signatures[1:]
        seconds = [cosigned_at_seconds(note.checkpoint, line, witness(1).key) for line in lines]
        read.append([dt.datetime.fromtimestamp(at or 0, dt.UTC) for at in seconds])
    return [*read, [each.signed_at for each in shown.cosignatures]]


def test_a_forged_line_neither_shows_nor_hides_the_genuine_one(engine, portal):
    before = times(engine)
    assert before == [[NOW - 60 * MINUTE]] * 3
    portal.execute(ADD, [NOW, FORGED])
    assert times(engine) == before
    with transaction(engine) as session:
        assert [finding.code for finding in verify_witnesses(session)] == ["cosignature-invalid"]
        cosign(session, NOW + MINUTE)
    assert times(engine) == [[NOW + MINUTE]] * 3


OF_NO_DAY = [
    "-infinity", "infinity", "4713-01-01 BC", "1969-12-31 23:59:59Z", "1970-01-01Z",
    "9000-01-01Z", "294276-01-01Z", "in half an hour", "two days ago",
]  # fmt: skip
RELATIVE = {"in half an hour": NOW + 30 * MINUTE, "two days ago": NOW - 48 * 60 * MINUTE}


@pytest.mark.parametrize("moment", OF_NO_DAY)
def test_the_web_process_adds_none_of_another_day(portal, moment):
    with pytest.raises((errors.InsufficientPrivilege, errors.CheckViolation)):
        portal.execute(ADD, [RELATIVE.get(moment, moment), FORGED])


@pytest.mark.parametrize("moment", OF_NO_DAY[:4] + OF_NO_DAY[5:7])
def test_nobody_adds_one_of_a_time_that_nothing_reads(url, engine, moment):
    with (
        psycopg.connect(plain_url(url), autocommit=True) as insider,
        pytest.raises(errors.CheckViolation),
    ):
        insider.execute(ADD, [moment, FORGED])


def test_one_that_was_forced_in_is_named_and_ends_no_check(url, engine):
    with psycopg.connect(plain_url(url), autocommit=True) as insider:
        insider.execute(
            "ALTER TABLE ledger.cosignature DROP CONSTRAINT ck_cosignature_signed_at_is_readable"
        )
        insider.execute(ADD, ["1969-12-31 23:59:59Z", FORGED])
    with transaction(engine) as session:
        check = next(each for each in list_row_checks() if each.name == "witnesses")
        assert [finding.code for finding in check.run(session)] == ["unreadable"]


def test_its_number_is_not_chosen(portal):
    """One that the next would have: that of the witness would be dropped without a word."""
    with pytest.raises(errors.InsufficientPrivilege):
        portal.execute(
            "INSERT INTO ledger.cosignature (number, size, witness, signed_at, signature) "
            "SELECT max(number) + 1, max(size), 1, %s, %s FROM ledger.cosignature",
            [NOW, FORGED],
        )


def test_rows_of_a_time_to_come_keep_no_witness_out(url, engine):
    """As many as a day has, added by who may add any: the writer, or the portal of before."""
    with psycopg.connect(plain_url(url), autocommit=True) as insider:
        for number in range(MOST_A_DAY):
            insider.execute(ADD, [NOW + dt.timedelta(days=400 + number), FORGED])
    with transaction(engine) as session:
        cosign(session, NOW)
