"""Attacks on files that were accepted and not settled yet: no run names their readings."""

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from database.session import make_engine, transaction
from ledger.log.checkpoints import keep_checkpoint, publish_checkpoint
from ledger.log.kept import parse_kept
from settlement.verification import list_checks
from tests.attacks.attacker import remake_digests, turn_triggers_off
from tests.worlds.logged import SIGNED, signer
from tests.worlds.rolled_back import rolled_back
from tests.worlds.settled import CORRECTED, FIRST_DAY, ingest_tiny, publish_tiny

ONE = "entity = 'B-home' AND measure = 'metered_demand_wh' AND revision = 2"
READ_MORE = f"UPDATE settlement.reading SET values[7] = values[7] + 1 WHERE {ONE}"
OF_FILE = "FROM settlement.reading_file WHERE id = :id"
FILE_OF_IT = f"SELECT file_id FROM settlement.reading WHERE {ONE}"


@pytest.fixture(scope="module")
def metered(clone_database):
    """Two files of readings, the second a correction, and a checkpoint that covers both."""
    made = make_engine(clone_database())
    with transaction(made) as session:
        publish_tiny(session)
        ingest_tiny(session, last_day=FIRST_DAY)
        ingest_tiny(session, last_day=FIRST_DAY, seed=2, only=["B-home"], received_at=CORRECTED)
        published = publish_checkpoint(session, signer(1), SIGNED)
        kept = keep_checkpoint(session, published.checkpoint)
    yield made, parse_kept(kept)
    made.dispose()


@pytest.fixture
def attacked(metered):
    with rolled_back(metered[0]) as session:
        turn_triggers_off(session)
        yield session


def findings(session: Session, kept=None) -> list[tuple[str, str]]:
    session.expire_all()
    found = [finding for check in list_checks(kept) for finding in check.run(session)]
    return [(finding.code, finding.place) for finding in found]


def test_what_is_metered_holds(metered):
    with transaction(metered[0]) as session:
        assert findings(session, metered[1]) == []


def test_a_reading_changed_before_its_settlement_with_every_digest_is_named(metered, attacked):
    file = attacked.scalar(text(FILE_OF_IT))
    attacked.execute(text(READ_MORE))
    remake_digests(attacked, "settlement.reading")
    assert findings(attacked) == [], "nothing within the database tells"
    names = [place for code, place in findings(attacked, metered[1]) if code == "log-leaf-changed"]
    assert names == [f"settlement.reading_file {file}"]


def test_a_reading_changed_with_its_own_digest_alone_is_named_by_its_file(metered, attacked):
    file = attacked.scalar(text(FILE_OF_IT))
    before = attacked.scalar(text(f"SELECT readings_root {OF_FILE}"), {"id": file})
    attacked.execute(text(READ_MORE))
    remake_digests(attacked, "settlement.reading")
    attacked.execute(
        text("UPDATE settlement.reading_file SET readings_root = :root WHERE id = :id"),
        {"root": before, "id": file},
    )
    places = dict(findings(attacked))
    assert places["root-of-readings"] == f"settlement.reading_file tiny {file} readings.csv"


@pytest.mark.parametrize(
    "change",
    [
        "name = 'other.csv'",
        "content_digest = sha256('x')",
        "late_day_count = 7",
        "received_at = received_at + interval '1 second'",
    ],
)
def test_what_is_said_of_a_file_changed_with_its_digest_is_named(metered, attacked, change):
    file = attacked.scalar(text(FILE_OF_IT))
    attacked.execute(text(f"UPDATE settlement.reading_file SET {change} WHERE id = '{file}'"))
    remake_digests(attacked, "settlement.reading_file")
    assert ("log-leaf-changed", f"settlement.reading_file {file}") in findings(attacked, metered[1])


def test_a_reading_slipped_into_a_file_later_is_found(metered, attacked):
    attacked.execute(
        text(
            "INSERT INTO settlement.reading SELECT market, settlement_day + 40, measure, entity, "
            f"1, values, quality, received_at, file_id, digest FROM settlement.reading WHERE {ONE}"
        )
    )
    codes = {code for code, _ in findings(attacked)}
    assert {"root-of-readings", "readings-of-file"} <= codes
