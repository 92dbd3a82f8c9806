"""The law of a market: in force on a day, over a period, or by the digests that a run pinned."""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence

from sqlalchemy.orm import Session

from common.refusals import Finding, Refused, refuse_any
from rulebook import store
from rulebook.checks.clocks import days_are_whole
from rulebook.days import check_years, day_of, day_start
from rulebook.resolve import (
    RulePeriod,
    RuleSet,
    change_points,
    doubled_parts,
    in_force,
    missing_parts,
    rule_set_of,
)
from rulebook.versions import Version, instant_shown


def rules_at(
    session: Session, market: str, effective: dt.date | dt.datetime, known: dt.datetime
) -> RuleSet:
    """Return the law of `market` in force at `effective`, as it was known at `known`.

    A day stands for the instant at which it begins in the market's time zone.

    Raises:
        Refused: some part of the law is not in force then (`validity-gap`), or no law is dated so
            (`validity-out-of-range`).
    """
    _refuse_years(market, effective)
    instant = _instant(session, market, effective, known)
    found = store.versions_known(session, market, known, instant, instant + dt.datetime.resolution)
    return _complete(in_force(found, instant, known), market, effective, instant, known)


def rules_for_period(
    session: Session, market: str, first_day: dt.date, last_day: dt.date, known: dt.datetime
) -> list[RulePeriod]:
    """Return the law of each day from `first_day` to `last_day`, both included.

    Returns:
        Contiguous pieces (first day, last day, rule set) within which the law does not change.

    Raises:
        ValueError: the last day lies before the first.
        Refused: some part of the law is not in force on some day, a day is no whole number of
            intervals, or no law is dated so, with every such finding.
    """
    if last_day < first_day:
        raise ValueError(f"the last day, {last_day}, lies before the first, {first_day}")
    _refuse_years(market, first_day, last_day)
    zone = _zone(session, market, first_day, known)
    start, end = day_start(first_day, zone), day_start(last_day + dt.timedelta(days=1), zone)
    found = store.versions_known(session, market, known, start, end)
    points = change_points([(v.valid_from, v.valid_to) for v in found], start, end)
    gaps = [
        gap
        for point in points
        for gap in _gaps(in_force(found, point, known), market, point, known)
    ]
    if gaps:
        raise Refused(gaps)
    first_days = [day_of(point, zone) for point in points]
    last_days = [day - dt.timedelta(days=1) for day in first_days[1:]] + [last_day]
    periods = [
        RulePeriod(first, last, rule_set_of(in_force(found, point, known), market, first))
        for point, first, last in zip(points, first_days, last_days, strict=True)
    ]
    # It was published by the clocks as they were known then; the data of time zones is renewed.
    refuse_any(
        finding
        for period, point, until in zip(periods, points, [*points[1:], end], strict=True)
        for finding in days_are_whole(
            period.rules.market_rules, f"{market}/market-rules", point, until
        )
    )
    return periods


def rule_set_by_digests(session: Session, market: str, digests: Mapping[str, bytes]) -> RuleSet:
    """Return the rule set with exactly these digests, whatever is in force now; for replays.

    Where pieces of one publication have the same digest, the first recorded stands for them.

    Raises:
        Refused: a digest was never published for its instrument, or a kind is absent.
    """
    first: dict[str, Version] = {}
    found = store.versions_with_digests(session, digests)
    for version in sorted(found, key=lambda v: (v.instrument, v.recorded_from, v.valid_from)):
        first.setdefault(version.instrument, version)
    findings = [
        Finding(
            "unknown-digest",
            instrument,
            digests[instrument].hex(),
            "the digest of a published version",
            "restore the rulebook that the run was pinned to",
        )
        for instrument in sorted(digests.keys() - first.keys())
    ]
    if findings:
        raise Refused(findings)
    versions = list(first.values())
    start = dt.datetime.min.replace(tzinfo=dt.UTC)
    # The digests decide; the moment that a rule set names is the first at which all of them apply.
    effective = max((version.valid_from for version in versions), default=start)
    known = max((version.recorded_from for version in versions), default=start)
    return _complete(versions, market, effective, effective, known)


def _complete(
    versions: Sequence[Version],
    market: str,
    effective: dt.date | dt.datetime,
    instant: dt.datetime,
    known: dt.datetime,
) -> RuleSet:
    refuse_any(_gaps(versions, market, instant, known))
    return rule_set_of(versions, market, effective)


def _gaps(
    versions: Sequence[Version], market: str, instant: dt.datetime, known: dt.datetime
) -> Iterator[Finding]:
    """Find what keeps versions from being one law: a part that none holds, or that two do."""
    yield from missing_parts(versions, market, instant, known)
    # The database keeps them apart; of two, whichever came first would be taken for the law.
    yield from doubled_parts(versions, instant)


def _refuse_years(market: str, *moments: dt.date | dt.datetime) -> None:
    """Refuse days beyond those of every law: one without end would seem to be made for them."""
    refuse_any(
        finding
        for moment in moments
        for finding in check_years(f"law of {market}", moment, "name another day")
    )


def _instant(
    session: Session, market: str, effective: dt.date | dt.datetime, known: dt.datetime
) -> dt.datetime:
    if isinstance(effective, dt.datetime):
        return effective
    return day_start(effective, _zone(session, market, effective, known))


def _zone(session: Session, market: str, day: dt.date, known: dt.datetime) -> str:
    zone = store.time_zone(session, market, known)
    if zone is None:
        raise Refused(
            [
                Finding(
                    "validity-gap",
                    f"{market}/market-rules",
                    f"nothing for {day}, as known at {instant_shown(known)}",
                    "every day that is settled has one law in force",
                    "publish the market rules, or correct the name of the market",
                )
            ]
        )
    return zone
