"""The law as it would stand after a publication, checked before anything is written: pure.

It is checked over the whole validity of what is published, at every instant at which the
documents in force change, because a registration valid for years must fit every grid model and
all market rules of those years.
"""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from common.refusals import Finding
from rulebook.checks import check_law, side_by_side
from rulebook.checks.clocks import days_are_whole
from rulebook.checks.months import PolicyDays, fair_play_holds_to_month_end
from rulebook.days import Span, day_of
from rulebook.documents import AllocationPolicy, Document, MarketRules
from rulebook.publication import Change
from rulebook.resolve import MARKET_WIDE, change_points, document_in
from rulebook.versions import Version, covers, instant_shown

_NEEDS: dict[str, tuple[str, ...]] = {
    "market-rules": (),
    "grid-model": ("market-rules",),
    "allocation-policy": ("market-rules",),
    "registration": ("market-rules", "grid-model"),
    "charge-list": ("market-rules",),
    "settlement-terms": ("market-rules",),
}
"""The kinds that must be in force throughout the validity of each kind."""

_RESTS_ON = _NEEDS | {"registration": (*_NEEDS["registration"], "allocation-policy")}
"""The kinds that are not ended under each kind: who is registered is settled by a policy too."""


@dataclass(frozen=True)
class Stretch:
    """A document that would apply for [valid_from, valid_to)."""

    document: Document
    valid_from: dt.datetime
    valid_to: dt.datetime | None


def law_findings(
    changes: Sequence[Change],
    current: Sequence[Version],
    start: dt.datetime,
    end: dt.datetime | None,
    zone: str,
) -> list[Finding]:
    """Return what would be wrong with the law over [start, end) after `changes`.

    Args:
        changes: what each document does.
        current: the versions of the market whose recorded time is open.
        start, end: the validity of the documents.
        zone: the time zone of the market, which never changes.
    """
    timeline, findings = _timeline(changes, current, start, end)
    # A stored document that cannot be read would look like one that is not there.
    if findings:
        return findings
    places = {change.document.instrument: change.place for change in changes}
    for change in changes:
        if change.unchanged is None:
            findings.extend(_find_gaps(change, timeline))
            needed = _NEEDS[change.document.kind]
            published = Stretch(change.document, start, end)
            for kind, instant in _missing_ground(published, needed, timeline):
                findings.append(
                    _without_ground(
                        published,
                        change.place,
                        kind,
                        instant,
                        f"publish the {kind} for that time too, or shorten the validity",
                    )
                )
            if isinstance(change.document, MarketRules):
                findings.extend(days_are_whole(change.document, change.place, start, end))
            if isinstance(change.document, AllocationPolicy):
                policies = _policy_days(timeline, zone)
                published_days = _days(start, end, zone)
                findings.extend(fair_play_holds_to_month_end(policies, places, published_days))
    found = _conflicts(timeline, places, start, end, zone)
    findings.extend(finding for finding in found if finding not in findings)
    return findings


def ending_findings(
    change: Change, current: Sequence[Version], end: dt.datetime, zone: str
) -> list[Finding]:
    """Return what would be wrong with the law from `end` on, when a document no longer applies.

    Args:
        change: closes the document's versions and appends what remains of it before `end`.
        current: the versions of the market whose recorded time is open.
        end: the instant at which it ends.
        zone: the time zone of the market.
    """
    ended = change.document
    start = min(version.valid_from for version in change.closes)
    timeline, findings = _timeline([change], current, start, end)
    if findings:
        return findings
    for stretch in timeline:
        later = _from(stretch, end)
        if later is None or ended.kind not in _RESTS_ON[later.document.kind]:
            continue
        for kind, instant in _missing_ground(later, (ended.kind,), timeline):
            place = later.document.instrument
            remedy = f"end {place} no later than {change.place}, or publish another {kind} first"
            findings.append(_without_ground(later, place, kind, instant, remedy))
    before, _ = _timeline([], current, start, end)
    known = _conflicts(before, {}, end, None, zone)
    found = _conflicts(timeline, {}, end, None, zone)
    # What conflicts with or without the document is no reason to keep it.
    findings.extend(finding for finding in found if finding not in known)
    return findings


def _conflicts(
    timeline: Sequence[Stretch],
    places: Mapping[str, str],
    start: dt.datetime,
    end: dt.datetime | None,
    zone: str,
) -> list[Finding]:
    """Return every conflict of documents that would apply side by side in [start, end), once."""
    ranges = [(stretch.valid_from, stretch.valid_to) for stretch in timeline]
    points = change_points(ranges, start, end)
    found: dict[Finding, None] = {}
    # Documents change at these points alone, so what holds at each of them holds up to the next.
    for instant, until in zip(points, [*points[1:], end], strict=True):
        beside = [s.document for s in timeline if covers(s.valid_from, s.valid_to, instant)]
        conflicts = check_law(side_by_side(beside, places, _days(instant, until, zone)))
        found.update(dict.fromkeys(conflicts))
    return list(found)


def _timeline(
    changes: Sequence[Change],
    current: Sequence[Version],
    start: dt.datetime,
    end: dt.datetime | None,
) -> tuple[list[Stretch], list[Finding]]:
    """Return every stretch of every document after `changes`, sorted by instrument and time."""
    closed = {version.id for change in changes for version in change.closes}
    pieces = [(v, v.valid_from, v.valid_to) for v in current if v.id not in closed]
    pieces += [(r.of, r.valid_from, r.valid_to) for c in changes for r in c.remainders]
    stretches: list[Stretch] = []
    findings: list[Finding] = []
    for version, valid_from, valid_to in pieces:
        document, wrong = document_in(version)
        findings.extend(wrong)
        if document is not None:
            stretches.append(Stretch(document, valid_from, valid_to))
    stretches += [Stretch(c.document, start, end) for c in changes if c.unchanged is None]
    stretches.sort(key=lambda stretch: (stretch.document.instrument, stretch.valid_from))
    return stretches, findings


def _policy_days(timeline: Sequence[Stretch], zone: str) -> Iterator[PolicyDays]:
    for stretch in timeline:
        if isinstance(stretch.document, AllocationPolicy):
            days = _days(stretch.valid_from, stretch.valid_to, zone)
            yield PolicyDays(stretch.document, days)


def _find_gaps(change: Change, timeline: Sequence[Stretch]) -> Iterator[Finding]:
    """Find a stretch of time between two versions of a market-wide document with none."""
    if change.document.kind not in MARKET_WIDE:
        return
    reached: dt.datetime | None = None
    for stretch in timeline:
        if stretch.document.instrument != change.document.instrument:
            continue
        if reached is not None and reached < stretch.valid_from:
            yield Finding(
                "validity-gap",
                change.place,
                f"nothing from {instant_shown(reached)} to {instant_shown(stretch.valid_from)}",
                f"versions of {change.document.instrument} follow each other without a gap",
                "publish for a longer validity",
            )
        reached = stretch.valid_to


def _missing_ground(
    stretch: Stretch, kinds: Sequence[str], timeline: Sequence[Stretch]
) -> Iterator[tuple[str, dt.datetime]]:
    """Yield each kind of which none applies throughout a stretch, and the first such instant."""
    for kind in kinds:
        ranges = [(s.valid_from, s.valid_to) for s in timeline if s.document.kind == kind]
        for instant in change_points(ranges, stretch.valid_from, stretch.valid_to):
            if not any(covers(low, high, instant) for low, high in ranges):
                yield kind, instant
                break


def _without_ground(
    stretch: Stretch, place: str, kind: str, instant: dt.datetime, remedy: str
) -> Finding:
    return Finding(
        "validity-gap",
        place,
        f"no {kind} from {instant_shown(instant)}",
        f"a {stretch.document.kind} rests on a {kind} throughout its validity",
        remedy,
    )


def _from(stretch: Stretch, start: dt.datetime) -> Stretch | None:
    """Return the part of a stretch that applies from an instant on, or None."""
    if stretch.valid_to is not None and stretch.valid_to <= start:
        return None
    return replace(stretch, valid_from=max(stretch.valid_from, start))


def _days(start: dt.datetime, end: dt.datetime | None, zone: str) -> Span:
    return day_of(start, zone), None if end is None else day_of(end, zone)
