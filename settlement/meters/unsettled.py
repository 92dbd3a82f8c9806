"""Why readings do not settle: what a run finds missing or not allowed, with limit and remedy."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from common.quantities import energy, ppm
from common.refusals import Finding
from rulebook.documents.base import MILLION
from settlement.core.periods import MINUTES_PER_HOUR
from settlement.meters.register import MEASURE_TITLES

SHOWN_INTERVALS = 4


@dataclass(frozen=True)
class Unsettled:
    """Findings about one settlement day of a market; `starts` are those of its intervals."""

    market: str
    day: dt.date
    known: dt.datetime
    starts: Sequence[dt.datetime]

    def wrong_length(self, measure: str, count: int) -> Finding:
        """Return that the stored vectors of a measure have another number of intervals."""
        return Finding(
            "interval-count",
            f"{self.market} {self.day} {measure}",
            f"{count} intervals",
            f"the day has {len(self.starts)}",
            "ingest a revision under the rules in force",
        )

    def no_reading(self, measure: str, entity: str) -> Finding:
        """Return that nothing is known of an entity."""
        return Finding(
            "no-reading",
            f"{self.market} {self.day}",
            f"no {MEASURE_TITLES[measure]} of {entity} known at {self.known.isoformat()}",
            "every registered unit, supply point and sub-meter has its readings",
            "ingest the file that holds them",
        )

    def missing(self, measure: str, entity: str, intervals: Sequence[int]) -> Finding:
        """Return that intervals are missing under rules that do not estimate."""
        return Finding(
            "missing-reading",
            f"{self.market} {self.day}",
            f"{MEASURE_TITLES[measure]} of {entity} lacks {self._listed(intervals)}",
            "a run settles complete days, as the rules in force do not estimate",
            "ingest the readings, or publish how they are estimated",
        )

    def no_estimate(
        self, measure: str, entity: str, intervals: Sequence[int], tried: Sequence[str]
    ) -> Finding:
        """Return that no step of the rules gives a value for intervals."""
        return Finding(
            "no-estimate",
            f"{self.market} {self.day}",
            f"{MEASURE_TITLES[measure]} of {entity} lacks {self._listed(intervals)}; tried "
            f"{', '.join(tried) or 'nothing'}",
            "every missing reading is estimated by a step of the rules in force",
            "ingest the readings, or publish a step that can fill them",
        )

    def other_resolution(self, measure: str, entity: str, minutes: int) -> Finding:
        """Return that what is known was metered at another resolution, so that nothing lacks."""
        stated = f"have `resolution_minutes: {minutes}` stated in its registration and ingest again"
        others = "ingest the readings between"
        return Finding(
            "resolution",
            f"{self.market} {self.day}",
            f"{MEASURE_TITLES[measure]} of {entity} read every {minutes} minutes",
            "a reading an interval: an estimate between them would add to what was measured",
            # Above the hour, or beside it, no registration can state it.
            others if MINUTES_PER_HOUR % minutes else f"{stated}, or {others}",
        )

    def implausible(self, measure: str, entity: str, intervals: Sequence[int]) -> Finding:
        """Return that flagged readings may not settle under the rules in force."""
        return Finding(
            "implausible-reading",
            f"{self.market} {self.day}",
            f"{MEASURE_TITLES[measure]} of {entity} was flagged at {self._listed(intervals)}",
            "a reading settles only if it is plausible",
            "ingest a correct reading, or publish that such readings are flagged or estimated",
        )

    def too_much_estimated(
        self, measure: str, estimated_wh: int, whole_wh: int, limit_ppm: int
    ) -> Finding:
        """Return that too large a part of the day's energy is estimated, parts rounded up."""
        # Rounded up: rounded down, a part just above the limit would read as the limit itself.
        return Finding(
            "too-much-estimated",
            f"{self.market} {self.day}",
            f"{energy(estimated_wh)} of {energy(whole_wh)} estimated, "
            f"{ppm(-(-estimated_wh * MILLION // whole_wh))}",
            f"at most {ppm(limit_ppm)} of a day's {MEASURE_TITLES[measure]} is estimated",
            "ingest measured readings",
        )

    def _listed(self, intervals: Sequence[int]) -> str:
        return list_starts([self.starts[interval] for interval in intervals])


def list_starts(starts: Sequence[dt.datetime]) -> str:
    """Return how many intervals there are, and the first of them."""
    first = ", ".join(start.strftime("%H:%MZ") for start in starts[:SHOWN_INTERVALS])
    more = len(starts) - SHOWN_INTERVALS
    return f"{len(starts)}: {first}" + (f" and {more} more" if more > 0 else "")
