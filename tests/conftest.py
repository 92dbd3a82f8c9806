"""The real PostgreSQL 18 under every test that asks for it, and the marks of tests with data.

One embedded server serves all test processes; each process migrates a template database of its
own, and tests either roll back in it (`session`) or commit to a clone of it
(`committed_database`). Where the portal is under test, the template has Django's tables, too.
"""

import datetime as dt
import gc
import os
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
import pytest
from hypothesis import is_hypothesis_test, settings
from psycopg import sql
from sqlalchemy import Engine, make_url
from sqlalchemy.orm import Session

from database import embedded, schema
from database.roles.granting import drop_roles
from database.session import make_engine, refuse_old_server, transaction
from tests.examples import tried
from tests.slow import ALL_SLOW, LONGEST, SLOW, TOGETHER
from tests.worlds.people import found_people, url_acting_as
from tests.worlds.roles import let_roles_in
from tests.worlds.rolled_back import rolled_back

# No deadline for a single example: the first to meet a kernel compiles it, and machines are shared.
settings.register_profile("without-deadline", deadline=None, max_examples=tried(100))
settings.load_profile("without-deadline")

# A tenth of the time of a process of tests went into walking all that lives, again and again.
gc.set_threshold(10_000, 20, 50)

ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared"
TEST_SERVER_FOLDER = ROOT / "var" / "postgresql-test"


@pytest.fixture(scope="session", autouse=True)
def log_key_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the key lies that signs the log of every test; never the one of the checkout."""
    path = tmp_path_factory.mktemp("log") / "log_key"
    os.environ["TALLYSTICK_LOG_KEY_FILE"] = str(path)
    return path


@pytest.fixture(scope="session")
def server_url() -> str:
    """URL of a maintenance database on the server under test."""
    url = os.environ.get("DATABASE_URL")
    if not url:
        url = embedded.start(TEST_SERVER_FOLDER).superuser_url()
        _spare_the_disk(url)
    made = make_engine(url)
    refuse_old_server(made)
    made.dispose()
    return url


def _spare_the_disk(server_url: str) -> None:
    """Let the embedded server under test not wait for the disk.

    Tests kill processes, of the server too, and what those wrote the system still has; only a
    machine that loses power would lose it. Nor does it look for what to vacuum, in hundreds of
    databases that are there for seconds.
    """
    for setting in ("fsync", "synchronous_commit", "full_page_writes", "autovacuum"):
        statement = sql.SQL("ALTER SYSTEM SET {} = off").format(sql.Identifier(setting))
        _run_on_server(server_url, statement)
    _run_on_server(server_url, sql.SQL("SELECT pg_reload_conf()"))


def _run_on_server(server_url: str, statement: sql.Composable) -> None:
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(statement)


def _named(server_url: str, database: str) -> str:
    """Return the URL of a database, whose connections act as the usual operator of tests."""
    url = make_url(server_url).set(database=database).render_as_string(hide_password=False)
    return url_acting_as(url)


def _drop(server_url: str, database: str) -> None:
    _run_on_server(
        server_url,
        sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(database)),
    )


@contextmanager
def empty_database(server_url: str) -> Iterator[str]:
    """Make a database that holds nothing, give its URL, and drop it."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    _run_on_server(server_url, sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    try:
        yield _named(server_url, name)
    finally:
        _drop(server_url, name)
        with psycopg.connect(server_url, autocommit=True) as connection:
            drop_roles(connection, name)


@pytest.fixture(scope="session")
def template_database(server_url: str) -> Iterator[str]:
    """Name of a database with the domain schema migrated, and nobody in it, to clone from."""
    with empty_database(server_url) as url:
        schema.upgrade(url)
        yield str(make_url(url).database)


@contextmanager
def _cloning(server_url: str, template: str) -> Iterator[Callable[[], str]]:
    """Give a function that clones a database and returns the clone's URL; drop the clones."""
    clones: list[str] = []

    def clone() -> str:
        name = f"{template}_{len(clones)}"
        # By file: half the time of writing every page to the log of a server without fsync.
        statement = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy")
        named = statement.format(sql.Identifier(name), sql.Identifier(template))
        _run_on_server(server_url, named)
        clones.append(name)
        let_roles_in(_named(server_url, name))
        return _named(server_url, name)

    yield clone
    # Side by side: each waits for a checkpoint, and those that wait at once share one.
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(partial(_drop, server_url), clones))


@contextmanager
def _cloning_after(
    server_url: str, url: str, fill: Callable[[Session], object]
) -> Iterator[Callable[[], str]]:
    """Fill a database once, and give a function that clones it."""
    engine = make_engine(url)
    with transaction(engine) as session:
        fill(session)
    engine.dispose()  # a database is copied while nobody is connected to it
    with _cloning(server_url, str(make_url(url).database)) as clone:
        yield clone


@pytest.fixture(scope="session")
def clone_bare_database(server_url: str, template_database: str) -> Iterator[Callable[[], str]]:
    """Return a function that clones a database in which nobody is, and whose log is empty."""
    with _cloning(server_url, template_database) as clone:
        yield clone


@pytest.fixture(scope="session")
def clone_database(
    server_url: str, clone_bare_database: Callable[[], str]
) -> Iterator[Callable[[], str]]:
    """Return a function that clones a database with the people of tests in it, made once."""
    with _cloning_after(server_url, clone_bare_database(), found_people) as clone:
        yield clone


@pytest.fixture(scope="session")
def clone_portal_database(
    server_url: str, clone_database: Callable[[], str], django_db_blocker
) -> Iterator[Callable[[], str]]:
    """Return a function that clones a database with Django's tables, too, migrated once."""
    from tests.worlds.portal_tables import make_portal_tables  # most tests need no page

    url = clone_database()
    with django_db_blocker.unblock():
        make_portal_tables(url)
    with _cloning(server_url, str(make_url(url).database)) as clone:
        yield clone


@pytest.fixture(scope="session")
def database_engine(clone_database) -> Iterator[Engine]:
    """Engine of a database whose tests roll back."""
    made = make_engine(clone_database())
    yield made
    made.dispose()


@pytest.fixture
def session(database_engine: Engine) -> Iterator[Session]:
    """A session on the real, migrated PostgreSQL 18; rolled back at the end."""
    with rolled_back(database_engine) as opened:
        yield opened


@pytest.fixture
def committed_database(clone_database) -> Iterator[Engine]:
    """Engine of a fresh clone, for tests that commit, crash or race."""
    made = make_engine(clone_database())
    yield made
    made.dispose()


@pytest.fixture
def bare_database(clone_bare_database: Callable[[], str]) -> Iterator[Engine]:
    """Engine of a fresh clone in which nobody is, for tests of the schema and of the founding."""
    made = make_engine(clone_bare_database())
    yield made
    made.dispose()


@pytest.fixture(scope="session")
def clone_billed_database(
    server_url: str, clone_database: Callable[[], str]
) -> Iterator[Callable[[], str]]:
    """Return a function that clones a database of the tiny market, settled and billed once."""
    from tests.worlds.settled import bill_tiny  # most tests settle nothing

    with _cloning_after(server_url, clone_database(), bill_tiny) as clone:
        yield clone


@pytest.fixture
def billed_database(clone_billed_database: Callable[[], str]) -> Iterator[Engine]:
    """Engine of a fresh clone with the tiny market billed, for tests that commit what follows."""
    made = make_engine(clone_billed_database())
    yield made
    made.dispose()


@pytest.fixture(scope="session")
def clone_filled_database(
    server_url: str, clone_portal_database: Callable[[], str]
) -> Iterator[Callable[[], str]]:
    """Return a function that clones a database with a row of every sort, made once."""
    from tests.settlement.test_verification import fill  # most tests need no such world

    with _cloning_after(server_url, clone_portal_database(), fill) as clone:
        yield clone


@pytest.fixture
def now() -> dt.datetime:
    """The moment at which a test publishes, ingests and settles."""
    return dt.datetime(2024, 3, 1, 9, 0, tzinfo=dt.UTC)


REACHES_OUT = {"server_url", "db", "transactional_db", "live_server", "page", "browser"}
"""Fixtures on which everything rests that starts a database or a browser."""


def is_slow_file(path: Path) -> bool:
    """Return whether nothing in a file or folder of tests is fast, as `tests.slow` says."""
    name = (
        path.relative_to(ROOT / "tests").as_posix() if path.is_relative_to(ROOT / "tests") else ""
    )
    return name in SLOW or name.partition("/")[0] in ALL_SLOW


def is_fast(item: pytest.Item) -> bool:
    """Return whether a test needs no database, browser or process, and sweeps over no examples."""
    fixtures = set(getattr(item, "fixturenames", ()))
    is_sweep = is_hypothesis_test(getattr(item, "obj", None))
    return not REACHES_OUT & fixtures and not is_sweep and not is_slow_file(item.path)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave unread what is not asked for, slow files and oracles: reading them takes seconds."""
    asked = config.option.markexpr
    is_oracle = collection_path == ROOT / "tests" / "oracles"
    return (
        (asked == "fast" and is_slow_file(collection_path))
        or (asked == "not oracle" and is_oracle)
        or None
    )


@pytest.hookimpl(optionalhook=True)  # of pytest-xdist
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Leave what `TOGETHER` names to one process, and every other file to one each."""
    from xdist.scheduler import LoadFileScheduling

    class LoadWorldScheduling(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            folder = nodeid.removeprefix("tests/").partition("/")[0]
            return TOGETHER[0] if folder in TOGETHER else super()._split_scope(nodeid)

    return LoadWorldScheduling(config, log) if config.getvalue("dist") == "loadfile" else None


def pytest_collection_finish() -> None:
    """Keep the tests themselves out of garbage collection, which would walk all of them often."""
    gc.freeze()


@pytest.hookimpl(tryfirst=True)  # before pytest selects by mark
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the longest, mark what is fast, and skip what needs data that is not there.

    What is skipped says so; the data lies beside the checkout.
    """
    rank = {ROOT / "tests" / name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: rank.get(item.path, len(rank)))
    for item in items:
        if is_fast(item):
            item.add_marker("fast")
        if is_hypothesis_test(getattr(item, "obj", None)):
            item.add_marker("property")
    needs = {"real_data": SHARED / "data", "golden": SHARED / "golden"}
    for mark, folder in needs.items():
        if not folder.is_dir():
            skip = pytest.mark.skip(reason=f"{mark}: {folder.relative_to(ROOT.parent)} is absent")
            for item in items:
                if mark in item.keywords:
                    item.add_marker(skip)
