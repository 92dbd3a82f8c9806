"""What a publication would do, and every reason against the request: pure, before any writing."""

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from common.refusals import Finding, shown
from common.time_zones import is_zone
from rulebook.amend import Remainder, amend
from rulebook.checks import check_document
from rulebook.days import begins_a_day, check_years, day_of, day_start
from rulebook.digest import document_digest
from rulebook.documents import Document, MarketRules
from rulebook.versions import Version, instant_shown, overlap


class Decision(NamedTuple):
    """Who decided: the number of the approved proposal, and the accounts that it names."""

    approval: int
    author: str
    approver: str


class Placed(NamedTuple):
    """A document, and the file that it was read from."""

    place: str
    document: Document


@dataclass(frozen=True)
class Request:
    """What is to be published, for when, and why."""

    documents: tuple[tuple[str, Document], ...]
    valid_from: dt.date | dt.datetime
    valid_to: dt.date | dt.datetime | None
    known: dt.datetime
    reason: str

    @property
    def markets(self) -> tuple[str, ...]:
        """Return the markets that the documents belong to."""
        return tuple(sorted({document.market for _, document in self.documents}))

    @property
    def is_one_law(self) -> bool:
        """Return whether the documents can be checked side by side: one market, each once."""
        instruments = {document.instrument for _, document in self.documents}
        return len(self.markets) == 1 and len(instruments) == len(self.documents)


@dataclass(frozen=True)
class Change:
    """One document to append: the versions it closes and the pieces of them that remain."""

    place: str
    document: Document
    closes: tuple[Version, ...]
    remainders: tuple[Remainder, ...]
    unchanged: Version | None
    """The version that already says the same for all of the time, when there is nothing to do."""


def request_findings(request: Request) -> Iterator[Finding]:
    """Find what is wrong with the request by itself and with each document in it."""
    if len(request.markets) > 1:
        yield Finding(
            "several-markets",
            "publication",
            ", ".join(request.markets),
            "one publication concerns one market",
            "publish each market by itself",
        )
    yield from repeated_findings(request.documents)
    for place, document in request.documents:
        yield from check_document(document, place)


def repeated_findings(documents: Iterable[tuple[str, Document]]) -> Iterator[Finding]:
    """Find documents of one name, of which one alone could stand."""
    places: dict[str, str] = {}
    for place, document in documents:
        if document.instrument in places:
            yield Finding(
                "versions-overlap",
                place,
                document.instrument,
                f"{places[document.instrument]} is a version of it for the same time",
                "publish one version of an instrument for one time",
            )
        places.setdefault(document.instrument, place)


def zone_of(request: Request, current: Sequence[Version]) -> tuple[str | None, list[Finding]]:
    """Return the market's time zone, which never changes, with a finding if it would.

    None when there is none, or none of that name; the check of market rules has found the latter.

    Args:
        request: what is to be published; its market rules may be the first of the market.
        current: the versions of the market whose recorded time is open.
    """
    zone = zone_in(current)
    findings: list[Finding] = []
    for place, document in request.documents:
        if isinstance(document, MarketRules):
            findings.extend(zone_changed(place, document, zone))
            zone = zone or document.time_zone
    if zone is None:
        findings.append(
            Finding(
                "validity-gap",
                f"{request.markets[0]}/market-rules",
                "never published",
                "a document is published under market rules, whose time zone dates its validity",
                "publish the market rules first, or with it",
            )
        )
    return (zone if zone is not None and is_zone(zone) else None), findings


def zone_changed(place: str, rules: MarketRules, zone: str | None) -> Iterator[Finding]:
    """Find market rules of another time zone than the market's, which never changes."""
    if zone is not None and rules.time_zone != zone:
        yield Finding(
            "time-zone-changed",
            f"{place}: time_zone",
            shown(rules.time_zone),
            f"the settlement days of {rules.market} are days of {zone}; "
            "in another zone some hours would fall in two days or in none",
            f"keep {zone}, or open another market",
        )


def zone_in(current: Iterable[Version]) -> str | None:
    """Return the time zone in which the market rules among `current` date days, or None."""
    return next((str(v.body["time_zone"]) for v in current if v.kind == "market-rules"), None)


def validity_of(
    request: Request, zone: str
) -> tuple[tuple[dt.datetime, dt.datetime | None] | None, list[Finding]]:
    """Return the validity as instants, or findings when it is empty or splits a day."""
    findings: list[Finding] = []
    ends: list[dt.datetime | None] = []
    for name, moment in (("valid_from", request.valid_from), ("valid_to", request.valid_to)):
        instant, wrong = instant_of(name, moment, zone)
        ends.append(instant)
        findings.extend(wrong)
    start, end = ends
    if start is not None and end is not None and end <= start:
        findings.append(
            Finding(
                "validity-empty",
                "publication: valid_to",
                str(request.valid_to),
                f"it lies after the first day, {request.valid_from}",
                "name a later day; it is the first on which the document no longer applies",
            )
        )
    if findings:
        return None, findings
    if start is None:
        raise ValueError("a publication has a first instant")
    return (start, end), []


def instant_of(
    name: str, moment: dt.date | dt.datetime | None, zone: str
) -> tuple[dt.datetime | None, list[Finding]]:
    """Return an end of a validity as an instant, or what is wrong with it."""
    if moment is None:
        return None, []
    remedy = "name another day; for no end, leave the last day out"
    beyond = list(check_years(f"publication: {name}", moment, remedy))
    if beyond:
        return None, beyond
    if not isinstance(moment, dt.datetime):
        return day_start(moment, zone), []
    if begins_a_day(moment, zone):
        return moment, []
    finding = Finding(
        "validity-splits-a-day",
        f"publication: {name}",
        instant_shown(moment),
        f"a settlement day has one law from midnight to midnight of {zone}",
        "name a day, or the instant at which one begins",
    )
    return None, [finding]


def changes_of(
    request: Request, current: Sequence[Version], start: dt.datetime, end: dt.datetime | None
) -> list[Change]:
    """Return what each document of the request does to the open versions of the market."""
    changes = []
    for place, document in request.documents:
        amendment = amend(current, document.instrument, start, end)
        digest = document_digest(document)
        unchanged = next(
            (v for v in amendment.closes if _already_says(v, digest, start, end)), None
        )
        if unchanged is not None:
            changes.append(Change(place, document, (), (), unchanged))
        else:
            changes.append(Change(place, document, amendment.closes, amendment.remainders, None))
    return changes


def unending_findings(
    changes: Iterable[Change], end: dt.datetime | None, zone: str
) -> Iterator[Finding]:
    """Find the documents that stand beyond the end that is asked for: it would not come true.

    Their text would apply again as what remains of the older version, as if no end had been said.
    """
    for change in changes:
        digest = document_digest(change.document)
        for remainder in change.remainders:
            if end is not None and remainder.valid_from == end and remainder.of.digest == digest:
                day, stands_to = day_of(end, zone), remainder.of.valid_to
                _, _, name = change.document.instrument.partition("/")
                yield Finding(
                    "document-goes-on",
                    f"{change.place}: --valid-to",
                    f"{day}, where the same text stands from "
                    f"{day_of(remainder.of.valid_from, zone)} "
                    + (f"to {day_of(stands_to, zone)}" if stands_to else "without end"),
                    "to publish again what stands does not end it",
                    f"`end {change.document.market} {name} {day}` ends it; where it is to stand as "
                    "it does, leave it out of the publication",
                )


def sealed_findings(
    changes: Iterable[Change],
    sealed: Iterable[tuple[dt.datetime, dt.datetime]],
    start: dt.datetime,
    end: dt.datetime | None,
) -> Iterator[Finding]:
    """Find the documents that would change the law of days that are closed for ever.

    Args:
        changes: what each document does.
        sealed: the instants between which each sealed day lies.
        start, end: the validity of the documents.
    """
    touched = sorted(span for span in sealed if overlap(*span, start, end))
    for change in changes:
        days = [
            span for span in touched if change.unchanged is None and _changes_law_of(change, *span)
        ]
        if days:
            yield law_of_sealed_days(
                change.place, days, "other law", f"publish it from {instant_shown(days[-1][1])} on"
            )


def law_of_sealed_days(
    place: str, days: Sequence[tuple[dt.datetime, dt.datetime]], what: str, remedy: str
) -> Finding:
    """Return the finding that a document would change the law of days that are sealed.

    Args:
        place: names the document.
        days: the instants between which each of them lies, in order.
        what: they would have instead.
        remedy: what to do about it.
    """
    return Finding(
        "law-of-sealed-day",
        place,
        f"{what} for {len(days)} sealed day{'s' if len(days) > 1 else ''} from "
        f"{instant_shown(days[0][0])} to {instant_shown(days[-1][1])}",
        "the law of a sealed day does not change",
        f"{remedy}, and adjust a later period",
    )


def _changes_law_of(change: Change, start: dt.datetime, end: dt.datetime) -> bool:
    """Return whether a document says anything new for a day, which has one law throughout."""
    digest = document_digest(change.document)
    return not any(
        version.digest == digest and version.valid_at(start) and version.valid_within(start, end)
        for version in change.closes
    )


def _already_says(
    version: Version, digest: bytes, start: dt.datetime, end: dt.datetime | None
) -> bool:
    """Return whether `version` already has this digest for all of [start, end), and no longer."""
    # One that goes on beyond a stated end does not say the same: somebody wants it to end.
    return version.digest == digest and version.valid_from <= start and version.valid_to == end


def recording_findings(
    request: Request,
    changes: Iterable[Change],
    start: dt.datetime,
    last_recorded: dt.datetime | None,
) -> Iterator[Finding]:
    """Find what forbids recording now: a clock that went back, or a silent look backwards."""
    effective = [change for change in changes if change.unchanged is None]
    replaced = {version.recorded_from for change in effective for version in change.closes}
    goes_back = last_recorded is not None and request.known < last_recorded
    # Closed at the instant of its own recording, a version would have been known at no time at all.
    if effective and (goes_back or request.known in replaced):
        yield Finding(
            "recorded-before-the-last",
            "publication",
            instant_shown(request.known),
            f"it is recorded after the last publication, at {instant_shown(last_recorded)}",
            "check the clock of this machine, or publish a moment later",
        )
    if start < request.known and not request.reason.strip():
        for change in effective:
            yield Finding(
                "retroactive-without-reason",
                change.place,
                f"valid from {instant_shown(start)}",
                f"validity before {instant_shown(request.known)} is allowed with a stated reason",
                "state the reason, or publish for a later day",
            )
