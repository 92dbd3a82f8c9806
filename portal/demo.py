"""Sign-ins for a demonstration: one of each role, with passwords that hold until the next run."""

import datetime as dt
import secrets
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from weakref import WeakKeyDictionary

from allauth.mfa.models import Authenticator
from django.contrib.auth import get_user_model
from django.contrib.auth.hashers import make_password
from django.db.transaction import atomic
from sqlalchemy import Connection, Engine

import database.session
from database.session import acting_by, transaction
from ledger.people import store, tokens
from ledger.people.roles import Role
from portal import acting
from portal.audit import Action, record
from portal.demo_people import AUDITOR, COMMISSIONER, OPERATOR, REGULATOR, demo_people

PASSWORD_LETTERS = "abcdefghijkmnpqrstuvwxyz23456789"  # without l, o, 0, 1
PASSWORD_PARTS = 4
PART_LETTERS = 4

LIVING_SPEED = 300
"""How many times as fast as it was its market lives through a day: in not quite five minutes."""

ASKING = dt.timedelta(minutes=1)
"""How long it may take to ask what an account was granted."""

_is_demo: WeakKeyDictionary[Engine | Connection, bool] = WeakKeyDictionary()
"""What a database was founded for. It stands for good, and every page asks twice."""


@dataclass(frozen=True)
class DemoSignIn:
    """A sign-in to print; `participant` is empty for roles that act for none."""

    username: str
    role: str
    participant: str
    password: str


def create_demo_sign_ins(
    now: dt.datetime, market: str, participants: Sequence[str]
) -> list[DemoSignIn]:
    """Make or renew one sign-in a role and one a participant, each with a new random password.

    A new password ends the sessions that the old one opened.
    """
    roles = create_demo_users(now, market, participants)
    return _renewed([(name, *role) for name, role in roles.items()], now)


def create_demo_users(
    now: dt.datetime, market: str, participants: Sequence[str]
) -> dict[str, tuple[Role, str]]:
    """Make one user a role and one a participant; nobody can sign in before they are renewed.

    Returns:
        The role of each, and whom it acts for.
    """
    people = demo_people(now)
    with people.acting_as(OPERATOR.account) as session:
        people.ensure_participants(session, market, participants)
    roles = {
        REGULATOR.account: (Role.REGULATOR, ""),
        OPERATOR.account: (Role.OPERATOR, ""),
        AUDITOR.account: (Role.AUDITOR, ""),
        COMMISSIONER.account: (Role.REGULATOR, ""),
        **{each: (Role.PARTICIPANT, each) for each in participants},
    }
    users = get_user_model().objects
    with atomic():
        for name in roles:
            user, is_new = users.get_or_create(username=name)
            if is_new:
                user.set_unusable_password()
                user.save(update_fields=["password"])
    return roles


def renew_demo_sign_ins(now: dt.datetime) -> list[DemoSignIn]:
    """Give every sign-in of a demonstration a new password; none where it is no demonstration.

    The passwords before are nowhere to be read: whoever serves a demonstration that was made
    earlier is told these.
    """
    if not is_demo():
        return []
    users = get_user_model().objects.filter(is_active=True).order_by("pk")
    first = {name: _first_grant(name) for name in users.values_list("username", flat=True)}
    return _renewed(
        [(name, held.role, held.participant or "") for name, held in first.items() if held], now
    )


def _first_grant(account: str) -> store.Held | None:
    """Return what an account was granted first, asked as that account: others' are hidden."""
    token = secrets.token_urlsafe(tokens.TOKEN_BYTES)
    tokens.accept(acting.run, account, token, ASKING)
    try:
        with acting_by(token), transaction() as session:
            held = (each for each in store.grants(session) if each.account == account)
            return next(held, None)
    finally:
        tokens.end(acting.run, token)


def _renewed(roles: Sequence[tuple[str, Role, str]], now: dt.datetime) -> list[DemoSignIn]:
    """Give accounts new passwords, each told with its role and whom it acts for."""
    passwords = [new_password() for _ in roles]
    # A hash takes half a second, as it should, and no lock of Python's: of so many, a core each.
    with ThreadPoolExecutor() as pool:
        hashes = list(pool.map(make_password, passwords))
    with atomic():
        for (account, role, _), hashed in zip(roles, hashes, strict=True):
            user = get_user_model().objects.get(username=account)
            user.password = hashed
            user.save(update_fields=["password"])  # all the web process may change of an account
            # Or a past visitor's phone would lock it.
            Authenticator.objects.filter(user=user).delete()
            record(user, Action.DEMO_SIGN_IN, role, "demonstration", at=now)
    return [
        DemoSignIn(account, role.value, participant, password)
        for (account, role, participant), password in zip(roles, passwords, strict=True)
    ]


def new_password() -> str:
    """Return 80 random bits as four groups of letters and digits that are hard to mix up."""
    return "-".join(
        "".join(secrets.choice(PASSWORD_LETTERS) for _ in range(PART_LETTERS))
        for _ in range(PASSWORD_PARTS)
    )


def is_demo() -> bool:
    """Return whether this database was founded for a demonstration, whose passwords are printed."""
    bind = database.session.engine()
    if bind not in _is_demo:  # every page asks, so nothing is opened where it is known
        with transaction() as session:
            founding = store.founding(session)
        if founding is None:
            return False
        _is_demo[bind] = founding.is_demonstration
    return _is_demo[bind]
