"""The people of a demonstration: they are founded as such, for good, and stand in the log so."""

import datetime as dt
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

from django.conf import settings
from sqlalchemy.orm import Session

from common.refusals import Finding, Refused
from database.session import act_by, transaction
from ledger.people import accounts, granting, store, tokens
from ledger.people.founding import Founder, found
from ledger.people.granting import Wanted
from ledger.people.roles import Role

OPERATOR = Founder("operator", "A. Drafter (demonstration)")
REGULATOR = Founder("regulator", "R. Gulator (demonstration)")
COMMISSIONER = Founder("commissioner", "C. Ommissioner (demonstration)")
"""Another regulator: nobody decides on a text of their own."""
AUDITOR = Founder("auditor", "A. Uditor (demonstration)")
LASTING = dt.timedelta(hours=12)


class DemoPeople(NamedTuple):
    """Who acts in a demonstration: a token for each account, which this process alone holds."""

    made_at: dt.datetime
    tokens: dict[str, str]

    def act(self, session: Session, account: str) -> None:
        """Let a transaction act as an account from here on."""
        if account not in self.tokens:
            self.tokens[account] = secrets.token_urlsafe(tokens.TOKEN_BYTES)
            tokens.accept(tokens.through(session), account, self.tokens[account], LASTING)
        act_by(session, self.tokens[account])

    @contextmanager
    def acting_as(self, account: str) -> Iterator[Session]:
        """Open a transaction that acts as an account."""
        with transaction() as session:
            self.act(session, account)
            yield session

    def ensure(
        self, session: Session, account: str, name: str, role: Role,
        owner: tuple[str, str] | None = None,
    ) -> None:  # fmt: skip
        """Let an account hold a role, made by one founder and approved by the other."""
        rights = store.rights_of(session, account)
        now = self.made_at
        self.act(session, OPERATOR.account)
        if not rights.account:
            accounts.add_person(session, account, name, now, is_another=True)
        if owner in rights.participants if owner else role in rights.roles:
            return
        proposed = granting.propose_grant(session, Wanted(account, role, *(owner or ())), now)
        self.act(session, REGULATOR.account)
        granting.approve_grant(session, proposed.number, proposed.content_digest.hex(), now)
        self.act(session, OPERATOR.account)

    def ensure_participants(
        self, session: Session, market: str, participants: Iterable[str]
    ) -> None:
        """Let an account of each participant's name act for it."""
        for participant in participants:
            name = f"Desk of {participant} (demonstration)"
            self.ensure(session, participant, name, Role.PARTICIPANT, (market, participant))


def demo_people(now: dt.datetime) -> DemoPeople:
    """Return the people of this demonstration, founded now where nobody was.

    Raises:
        Refused: the database was founded, and for no demonstration; or the portal is for others.
    """
    people = DemoPeople(now, {})
    with transaction() as session:
        founding = store.founding(session)
        if founding is None and not settings.DEMO_HAS_GRACE:
            raise Refused(
                [
                    Finding(
                        "no-demonstration",
                        "this portal",
                        f"one for others, at {', '.join(settings.ALLOWED_HOSTS)}",
                        "a demonstration's passwords are printed",
                        "unset TALLYSTICK_HOSTS, or set TALLYSTICK_DEMO=1 to say that it is one",
                    )
                ]
            )
        if founding is None:
            found(session, OPERATOR, REGULATOR, now, is_demonstration=True)
        elif not founding.is_demonstration:
            raise Refused(
                [
                    Finding(
                        "no-demonstration",
                        "this database",
                        f"founded by {founding.operator} and {founding.regulator}",
                        "a demonstration has people of its own",
                        "set DATABASE_URL to another database",
                    )
                ]
            )
    with people.acting_as(OPERATOR.account) as session:
        people.ensure(session, *AUDITOR, Role.AUDITOR)
        people.ensure(session, *COMMISSIONER, Role.REGULATOR)
    return people
