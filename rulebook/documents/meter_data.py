"""Rules of meter data: what settles, what is plausible, and how a gap is filled or refused."""

from typing import Literal

from rulebook.documents.base import MILLION, Model, WholeNumber, described

INTERPOLATE = "interpolate"
CARRY_FORWARD = "carry-forward"
SAME_WEEKDAY = "same-weekday"
LIKE_DAY = "like-day"
PROFILE = "profile"
ZERO = "zero"

MOST_WEEKS = 26
MOST_INTERVALS = 7 * 24 * 12


class EstimationStep(Model):
    """One method of estimation, for some measures, with its limit."""

    method: Literal[
        "interpolate", "carry-forward", "same-weekday", "like-day", "profile", "zero"
    ] = described(
        "Method",
        "`interpolate`: a straight line between the measured neighbours. `carry-forward`: the "
        "last measured reading. `same-weekday`: the same clock time of the latest same "
        "weekday. `like-day`: of the latest working day, Saturday or Sunday, as the day is. "
        "`profile`: what others of the product or technology did, in proportion to a day on "
        "which all were measured. `zero`: nothing was metered",
    )
    measures: tuple[
        Literal[
            "metered_demand_wh",
            "desired_wh",
            "metered_generation_wh",
            "available_w",
            "reserve_w",
            "sub_metered_wh",
        ],
        ...,
    ] = described("Measures", "Measures that the method may estimate", min_length=1, max_length=6)
    at_most_intervals: WholeNumber | None = described(
        "Longest gap",
        "Intervals in a row that `interpolate` bridges or `carry-forward` fills; empty for other "
        "methods",
        "intervals",
        default=None,
        ge=1,
        le=MOST_INTERVALS,
    )
    weeks: WholeNumber | None = described(
        "Weeks back",
        "Weeks before the settlement day in which `same-weekday`, `like-day` and `profile` look "
        "for measured readings; empty for other methods",
        "weeks",
        default=None,
        ge=1,
        le=MOST_WEEKS,
    )


class MeterDataRules(Model):
    """Which readings are accepted, when they are late, and what is done where one is missing."""

    accepted_quality: tuple[Literal["measured", "estimated"], ...] = described(
        "Accepted quality", "Quality flags with which a reading may settle", min_length=1
    )
    late_after_days: WholeNumber = described(
        "Late after",
        "Days after the settlement day from which a reading counts as late",
        "days",
        ge=0,
        le=3_650,
    )
    incomplete_day: Literal["refuse", "accept"] = described(
        "Incomplete day",
        "Whether a file may hold a day with missing intervals; what it does not mention stays as "
        "it was known",
        default="refuse",
    )
    plausible_demand_ppm: WholeNumber | None = described(
        "Plausible demand",
        "Most power that a supply point of households may draw and be believed, over the number "
        "of households times the magnitude of their product; empty for no limit",
        "ppm",
        default=None,
        ge=1,
        le=1_000 * MILLION,
    )
    implausible: Literal["refuse", "flag", "estimate"] = described(
        "Implausible readings",
        "What is done with demand of households that is negative or above what is plausible: "
        "`refuse` the file, `flag` the reading and settle it, or flag it and `estimate` in its "
        "place",
        default="refuse",
    )
    missing: Literal["refuse", "estimate"] = described(
        "Missing readings",
        "Whether a run refuses where a reading is missing, or estimates it by the steps below",
        default="refuse",
    )
    estimation: tuple[EstimationStep, ...] = described(
        "Estimation",
        "Methods in the order in which they are tried; the first that gives a value is taken, and "
        "where none does the run refuses",
        default=(),
        max_length=20,
    )
    estimated_at_most_ppm: WholeNumber | None = described(
        "Most estimated",
        "Largest share of a day's metered demand, or generation, that may be estimated; above it "
        "a run refuses; empty for no limit",
        "ppm",
        default=None,
        ge=0,
        le=MILLION,
    )
