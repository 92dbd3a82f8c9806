"""Sign-ins for a demonstration: one of each role, with passwords that hold until the next run."""

import datetime as dt
import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from allauth.mfa.models import Authenticator
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group, User
from django.db import transaction

from portal.access import Role, ensure_roles
from portal.audit import Action, record
from portal.models import Membership

DEMO_GROUP = "demo"
"""Users in this group have passwords that were printed; their presence marks every page."""

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


@transaction.atomic
def create_demo_sign_ins(
    now: dt.datetime, market: str, participants: Sequence[str]
) -> list[DemoSignIn]:
    """Make or renew one user a role and one a participant, each with a new random password.

    A new password ends the sessions that the old one opened.
    """
    groups = ensure_roles()
    demo = Group.objects.get_or_create(name=DEMO_GROUP)[0]
    wanted: list[tuple[str, Role, str]] = [
        (role.value, role, "") for role in Role if role is not Role.PARTICIPANT
    ]
    wanted += [(participant, Role.PARTICIPANT, participant) for participant in participants]
    made = []
    for username, role, participant in wanted:
        user = get_user_model().objects.get_or_create(username=username)[0]
        user.is_active = True
        user.save()
        user.groups.set([groups[role], demo])
        user.memberships.all().delete()
        if participant:
            Membership.objects.create(user=user, market=market, participant=participant)
        made.append(_renewed(user, role, participant, now))
    return made


@transaction.atomic
def renew_demo_sign_ins(now: dt.datetime) -> list[DemoSignIn]:
    """Give every demo sign-in of this database a new password; none where it is no demonstration.

    The passwords before are nowhere to be read: whoever serves a demonstration that was made
    earlier is told these.
    """
    renewed = []
    for user in get_user_model().objects.filter(groups__name=DEMO_GROUP, is_active=True):
        names = set(user.groups.values_list("name", flat=True))
        role = next(role for role in Role if role in names)
        acts_for = user.memberships.values_list("participant", flat=True).first()
        renewed.append(_renewed(user, role, acts_for or "", now))
    return renewed


def _renewed(user: User, role: Role, participant: str, now: dt.datetime) -> DemoSignIn:
    password = new_password()
    user.set_password(password)
    user.save(update_fields=["password"])  # all that the web process may change of an account
    Authenticator.objects.filter(user=user).delete()  # or a past visitor's phone would lock it
    record(user, Action.DEMO_SIGN_IN, role, "demonstration", at=now)
    return DemoSignIn(user.get_username(), role.value, participant, password)


def new_password() -> str:
    """Return 80 random bits as four groups of letters and digits that are hard to mix up."""
    return "-".join(
        "".join(secrets.choice(PASSWORD_LETTERS) for _ in range(PART_LETTERS))
        for _ in range(PASSWORD_PARTS)
    )


def has_demo_sign_ins() -> bool:
    """Return whether this database holds sign-ins whose passwords were printed."""
    return get_user_model().objects.filter(groups__name=DEMO_GROUP, is_active=True).exists()
