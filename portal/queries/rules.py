"""Versions of the law as pages show them."""

import datetime as dt
import uuid
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from zoneinfo import ZoneInfo

from sqlalchemy import Select, and_, false, func, or_, select
from sqlalchemy.orm import Session

from portal.access import Viewer
from portal.law_access import is_open, owner_of, withheld_from
from rulebook.comparing import NO_CURRENCY, ZONE_BEFORE_RULES
from rulebook.documents import KINDS, Document, MarketRules
from rulebook.resolve import MARKET_WIDE
from rulebook.store import markets, time_zones
from rulebook.tables import VersionRow

TITLE_OF_KIND = {kind: kind.replace("-", " ").capitalize() for kind in KINDS}


@dataclass(frozen=True)
class RuleVersion:
    """One version of an instrument.

    Attributes:
        valid_from, valid_to: half open; None where it has no end.
        recorded_from, recorded_to: when this was known to be so; None while it is.
        zone: time zone of the market.
    """

    id: uuid.UUID
    market: str
    instrument: str
    kind: str
    document: Document
    digest: bytes
    valid_from: dt.datetime
    valid_to: dt.datetime | None
    recorded_from: dt.datetime
    recorded_to: dt.datetime | None
    author: str
    approver: str
    reason: str
    zone: str

    @property
    def owner(self) -> tuple[str, str] | None:
        """Market and participant of which it says what is not public; None of all other law."""
        return owner_of(self.instrument)

    def is_open_to(self, viewer: Viewer) -> bool:
        """Return whether a user may read it: rules are public, registrations are not."""
        return is_open(self.instrument, viewer)

    def withheld_from(self, viewer: Viewer) -> tuple[str, ...]:
        """Return the fields that a user may not read: prices are public, who bears them is not."""
        return tuple(sorted(withheld_from(self.instrument, viewer)))

    @property
    def needed_every_day(self) -> bool:
        """Whether a market has one at every instant that is settled."""
        return self.kind in MARKET_WIDE

    @property
    def kind_title(self) -> str:
        """Name of the kind, for people."""
        return TITLE_OF_KIND[self.kind]

    @property
    def first_day(self) -> dt.date:
        """First local day on which it applies."""
        return self.valid_from.astimezone(ZoneInfo(self.zone)).date()

    @property
    def last_day(self) -> dt.date | None:
        """Last local day on which it applies; None without end."""
        if self.valid_to is None:
            return None
        last_moment = self.valid_to - dt.timedelta(microseconds=1)
        return last_moment.astimezone(ZoneInfo(self.zone)).date()


@dataclass(frozen=True)
class MarketLaw:
    """The versions of one market in force on a day, by kind in their order."""

    market: str
    zone: str
    kinds: tuple[tuple[str, tuple[RuleVersion, ...]], ...]

    def visible_to(self, viewer: Viewer) -> "MarketLaw":
        """Return the law without the registrations that a user may not read."""
        kinds = []
        for title, versions in self.kinds:
            shown = tuple(version for version in versions if version.is_open_to(viewer))
            if shown or not versions:  # that none is in force is said to everyone
                kinds.append((title, shown))
        return replace(self, kinds=tuple(kinds))


def zone_by_market(session: Session, asked: Iterable[str]) -> dict[str, str]:
    """Return the time zone of each market asked for, which its rules fix for good.

    UTC before there are any.
    """
    named = set(asked)
    return dict.fromkeys(named, ZONE_BEFORE_RULES) | time_zones(session, named)


def market_zone(session: Session, market: str) -> str:
    """Return the time zone of a market; UTC before it has any rules."""
    return zone_by_market(session, [market])[market]


def clock_of(session: Session, market: str) -> str:
    """Return the zone by whose clock people write moments for a market; "" for all of them.

    Markets of several zones have no clock in common, and UTC is every market's.
    """
    named = markets(session)
    zones = zone_by_market(session, [market] if market in named else named)
    return next(iter(zones.values())) if len(set(zones.values())) == 1 else "UTC"


def rules_in_force(
    session: Session, on: dt.date, known: dt.datetime | None = None
) -> list[MarketLaw]:
    """Return what is in force at the start of a local day, by market.

    As it was known at `known`; without it, as it is known now.
    """
    named = markets(session)
    zones = zone_by_market(session, named)
    # A day begins in each market by its own clock.
    starts = [
        and_(VersionRow.market == market, VersionRow.valid.contains(start_of_day(on, zone)))
        for market, zone in zones.items()
    ]
    query = _standing(known).where(or_(false(), *starts))
    rows = session.scalars(query.order_by(VersionRow.instrument))
    versions = [_version(row, zones[row.market]) for row in rows]
    return [
        MarketLaw(
            market, zones[market], _by_kind([each for each in versions if each.market == market])
        )
        for market in named
    ]


def rule_on(
    session: Session, instrument: str, on: dt.date, known: dt.datetime | None = None
) -> RuleVersion | None:
    """Return the version of an instrument in force at the start of a local day.

    As it was known at `known`; without it, as it is known now.
    """
    zone = market_zone(session, instrument.partition("/")[0])
    row = session.scalars(
        _standing(known).where(
            VersionRow.instrument == instrument, VersionRow.valid.contains(start_of_day(on, zone))
        )
    ).first()
    return None if row is None else _version(row, zone)


def online_on(session: Session, days: Mapping[str, dt.date]) -> set[str]:
    """Return which markets may be online by their rules, each on a local day of its own."""
    zones = zone_by_market(session, days)
    starts = [
        and_(
            VersionRow.market == market, VersionRow.valid.contains(start_of_day(day, zones[market]))
        )
        for market, day in days.items()
    ]
    rules = (
        _standing()
        .with_only_columns(VersionRow.market)
        .where(VersionRow.kind == "market-rules", VersionRow.body["online"].astext.is_not(None))
    )
    return set(session.scalars(rules.where(or_(false(), *starts))))


def rule_by_digest(session: Session, digest: bytes) -> RuleVersion | None:
    """Return the latest recorded version with a digest."""
    row = session.scalars(
        select(VersionRow)
        .where(VersionRow.digest == digest)
        .order_by(func.lower(VersionRow.recorded).desc())
        .limit(1)
    ).first()
    return None if row is None else _version(row, market_zone(session, row.market))


def versions_of(session: Session, digests: Collection[bytes], zone: str) -> list[RuleVersion]:
    """Return the versions that hold texts of these digests, of a market in a time zone."""
    query = select(VersionRow).where(VersionRow.digest.in_(digests))
    return [_version(row, zone) for row in session.scalars(query)]


def currency_of(session: Session, version: RuleVersion) -> str:
    """Return the currency of a version's amounts: that of the market when it begins to apply."""
    if isinstance(version.document, MarketRules):
        return version.document.currency
    return market_currency(session, version.market, version.valid_from)


def market_currency(session: Session, market: str, at: dt.datetime) -> str:
    """Return the currency of a market at an instant, as its rules are now known.

    ISO 4217's code for none before there are any: those that come later may have another.
    """
    rules = select(VersionRow.body["currency"].astext).where(
        VersionRow.market == market,
        VersionRow.kind == "market-rules",
        func.lower(VersionRow.valid) <= at,
    )
    row = session.scalars(
        rules.order_by(
            func.lower(VersionRow.valid).desc(),
            func.lower(VersionRow.recorded).desc(),
        ).limit(1)
    ).first()
    return row or NO_CURRENCY


def rule_history(session: Session, instrument: str) -> list[RuleVersion]:
    """Return every version of an instrument, latest valid first, superseded ones included."""
    zone = market_zone(session, instrument.partition("/")[0])
    rows = session.scalars(
        select(VersionRow)
        .where(VersionRow.instrument == instrument)
        .order_by(func.lower(VersionRow.valid).desc(), func.lower(VersionRow.recorded).desc())
    )
    return [_version(row, zone) for row in rows]


def start_of_day(day: dt.date, zone: str) -> dt.datetime:
    """Return the first moment of a local day."""
    return dt.datetime.combine(day, dt.time(), tzinfo=ZoneInfo(zone)).astimezone(dt.UTC)


def _standing(known: dt.datetime | None = None) -> Select[VersionRow]:
    """Return the query of what stood in the law at `known`; without it, of what stands now."""
    recorded = VersionRow.recorded
    return select(VersionRow).where(
        VersionRow.status == "in force",
        recorded.contains(known) if known else func.upper_inf(recorded),
    )


def _by_kind(versions: Sequence[RuleVersion]) -> tuple[tuple[str, tuple[RuleVersion, ...]], ...]:
    return tuple(
        (title, tuple(version for version in versions if version.kind == kind))
        for kind, title in TITLE_OF_KIND.items()
    )


def _version(row: VersionRow, zone: str) -> RuleVersion:
    valid_from, recorded_from = row.valid.lower, row.recorded.lower
    if valid_from is None or recorded_from is None:
        raise ValueError(f"version {row.id} has a range without beginning")
    return RuleVersion(
        id=row.id,
        market=row.market,
        instrument=row.instrument,
        kind=row.kind,
        document=KINDS[row.kind].model_validate(row.body),
        digest=row.digest,
        valid_from=valid_from,
        valid_to=row.valid.upper,
        recorded_from=recorded_from,
        recorded_to=row.recorded.upper,
        author=row.author,
        approver=row.approver,
        reason=row.reason,
        zone=zone,
    )
