"""The merit-order check of a day as lines to read."""

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from settlement.dispatch.model import MILLION, Integers
from settlement.dispatch.out_of_merit import MeritOrder, OutOfMerit, Reason

CAUSE_OF_CHEAPER = {
    Reason.LINE: "no line leads there from {}",
    Reason.RESERVE: "{} holds reserve",
    Reason.STORAGE: "{} stores energy worth more at another time",
    Reason.RAMP: "{} could not rise in time, or stays low for later",
    Reason.MINIMUM: "{} is off, and less than its minimum was wanted",
    Reason.UNEXPLAINED: "{} should have run",
}
OWN_CAUSE = {
    Reason.RAMP: "its ramp keeps it from falling, or has it rise for later",
    Reason.MINIMUM: "it is on, and gives at least its minimum",
    Reason.UNEXPLAINED: "its node needed none at this offer",
}
"""Why a unit ran before cheaper energy: by the cheaper unit, or by itself."""


@dataclass(frozen=True, eq=False)
class MeritOrderReport:
    """The check of one settlement day of a market.

    Attributes:
        market, day: which.
        currency: of the amounts.
        starts: start of each of the T intervals in UTC.
        merit_order: the outcome.
        unserved_by_power_flow_kw: int64[T], see `settlement.dispatch.power_flow`.
    """

    market: str
    day: dt.date
    currency: str
    starts: tuple[dt.datetime, ...]
    merit_order: MeritOrder
    unserved_by_power_flow_kw: Integers


def format_report(report: MeritOrderReport) -> Iterator[str]:
    """Yield the report: totals first, then what each unit ran out of merit for each cause."""
    checked = report.merit_order
    energy = checked.energy_wh
    total = sum(energy.values())
    yield f"Merit order of {report.market} on {report.day}, {len(report.starts)} intervals"
    yield f"  generated       {millionths_text(checked.generated_wh)} MWh"
    yield f"  out of merit    {millionths_text(total)} MWh"
    for reason in Reason:
        yield f"    {reason.value:<13} {millionths_text(energy[reason])} MWh"
    yield f"  fuel as bid     {millionths_text(checked.fuel_micro)} {report.currency}"
    yield f"  at least cost   {millionths_text(checked.least_fuel_micro)} {report.currency}"
    yield from _power_flow_lines(report)
    yield from _cause_lines(report)


def millionths_text(millionths: int) -> str:
    """Return Wh in MWh, or micro in units of the currency, exactly; for what is not negative.

    >>> millionths_text(1234567890)
    '      1,234.567890'
    """
    whole, rest = divmod(millionths, MILLION)
    return f"{whole:>11,}.{rest:06}"


def describe_cause(entry: OutOfMerit) -> str:
    """Return in words why the energy ran before cheaper energy."""
    cheaper = entry.instead_of
    if entry.reason is Reason.LINE and entry.constraint:
        return f"line {entry.constraint} is full, {cheaper} is behind it"
    return (CAUSE_OF_CHEAPER if cheaper else OWN_CAUSE)[entry.reason].format(cheaper)


def _power_flow_lines(report: MeritOrderReport) -> Iterator[str]:
    less_kw = report.unserved_by_power_flow_kw
    short = int((less_kw > 0).sum())
    if not short:
        yield "  Power flow can serve what line ratings can."
        return
    yield (
        f"  Power flow can serve less than line ratings in {short} intervals, "
        f"at most {int(less_kw.max()):,} kW less:"
    )
    for start, kw in zip(report.starts, less_kw.tolist(), strict=True):
        if kw:
            yield f"    {start:%Y-%m-%dT%H:%MZ} {kw:>12,} kW"


def _cause_lines(report: MeritOrderReport) -> Iterator[str]:
    """Yield a line a unit and cause, what is unexplained first and then by energy, most first."""
    order = {reason: place for place, reason in enumerate(reversed(Reason))}
    groups: dict[tuple[int, str, str], list[OutOfMerit]] = {}
    for entry in report.merit_order.entries:
        key = (order[entry.reason], entry.unit, describe_cause(entry))
        groups.setdefault(key, []).append(entry)
    ranked = sorted(
        groups.items(), key=lambda item: (item[0][0], -_energy_wh(item[1]), item[0][1:])
    )
    for (_, unit, words), entries in ranked:
        first, last = (report.starts[entries[place].interval] for place in (0, -1))
        shadows = [entry.shadow_price_micro_per_mwh / MILLION for entry in entries]
        worth = f", {min(shadows):.2f} to {max(shadows):.2f} per MWh" if any(shadows) else ""
        count = f"in {len(entries)} of {len(report.starts)} intervals"
        yield (
            f"{entries[0].reason.value:<12} {millionths_text(_energy_wh(entries))} MWh of {unit} "
            "offered at "
            f"{entries[0].offer_micro_per_mwh / MILLION:.2f}, {count}, "
            f"{first:%H:%MZ} to {last:%H:%MZ}: {words}{worth}"
        )


def _energy_wh(entries: Sequence[OutOfMerit]) -> int:
    return sum(entry.energy_wh for entry in entries)
