"""Who leaves a market: what its registration holds, who takes that over, and what is proposed."""

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from sqlalchemy.orm import Session

from common.refusals import Finding, Refused, shown
from ledger.sealing import sealed_spans
from rulebook import store
from rulebook.comparing import read_version
from rulebook.days import day_of, day_start
from rulebook.documents import Registration
from rulebook.documents.registration import SubMeter, SupplyPoint
from rulebook.ending import EndingPlan, plan_end
from rulebook.publication import Placed
from rulebook.publishing import Plan, plan
from rulebook.reading import document_of
from rulebook.versions import Version
from settlement.enactment.changes import zone_of
from settlement.enactment.handing_over import METERS, HeldLink, handed_over, held_links

ONE_DAY = dt.timedelta(days=1)
MOST_NAMED = 20
"""Of supply points that one finding names."""
NOBODY = "-"
"""Chosen as the supplier of a point at which nobody takes energy any more."""
OF_PARTICIPANTS = ("registration", "charge-list")
UNKNOWN_TAKER = "taker-unknown"


class LeftMeter(NamedTuple):
    """A meter of who leaves; `taker`: whose it is from then on by law, None where nobody's."""

    meter: SupplyPoint | SubMeter
    taker: str | None

    @property
    def name(self) -> str:
        """Its name in the market."""
        meter = self.meter
        return meter.supply_point if isinstance(meter, SupplyPoint) else meter.sub_meter


class Leaving(NamedTuple):
    """A registration as it stands on a participant's last day, and what becomes of what it holds.

    Attributes:
        links: of charge lists to its meters and units, on its last day or after it.
        suppliers: the other participants that are registered as suppliers from then on.
        law: every registration and charge list of the first day without it, by instrument.
    """

    registration: Registration
    points: tuple[LeftMeter, ...]
    sub_meters: tuple[LeftMeter, ...]
    links: tuple[HeldLink, ...]
    suppliers: tuple[str, ...]
    law: Mapping[str, Version]

    @property
    def meters(self) -> tuple[LeftMeter, ...]:
        """Supply points and sub-meters."""
        return (*self.points, *self.sub_meters)


@dataclass(frozen=True)
class Choice:
    """Who takes over what a participant leaves, as whoever proposes its end chose.

    Attributes:
        of_all: participant that takes each meter over that `of_each` does not name; "" for none.
        of_each: by name of the meter, the participant or `NOBODY`.
        is_off: whether nobody takes energy any more at points that no one takes over.
    """

    of_all: str = ""
    of_each: Mapping[str, str] = field(default_factory=dict)
    is_off: bool = False

    def taker(self, meter: LeftMeter) -> str | None:
        """Return who takes a meter over, by law or by choice; None where nobody does."""
        chosen = self.of_each.get(meter.name) or self.of_all
        return meter.taker or (chosen if chosen not in ("", NOBODY) else None)


class Leave(NamedTuple):
    """What the end of a registration takes, planned: other law before it, and the end itself."""

    handover: Plan | None
    ending: EndingPlan | None


def leaving(
    session: Session, market: str, participant: str, last_day: dt.date, now: dt.datetime
) -> Leaving | None:
    """Return what leaves with a participant after its last day; None where it never is one.

    Where it is one from a later day on alone, it is shown as it begins.

    Raises:
        Refused: the market has no law, or a stored text is no document of its kind.
    """
    ends_at = day_start(last_day + ONE_DAY, zone_of(session, market, now))
    instrument = f"{market}/registration/{participant}"
    own = sorted(store.versions_of(session, instrument, now), key=lambda each: each.valid_from)
    if not own:
        return None
    last = next((each for each in reversed(own) if each.valid_from < ends_at), own[0])
    registration = read_version(last)
    if not isinstance(registration, Registration):
        return None
    law = {
        version.instrument: version
        for kind in OF_PARTICIPANTS
        for version in store.versions_known(session, market, now, ends_at, ends_at + ONE_DAY, kind)
        if version.valid_from <= ends_at
    }
    others = {
        version.body["participant"]: version.body
        for name, version in law.items()
        if version.kind == "registration" and name != instrument
    }
    takers = {
        row[name]: other
        for other, body in others.items()
        for rows, name in METERS.items()
        for row in body.get(rows, ())
    }
    points = [LeftMeter(each, takers.get(each.supply_point)) for each in registration.supply_points]
    meters = [LeftMeter(each, takers.get(each.sub_meter)) for each in registration.sub_meters]
    names = {each.name for each in (*points, *meters)} | {u.unit for u in registration.units}
    lists = {name: each.body for name, each in law.items() if each.kind == "charge-list"}
    return Leaving(
        registration,
        tuple(points),
        tuple(meters),
        tuple(held_links(lists, names, last_day)),
        tuple(sorted(name for name, body in others.items() if "supplier" in body["roles"])),
        law,
    )


def plan_leave(
    session: Session,
    found: Leaving,
    last_day: dt.date,
    choice: Choice,
    now: dt.datetime,
    reason: str,
    *,
    locks: bool = True,
) -> tuple[Leave, list[Finding]]:
    """Return what ending a registration takes, and everything that forbids it; nothing is written.

    Meters that somebody takes over, and charges that nobody answers for any more, are law of their
    own, which comes first; the end is held to the law as it is after that.

    Args:
        last_day: of the participant.
        locks: whether others who publish wait for the transaction; who only asks keeps nobody.
    """
    registration, day = found.registration, last_day + ONE_DAY
    market = registration.market
    handover: Plan | None = None
    findings = [*_choice_findings(found, choice), *_left_findings(found, choice)]
    if not any(finding.code == UNKNOWN_TAKER for finding in findings):
        documents = _documents(session, found, choice, day, now)
        findings += _later_findings(session, found, documents, day, now)
        try:
            if documents:
                handover = plan(
                    session, documents, valid_from=day, known=now, reason=reason,
                    sealed=sealed_spans(session), locks=locks,
                )  # fmt: skip
        except Refused as refused:
            findings += refused.findings
            return Leave(None, None), findings
    try:
        ending = plan_end(
            session, market, registration.instrument, day, known=now, reason=reason,
            sealed=sealed_spans(session), locks=locks, after=handover,
        )  # fmt: skip
    except Refused as refused:
        return Leave(handover, None), [*findings, *refused.findings]
    return Leave(handover, ending), findings


def _choice_findings(found: Leaving, choice: Choice) -> Iterator[Finding]:
    """Find suppliers that are chosen and are none, and meters that are none of this participant."""
    place = f"registration/{found.registration.participant}"
    chosen = dict.fromkeys((choice.of_all, *choice.of_each.values()))
    for name in chosen:
        if name not in ("", NOBODY) and name not in found.suppliers:
            yield Finding(
                UNKNOWN_TAKER,
                f"{place}: new supplier",
                shown(name),
                "another participant that is registered as a supplier from then on",
                "choose one of the list",
            )
    for name in choice.of_each.keys() - {each.name for each in found.meters}:
        yield Finding(
            UNKNOWN_TAKER,
            f"{place}: supply_points",
            shown(name),
            "a supply point or a sub-meter that it has on its last day",
            "look at what it holds, and choose again",
        )


def _left_findings(found: Leaving, choice: Choice) -> Iterator[Finding]:
    """Find that supply points of who leaves would have no supplier."""
    names = [each.name for each in found.points if choice.taker(each) is None]
    if names and not choice.is_off:
        more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
        yield Finding(
            "supply-points-left",
            f"registration/{found.registration.participant}: supply_points",
            ", ".join(names[:MOST_NAMED]) + more,
            "a supply point has a supplier on every day on which somebody takes energy there",
            "choose who takes it over, or say that nobody takes any energy there",
        )


def _documents(
    session: Session, found: Leaving, choice: Choice, day: dt.date, now: dt.datetime
) -> list[Placed]:
    """Return the documents that must become other law before the registration can end."""
    registration = found.registration
    market, leaver = registration.market, registration.instrument
    if leaver not in found.law:
        return []
    takers = {
        each.name: f"{market}/registration/{choice.taker(each)}"
        for each in found.meters
        if each.taker is None and choice.taker(each) is not None
    }
    gone = {unit.unit for unit in registration.units}
    gone |= {each.name for each in found.meters if choice.taker(each) is None}
    ended = [link for link in found.links if link.name in gone and not _ends_by(link, day)]
    bodies: dict[str, Mapping[str, Any]] = {name: each.body for name, each in found.law.items()}
    today = day_of(now, zone_of(session, market, now))
    changed = handed_over(bodies, leaver, takers, ended, day, today)
    documents = []
    for instrument, body in changed.items():
        document, findings = document_of(body, instrument)
        if document is None:
            raise Refused(findings)
        documents.append(Placed(instrument, document))
    return documents


def _ends_by(link: HeldLink, day: dt.date) -> bool:
    return link.to_day is not None and link.to_day <= day


def _later_findings(
    session: Session, found: Leaving, documents: list[Placed], day: dt.date, now: dt.datetime
) -> Iterator[Finding]:
    """Find documents that end or become another text later: the one proposed would undo that."""
    market, leaver = found.registration.market, found.registration.instrument
    zone = zone_of(session, market, now)
    starts = day_start(day, zone)
    names = {document.instrument for _, document in documents}
    law = store.records_from(session, market, starts, now) if names else {}
    for instrument in sorted(names & law.keys()):
        later = [each.valid_from for each in law[instrument] if each.valid_from > starts]
        ends = found.law[instrument].valid_to
        if later:
            value = f"another text applies from {day_of(min(later), zone)}"
        elif ends is not None and instrument != leaver:
            value = f"it ends before {day_of(ends, zone)}"
        else:
            continue
        yield Finding(
            "law-changes-later",
            instrument,
            value,
            "what is proposed here goes on without an end, and would undo that unseen",
            "choose a last day from then on, or write each text in a working copy",
        )
