"""What `manage.py market study` prints: figures of published prices beside nodal marginal ones."""

from collections.abc import Iterator
from typing import Any

from market.nodal_study import EACH_MOMENT, INTERVAL_ENDS, NODAL, PUBLISHED, Steadiness
from portal.management.base import table_rows
from portal.market_study import LOG, READINGS, StudiedDay, nodes_of
from portal.study_figures import money

HEAD = ("lowest", "highest", "mean", "deviation", "mean step", "largest", "moves", "at cap")


def as_json(outcome: StudiedDay) -> Any:
    """Return both series and their figures as plain values."""
    found, (floor, cap) = outcome.found, outcome.bounds_micro_per_mwh
    return {
        "market": outcome.market,
        "day": outcome.day,
        "source": outcome.source,
        "law": outcome.law.digest,
        "deadband_micro_per_mwh": outcome.law.deadband_micro_per_mwh,
        "price_floor_micro_per_mwh": floor,
        "price_cap_micro_per_mwh": cap,
        "moments": len(found.at_us),
        "moments_nodal_out_of_bounds": found.outside,
        "memory": found.memory._asdict(),
        "figures": [each._asdict() for each in found.steadiness],
        "at_us": found.at_us,
        "interval_ends": found.ends,
        "series": [
            {"series": name, "layer": layer, "name": place, "price_micro_per_mwh": row}
            for name, names, rows in (
                (PUBLISHED, found.names, found.published),
                (NODAL, nodes_of(found), found.nodal),
            )
            for (layer, place), row in zip(names, rows.tolist(), strict=True)
        ],
    }


def lines(outcome: StudiedDay) -> Iterator[str]:
    """Return what came of a day for a terminal."""
    found, currency = outcome.found, outcome.currency
    floor, cap, deadband = (
        money(each, currency)
        for each in (*outcome.bounds_micro_per_mwh, outcome.law.deadband_micro_per_mwh)
    )
    said = {LOG: "as its log has it", READINGS: "as a feed tells its readings"}[outcome.source]
    yield (
        f"{outcome.market}, {outcome.day}, {said}: {len(found.at_us):,} moments at which prices "
        f"were published, {len(found.ends)} ends of intervals. Prices per MWh."
    )
    for over in (EACH_MOMENT, INTERVAL_ENDS):
        rows = [_row(each, currency) for each in found.steadiness if each.over == over]
        yield ""
        yield from table_rows([(over, *HEAD), *rows])
    yield ""
    yield (
        f"Moves are steps of more than the deadband, {deadband}. Published prices lie within "
        f"{floor} and {cap} by rule. Nodal ones are brought within: at {found.outside:,} of "
        f"{len(found.at_us):,} moments one lay beyond."
    )
    memory = found.memory
    yield (
        f"A state that was there before came again {memory.states_again:,} times. The market "
        f"maker's price was another {memory.exact_differ:,} times, the published one (which may "
        f"lag by the deadband) {memory.published_differ:,} times, the nodal one "
        f"{memory.nodal_differ:,} times."
    )


def _row(each: Steadiness, currency: str) -> tuple[str, ...]:
    place = each.layer if each.name is None else f"  {each.name}"
    prices = (
        each.lowest_micro_per_mwh,
        each.highest_micro_per_mwh,
        each.mean_micro_per_mwh,
        each.deviation_micro_per_mwh,
        each.mean_step_micro_per_mwh,
        each.largest_step_micro_per_mwh,
    )
    tenths = each.at_cap * 1_000 // each.prices
    return (
        f"{place}, {each.series}",
        *(money(price, currency) for price in prices),
        f"{each.moves:,}",
        f"{tenths // 10}.{tenths % 10} %",
    )
