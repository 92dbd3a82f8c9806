"""Who may read which document of the law, by its name alone: before it is read from anywhere."""

from portal.access import Viewer
from rulebook.documents import KINDS

REGISTRATION, CHARGE_LIST = "registration", "charge-list"


def owner_of(instrument: str) -> tuple[str, str] | None:
    """Return market and participant of which a document says what is not public; None of others."""
    market, kind, *name = instrument.split("/")
    return (market, name[0]) if kind in (REGISTRATION, CHARGE_LIST) and name else None


def is_open(instrument: str, viewer: Viewer) -> bool:
    """Return whether a user may read a document: rules are public, registrations are not."""
    owner = owner_of(instrument)
    is_registration = instrument.split("/")[1] == REGISTRATION
    return not (is_registration and owner) or viewer.may_read_registration(*owner)


def withheld_from(instrument: str, viewer: Viewer) -> frozenset[str]:
    """Return the fields of a document of which a user is told nothing."""
    owner = owner_of(instrument)
    if owner is None or viewer.may_read_registration(*owner):
        return frozenset()
    return KINDS[instrument.split("/")[1]].withheld_fields
