"""A file of corrected readings: a seeded handful of demand vectors, each a little different."""

import datetime as dt
from collections.abc import Collection, Mapping, Sequence

import numpy as np

from common.refusals import Finding, Refused
from settlement.datasets.files import Form, encode_table, metered_table
from settlement.datasets.market import Resolutions
from settlement.datasets.profile import Integers
from settlement.meters.ingest import MeterFile
from settlement.meters.readings import Readings
from settlement.meters.register import DEMAND

CORRECTED_POINTS = 6
CORRECTED_DAYS = 3
LARGEST_CHANGE_PPM = 30_000
MILLION = 1_000_000


def make_correction_file(
    readings: Readings,
    starts: Mapping[dt.date, Sequence[dt.datetime]],
    seed: int,
    label: str,
    resolutions: Resolutions,
    read_again: Collection[str] = (),
) -> MeterFile:
    """Return a CSV of corrected demand: some supply points over consecutive days, up to 3 % off.

    Args:
        readings: what is known; the correction starts from it.
        starts: of each day, the starts of its intervals.
        seed: decides the supply points, the days and by how much each vector changes.
        label: part of the file's name, <market>-<label>-corrections.csv.
        resolutions: what one reading of a supply point covers.
        read_again: supply points that are corrected whatever the seed, as those in dispute.

    A vector with a gap is left as it is: there is no reading to correct. Another changes by one
    factor in parts per million, never zero; each reading is rounded down to whole Wh.

    Raises:
        Refused: no demand is known whole on any of the days.
    """
    whole = {
        day: measured[DEMAND].without_gaps
        for day, measured in readings.days.items()
        if DEMAND in measured and measured[DEMAND].without_gaps
    }
    days = sorted(whole)
    random = np.random.Generator(np.random.PCG64(seed))
    first = int(random.integers(0, max(1, len(days) - CORRECTED_DAYS + 1)))
    days = days[first : first + CORRECTED_DAYS]
    known = set.intersection(*(whole[day] for day in days)) if days else set()
    if not known:
        raise Refused(
            [
                Finding(
                    "no-reading",
                    readings.market,
                    f"no {DEMAND} known whole at {readings.known.isoformat()}",
                    "corrections start from readings",
                    "ingest readings of these days first",
                )
            ]
        )
    drawn = random.permutation(sorted(known))[:CORRECTED_POINTS].tolist()
    chosen = {*drawn, *known.intersection(read_again)}
    table = metered_table(
        sorted(chosen),
        DEMAND,
        [starts[day] for day in days],
        [_changed(readings.days[day][DEMAND].values_of(sorted(chosen)), random) for day in days],
        resolutions,
    )
    name = f"{readings.market}-{label}-corrections.csv"
    return MeterFile(name, encode_table(table, Form.CSV))


def _changed(demand_wh: Integers, random: np.random.Generator) -> Integers:
    sizes = random.integers(1, LARGEST_CHANGE_PPM, (len(demand_wh), 1), endpoint=True)
    signs = random.choice(np.array([-1, 1]), (len(demand_wh), 1))
    # Whole and part apart: a reading of 10^13 Wh times parts per million would pass int64.
    whole, part = np.divmod(demand_wh, MILLION)
    ppm = sizes * signs
    return np.asarray(demand_wh + whole * ppm + part * ppm // MILLION, dtype=np.int64)
