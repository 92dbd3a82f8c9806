"""A checkpoint follows all that is published, posted and issued, and comes once a day.

So whoever changes a fact has as little time as can be before somebody may have kept what tells.
"""

import datetime as dt

import pytest

from database.session import make_engine, transaction
from ledger.log.store import last_checkpoint, log_size
from portal.signing import sign_daily, sign_log
from tests.test_commands import command_on
from tests.worlds import tiny_market
from tests.worlds.settled import publish_tiny

__all__ = ["command_on"]
DAY = dt.date(2024, 1, 1)
DAYS = ("--from", str(DAY), "--to", str(DAY))


@pytest.fixture
def published(clone_database, monkeypatch, tmp_path):
    """The tiny market's law, signed by a key in a folder of its own."""
    monkeypatch.setenv("TALLYSTICK_LOG_KEY_FILE", str(tmp_path / "key"))
    made = make_engine(clone_database())
    with transaction(made) as session:
        publish_tiny(session)
        sign_log(session, dt.datetime(2024, 3, 1, 12, tzinfo=dt.UTC))
    yield made
    made.dispose()


@pytest.fixture
def command(command_on, published):
    return command_on(published)


def unsigned(engine) -> int:
    """Return how many leaves no checkpoint covers, but for the last one's own."""
    with transaction(engine) as session:
        return log_size(session) - last_checkpoint(session).size - 1


def test_a_checkpoint_follows_every_deed(command, published, tmp_path):
    file = tmp_path / "readings.csv"
    file.write_bytes(tiny_market.readings_csv(DAY, DAY))
    sizes = []
    for deed in (
        ("ingest", "tiny", file),
        ("settle", "tiny", "II", *DAYS),
        ("invoice", "tiny", "--month", "2024-01"),
        ("propose", "end", "tiny", "tiny/registration/cedar", "2030-01-01", "--unsupplied",
         "--reason", "Enough"),
    ):  # fmt: skip
        done = command(*deed)
        assert (done.status, unsigned(published)) == (0, 0), f"{deed[0]}: {done.err}"
        with transaction(published) as session:
            sizes.append(last_checkpoint(session).size)
    assert sizes == sorted(set(sizes)), "each made one of its own"


def test_what_cannot_be_signed_stands_and_is_told(command, published, tmp_path):
    (tmp_path / "key").unlink()
    file = tmp_path / "readings.csv"
    file.write_bytes(tiny_market.readings_csv(DAY, DAY))
    done = command("ingest", "tiny", file)
    assert done.status == 0
    assert "What was done stands, but the log was not signed" in done.err
    assert unsigned(published) == 1


def test_what_is_only_looked_at_signs_nothing(command, published):
    with transaction(published) as session:
        size = last_checkpoint(session).size
    for look in (
        ("due", "tiny"),
        ("settle_due", "tiny", "--dry-run"),
        ("payments", "list", "tiny"),
    ):
        command(*look)
    with transaction(published) as session:
        assert last_checkpoint(session).size == size


def test_a_log_without_a_key_waits_for_its_first_checkpoint(command_on, clone_database, tmp_path):
    made = make_engine(clone_database())
    with transaction(made) as session:
        publish_tiny(session)
    file = tmp_path / "readings.csv"
    file.write_bytes(tiny_market.readings_csv(DAY, DAY))
    done = command_on(made)("ingest", "tiny", file)
    with transaction(made) as session:
        assert last_checkpoint(session) is None
    made.dispose()
    assert (done.status, "signed" in done.err) == (0, False)


def test_the_portal_signs_once_a_day(command_on, published, tmp_path):
    command_on(published)  # points the product at the database
    with transaction(published) as session:
        before = last_checkpoint(session)
        ends = before.size
    today = before.signed_at + dt.timedelta(hours=1)
    assert sign_daily(today) is None
    with transaction(published) as session:
        assert last_checkpoint(session).size == ends, "signed on this day already"
        publish_tiny(session, [tiny_market.grid_model()], dt.date(2024, 6, 1))
    assert sign_daily(today) is None
    with transaction(published) as session:
        assert last_checkpoint(session).size == ends
    assert sign_daily(today + dt.timedelta(days=1)) is None
    assert unsigned(published) == 0
