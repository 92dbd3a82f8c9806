"""`manage.py login ACCOUNT`: let commands act as an account, for some hours."""

import contextlib
import getpass
import sys
from pathlib import Path
from typing import Any, NamedTuple

from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP
from django.contrib.auth import authenticate
from django.contrib.auth.models import User
from django.core.management.base import CommandError

from database.session import transaction
from ledger.people import store, tokens
from portal.management.arguments import JSON, argument
from portal.management.base import BaseCommand, Options
from portal.management.signed_in import keep_token
from portal.people import accept_invitation, sign_in_command
from portal.second_factor import lacks_second_factor
from portal.throttle import spend


class SignedIn(NamedTuple):
    """As whom commands act now, and where the token lies."""

    account: str
    file: Path


class Command(BaseCommand[SignedIn]):
    help = (
        f"Let the commands that follow act as an account, for {tokens.COMMAND_HOURS} hours. The "
        "password, and where the account has one the code of its second factor, are asked for, or "
        "read from standard input, a line each. The token lies outside the repository, in a file "
        "that you alone can read."
    )
    takes = (
        argument("account", metavar="ACCOUNT", help="as whom to act"),
        argument(
            "--invitation",
            metavar="KEY",
            help="of the account, to set a password by; the password is then a new one",
        ),
        JSON,
    )

    def run(self, options: Options) -> SignedIn:
        self._prove(options)
        with transaction() as session:
            if not store.rights_of(session, options.account).account:
                raise CommandError(f"{options.account}: there is no such account")
            token = sign_in_command(session, options.account)
        return SignedIn(options.account, keep_token(token))

    def _prove(self, options: Options) -> None:
        """Ask for the password and the second factor of the account.

        Raises:
            CommandError: they are not those of the account; which of them is not said.
        """
        password = _ask("Password: ")
        if options.invitation:
            user: User | None = accept_invitation(options.account, options.invitation, password)
        else:
            user = authenticate(username=options.account, password=password)
        if user is not None and not options.invitation:
            _refuse_without_factor(user)
        if user is None or not _is_second_factor_right(user):
            raise CommandError(
                f"{options.account}: the account, its password and its code do not go together"
            )

    def lines(self, outcome: SignedIn, options: Options) -> list[str]:
        return [
            f"Commands act as {outcome.account} now, for {tokens.COMMAND_HOURS} hours, by "
            f"{outcome.file}; `manage.py logout` ends it."
        ]

    def as_json(self, outcome: SignedIn, options: Options) -> Any:
        return outcome._asdict()


def _ask(words: str) -> str:
    """Return what is typed unseen, or the next line of standard input where nobody types."""
    if sys.stdin.isatty():
        return getpass.getpass(words)
    with contextlib.suppress(OSError):  # closed, as under a timer: nothing is given
        return sys.stdin.readline().rstrip("\n")
    return ""


def _refuse_without_factor(user: User) -> None:
    """Refuse whoever must have a second factor and has none that a terminal can ask for.

    An invitation is one itself: it came by another way than the password.
    """
    has_app = Authenticator.objects.filter(user=user, type=Authenticator.Type.TOTP).exists()
    has_passkey = Authenticator.objects.filter(user=user, type=Authenticator.Type.WEBAUTHN).exists()
    if lacks_second_factor(user) or (has_passkey and not has_app):
        raise CommandError(
            f"{user.get_username()}: this account acts by a second factor, and has no "
            "authenticator app that a terminal could ask for; add one in the portal"
        )


def _is_second_factor_right(user: User) -> bool:
    """Return whether the account has no second factor, or its code is given."""
    factors = {each.type: each for each in Authenticator.objects.filter(user=user)}
    totp = factors.get(Authenticator.Type.TOTP)
    if totp is None:
        return True
    code = _ask("Code of the authenticator app, or a recovery code: ").strip()
    if TOTP(totp).validate_code(code):
        return spend(user, code)
    recovery = factors.get(Authenticator.Type.RECOVERY_CODES)
    return recovery is not None and RecoveryCodes(recovery).validate_code(code)
