"""Where the decision by which a text became law is told: its law change, else its proposal."""

from collections.abc import Collection

from django.urls import reverse
from sqlalchemy.orm import Session

from portal.access import Viewer
from rulebook.changes.store import changes_of_proposals


def decided_addresses(
    session: Session, viewer: Viewer, proposals: Collection[int]
) -> dict[int, str]:
    """Return the address of each proposal's decision, of those that the reader may open.

    Where a law change made it, that is the change's page, which says why.
    """
    addresses = {
        proposal: reverse("law-change", args=[change])
        for proposal, change in changes_of_proposals(session, proposals).items()
    }
    if viewer.sees_people:
        for proposal in proposals:
            addresses.setdefault(proposal, reverse("law-proposal", args=[proposal]))
    return addresses
