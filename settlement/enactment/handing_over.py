"""Where a participant leaves: whose its meters are from then on, and which charges end. Pure."""

import datetime as dt
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from rulebook.documents.charge_list import WORD_OF_LINKED

Body = Mapping[str, Any]

METERS = {"supply_points": "supply_point", "sub_meters": "sub_meter"}
"""Lists of a registration that another may take over, and by which field their members are named.

A unit is paid, so whoever takes one over is asked for a word; that is a change of payee.
"""


class HeldLink(NamedTuple):
    """A link of a charge list to what a participant answers for.

    Attributes:
        instrument: the charge list.
        position: of the link in it.
        kind, name: of what the charge falls on, as the field of a link calls it.
        to_day: the first day without it; None where it goes on.
    """

    instrument: str
    position: int
    charge: str
    kind: str
    name: str
    from_day: dt.date
    to_day: dt.date | None

    @property
    def word(self) -> str:
        """What the charge falls on, in words."""
        return next(word for kind, word in WORD_OF_LINKED.items() if kind == self.kind)


def held_links(
    charge_lists: Mapping[str, Body], names: Collection[str], day: dt.date
) -> Iterator[HeldLink]:
    """Yield the links to some meters and units that go on on a day or begin after it."""
    for instrument, body in charge_lists.items():
        for position, link in enumerate(body.get("links", ())):
            kind = next((kind for kind in WORD_OF_LINKED if link.get(kind)), "")
            if link.get(kind) not in names:
                continue
            begins = dt.date.fromisoformat(link["from_day"])
            ends = dt.date.fromisoformat(link["to_day"]) if link.get("to_day") else None
            if ends is None or ends > day:
                yield HeldLink(instrument, position, link["charge"], kind, link[kind], begins, ends)


def handed_over(
    law: Mapping[str, Body],
    leaver: str,
    takers: Mapping[str, str],
    ended: Sequence[HeldLink],
    day: dt.date,
    published_on: dt.date,
) -> dict[str, dict[str, Any]]:
    """Return the documents that a participant's end changes, by instrument; none where it is alone.

    Args:
        law: registrations and charge lists of `day`, by instrument.
        leaver: the registration that ends.
        takers: by name of a supply point or sub-meter, the registration that answers for it then.
        ended: the links that nobody answers for then.
        day: the first without the participant.
        published_on: stated as the day on which the texts were made public.
    """
    changed: dict[str, dict[str, Any]] = {}

    def writable(instrument: str) -> dict[str, Any]:
        stated = {"publication_date": str(published_on)}
        return changed.setdefault(instrument, {**law[instrument], **stated})

    for rows, name in METERS.items():
        moved = [row for row in law[leaver].get(rows, ()) if row[name] in takers]
        if moved:
            own = writable(leaver)
            own[rows] = [row for row in own[rows] if row[name] not in takers]
        for row in moved:
            taker = writable(takers[row[name]])
            taker[rows] = [*taker.get(rows, ()), row]
    for instrument in dict.fromkeys(link.instrument for link in ended):
        ends = {link.position: link for link in ended if link.instrument == instrument}
        listed = writable(instrument)
        listed["links"] = [
            {**link, "to_day": str(day)} if position in ends else link
            for position, link in enumerate(listed["links"])
            if position not in ends or ends[position].from_day < day
        ]
    return changed
