"""Where a reading came from, and how an estimate in its place was made."""

from common.quantities import megawatt_hours, megawatts
from rulebook.documents.meter_data import (
    CARRY_FORWARD,
    INTERPOLATE,
    LIKE_DAY,
    PROFILE,
    SAME_WEEKDAY,
    ZERO,
)
from settlement.explanations.tree import Explanation, ReadingFact
from settlement.meters.estimation import Estimate, Ground
from settlement.meters.quality import WORDS

METHOD_WORDS = {
    INTERPOLATE: "on the straight line between the measured readings below",
    CARRY_FORWARD: "the last measured reading, carried forward",
    SAME_WEEKDAY: "the latest reading measured at this clock time on this day of the week",
    LIKE_DAY: "the latest reading measured at this clock time on a day of this kind",
    ZERO: "zero, as no reading and no other method gives a value",
}


def source_words(fact: ReadingFact, interval: int) -> str:
    """Return revision, quality, arrival and file of a reading, or what stands in its place."""
    if fact.made:
        return fact.made
    estimate, source = fact.estimates.get(interval), fact.source
    if source is None:
        came = "no reading was received"
    else:
        at = source.received_at
        came = f"received {at.day} {at:%b %Y, %H:%M} UTC in {source.file}"
    if estimate is not None:
        by_rule = f"estimated by rule, step {estimate.step}, {estimate.method}"
        if source is None:
            return f"{by_rule}; {came}"
        return f"{by_rule}; revision {source.revision} has no reading that settles, {came}"
    revision = f"revision {source.revision}, " if source is not None else ""
    return f"{revision}{WORDS[int(fact.codes[interval])]}, {came}"


def estimate_words(estimate: Estimate, entity: str, unit: str) -> str:
    """Return how an estimate came about, with its numbers where there are several."""
    if estimate.method != PROFILE:
        return METHOD_WORDS[estimate.method]
    now, own, theirs = _profile(estimate, entity)
    write = megawatt_hours if unit == "Wh" else megawatts
    return f"{write(now)} × {write(own)} ÷ {write(theirs)}, rounded down"


def ground_numbers(estimate: Estimate, entity: str, unit: str) -> tuple[Explanation, ...]:
    """Return the measured numbers that an estimate rests on."""
    if estimate.method != PROFILE:
        return tuple(
            Explanation(_label(ground), ground.value, unit, source="measured")
            for ground in estimate.grounds
        )
    now, own, theirs = _profile(estimate, entity)
    day = next(ground.day for ground in estimate.grounds if ground.interval is None)
    others = sum(ground.interval is not None for ground in estimate.grounds)
    return (
        Explanation(f"Measured of {others} others of its group in this interval", now, unit),
        Explanation(f"Measured of {entity} on {day}, the reference day", own, unit),
        Explanation("Measured of those others on that day", theirs, unit),
    )


def _label(ground: Ground) -> str:
    return f"Reading of {ground.entity} on {ground.day}, interval {(ground.interval or 0) + 1}"


def _profile(estimate: Estimate, entity: str) -> tuple[int, int, int]:
    """Return what the others did, and what the entity and they did on the reference day."""
    whole = [ground for ground in estimate.grounds if ground.interval is None]
    now = sum(ground.value for ground in estimate.grounds if ground.interval is not None)
    own = sum(ground.value for ground in whole if ground.entity == entity)
    return now, own, sum(ground.value for ground in whole) - own
