"""A copy of the filled database that is fuzzed, and the eye that sees whether anything was written.

What is refused must have written nothing: the rows of every domain table are counted, with the
latest transaction that touched them, and compared with those before.
"""

import os
import shutil
import signal
import socket
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import pytest
from django.contrib.auth.models import User
from django.db import connections
from psycopg import sql
from sqlalchemy import Engine

from database.addresses import VARIABLES
from database.metadata import SCHEMAS
from database.roles.names import Role as DatabaseRole
from database.session import make_engine, transaction
from ledger.people.roles import Role
from portal.django_on import django_on
from portal.second_factor import lacks_second_factor
from tests.conftest import ROOT
from tests.portal.fuzz.samples import make_samples
from tests.portal.site import GENERATOR, MARKET, SUPPLIER, Site, serving_from
from tests.worlds import people
from tests.worlds.copied import copied
from tests.worlds.drafted import law_in_a_copy
from tests.worlds.second_factor import give_second_factor

SOCKET = "socket"
PATIENCE_S = 60
"""After which an input is told of as one that hangs."""

PEOPLE: dict[str, tuple[set[Role], tuple[str, ...]]] = {
    "participant": ({Role.PARTICIPANT}, (SUPPLIER,)),
    "regulator": ({Role.REGULATOR}, ()),
    "operator": ({Role.OPERATOR}, ()),
    "auditor": ({Role.AUDITOR}, ()),
    "everybody": (set(Role), (SUPPLIER, GENERATOR)),
    "nobody": (set(), ()),
}


class HangsError(Exception):
    """An input took longer than anybody waits."""


@dataclass
class Failures:
    """What went wrong, the first input of each kind."""

    seed: int
    inputs: int = 0
    kinds: dict[str, str] = field(default_factory=dict)

    def add(self, kind: str, told: str) -> None:
        """Keep the first of a kind."""
        self.kinds.setdefault(kind, told)

    def report(self) -> str:
        """Return all of them, with what makes the same inputs again."""
        head = (
            f"{len(self.kinds)} kinds of failure in {self.inputs:,} inputs; for the same ones:\n"
            f"  make fuzz SEED={self.seed} INPUTS={self.inputs}"
        )
        return "\n\n".join([head, *(f"{kind}\n{told}" for kind, told in self.kinds.items())])


@dataclass
class World:
    """Where the fuzzed database is, what is known in it, and what is watched."""

    site: Site
    url: str
    engine: Engine
    folder: Path
    samples: dict[str, list[bytes]]
    known: dict[str, tuple[str, ...]]
    watcher: psycopg.Connection
    _seen: tuple = ()

    @property
    def socket(self) -> Path:
        """Where something lies that is neither a file nor a folder."""
        return self.folder / SOCKET

    def written(self) -> str | None:
        """Return which tables changed since this was asked before."""
        tables = [(name, *row) for name, row in self._counted().items()]
        changed = sorted(set(tables) ^ set(self._seen))
        self._seen = tuple(tables)
        return ", ".join(sorted({name for name, *_ in changed})) or None

    def _counted(self) -> dict[str, tuple]:
        listed = self.watcher.execute(
            "SELECT schemaname, tablename FROM pg_tables WHERE schemaname = ANY(%s)",
            [sorted(SCHEMAS)],
        ).fetchall()
        count = sql.SQL("SELECT {}, count(*), max(xmin::text::bigint) FROM {}")
        query = sql.SQL(" UNION ALL ").join(
            count.format(sql.Literal(f"{schema}.{name}"), sql.Identifier(schema, name))
            for schema, name in listed
            if (schema, name) != ("people", "token")  # of a session, made when it asks first
        )
        return {name: tuple(rest) for name, *rest in self.watcher.execute(query).fetchall()}


@contextmanager
def fuzzed_world(site: Site, server_url: str, folder: Path) -> Iterator[World]:
    """Copy the filled database, and let this process work on the copy, from a folder of its own."""
    before = Path.cwd()
    site.engine.dispose()
    connections.close_all()
    with copied(server_url, site.url) as url, django_on(url), pytest.MonkeyPatch.context() as patch:
        key = folder / "log_key"
        shutil.copy(os.environ["TALLYSTICK_LOG_KEY_FILE"], key)
        patch.setenv("TALLYSTICK_LOG_KEY_FILE", str(key))
        patch.setenv(VARIABLES[DatabaseRole.PORTAL], url)  # of `market stream`, which has no other
        made = make_engine(url)
        with serving_from(url, made), psycopg.connect(url, autocommit=True) as watcher:
            _make_people()
            with transaction(made) as session:
                samples, known = make_samples(session, site), _known(watcher, site)
            os.chdir(folder)
            special = socket.socket(socket.AF_UNIX)
            special.bind(SOCKET)
            try:
                yield World(site, url, made, folder, samples, known, watcher)
            finally:
                special.close()
                os.chdir(before)
                made.dispose()


def _make_people() -> None:
    for name, (roles, participants) in PEOPLE.items():
        account = f"fuzz-{name}".replace(" ", "-")
        with transaction() as session:
            people.add(session, account)
            for role in roles:
                if role is not Role.PARTICIPANT:
                    people.add(session, account, role)
            for participant in participants:
                people.add(session, account, Role.PARTICIPANT, MARKET, participant)
        user = User.objects.create_user(account, password="k4d-q8mz-7tru-pine")
        if lacks_second_factor(user):
            give_second_factor(user)
        if name == "everybody":
            law_in_a_copy(user, "market-rules", "grid-model")


def _known(watcher: psycopg.Connection, site: Site) -> dict[str, tuple[str, ...]]:
    def column(query: str) -> tuple[str, ...]:
        return tuple(str(row[0]) for row in watcher.execute(query).fetchall())

    documents = column("SELECT series || '-' || lpad(number::text, 6, '0') FROM ledger.invoice")
    return {
        "market": (MARKET,),
        "participant": (SUPPLIER, GENERATOR),
        "kind": ("II", "SF", "R1"),
        "document": documents,
        "run": (site.first_run, site.later_run, site.study),
        "statement": ("gb12-bank-000001",),
        "payment": ("gb12-bank-000001/1", "gb12-bank-000001/2"),
        "instrument": column("SELECT DISTINCT instrument FROM rulebook.version"),
        "digest": column("SELECT encode(digest, 'hex') FROM rulebook.version LIMIT 5"),
        "size": column("SELECT size FROM ledger.checkpoint"),
        "copy_number": column("SELECT id FROM portal.portal_workingcopy"),
    }


@contextmanager
def hung_up() -> Iterator[None]:
    """Stop what takes too long."""

    def stop(*_: object) -> None:
        raise HangsError(f"still going after {PATIENCE_S} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(PATIENCE_S)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def place_of(error: BaseException) -> str:
    """Return the kind of an error, and where in the product it came from."""
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if frame.filename.startswith(str(ROOT)) and "/tests/" not in frame.filename
        and "/.venv/" not in frame.filename
    ]  # fmt: skip
    where = [f"{Path(frame.filename).relative_to(ROOT)}:{frame.lineno}" for frame in frames[-2:]]
    return f"{type(error).__name__} at {' < '.join(reversed(where))}"
