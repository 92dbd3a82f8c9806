"""`manage.py people ...`: accounts, what they may do, invitations, and rights taken away."""

import datetime as dt
from collections.abc import Iterator
from typing import Any, ClassVar, NamedTuple

from django.core.management.base import CommandError

from common.refusals import refuse_any
from database.session import transaction
from ledger.people import accounts, store
from ledger.people.rights import check_manager
from ledger.people.roles import MANAGERS
from ledger.people.store import Held, Known
from portal.management.arguments import (
    JSON,
    REASON,
    ExclusiveGroup,
    Subcommand,
    argument,
    at_least,
    flag,
)
from portal.management.base import BaseCommand, Options
from portal.people import invite, sign_in_service

ACCOUNT = argument("account", metavar="ACCOUNT", help="its name, for good, such as ann.author")


class Everybody(NamedTuple):
    """Every account and every right, and what was made now: an invitation, or a token."""

    accounts: list[Known]
    grants: list[Held]
    key: str = ""


class Command(BaseCommand[Everybody]):
    help = (
        "Accounts and their rights. `add` makes an account of a person or a service, `invite` lets "
        "its person set a password, `token` lets a service act, `withdraw` takes a right away, and "
        "one person is enough for each. A right is granted by two: `manage.py propose grant`."
    )
    appends_facts = frozenset({"add", "invite", "token", "withdraw"})
    may_act = MANAGERS
    actions: ClassVar = {
        "list": Subcommand("every account, with what it may do", (JSON,)),
        "add": Subcommand(
            "an account, which may do nothing yet",
            (
                ACCOUNT,
                ExclusiveGroup(
                    (
                        argument(
                            "person_name", nargs="?", metavar="NAME",
                            help="of a person who has no account, as `found` takes it",
                        ),
                        argument("--name", metavar="NAME", help="the same"),
                        argument(
                            "--person", type=at_least(1), metavar="NUMBER",
                            help="who has one, for another of theirs",
                        ),
                        flag("--service", "of no person, such as a timer; it never approves"),
                    )
                ),
                flag("--another", "the person is another than those whose names read alike"),
                JSON,
            ),
        ),
        "invite": Subcommand("print what sets a password of an account, once", (ACCOUNT, JSON)),
        "token": Subcommand(
            "print what lets a service act, for TALLYSTICK_TOKEN of its environment",
            (
                ACCOUNT,
                argument(
                    "--days", type=at_least(1), default=90, metavar="COUNT",
                    help="for how long; default: %(default)s",
                ),
                JSON,
            ),
        ),
        "withdraw": Subcommand(
            "end a right: at once, in open sessions too",
            (
                argument("grant", type=at_least(1), metavar="GRANT", help="number of the grant"),
                REASON,
                JSON,
            ),
        ),
    }  # fmt: skip

    def run(self, options: Options) -> Everybody:
        key = self._act(options)
        with transaction() as session:
            return Everybody(store.accounts(session), store.grants(session), key)

    def _act(self, options: Options) -> str:
        with transaction() as session:
            if options.action == "add":
                self._add(session, options)
            elif options.action == "withdraw":
                accounts.withdraw(session, options.grant, options.reason, options.now)
            elif options.action in ("invite", "token"):
                refuse_any(check_manager(store.acting(session), f"{options.action} an account"))
                rights = store.rights_of(session, options.account)
                is_service = options.action == "token"
                if not rights.account or (rights.person is None) != is_service:
                    raise CommandError(
                        f"{options.account} is no account of a "
                        f"{'service' if is_service else 'person'}; `manage.py people list`"
                    )
                if is_service:
                    days = dt.timedelta(days=options.days)
                    return sign_in_service(session, options.account, days)
        return invite(options.account) if options.action == "invite" else ""

    def _add(self, session: Any, options: Options) -> None:
        name = options.person_name if options.name is None else options.name
        if name is not None:
            accounts.add_person(
                session, options.account, name, options.now, is_another=options.another
            )
        elif options.person is not None or options.service:
            accounts.add_account(session, options.account, options.person, options.now)
        else:
            raise CommandError("whose is it? Give a name, --person or --service")

    def as_json(self, outcome: Everybody, options: Options) -> Any:
        return {
            "accounts": [each._asdict() for each in outcome.accounts],
            "grants": [each._asdict() for each in outcome.grants],
            "key": outcome.key,
        }

    def lines(self, outcome: Everybody, options: Options) -> Iterator[str]:
        if options.action == "invite":
            yield f"manage.py login {options.account} --invitation {outcome.key}"
        elif options.action == "token":
            yield outcome.key
        else:
            yield from _everybody_lines(outcome)


def _everybody_lines(outcome: Everybody) -> Iterator[str]:
    for each in outcome.accounts:
        whose = f"{each.name} (person {each.person})" if each.person else "a service"
        yield f"{each.id}: {whose}"
        for grant in outcome.grants:
            if grant.account == each.id:
                owner = f" of {grant.market}/{grant.participant}" if grant.market else ""
                ended = (
                    f", until {grant.withdrawn_at:%Y-%m-%d}, by {grant.withdrawn_by}"
                    if grant.withdrawn_at
                    else ""
                )
                yield (
                    f"  grant {grant.number}: {grant.role}{owner} since "
                    f"{grant.granted_at:%Y-%m-%d}{ended}"
                )
    if not outcome.accounts:
        yield "There is nobody yet: `manage.py found` makes the first two people."
