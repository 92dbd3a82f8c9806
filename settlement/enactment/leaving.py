"""Who leaves a market: its registration as it stands, and who supplies its points from then on."""

import datetime as dt
from collections.abc import Iterator
from typing import NamedTuple

from sqlalchemy.orm import Session

from common.refusals import Finding
from rulebook import store
from rulebook.comparing import read_version
from rulebook.days import day_start
from rulebook.documents import Registration
from rulebook.documents.registration import SupplyPoint
from settlement.enactment.changes import EARLIEST, zone_of

ONE_DAY = dt.timedelta(days=1)
MOST_NAMED = 20
"""Of supply points that one finding names."""


class LeftPoint(NamedTuple):
    """A supply point of who leaves; `taker`: whose it is from then on, None where nobody's."""

    point: SupplyPoint
    taker: str | None


class Leaving(NamedTuple):
    """A registration as it stands on a participant's last day, and what becomes of its points."""

    registration: Registration
    points: tuple[LeftPoint, ...]


def leaving(
    session: Session, market: str, participant: str, last_day: dt.date, now: dt.datetime
) -> Leaving | None:
    """Return what leaves with a participant after its last day; None where it is none by then.

    Raises:
        Refused: the market has no law, or a stored text is no document of its kind.
    """
    ends_at = day_start(last_day + ONE_DAY, zone_of(session, market, now))
    instrument = f"{market}/registration/{participant}"
    known = store.versions_known(session, market, now, EARLIEST, ends_at, "registration")
    own = [version for version in known if version.instrument == instrument]
    if not own:
        return None
    registration = read_version(max(own, key=lambda version: version.valid_from))
    if not isinstance(registration, Registration):
        return None
    after = store.versions_known(session, market, now, ends_at, ends_at + ONE_DAY, "registration")
    takers = {
        point["supply_point"]: version.body["participant"]
        for version in after
        if version.instrument != instrument and version.valid_from <= ends_at
        for point in version.body["supply_points"]
    }
    points = [LeftPoint(each, takers.get(each.supply_point)) for each in registration.supply_points]
    return Leaving(registration, tuple(points))


def left_findings(found: Leaving) -> Iterator[Finding]:
    """Yield that supply points of who leaves would have no supplier."""
    names = [each.point.supply_point for each in found.points if each.taker is None]
    if names:
        more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
        yield Finding(
            "supply-points-left",
            f"registration/{found.registration.participant}: supply_points",
            ", ".join(names[:MOST_NAMED]) + more,
            "a supply point has a supplier on every day on which somebody takes energy there",
            "have the change of supplier become law first, or say that nobody takes any there",
        )
