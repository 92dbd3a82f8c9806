"""The pages of fairness reports: the list by period, a report, and a day of one."""

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.urls import reverse
from sqlalchemy.orm import Session

from portal.days import parse_month, parse_period, period_of, period_words
from portal.fairness import reading
from portal.fairness.day_list import days_section
from portal.fairness.pictures import day_words
from portal.fairness.reading import Listed, ReadReport, Version
from portal.fairness.sections import points_table, sections, units_table
from portal.fairness.shown import OwnPart, Row, Section, Table
from portal.fairness.summary import (
    WORSE,
    no_worse,
    own_sentences,
    short_headline,
    standing,
    summary,
    worse,
)
from portal.queries.rules import market_zone, rule_on, zone_by_market
from rulebook.documents import GridModel
from rulebook.store import markets
from settlement.fairness.intervals import MOST_DAYS_WITH_INTERVALS

WITHHELD = (
    "Of energy and money, everybody is told sums that say nothing of any one participant; others "
    "are withheld, and days are told as parts of what was due. Those who oversee the market read "
    "the whole."
)
HOW_CHECKED = (
    "Every figure of the market is computed from stored results in whole numbers. The report is a "
    "leaf of the signed log, and verification computes it again from the results of the runs "
    "below and compares it byte for byte. What other designs would have come to is from a solver: "
    "it informs, and is stored as it was found."
)
SIGNATURES = ("Read by", "For", "On")


@dataclass(frozen=True)
class ListedPeriod:
    """A month or a year of a market: its latest report, or how many of its days are posted."""

    period: str
    words: str
    days: int
    days_posted: int
    report: Listed | None
    headline: str


@dataclass(frozen=True)
class MarketPeriods:
    """A market and its periods, latest first."""

    market: str
    zone: str
    periods: tuple[ListedPeriod, ...]


@dataclass(frozen=True)
class ReportPage:
    """A report as its page shows it, and its PDF.

    Attributes:
        worse: where the market does worse than other designs, behind `worse_lead`.
        no_worse: what is said where it does so nowhere.
        standing: what has come since it was made; empty where nothing has.
        proof: the runs that it rests on, and its days.
        versions: the reports of the same period, latest first.
    """

    market: str
    period: str
    words: str
    zone: str
    first_day: dt.date
    last_day: dt.date
    intervals: int
    version: Version
    summary: tuple[str, ...]
    worse: tuple[str, ...]
    own: tuple[OwnPart, ...]
    sections: tuple[Section, ...]
    proof: tuple[Table, ...]
    leaf: int | None
    versions: tuple[Version, ...]
    no_worse: str
    standing: str
    worse_lead: str = WORSE
    how_checked: str = HOW_CHECKED

    @property
    def created_at(self) -> dt.datetime:
        """When it was made."""
        return self.version.created_at

    @property
    def digest(self) -> bytes:
        """Of the whole report, as it is a leaf of the log."""
        return self.version.digest

    @property
    def is_latest(self) -> bool:
        """Whether no later one is of the same period."""
        return self.versions[0] == self.version

    @property
    def query(self) -> str:
        """What names this one in an address, where it is not the latest."""
        return "" if self.is_latest else f"?digest={self.digest.hex()}"


def list_periods(session: Session) -> list[MarketPeriods]:
    """Return every market's months and years that are reported or have a posted day."""
    found = {
        (each.market, period_of(each.first_day, each.last_day)): each
        for each in reading.latest_reports(session)
    }
    posted: dict[tuple[str, str], int] = {}
    for market, month, count in reading.posted_months(session):
        for period in (f"{month:%Y-%m}", f"{month:%Y}"):
            posted[market, period] = posted.get((market, period), 0) + count
    named = markets(session)
    zones = zone_by_market(session, named)
    return [
        MarketPeriods(
            market,
            zones[market],
            tuple(
                _listed(period, posted.get((market, period), 0), found.get((market, period)))
                for of_market, period in sorted({*found, *posted}, key=_latest_first)
                if of_market == market
            ),
        )
        for market in named
    ]


def _latest_first(key: tuple[str, str]) -> tuple[str, int, bool]:
    """Order periods by their last month, a year before its months."""
    market, period = key
    _, last = parse_period(period) or (dt.date.min, dt.date.min)
    return market, -last.toordinal(), "-" in period


def _listed(period: str, days_posted: int, report: Listed | None) -> ListedPeriod:
    days = parse_period(period)
    assert days is not None  # periods come of days, or of addresses that were parsed
    count = (days[1] - days[0]).days + 1
    headline = "" if report is None else short_headline(report.said)
    return ListedPeriod(period, period_words(*days), count, days_posted, report, headline)


def report_page(
    session: Session, found: ReadReport, versions: Sequence[Version], *, sees_runs: bool
) -> ReportPage:
    """Return the page of a report.

    Args:
        versions: every report of its period, latest first.
        sees_runs: whether the reader may open the runs that it rests on.
    """
    report = found.content
    market, currency = report["market"], report["currency"]
    first, last = (dt.date.fromisoformat(report[key]) for key in ("first_day", "last_day"))
    zone, period = market_zone(session, market), period_of(first, last)
    rule = rule_on(session, f"{market}/grid-model", last, found.version.created_at)
    grid = rule.document if rule and isinstance(rule.document, GridModel) else None
    leads = day_addresses(report, found.version, versions[0])
    return ReportPage(
        market=market,
        period=period,
        words=period_words(first, last),
        zone=zone,
        first_day=first,
        last_day=last,
        intervals=report["intervals"],
        version=found.version,
        summary=(*summary(report), *(() if found.is_whole else (WITHHELD,))),
        worse=worse(report),
        own=tuple(_own(each, currency) for each in found.own if each.units or each.supply_points),
        sections=(
            *sections(report, grid, zone, leads),
            *days_section(report, leads, _months_of(session, report, first, last)),
        ),
        proof=(_runs_table(found.runs, sees_runs=sees_runs),),
        leaf=found.leaf,
        versions=tuple(versions),
        no_worse=no_worse(report),
        standing=standing(
            is_superseded=found.is_superseded, is_latest=versions[0] == found.version
        ),
    )


def _months_of(
    session: Session, report: Mapping[str, Any], first: dt.date, last: dt.date
) -> list[Listed]:
    """Return the latest reports of calendar months that lie in the days of a longer report."""
    if report["days"] <= MOST_DAYS_WITH_INTERVALS:
        return []
    return [
        each
        for each in reading.latest_reports(session)
        if each.market == report["market"]
        and first <= each.first_day
        and each.last_day <= last
        and parse_month(period_of(each.first_day, each.last_day))
    ]


def day_addresses(
    report: Mapping[str, Any], version: Version, latest: Version
) -> Callable[[str], str]:
    """Return what leads from a day of a report to its page."""
    first, last = (dt.date.fromisoformat(report[key]) for key in ("first_day", "last_day"))
    period = period_of(first, last)
    query = "" if version == latest else f"?digest={version.digest.hex()}"
    return lambda day: (
        reverse("fairness-day", args=[report["market"], period, dt.date.fromisoformat(day)]) + query
    )


def _own(own: reading.Own, currency: str) -> OwnPart:
    tables = []
    if own.units:
        tables.append(units_table(own.units, currency))
    if own.supply_points:
        tables.append(points_table(own.supply_points, currency))
    said = own_sentences({"units": own.units, "supply_points": own.supply_points}, currency)
    return OwnPart(own.participant, tuple(said), tuple(tables))


def _runs_table(runs: Iterable[Mapping[str, str]], *, sees_runs: bool) -> Table:
    rows = tuple(
        Row(
            each["run"],
            (day_words(each["first_day"]), day_words(each["last_day"])),
            address=reverse("run", args=[each["run"]]) if sees_runs else "",
        )
        for each in runs
    )
    columns = ("First day", "Last day")
    title = "Runs whose results are posted"
    return Table(title, columns, rows, "Run", texts=frozenset(columns))


def periods_that(posted: Iterable[MarketPeriods], market: str) -> Iterator[ListedPeriod]:
    """Yield the periods of a market of which a report may be asked for."""
    for of_market in posted:
        if of_market.market == market:
            yield from of_market.periods
