"""Whose step of a dispute it is: asked by the page that offers it, and when it is taken."""

from ledger.disputes.course import ROLE_OF, Action
from ledger.disputes.course import Role as Party
from ledger.disputes.records import Record
from ledger.people.roles import Role
from portal.access import Viewer


def may_act(viewer: Viewer, record: Record, action: Action) -> bool:
    """Return whether a step is this viewer's, whatever state the dispute is in."""
    match ROLE_OF[action]:
        case Party.OPERATOR:
            return Role.OPERATOR in viewer.roles
        case Party.REGULATOR:
            return Role.REGULATOR in viewer.roles
    return (record.row.market, record.row.participant) in viewer.acts_for
