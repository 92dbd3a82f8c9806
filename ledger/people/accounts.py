"""Accounts that come later, and rights that are taken away."""

import datetime as dt

from sqlalchemy.orm import Session

from common.people import is_same_person, name_shown
from common.refusals import Finding, refuse_any, shown
from database.secrets import make_salt
from ledger import store as ledger_store
from ledger.people import store
from ledger.people.rights import check_manager, check_name, check_new_account
from ledger.people.rows import AccountRow, PersonRow, WithdrawalRow
from ledger.people.tables import Person, UserAccount, Withdrawal


def add_person(
    session: Session, account: str, name: str, now: dt.datetime, *, is_another: bool = False
) -> None:
    """Make an account of a person who has none.

    Args:
        session: acts as an operator or a regulator.
        account: its name, for good.
        name: of the person, as others know it.
        now: when.
        is_another: that whoever makes it knows this to be another person than those of a name
            that reads alike.

    Raises:
        Refused: with every finding.
    """
    ledger_store.lock(session)
    maker = store.acting(session)
    findings = [*check_manager(maker, "make an account"), *_check_free(session, account)]
    findings += check_name(name)
    alike = [
        f"{known} (person {number})"
        for number, known in store.people(session).items()
        if is_same_person(known, name)
    ]
    if alike and not is_another:
        findings.append(
            Finding(
                "person-alike",
                "name",
                f"{shown(name)}, as {', '.join(alike)}",
                "a person of several accounts is one person, who never approves alone",
                "add an account to that person (--person NUMBER), or say that it is --another",
            )
        )
    refuse_any(findings)
    number = store.next_number(session, Person)
    person = PersonRow(number, name_shown(name), make_salt(), now, maker.account)
    store.append(session, Person, [person])
    store.append(session, UserAccount, [AccountRow(account, number, now, maker.account)])


def add_account(session: Session, account: str, person: int | None, now: dt.datetime) -> None:
    """Make another account of a person, or with None one of a service, which never approves.

    Raises:
        Refused: with every finding.
    """
    ledger_store.lock(session)
    maker = store.acting(session)
    findings = [*check_manager(maker, "make an account"), *_check_free(session, account)]
    known = store.people(session)
    if person is not None and person not in known:
        findings.append(
            Finding(
                "person-unknown",
                "person",
                shown(person),
                f"a number from 1 to {len(known)}",
                "`manage.py people` lists them",
            )
        )
    refuse_any(findings)
    store.append(session, UserAccount, [AccountRow(account, person, now, maker.account)])


def withdraw(session: Session, grant: int, reason: str, now: dt.datetime) -> None:
    """Take a right away: one person is enough for that. Open sessions have it no more.

    Raises:
        Refused: with every finding.
    """
    ledger_store.lock(session)
    maker = store.acting(session)
    findings = list(check_manager(maker, "take a right away"))
    held = next((each for each in store.grants(session) if each.number == grant), None)
    if held is None or held.withdrawn_at is not None:
        value = "no such grant" if held is None else f"withdrawn at {held.withdrawn_at:%Y-%m-%d}"
        findings.append(
            Finding(
                "grant-unknown",
                f"grant {grant}",
                value,
                "a grant that stands",
                "`manage.py people` lists them",
            )
        )
    if not reason.strip():
        findings.append(
            Finding(
                "reason-missing",
                "reason",
                "nothing",
                "a right is taken away for a reason",
                "state the reason",
            )
        )
    refuse_any(findings)
    store.append(session, Withdrawal, [WithdrawalRow(grant, maker.account, now, reason.strip())])


def _check_free(session: Session, account: str) -> list[Finding]:
    findings = list(check_new_account(account))
    if account in store.persons_of(session, [account]):
        findings.append(
            Finding(
                "account-taken",
                "account",
                shown(account),
                "a name is given once, for good",
                "choose another",
            )
        )
    return findings
