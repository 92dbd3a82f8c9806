"""Whose step of a dispute it is: asked by the page that offers it, and when it is taken."""

from django.contrib.auth.models import User

from ledger.disputes.course import ROLE_OF, Action
from ledger.disputes.course import Role as Party
from ledger.disputes.records import Record
from portal.access import Role, Viewer


def acts_for(user: User, viewer: Viewer, market: str, participant: str) -> bool:
    """Return whether a user acts for a participant; that it may see its affairs is not enough."""
    if Role.PARTICIPANT not in viewer.roles:
        return False
    return user.memberships.filter(market=market, participant=participant).exists()


def may_act(user: User, viewer: Viewer, record: Record, action: Action) -> bool:
    """Return whether a step is this user's, whatever state the dispute is in."""
    match ROLE_OF[action]:
        case Party.OPERATOR:
            return Role.OPERATOR in viewer.roles
        case Party.REGULATOR:
            return Role.REGULATOR in viewer.roles
    return acts_for(user, viewer, record.row.market, record.row.participant)
