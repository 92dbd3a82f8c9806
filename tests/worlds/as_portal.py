"""Pages of tests that read facts as the web process does: by its role, as who is signed in.

A test arranges and looks as a superuser, and its requests are answered as the role of the portal:
so row security, and what the role may not do, hold in every test of a page.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from functools import cache
from hashlib import sha256
from typing import Any

import psycopg
import pytest
from django.db import connection
from django.test import Client
from sqlalchemy import Connection, event
from sqlalchemy.orm import Session, SessionTransaction

from database import session as database
from database.acting import TOKEN_SETTING
from database.roles.granting import find_prefix, plain_url
from database.roles.names import Role, role_name
from portal import acting, apps

_answering: ContextVar[str | None] = ContextVar("answering", default=None)
"""The role of the web process while it answers."""


def answer_as_portal(patch: pytest.MonkeyPatch, url: str) -> None:
    """Let requests of a test be answered as the roles of the portal in the database of `url`."""
    as_web_process = web_process_of(url)
    ask = Client.request

    def request(client: Client, **given: Any) -> Any:
        with as_web_process():
            return ask(client, **given)

    patch.setattr(Client, "request", request)
    # Both transactions of a test may be rolled back, and neither reads what the other writes.
    patch.setattr(acting, "run", _run_in_both)
    patch.setattr(apps, "current_token", lambda: _token_for_django(database.current_token()))


@cache
def web_process_of(url: str) -> Callable[[], AbstractContextManager[None]]:
    """Return what lets a block act by the two roles of the web process in the database of `url`."""
    with psycopg.connect(plain_url(url)) as connected:
        prefix = find_prefix(connected)
    role, role_of_django = (role_name(prefix, each) for each in (Role.PORTAL, Role.PORTAL_AUTH))

    @contextmanager
    def as_web_process() -> Iterator[None]:
        with _as(role), _django_as(role_of_django):
            yield

    return as_web_process


def _run_in_both(statement: str, values: Any) -> None:
    """Run a statement about tokens in the domain's transaction and, of one derived, Django's."""
    run_as_superuser(statement, values)
    if "hash" in values:
        values = {**values, "hash": sha256(values["hash"].hex().encode()).digest()}
    with _django_as(None), connection.cursor() as cursor:
        # The account may stand in the other transaction alone.
        cursor.execute("SET session_replication_role TO replica")
        cursor.execute(statement, values)
        cursor.execute("RESET session_replication_role")


def _token_for_django(token: str | None) -> str | None:
    return token and sha256(token.encode()).hexdigest()


@contextmanager
def _as(role: str | None) -> Iterator[None]:
    before = _answering.set(role)
    try:
        yield
    finally:
        _answering.reset(before)


@contextmanager
def _django_as(role: str | None) -> Iterator[None]:
    """Let Django's connection act by a role; it shares one transaction with the whole test."""
    if connection.connection is None or not connection.is_usable():
        yield
        return
    before, token = _exchange(role or "none", "")
    try:
        yield
    finally:
        if not connection.needs_rollback:
            _exchange(before, token)


def _exchange(role: str, token: str) -> tuple[str, str]:
    """Set the role and the token of Django's connection; return those that it had."""
    with connection.cursor() as cursor:  # in one statement, as each request does it twice
        cursor.execute(
            "SELECT current_setting('role'), coalesce(current_setting(%s, true), ''), "
            "set_config('role', %s, false), set_config(%s, %s, false)",
            [TOKEN_SETTING, role, TOKEN_SETTING, token],
        )
        had_role, had_token, *_ = cursor.fetchone()
        return had_role, had_token


@contextmanager
def as_worker() -> Iterator[None]:
    """Do what the worker does while a page waits for it."""
    with _as(None), _django_as(None):
        yield


def run_as_superuser(statement: str, values: Any) -> None:
    """Run a statement as Django's connection would, which asks as nobody."""
    with _as(None), database.acting_by(None), database.transaction() as session:
        session.connection().exec_driver_sql(statement, dict(values))


@event.listens_for(Session, "after_begin")
def _take_role(_: Session, __: SessionTransaction, connection: Connection) -> None:
    role = _answering.get()
    if role is None and not _is_taken(connection):
        return
    # Connections of tests act as somebody; a page acts as nobody until it says as whom.
    if role:  # in one statement, as a page opens several transactions
        settings = {"role": role, TOKEN_SETTING: ""}
        chosen = ", ".join(f"set_config('{name}', '{to}', true)" for name, to in settings.items())
        connection.exec_driver_sql(f"SELECT {chosen}")
    else:
        connection.exec_driver_sql(f"SET LOCAL ROLE NONE; SET LOCAL {TOKEN_SETTING} TO DEFAULT")


def _is_taken(connection: Connection) -> bool:
    """Return whether a request was answered in this transaction before, as its test shares one."""
    return bool(connection.exec_driver_sql("SELECT current_user <> session_user").scalar())
