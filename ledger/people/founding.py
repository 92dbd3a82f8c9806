"""The founding: the first two people, in one transaction, once."""

import datetime as dt
from typing import NamedTuple

from sqlalchemy.orm import Session

from common.people import is_same_person, name_shown
from common.refusals import Finding, refuse_any
from database.secrets import make_salt
from ledger import store as ledger_store
from ledger.people import store
from ledger.people.rights import check_name, check_new_account
from ledger.people.roles import Role
from ledger.people.rows import AccountRow, FoundingRow, GrantRow, PersonRow
from ledger.people.tables import AccountGrant, Founding, Person, UserAccount


class Founder(NamedTuple):
    """An account that begins, and the name of its person."""

    account: str
    name: str


def found(
    session: Session,
    operator: Founder,
    regulator: Founder,
    now: dt.datetime,
    *,
    is_demonstration: bool = False,
) -> None:
    """Make the first two people: one operates the market, the other regulates it.

    Neither can publish law or grant a right alone.

    Args:
        session: the caller's; everything is in its transaction.
        operator: who proposes first.
        regulator: who approves first.
        now: when.
        is_demonstration: marked for good; no market with real money begins so.

    Raises:
        Refused: there were people before, or the two are one, or a name is none.
    """
    ledger_store.lock(session)
    refuse_any(_check(session, operator, regulator))
    founders = ((operator, Role.OPERATOR), (regulator, Role.REGULATOR))
    people = [
        PersonRow(number, name_shown(each.name), make_salt(), now, None)
        for number, (each, _) in enumerate(founders, start=1)
    ]
    accounts = [
        AccountRow(each.account, number, now, None)
        for number, (each, _) in enumerate(founders, start=1)
    ]
    store.append(session, Person, people)
    store.append(session, UserAccount, accounts)
    founding = FoundingRow(operator.account, regulator.account, is_demonstration, now)
    store.append(session, Founding, [founding], once=True)
    grants = [
        GrantRow(number, each.account, role.value, None, None, None, now)
        for number, (each, role) in enumerate(founders, start=1)
    ]
    store.append(session, AccountGrant, grants)


def _check(session: Session, operator: Founder, regulator: Founder) -> list[Finding]:
    findings: list[Finding] = []
    before = store.founding(session)
    if before is not None:
        findings.append(
            Finding(
                "already-founded",
                "founding",
                f"{before.operator} and {before.regulator}, at {before.founded_at:%Y-%m-%d %H:%M}Z",
                "the first two people are made once",
                "let them make accounts and grant roles: `manage.py people`",
            )
        )
    for place, founder in (("operator", operator), ("regulator", regulator)):
        findings += check_new_account(founder.account, f"{place}: account")
        findings += check_name(founder.name, f"{place}: name")
    if operator.account == regulator.account or is_same_person(operator.name, regulator.name):
        findings.append(
            Finding(
                "two-people",
                "founding",
                f"{operator.account} ({operator.name}) and {regulator.account} ({regulator.name})",
                "two people found a market, each with an account and a name in full",
                "name another person",
            )
        )
    return findings
