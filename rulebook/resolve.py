"""Which law is in force: pure answers over versions, for what is effective and what was known.

A gap in validity is a finding, never a default.
"""

import datetime as dt
import uuid
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from common.refusals import Finding, Refused
from rulebook.digest import body_digest
from rulebook.documents import (
    AllocationPolicy,
    ChargeList,
    Document,
    GridModel,
    MarketRules,
    Registration,
    SettlementTerms,
)
from rulebook.reading import document_of
from rulebook.versions import Version, instant_shown

MARKET_WIDE = ("market-rules", "grid-model", "allocation-policy")
"""The kinds of which a market needs exactly one in force at every instant."""


@dataclass(frozen=True)
class PinnedVersion:
    """What a run keeps of a version, so that it can be found again and proven the same."""

    id: uuid.UUID
    instrument: str
    digest: bytes
    valid_from: dt.datetime
    valid_to: dt.datetime | None
    recorded_from: dt.datetime


@dataclass(frozen=True)
class RuleSet:
    """The whole law of a market at one time, versions sorted by instrument."""

    market: str
    effective: dt.date | dt.datetime
    versions: tuple[PinnedVersion, ...]
    market_rules: MarketRules
    grid_model: GridModel
    allocation_policy: AllocationPolicy
    registrations: tuple[Registration, ...]
    charge_lists: tuple[ChargeList, ...] = ()
    settlement_terms: SettlementTerms | None = None

    @property
    def digests(self) -> dict[str, bytes]:
        """Return the digest of each instrument's version."""
        return {version.instrument: version.digest for version in self.versions}

    @property
    def documents(self) -> tuple[Document, ...]:
        """Return every document, market-wide ones first."""
        return (
            self.market_rules,
            self.grid_model,
            self.allocation_policy,
            *self.registrations,
            *self.charge_lists,
            *((self.settlement_terms,) if self.settlement_terms else ()),
        )

    @property
    def titles(self) -> dict[str, str]:
        """Return the title of each instrument's document."""
        return {document.instrument: document.title for document in self.documents}


class RulePeriod(NamedTuple):
    """Consecutive days, both ends included, on which the law does not change."""

    first_day: dt.date
    last_day: dt.date
    rules: RuleSet

    @property
    def days(self) -> list[dt.date]:
        """The days of the period, in order."""
        count = (self.last_day - self.first_day).days + 1
        return [self.first_day + dt.timedelta(days=offset) for offset in range(count)]


def in_force(
    versions: Iterable[Version], effective: dt.datetime, known: dt.datetime
) -> tuple[Version, ...]:
    """Return what applied at `effective` as it was known at `known`, sorted by instrument."""
    found = [v for v in versions if v.valid_at(effective) and v.known_at(known)]
    return tuple(sorted(found, key=lambda version: version.instrument))


def missing_parts(
    versions: Iterable[Version], market: str, effective: dt.datetime, known: dt.datetime
) -> Iterator[Finding]:
    """Find each part of the law that `versions`, in force at `effective`, do not hold."""
    kinds = {version.kind for version in versions}
    for kind in (*MARKET_WIDE, "registration"):
        if kind not in kinds:
            yield Finding(
                "validity-gap",
                f"{market}/{kind}",
                f"nothing in force at {instant_shown(effective)}, "
                f"as known at {instant_shown(known)}",
                "every instant that is settled has one law in force",
                f"publish the {kind} for a validity that holds that instant",
            )


def doubled_parts(versions: Iterable[Version], effective: dt.datetime) -> Iterator[Finding]:
    """Find each instrument of which two of `versions`, in force at `effective`, would apply."""
    counts = Counter(version.instrument for version in versions)
    for instrument, count in sorted(counts.items()):
        if count > 1:
            yield Finding(
                "versions-overlap",
                instrument,
                f"{count} versions in force at {instant_shown(effective)}",
                "one version of an instrument is in force at a time",
                "`verify` names the rows; restore them from a backup",
            )


def rule_set_of(
    versions: Sequence[Version], market: str, effective: dt.date | dt.datetime
) -> RuleSet:
    """Return the rule set that `versions`, one an instrument and none missing, make.

    Raises:
        Refused: a stored body is not the one that was published, or no document of its kind.
    """
    ordered = sorted(versions, key=lambda version: version.instrument)
    documents, findings = _documents(ordered)
    if findings:
        raise Refused(findings)
    rules = [document for document in documents if isinstance(document, MarketRules)]
    grids = [document for document in documents if isinstance(document, GridModel)]
    policies = [document for document in documents if isinstance(document, AllocationPolicy)]
    return RuleSet(
        market=market,
        effective=effective,
        versions=tuple(pin_version(version) for version in ordered),
        market_rules=rules[0],
        grid_model=grids[0],
        allocation_policy=policies[0],
        registrations=tuple(d for d in documents if isinstance(d, Registration)),
        charge_lists=tuple(d for d in documents if isinstance(d, ChargeList)),
        settlement_terms=next((d for d in documents if isinstance(d, SettlementTerms)), None),
    )


def pin_version(version: Version) -> PinnedVersion:
    """Return what a run keeps of `version`."""
    return PinnedVersion(
        version.id,
        version.instrument,
        version.digest,
        version.valid_from,
        version.valid_to,
        version.recorded_from,
    )


def document_in(version: Version) -> tuple[Document | None, tuple[Finding, ...]]:
    """Return the document that a version holds, proven by its digest, or findings."""
    place = f"{version.instrument} version {version.id}"
    if body_digest(version.body) != version.digest:
        finding = Finding(
            "body-does-not-match-digest",
            place,
            body_digest(version.body).hex(),
            f"the body has digest {version.digest.hex()}",
            "restore the row from a backup; a published version never changes",
        )
        return None, (finding,)
    return document_of(version.body, place)


def change_points(
    ranges: Iterable[tuple[dt.datetime, dt.datetime | None]],
    start: dt.datetime,
    end: dt.datetime | None,
) -> list[dt.datetime]:
    """Return `start` and every later instant before `end` at which a range begins or ends."""
    points = {start}
    for limits in ranges:
        for instant in limits:
            if instant is not None and start < instant and (end is None or instant < end):
                points.add(instant)
    return sorted(points)


def _documents(versions: Sequence[Version]) -> tuple[list[Document], list[Finding]]:
    documents: list[Document] = []
    findings: list[Finding] = []
    for version in versions:
        document, wrong = document_in(version)
        findings.extend(wrong)
        if document is not None:
            documents.append(document)
    return documents, findings
