"""Checks of the rules of meter data: every part that is stated is needed, and the reverse."""

from collections.abc import Iterator

from common.refusals import Finding, shown
from rulebook.checks.parts import repeated
from rulebook.documents import MarketRules
from rulebook.documents.meter_data import (
    CARRY_FORWARD,
    INTERPOLATE,
    LIKE_DAY,
    PROFILE,
    SAME_WEEKDAY,
    ZERO,
)

LIMIT_OF_METHOD = {
    INTERPOLATE: "at_most_intervals",
    CARRY_FORWARD: "at_most_intervals",
    SAME_WEEKDAY: "weeks",
    LIKE_DAY: "weeks",
    PROFILE: "weeks",
    ZERO: None,
}


def quality_listed_once(rules: MarketRules, place: str) -> Iterator[Finding]:
    """Each accepted quality stands once."""
    yield from repeated(
        rules.meter_data.accepted_quality,
        f"{place}: meter_data.accepted_quality[{{}}]",
        "quality-repeated",
    )


def estimation_is_used(rules: MarketRules, place: str) -> Iterator[Finding]:
    """Estimation has steps where the rules estimate, and none where they refuse."""
    terms = rules.meter_data
    at = f"{place}: meter_data"
    if terms.missing == "estimate" and not terms.estimation:
        yield Finding(
            "estimation-without-steps",
            f"{at}.estimation",
            "[]",
            "missing readings are estimated by at least one step",
            "add a step, or set `missing: refuse`",
        )
    if terms.missing == "refuse" and terms.estimation:
        yield Finding(
            "estimation-unused",
            f"{at}.estimation",
            f"{len(terms.estimation)} steps",
            "steps are stated only where `missing` is `estimate`",
            "set `missing: estimate`, or remove the steps",
        )
    if terms.implausible == "estimate" and terms.missing != "estimate":
        yield Finding(
            "implausible-not-estimated",
            f"{at}.implausible",
            "estimate",
            "what is set aside is estimated as what is missing",
            "set `missing: estimate` with its steps, or choose `refuse` or `flag`",
        )


def steps_are_complete(rules: MarketRules, place: str) -> Iterator[Finding]:
    """A step states the limit that its method has, and no other."""
    for position, step in enumerate(rules.meter_data.estimation):
        wanted = LIMIT_OF_METHOD[step.method]
        for name in ("at_most_intervals", "weeks"):
            value = getattr(step, name)
            at = f"{place}: meter_data.estimation[{position}].{name}"
            if name == wanted and value is None:
                limit = f"the method {step.method} states it"
                yield Finding("step-limit-missing", at, "nothing", limit, "state it")
            elif name != wanted and value is not None:
                limit = f"the method {step.method} has no such limit"
                yield Finding("step-limit-unused", at, shown(value), limit, "remove it")


def steps_are_reached(rules: MarketRules, place: str) -> Iterator[Finding]:
    """A method stands once a measure, and nothing follows `zero`, which always gives a value."""
    seen: dict[tuple[str, str], int] = {}
    for position, step in enumerate(rules.meter_data.estimation):
        for number, measure in enumerate(step.measures):
            at = f"{place}: meter_data.estimation[{position}].measures[{number}]"
            earlier = seen.get((step.method, measure))
            closed = seen.get((ZERO, measure))
            if earlier is not None:
                limit = f"a method stands once a measure; step {earlier} has {step.method} for it"
                yield Finding("step-repeated", at, measure, limit, "leave one of them")
            elif closed is not None:
                limit = f"step {closed} fills every gap of it with zero"
                yield Finding("step-not-reached", at, measure, limit, "put it before that step")
            seen.setdefault((step.method, measure), position + 1)


METER_DATA_CHECKS = (
    quality_listed_once,
    estimation_is_used,
    steps_are_complete,
    steps_are_reached,
)
