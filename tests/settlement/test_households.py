"""Readings of 537 real households over 49 days: what in them nobody believes, refused or not.

They are moved by whole weeks to the first Monday of 2024, and every home stands as a supply point
of its own. Of their 1,263,024 half-hours 14 are below zero, all of one home, and 7,851 above 9 kWh.
"""

import datetime as dt
import io

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest

from common.refusals import Refused
from rulebook.documents import Registration
from settlement.meters.ingest import MeterFile, ingest
from settlement.meters.register import DEMAND
from settlement.runs.reading_quality import reading_quality
from tests.conftest import SHARED
from tests.worlds import tiny_market
from tests.worlds.law import publish
from tests.worlds.settled import INGESTED, publish_tiny

pytestmark = pytest.mark.real_data

FIRST, LAST = dt.date(2024, 1, 1), dt.date(2024, 2, 18)
INTERVALS, HOMES = 49 * 48, 537
NEGATIVE, ABOVE = 14, 7_851
LIMIT_WH = 9_000
PLAUSIBLE = {"plausible_demand_ppm": 6_000_000}  # of 3 kW a home: 18 kW, 9 kWh in half an hour
ESTIMATE = {
    "implausible": "estimate",
    "missing": "estimate",
    "estimation": [
        {"method": "interpolate", "measures": [DEMAND], "at_most_intervals": 2},
        {"method": "like-day", "measures": [DEMAND], "weeks": 4},
        {"method": "profile", "measures": [DEMAND], "weeks": 4},
    ],
}


@pytest.fixture(scope="module")
def homes() -> dict[str, np.ndarray]:
    table = pa.parquet.read_table(SHARED / "data" / "households_ch" / "halfhourly_kwh.parquet")
    return {
        name: np.rint(table[name].to_numpy().astype(np.float64) * 1_000).astype(np.int64)
        for name in sorted(table.column_names)
        if name != "time"
    }


@pytest.fixture(scope="module")
def file(homes) -> MeterFile:
    starts = np.datetime64(FIRST, "us") + np.arange(INTERVALS) * np.timedelta64(30, "m")
    names = pa.array(list(homes))
    codes = pa.array(np.repeat(np.arange(HOMES, dtype=np.int32), INTERVALS))
    table = pa.table(
        {
            "interval_start": pa.array(np.tile(starts, HOMES)).cast(pa.timestamp("us", "UTC")),
            "entity": pa.DictionaryArray.from_arrays(codes, names),
            "measure": pa.array([DEMAND]).take(pa.array(np.zeros(len(codes), dtype=np.int32))),
            "value": pa.array(np.concatenate(list(homes.values()))),
        }
    )
    sink = io.BytesIO()
    pa.parquet.write_table(table, sink)
    return MeterFile("households.parquet", sink.getvalue())


def law(homes, **meter_data):
    """The tiny market in which cedar supplies every home, each with a meter of its own."""
    rules, grid, policy, *registrations, terms = tiny_market.documents()
    cedar = next(
        registration for registration in registrations if registration.participant == "cedar"
    ).model_dump()
    point = {"title": "A home", "node": "B", "product": "home", "household_count": 1}
    cedar["supply_points"] = [{"supply_point": name, **point} for name in homes]
    others = [registration for registration in registrations if registration.participant != "cedar"]
    rules = tiny_market.market_rules(**PLAUSIBLE, **meter_data)
    return [rules, grid, policy, terms, *others, Registration.model_validate(cedar)]


def demand_of(session, known) -> dict[str, int]:
    report = reading_quality(session, "tiny", FIRST, LAST, known=known)
    homes_only = [
        entity.intervals
        for entity in report.entities
        if entity.measure == DEMAND and "-" not in entity.entity
    ]
    assert len(homes_only) == HOMES
    words = {word for counts in homes_only for word in counts}
    return {word: sum(counts.get(word, 0) for counts in homes_only) for word in words}


def test_every_implausible_reading_of_real_homes_is_refused_by_name(session, homes, file):
    publish_tiny(session, law(homes))
    with pytest.raises(Refused) as refused:
        ingest(session, "tiny", [file], received_at=INGESTED)
    found = [finding.code for finding in refused.value.findings]
    assert found.count("negative") == NEGATIVE
    assert found.count("above-plausible") == ABOVE
    assert len(found) == NEGATIVE + ABOVE
    assert f"at most {LIMIT_WH} Wh" in str(refused.value.findings[0])


def test_implausible_readings_of_real_homes_are_flagged_then_estimated_by_rule(
    session, homes, file
):
    publish_tiny(session, law(homes, implausible="flag"))
    (ingested,) = ingest(session, "tiny", [file], received_at=INGESTED)
    assert ingested.file.vector_count == HOMES * 49
    notice = next(notice for notice in ingested.notices if notice.code == "implausible")
    assert notice.value.startswith(f"{NEGATIVE + ABOVE} readings of 57 supply points, the first")
    flagged = {"measured": HOMES * INTERVALS - NEGATIVE - ABOVE, "measured, implausible": 7_865}
    assert demand_of(session, INGESTED) == flagged

    later = INGESTED + dt.timedelta(hours=1)
    publish(
        session,
        law(homes, **ESTIMATE)[:1],
        valid_from=tiny_market.VALID_FROM,
        known=later,
        reason="Estimate what nobody believes",
    )
    found = {
        "estimated by rule: interpolate": 2_712,
        "estimated by rule: like-day": 4_422,
        "estimated by rule: profile": 115,
        "missing": 616,
    }
    assert sum(found.values()) == NEGATIVE + ABOVE
    assert demand_of(session, later) == found | {"measured": flagged["measured"]}
    assert demand_of(session, INGESTED) == flagged
