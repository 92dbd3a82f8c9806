"""An insider invents a run of an earlier version of the engine, which nobody here computes again.

As the writer they store it by the product's functions, with the version that they like. As the
owner they take the constraint away, and put it back: then the log tells what had run before.
"""

from collections.abc import Iterator

import pytest
from psycopg import errors
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from database.session import make_engine, transaction
from settlement.replays.engine_verification import verify_engines
from settlement.replays.verification import verify_replays
from settlement.runs import settle as settling
from settlement.runs.run import ENGINE_VERSION, Run
from tests.worlds.rolled_back import rolled_back
from tests.worlds.settled import CORRECTED, RESETTLED, correct_tiny, fill_tiny, settle_tiny
from verifier.runs import ENGINE_VERSIONS

CONSTRAINT = "ck_run_engine_is_of_this_release"
INVENTED = ["1", "2", "0", "4", "01", "3.0", "99", "one", ""]
ALL_EARLIER = ENGINE_VERSIONS[:-1]


@pytest.fixture(scope="module")
def engine(clone_database) -> Iterator:
    """The tiny market, settled once, and corrected."""
    made = make_engine(clone_database())
    with transaction(made) as session:
        fill_tiny(session)
        correct_tiny(session)
    yield made
    made.dispose()


@pytest.fixture
def market(engine) -> Iterator[Session]:
    with rolled_back(engine) as session:
        yield session


def settle_by(session: Session, monkeypatch, version: str) -> Run:
    with monkeypatch.context() as patched:
        patched.setattr(settling, "ENGINE_VERSION", version)
        return settle_tiny(session, "SF", now=RESETTLED)


def without_the_constraint(session: Session) -> None:
    session.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))
    session.execute(text(f"ALTER TABLE settlement.run DROP CONSTRAINT {CONSTRAINT}"))
    session.execute(text("SET CONSTRAINTS ALL DEFERRED"))


@pytest.mark.parametrize("version", INVENTED)
def test_no_run_of_another_engine_is_stored(market, monkeypatch, version):
    assert CORRECTED < RESETTLED
    with pytest.raises(IntegrityError) as refused, market.begin_nested():
        settle_by(market, monkeypatch, version)
    assert isinstance(refused.value.orig, errors.CheckViolation)
    assert refused.value.orig.diag.constraint_name == CONSTRAINT


@pytest.mark.parametrize("version", INVENTED)
def test_one_that_was_forced_in_is_named_whatever_verify_leaves_out(market, monkeypatch, version):
    without_the_constraint(market)
    run = settle_by(market, monkeypatch, version)
    (found,) = verify_engines(market)
    assert (found.code, found.place) == ("run-engine", f"settlement.run {run.id}")
    assert ("had run before" if version in ALL_EARLIER else "no release") in found.value


def test_a_run_of_before_is_named_until_who_verifies_leaves_its_version_out(market, monkeypatch):
    """As after an upgrade: the first runs are of an earlier engine, and one of this one follows."""
    market.execute(text("SET LOCAL session_replication_role = replica"))
    without_the_constraint(market)
    market.execute(text("UPDATE settlement.run SET engine_version = '1'"))
    market.expire_all()
    settle_tiny(market, "SF", now=RESETTLED)
    assert list(verify_engines(market)) == []
    (found,) = verify_replays(market)
    assert "version 1 computed it" in found.value
    left_out: list[Run] = []
    assert list(verify_replays(market, left_out=["1"], unreplayed=left_out)) == []
    assert [run.engine_version for run in left_out] == ["1"]


def test_the_database_takes_the_version_of_this_release_and_the_verifier_knows_it(market):
    stated = market.scalar(
        text("SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = :name"),
        {"name": CONSTRAINT},
    )
    assert f"'{ENGINE_VERSION}'" in stated
    assert tuple(map(str, range(1, int(ENGINE_VERSION) + 1))) == ENGINE_VERSIONS
