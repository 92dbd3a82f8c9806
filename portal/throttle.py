"""How often a password or a code may be tried: too seldom to guess, and locking out nobody.

Wrong passwords close the way from one address to one account. Whoever has the right one gets in
from anywhere else meanwhile, so that no stranger locks a person out; those who try many accounts
from one address wait too, and an account that is guessed at from many addresses allows each of
them one try. A code is asked for after the right password, so wrong ones close its account to all.

Attempts are rows: processes share them, and a restart forgets none. Names and addresses are hashed
under SECRET_KEY, as what is typed for a name may be a password. So are codes that were used: what
allauth remembers of them, it does in the memory of one process.
"""

import datetime as dt
from enum import StrEnum
from typing import NamedTuple

from allauth.account.internal.userkit import get_user_by_username
from allauth.core.internal.cryptokit import normalize_user_code
from allauth.core.internal.ratelimit import get_ip
from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.crypto import salted_hmac

from portal.models import Attempt

KEPT = dt.timedelta(hours=1)


class Kind(StrEnum):
    """What is tried."""

    PASSWORD = "password"
    CODE = "code"
    SPENT = "spent"
    """A code that was used."""


class Bound(NamedTuple):
    """How many attempts that fail, in which time."""

    most: int
    within: dt.timedelta


FIVE_MINUTES = dt.timedelta(minutes=5)
PAIR = Bound(5, FIVE_MINUTES)
"""From one address at one account."""
ADDRESS = Bound(50, FIVE_MINUTES)
"""From one address at all accounts: more than a household or an office mistypes."""
GUESSED_AT = Bound(20, FIVE_MINUTES)
"""From all addresses at one account, after which each of them has one attempt and no more."""
CODES = Bound(20, dt.timedelta(hours=1))
"""Codes for one account, from anywhere: of a million, in a year, one in six would be found."""

TOO_MANY = (
    "Too many attempts failed. Wait five minutes, and try again. Nobody is locked out: the right "
    "password opens this account from elsewhere meanwhile."
)
TOO_MANY_CODES = "Too many codes were wrong. Wait, and try again: five minutes, or up to an hour."


def begin(kind: Kind, account: str, address: str, now: dt.datetime) -> Attempt | None:
    """Count an attempt, which `succeed` takes back; None where it may not be made.

    It is counted before it is made, so that of many at once each counts the others.
    """
    Attempt.objects.filter(at__lte=now - KEPT).delete()
    attempt = Attempt.objects.create(
        kind=kind, account=_hashed(account), address=_hashed(address), at=now
    )
    if not _is_within_bounds(attempt, now):
        attempt.delete()  # who waits has nothing counted against them
        return None
    return attempt


def succeed(attempt: Attempt) -> None:
    """Take back an attempt that succeeded: only those that fail count."""
    attempt.delete()


def spend(user: User, code: str) -> bool:
    """Return whether a right code is used for the first time; of many at once, none is.

    It is kept longer than a code of an app is right, and shorter than a person is likely to be
    shown the same again.
    """
    now = timezone.now()
    account, written = _hashed(f"user {user.pk}"), _hashed(normalize_user_code(code))
    used = Attempt.objects.filter(kind=Kind.SPENT, account=account, address=written)
    Attempt.objects.create(kind=Kind.SPENT, account=account, address=written, at=now)
    return used.filter(at__gt=now - FIVE_MINUTES).count() == 1


def account_of(name: str) -> str:
    """Return what stands for the account of a name, however it is written."""
    user = get_user_by_username(name)
    return f"user {user.pk}" if user else f"name {name.upper().casefold()}"


def _is_within_bounds(attempt: Attempt, now: dt.datetime) -> bool:
    def count(bound: Bound, **which: str) -> int:
        of_kind: QuerySet[Attempt] = Attempt.objects.filter(kind=attempt.kind, **which)
        return of_kind.filter(at__gt=now - bound.within).count()

    from_here = count(PAIR, account=attempt.account, address=attempt.address)
    if attempt.kind == Kind.CODE:
        return from_here <= PAIR.most and count(CODES, account=attempt.account) <= CODES.most
    is_guessed_at = count(GUESSED_AT, account=attempt.account) > GUESSED_AT.most
    return (
        from_here <= (1 if is_guessed_at else PAIR.most)
        and count(ADDRESS, address=attempt.address) <= ADDRESS.most
    )


def _hashed(text: str) -> str:
    return salted_hmac(__name__, text, algorithm="sha256").hexdigest()


def begin_request(kind: Kind, account: str, request: HttpRequest) -> Attempt | None:
    """Count an attempt of a request; its address is what the stated number of proxies saw."""
    return begin(kind, account, get_ip(request), timezone.now())
