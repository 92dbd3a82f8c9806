"""The people of tests: who may do what, and tokens that every test knows.

They were founded in 2000, as those of a demonstration are, so that its main job runs in any world.
Ada operates and Grace regulates. Whoever opens a connection of a test acts as Bea, an operator,
until the test says otherwise.
"""

import datetime as dt
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import pytest
from psycopg.pq import TransactionStatus
from sqlalchemy import text
from sqlalchemy.orm import Session

from database.acting import TOKEN_SETTING
from database.session import act_by
from ledger.people import accounts, granting, store, tokens
from ledger.people.founding import found
from ledger.people.granting import Wanted
from ledger.people.proposals import give_up
from ledger.people.roles import Outcome, Role
from portal.demo_people import OPERATOR, REGULATOR

FOUNDED = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)
LASTING = dt.timedelta(days=30)
USUAL = "bea"

OTHERS = {
    "ada": Role.OPERATOR,
    "grace": Role.REGULATOR,
    USUAL: Role.OPERATOR,
    "olga": Role.OPERATOR,
    "cal": Role.OPERATOR,
    "rufus": Role.REGULATOR,
    "audrey": Role.AUDITOR,
}


def token_of(account: str) -> str:
    """Return the token by which a test acts as an account."""
    return f"token-of-{account}"


def url_acting_as(url: str, account: str = USUAL) -> str:
    """Return the URL of a database whose connections act as an account."""
    return f"{url}{'&' if '?' in url else '?'}options=-c{TOKEN_SETTING}%3D{token_of(account)}"


LAST_OF_PEOPLE = 11
"""Number of the last proposal that made everybody."""


@contextmanager
def as_account(patch: pytest.MonkeyPatch, account: str) -> Iterator[None]:
    """Let commands act as an account for the length of the block."""
    with patch.context() as inside:
        inside.setenv("TALLYSTICK_TOKEN", token_of(account))
        yield


def act_as(session: Session, account: str) -> None:
    """Let the transaction act as an account from here on."""
    act_by(session, token_of(account))


@contextmanager
def acting_as(session: Session, account: str) -> Iterator[None]:
    """Let the transaction act as an account for the length of the block."""
    before = session.scalar(text(f"SELECT current_setting('{TOKEN_SETTING}', true)"))
    act_as(session, account)
    try:
        yield
    finally:
        # A transaction that failed remembers nothing anyway.
        info = session.connection().connection.driver_connection.info
        if info.transaction_status != TransactionStatus.INERROR:
            act_by(session, before or "")


def found_people(session: Session) -> None:
    """Make everybody."""
    found(session, OPERATOR, REGULATOR, FOUNDED, is_demonstration=True)
    for founder in (OPERATOR, REGULATOR):
        let_sign_in(session, founder.account)
    for account, role in OTHERS.items():
        add(session, account, role)
    for account in ("eve", "pia"):
        add(session, account)
    for participant in ("cedar", "doric", "birch", "ash"):
        add(session, f"desk-of-{participant}", Role.PARTICIPANT, "tiny", participant)


def let_sign_in(session: Session, account: str) -> None:
    """Let tests act as an account."""
    tokens.accept(tokens.through(session), account, token_of(account), LASTING)


def add_service(session: Session, account: str, role: Role | None = None) -> None:
    """Make an account of nobody, and let it hold a role."""
    with acting_as(session, OPERATOR.account):
        accounts.add_account(session, account, None, FOUNDED)
    let_sign_in(session, account)
    if role is not None:
        add(session, account, role)


def add(
    session: Session,
    account: str,
    role: Role | None = None,
    market: str | None = None,
    participant: str | None = None,
) -> None:
    """Make an account of a person, unless there is one, and let it hold a role."""
    with acting_as(session, OPERATOR.account):
        if not store.rights_of(session, account).account:
            name = account.replace("-", " ").title()
            accounts.add_person(session, account, name, FOUNDED, is_another=True)
            let_sign_in(session, account)
        if role is not None:
            _grant(session, Wanted(account, role, market, participant))


def add_holding(session: Session, account: str, roles: Iterable[Role]) -> None:
    """Make an account anew that holds these roles and no other."""
    add(session, account)
    for grant in store.grants(session):
        if grant.account == account and grant.withdrawn_at is None and grant.role not in roles:
            accounts.withdraw(session, grant.number, "Another test", FOUNDED)
            let_sign_in(session, account)
    for role in roles:
        owner = ("tiny", "cedar") if role is Role.PARTICIPANT else ()
        add(session, account, role, *owner)


def add_second(session: Session, account: str, second: str, role: Role) -> None:
    """Make a second account of the person of an account, and let it hold a role."""
    with acting_as(session, OPERATOR.account):
        person = store.rights_of(session, account).person
        accounts.add_account(session, second, person, FOUNDED)
        let_sign_in(session, second)
        _grant(session, Wanted(second, role))


def give_up_a_right(session: Session, at: dt.datetime) -> None:
    """Propose a right in Ada's name, and take that back."""
    with acting_as(session, "ada"):
        proposal = granting.propose_grant(session, Wanted("pia", Role.AUDITOR), at)
        give_up(session, proposal.number, Outcome.WITHDRAWN, "Not needed", at)


def withdraw_all(session: Session, account: str) -> None:
    """Take away every right of an account."""
    with acting_as(session, REGULATOR.account):
        for grant in store.grants(session):
            if grant.account == account and grant.withdrawn_at is None:
                accounts.withdraw(session, grant.number, "Another test", FOUNDED)
                let_sign_in(session, account)


def withdraw_link(session: Session, account: str, participant: str) -> None:
    """Take away that an account acts for a participant."""
    with acting_as(session, REGULATOR.account):
        for grant in store.grants(session):
            is_it = (grant.account, grant.participant) == (account, participant)
            if is_it and grant.withdrawn_at is None:
                accounts.withdraw(session, grant.number, "It left", FOUNDED)


def withdraw_last(session: Session) -> None:
    """Take away the right that was granted last."""
    last = store.grants(session)[-1]
    with acting_as(session, REGULATOR.account):
        accounts.withdraw(session, last.number, "It left", FOUNDED)


def _grant(session: Session, wanted: Wanted) -> None:
    rights = store.rights_of(session, wanted.account)
    owner = (wanted.market, wanted.participant)
    if owner in rights.participants if wanted.participant else wanted.role in rights.roles:
        return
    proposal = granting.propose_grant(session, wanted, FOUNDED)
    with acting_as(session, REGULATOR.account):
        digest = proposal.content_digest.hex()
        granting.approve_grant(session, proposal.number, digest, FOUNDED)
