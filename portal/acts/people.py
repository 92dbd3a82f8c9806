"""Acts about people: accounts, invitations, and rights that two give and one takes away.

Who may do each of them is asked by what does it (`ledger.people`), of the account that acts.
"""

import datetime as dt

from sqlalchemy.orm import Session

from common.refusals import Finding, Refused, refuse_any, shown
from ledger.people import accounts, granting, store
from ledger.people.granting import Wanted
from ledger.people.rights import check_manager
from ledger.people.roles import Kind, Role
from ledger.people.rows import GrantRow
from ledger.people.store import Held
from portal.acts.requests import Done, Entry
from portal.audit import Action
from portal.models import Act
from portal.people import open_invitation

SERVICE, NEW_PERSON = "service", "new"
"""Whose an account is to be, beside the number of a person who has one."""


def make_account(session: Session, act: Act, now: dt.datetime) -> Done:
    """Make an account of a person or of a service; it may do nothing yet."""
    account, whose, name = act.subject, act.arguments["whose"], act.arguments["name"]
    if whose == NEW_PERSON:
        is_another = act.arguments["is_another"]
        accounts.add_person(session, account, name, now, is_another=is_another)
    else:
        person = None if whose == SERVICE else int(whose)
        accounts.add_account(session, account, person, now)
    told = f"The account {account} is there, and may do nothing yet."
    return Done(told, ["person", account], entries=[Entry(Action.ACCOUNT_MADE, account, name)])


def invite_account(session: Session, act: Act, now: dt.datetime) -> Done:
    """Let a person set the password of their account; the page makes the key, and shows it once."""
    account = act.subject
    refuse_any(check_manager(store.acting(session), "invite an account"))
    if store.rights_of(session, account).person is None:
        raise Refused(
            [
                Finding(
                    "account-not-invited",
                    f"account {shown(account)}",
                    "no account of a person",
                    "a person signs in to the portal; a service has a token",
                    "`manage.py people token` makes one for a service",
                )
            ]
        )
    open_invitation(account)
    where = ["people-invitation", str(act.pk)]
    return Done("", where, entries=[Entry(Action.INVITED, account)])


def propose_right(session: Session, act: Act, now: dt.datetime) -> Done:
    """Propose that an account has a role."""
    given = act.arguments
    owner = (given["market"] or None, given["participant"] or None)
    wanted = Wanted(act.subject, Role(given["role"]), *owner)
    proposed = granting.propose_grant(session, wanted, now)
    told = f"Proposal {proposed.number} waits for another person, who reads and approves it."
    entry = Entry(Action.GRANT_PROPOSED, right_in_words(wanted), f"proposal {proposed.number}")
    return Done(told, ["people-proposal", str(proposed.number)], entries=[entry])


def approve_right(session: Session, act: Act, now: dt.datetime) -> Done:
    """Approve a grant that another person proposed, by the digest of what was read."""
    number = act.arguments["number"]
    found = store.proposal(session, number)
    if found is None or found.kind is not Kind.GRANT:
        raise Refused(
            [
                Finding(
                    "proposal-not-of-a-grant",
                    f"proposal {number}",
                    "no such proposal" if found is None else found.kind,
                    "here rights are approved",
                    "law is approved on the page of its proposal",
                )
            ]
        )
    made = granting.approve_grant(session, number, act.arguments["digest"], now)
    words = right_in_words(made)
    told = f"Approved: {words}."
    entry = Entry(Action.GRANT_APPROVED, words, f"proposal {number}")
    return Done(told, ["person", made.account], entries=[entry])


def withdraw_right(session: Session, act: Act, now: dt.datetime) -> Done:
    """Take a right away: at once, in open sessions too."""
    number, reason = act.arguments["grant"], act.arguments["reason"]
    accounts.withdraw(session, number, reason, now)
    held = next(each for each in store.grants(session) if each.number == number)
    words = right_in_words(held)
    entry = Entry(Action.RIGHT_WITHDRAWN, words, reason)
    return Done(f"Taken away: {words}.", ["person", held.account], entries=[entry])


def right_in_words(right: Wanted | GrantRow | Held) -> str:
    """Return a right as pages and the trail say it."""
    owner = f" of {right.participant} in {right.market}" if right.market else ""
    return f"{right.account} as {right.role}{owner}"
