"""Sign-ins for a demonstration: one of each role, with passwords that hold until the next run."""

import datetime as dt
import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from allauth.mfa.models import Authenticator
from django.contrib.auth import get_user_model
from django.db.transaction import atomic

from database.session import transaction
from ledger.people import store
from ledger.people.roles import Role
from portal.audit import Action, record
from portal.demo_people import AUDITOR, OPERATOR, REGULATOR, demo_people

PASSWORD_LETTERS = "abcdefghijkmnpqrstuvwxyz23456789"  # without l, o, 0, 1
PASSWORD_PARTS = 4
PART_LETTERS = 4


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
    people = demo_people(now)
    with people.acting_as(OPERATOR.account) as session:
        people.ensure_participants(session, market, participants)
    with atomic():
        made = [
            _renewed(each.account, role, "", now)
            for each, role in (
                (REGULATOR, Role.REGULATOR), (OPERATOR, Role.OPERATOR), (AUDITOR, Role.AUDITOR)
            )
        ]  # fmt: skip
        return made + [_renewed(each, Role.PARTICIPANT, each, now) for each in participants]


def renew_demo_sign_ins(now: dt.datetime) -> list[DemoSignIn]:
    """Give every sign-in of a demonstration a new password; none where it is no demonstration.

    The passwords before are nowhere to be read: whoever serves a demonstration that was made
    earlier is told these.
    """
    if not is_demo():
        return []
    with transaction() as session:
        held = store.grants(session)
    first: dict[str, store.Held] = {}
    for grant in held:
        first.setdefault(grant.account, grant)
    with atomic():
        users = get_user_model().objects.filter(is_active=True).order_by("pk")
        return [
            _renewed(name, first[name].role, first[name].participant or "", now)
            for name in users.values_list("username", flat=True)
            if name in first
        ]


def _renewed(account: str, role: Role, participant: str, now: dt.datetime) -> DemoSignIn:
    user = get_user_model().objects.get_or_create(username=account)[0]
    user.is_active = True
    password = new_password()
    user.set_password(password)
    user.save(update_fields=["password"])  # all that the web process may change of an account
    Authenticator.objects.filter(user=user).delete()  # or a past visitor's phone would lock it
    record(user, Action.DEMO_SIGN_IN, role, "demonstration", at=now)
    return DemoSignIn(account, role.value, participant, password)


def new_password() -> str:
    """Return 80 random bits as four groups of letters and digits that are hard to mix up."""
    return "-".join(
        "".join(secrets.choice(PASSWORD_LETTERS) for _ in range(PART_LETTERS))
        for _ in range(PASSWORD_PARTS)
    )


def is_demo() -> bool:
    """Return whether this database was founded for a demonstration, whose passwords are printed."""
    with transaction() as session:
        founding = store.founding(session)
    return founding is not None and founding.is_demonstration
