"""The law as it would stand after a publication, checked before anything is written: pure.

It is checked over the whole validity of what is published, at every instant at which the
documents in force change, because a registration valid for years must fit every grid model and
all market rules of those years.
"""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from common.refusals import Finding
from rulebook.checks import InForce, check_law
from rulebook.checks.clocks import days_are_whole
from rulebook.days import Span, day_of
from rulebook.documents import (
    AllocationPolicy,
    ChargeList,
    Document,
    GridModel,
    MarketRules,
    Registration,
    SettlementTerms,
)
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
            findings.extend(_find_missing_ground(change, timeline, start, end))
            if isinstance(change.document, MarketRules):
                findings.extend(days_are_whole(change.document, change.place, start, end))
    ranges = [(stretch.valid_from, stretch.valid_to) for stretch in timeline]
    points = change_points(ranges, start, end)
    # Documents change at these points alone, so what holds at each of them holds up to the next.
    for instant, until in zip(points, [*points[1:], end], strict=True):
        beside = [s.document for s in timeline if covers(s.valid_from, s.valid_to, instant)]
        conflicts = check_law(_in_force(beside, places, _days(instant, until, zone)))
        findings.extend(finding for finding in conflicts if finding not in findings)
    return findings


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


def _find_missing_ground(
    change: Change, timeline: Sequence[Stretch], start: dt.datetime, end: dt.datetime | None
) -> Iterator[Finding]:
    """Find the first instant at which a document would apply without one that it rests on."""
    for kind in _NEEDS[change.document.kind]:
        ranges = [(s.valid_from, s.valid_to) for s in timeline if s.document.kind == kind]
        for instant in change_points(ranges, start, end):
            if not any(covers(low, high, instant) for low, high in ranges):
                yield Finding(
                    "validity-gap",
                    change.place,
                    f"no {kind} from {instant_shown(instant)}",
                    f"a {change.document.kind} rests on a {kind} throughout its validity",
                    f"publish the {kind} for that time too, or shorten the validity",
                )
                break


def _in_force(
    documents: Sequence[Document],
    places: Mapping[str, str],
    days: Span,
) -> InForce:
    """Return documents that apply on all of `days`, by their kind."""
    return InForce(
        market_rules=next((d for d in documents if isinstance(d, MarketRules)), None),
        grid_model=next((d for d in documents if isinstance(d, GridModel)), None),
        allocation_policy=next((d for d in documents if isinstance(d, AllocationPolicy)), None),
        registrations=tuple(d for d in documents if isinstance(d, Registration)),
        places=places,
        charge_lists=tuple(d for d in documents if isinstance(d, ChargeList)),
        settlement_terms=next((d for d in documents if isinstance(d, SettlementTerms)), None),
        days=days,
    )


def _days(start: dt.datetime, end: dt.datetime | None, zone: str) -> Span:
    return day_of(start, zone), None if end is None else day_of(end, zone)
