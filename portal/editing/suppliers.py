"""Another supplier for a supply point: two registrations that change together. Pure."""

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from common.refusals import Finding, Refused, shown
from portal.editing.bodies import value_at, with_row, without_row

Body = Mapping[str, Any]
POINTS, NAME = "supply_points", "supply_point"


@dataclass(frozen=True)
class Switch:
    """A supply point that goes from one registration to another.

    Attributes:
        giver, taker: the instruments.
    """

    giver: str
    taker: str
    bodies: Mapping[str, Body]


def switched(registrations: Mapping[str, Body], point: str, taker: str) -> Switch:
    """Return the two registrations after a supply point went to another supplier, as it stands.

    Args:
        registrations: of the market, by instrument.
        point: name of the supply point.
        taker: instrument of the registration that answers for it from then on.

    Raises:
        Refused: no registration has the point, or the taker has it or is none of them.
    """
    held = next(_holders(registrations, point), None)
    if taker not in registrations:
        raise _refusal("registration-unknown", taker, "it is registered", "choose one of the list")
    if held is None:
        raise _refusal("supply-point-unknown", point, "a registration has it", "correct the name")
    giver, position = held
    if giver == taker:
        raise _refusal("supply-point-stays", point, f"{taker} has it already", "choose another")
    row = value_at(registrations[giver], (POINTS, position))
    return Switch(
        giver,
        taker,
        {
            giver: without_row(registrations[giver], (POINTS, position)),
            taker: with_row(registrations[taker], (POINTS,), row),
        },
    )


def day_findings(day: dt.date, wanted_from: dt.date, *, has_edits: bool) -> Iterator[Finding]:
    """Find a change of supplier on another day than what a working copy changes already.

    A copy becomes law on one day: another would move what was written before, and nobody would see.
    """
    if has_edits and day != wanted_from:
        yield Finding(
            "copy-of-another-day",
            "change of supplier: day",
            f"{day}",
            f"all that a working copy changes becomes law on one day, and what this one changes "
            f"already does so on {wanted_from}",
            f"begin another working copy for {day}, or give this one that day first",
        )


def _holders(registrations: Mapping[str, Body], point: str) -> Iterator[tuple[str, int]]:
    for instrument, body in registrations.items():
        rows = body.get(POINTS)
        for position, row in enumerate(rows if isinstance(rows, list) else []):
            if value_at(row, (NAME,)) == point:
                yield instrument, position


def _refusal(code: str, value: str, limit: str, remedy: str) -> Refused:
    return Refused([Finding(code, "change of supplier", shown(value), limit, remedy)])
