"""How a change that was approved stands at a moment: what the law says of its versions; pure."""

import datetime as dt
from collections.abc import Iterable

from rulebook.changes.steps import State
from rulebook.standing import Record
from rulebook.versions import covers


def state_of_law(versions: Iterable[Record], moment: dt.datetime) -> State:
    """Return how the law that a proposal made stands at a moment, as it is recorded then.

    Args:
        versions: that name the proposal, those that remained of them included. Where there are
            none to see, as every text stood so already, it is approved and no more is known.
    """
    rows = [version for version in versions if version.recorded_from <= moment]
    standing = [
        version for version in rows if covers(version.recorded_from, version.recorded_to, moment)
    ]
    if not rows:
        return State.APPROVED
    if not standing:
        return State.SUPERSEDED
    if any(covers(version.valid_from, version.valid_to, moment) for version in standing):
        return State.IN_FORCE
    coming = any(version.valid_from > moment for version in standing)
    return State.SCHEDULED if coming else State.ENDED
