"""Pages of tests that read facts as the web process does: by its role, as who is signed in.

A test arranges and looks as a superuser, and its requests are answered as the role of the portal:
so row security, and what the role may not do, hold in every test of a page.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import psycopg
import pytest
from django.test import Client
from sqlalchemy import Connection, event
from sqlalchemy.orm import Session, SessionTransaction

from database import session as database
from database.acting import TOKEN_SETTING
from database.roles.granting import find_prefix, plain_url
from database.roles.names import Role, role_name
from portal import acting

_answering: ContextVar[str | None] = ContextVar("answering", default=None)
"""The role of the web process while it answers."""


def answer_as_portal(patch: pytest.MonkeyPatch, url: str) -> None:
    """Let requests of a test be answered as the role of the portal in the database of `url`."""
    with psycopg.connect(plain_url(url)) as connection:
        role = role_name(find_prefix(connection), Role.PORTAL)
    ask = Client.request

    def request(client: Client, **given: Any) -> Any:
        with _as(role):
            return ask(client, **given)

    patch.setattr(Client, "request", request)
    # Django's transaction is rolled back, and what it writes no other connection could read.
    patch.setattr(acting, "run", run_as_superuser)


@contextmanager
def _as(role: str | None) -> Iterator[None]:
    before = _answering.set(role)
    try:
        yield
    finally:
        _answering.reset(before)


def as_worker() -> Any:
    """Return a context of what the worker does while a page waits for it."""
    return _as(None)


def run_as_superuser(statement: str, values: Any) -> None:
    """Run a statement as Django's connection would, which asks as nobody."""
    with _as(None), database.acting_by(None), database.transaction() as session:
        session.connection().exec_driver_sql(statement, dict(values))


@event.listens_for(Session, "after_begin")
def _take_role(_: Session, __: SessionTransaction, connection: Connection) -> None:
    role = _answering.get()
    if role is None and not _is_taken(connection):
        return
    setting = f"'{role}'" if role else "NONE"
    connection.exec_driver_sql(f"SET LOCAL ROLE {setting}")
    # Connections of tests act as somebody; a page acts as nobody until it says as whom.
    token = "''" if role else "DEFAULT"
    connection.exec_driver_sql(f"SET LOCAL {TOKEN_SETTING} TO {token}")


def _is_taken(connection: Connection) -> bool:
    """Return whether a request was answered in this transaction before, as its test shares one."""
    return bool(connection.exec_driver_sql("SELECT current_user <> session_user").scalar())
