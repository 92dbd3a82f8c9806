"""Readings of another resolution than the interval: told, spread and summed, and never gaps."""

import datetime as dt
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.refusals import Refused
from rulebook.digest import document_body, document_digest
from rulebook.documents import Registration
from settlement.core.periods import interval_starts
from settlement.datasets.files import Form
from settlement.datasets.market_files import make_corrections, make_synthetic_files
from settlement.meters.ingest import MeterFile, ingest
from settlement.meters.quality import FLAGGED_SPREAD, MEASURED, SPREAD
from settlement.meters.register import (
    AVAILABLE,
    DEMAND,
    GENERATION,
    metered_supply_point,
    metered_unit,
)
from settlement.meters.resolution import spread_wh, sum_wh
from settlement.meters.store import readings_known_at
from settlement.runs.reading_quality import reading_quality
from settlement.runs.settle import settle
from tests.examples import tried
from tests.settlement.meter_cases import DAY, ZONE, checked, codes, csv, register, terms
from tests.worlds import tiny_market
from tests.worlds.settled import INGESTED, SETTLED, publish_tiny

SPRING, AUTUMN = dt.date(2024, 3, 31), dt.date(2024, 10, 27)


def of_resolution(entity, minutes, interval=30):
    def over(length):
        if entity == "S1":
            return metered_supply_point("S1", household_count=9, plausible_wh=1_000_000 * length)
        return metered_unit(
            entity, capacity_w=1_000_000, stores=False, can_reserve=False, interval_minutes=length
        )

    made = over(interval)
    return replace(made, resolution_minutes=minutes, as_read=over(minutes)) if minutes else made


def law(interval=30, gaps=False, **minutes):
    """A register of G1 and S1; the named are metered at a resolution of their own."""
    entities = {name: of_resolution(name, minutes.get(name), interval) for name in ("G1", "S1")}
    return register(terms(entities=entities, interval_minutes=interval, accepts_gaps=gaps))


def stamps(minutes, day=DAY, days=1):
    return [
        start
        for number in range(days)
        for start in interval_starts(day + dt.timedelta(days=number), ZONE, minutes)
    ]


def rows(starts, entity="S1", measure=DEMAND, value=1000, quality="measured"):
    return [
        (start.isoformat(), entity, measure, value + number, quality)
        for number, start in enumerate(starts)
    ]


LATE = dt.datetime(2025, 1, 1, tzinfo=dt.UTC)


def check(found_rows, made):
    return checked(csv(found_rows), made, received=LATE)


@pytest.mark.parametrize("gaps", [True, False])
@pytest.mark.parametrize(
    ("interval", "sent"),
    [(15, 60), (15, 30), (30, 60), (5, 30), (5, 15), (5, 10), (20, 60)],
)
@pytest.mark.parametrize("day", [DAY, SPRING, AUTUMN])
def test_readings_too_far_apart_are_told_as_that_and_not_as_gaps(interval, sent, gaps, day):
    starts = stamps(sent, day, 2)
    result = check(rows(starts), law(interval, gaps))
    assert codes(result) == ["resolution"]
    (finding,) = result.findings
    assert finding.place == "day.csv row 1"
    assert finding.value == (
        f"readings every {sent} minutes of S1 metered_demand_wh {day}, the first of 2 such days"
    )
    assert finding.limit == f"a reading every {interval} minutes, the market's interval"
    assert f"`resolution_minutes: {sent}` stated in its registration" in finding.remedy
    assert ("with quality missing" in finding.remedy) == gaps


def test_what_no_registration_can_state_is_no_remedy():
    result = check(rows(stamps(60)[::2]), law(60, gaps=True))
    assert codes(result) == ["resolution"]
    assert (
        result.findings[0].value == "readings every 120 minutes of S1 metered_demand_wh 2024-01-15"
    )
    assert result.findings[0].remedy == (
        "send a reading every 60 minutes; where a reading is missing, write its row with quality "
        "missing"
    )


@pytest.mark.parametrize(("interval", "sent"), [(60, 15), (60, 30), (30, 15), (30, 10), (15, 5)])
@pytest.mark.parametrize("gaps", [True, False])
def test_readings_too_near_to_each_other_are_told_once_an_entity(interval, sent, gaps):
    starts = stamps(sent, days=2)
    found_rows = [*rows(starts), *rows(starts, "G1", GENERATION, value=9)]
    result = check(found_rows, law(interval, gaps))
    assert codes(result) == ["resolution", "resolution"]
    assert result.findings[0].value == (
        f"readings every {sent} minutes of S1 metered_demand_wh 2024-01-15, "
        "the first of 2 such days"
    )
    assert f"`resolution_minutes: {sent}`" in result.findings[0].remedy


def test_a_value_of_another_resolution_is_held_to_no_limit():
    """An hour's energy is no unit's overload in a quarter: only the resolution is wrong."""
    hourly = rows(stamps(60), "G1", GENERATION, value=900_000)
    assert codes(check(hourly, law(15))) == ["resolution"]


def test_a_registration_says_what_is_right_and_what_is_sent_is_held_to_it():
    result = check(rows(stamps(30)), law(30, S1=60))
    assert codes(result) == ["resolution"]
    assert result.findings[0].limit == "a reading every 60 minutes, as its registration states"
    result = check(rows(stamps(60)), law(60, S1=15))
    assert codes(result) == ["resolution"]
    assert result.findings[0].limit == "a reading every 15 minutes, as its registration states"


MIXED = [
    pytest.param(lambda fine: fine[:48] + fine[48::4], 60, id="quarters, then hours"),
    pytest.param(lambda fine: fine[:40] + fine[40:48:4] + fine[48:], 60, id="two hours among them"),
    pytest.param(lambda fine: fine[:48] + fine[48::2], 30, id="quarters, then half-hours"),
    pytest.param(lambda fine: fine[:96] + fine[96::4], 60, id="every fourth on the second day"),
    pytest.param(lambda fine: fine[::4][:5] + fine[96:], 60, id="five hours, then a whole day"),
    pytest.param(lambda fine: fine[2::4], 60, id="stamped at their half"),
    pytest.param(lambda fine: fine[:32] + fine[34:52:4] + fine[52:], 60, id="five at their half"),
    pytest.param(lambda fine: fine[:32] + fine[33:53:2] + fine[53:], 30, id="halves at a quarter"),
]


@pytest.mark.parametrize(("cut", "seen"), MIXED)
@pytest.mark.parametrize("gaps", [True, False])
def test_hours_among_quarters_are_no_gaps(cut, seen, gaps):
    result = check(rows(cut(stamps(15, days=2))), law(15, gaps))
    assert "resolution" in codes(result)
    (finding,) = (finding for finding in result.findings if finding.code == "resolution")
    assert f"readings every {seen} minutes" in finding.value


@pytest.mark.parametrize(
    "cut",
    [
        pytest.param(lambda fine: fine[:1], id="one reading"),
        pytest.param(lambda fine: [fine[4], fine[12]], id="a correction of two hours' first"),
        pytest.param(lambda fine: fine[:41] + fine[44:], id="three quarters of an hour"),
        pytest.param(lambda fine: fine[:96] + fine[96:97], id="to the midnight after"),
        pytest.param(lambda fine: fine[4:8] + fine[16:20], id="two whole hours"),
        pytest.param(lambda fine: [fine[5], fine[9]], id="a correction of two hours' second"),
    ],
)
def test_what_is_a_gap_is_still_one(cut):
    result = check(rows(cut(stamps(15, days=2))), law(15, gaps=True))
    assert not result.findings
    assert result.vectors


def test_who_says_that_the_rest_is_missing_is_believed():
    fine = stamps(15)
    sent = rows(fine[::4])
    said = [(start.isoformat(), "S1", DEMAND, "", "missing") for start in fine if start.minute]
    (vector,) = check([*sent, *said], law(15, gaps=True)).vectors
    assert vector.quality == "MXXX" * 24


def test_a_reading_a_day_is_told_from_the_second_day_on():
    result = check(rows(stamps(60, days=3)[::24]), law(15, gaps=True))
    assert codes(result) == ["resolution"]
    assert "readings every 1440 minutes" in result.findings[0].value
    assert result.findings[0].value.endswith("the first of 3 such days")


@pytest.mark.parametrize("place", [24, 40, 95])
def test_a_reading_a_day_at_another_time_is_told_from_the_third_day_on(place):
    """At noon, in the morning, or in the last interval, as days stamped at their end have it."""
    days = [stamps(15, SPRING - dt.timedelta(days=4 - number)) for number in range(3)]
    result = check(rows([day[place] for day in days]), law(15, gaps=True))
    assert codes(result) == ["resolution"]
    assert "readings every 1440 minutes" in result.findings[0].value
    assert check(rows([day[place] for day in days[:2]]), law(15, gaps=True)).vectors


def test_the_last_reading_of_a_day_is_the_last_when_clocks_change_too():
    ends = [stamps(15, SPRING + dt.timedelta(days=number))[-1] for number in (-1, 0, 1)]
    assert codes(check(rows(ends), law(15, gaps=True))) == ["resolution"]


def test_readings_that_divide_no_hour_are_told_too():
    result = check(rows(stamps(15)[::3]), law(15, gaps=True))
    assert codes(result) == ["resolution"]
    assert result.findings[0].value.startswith("readings every 45 minutes")
    assert "registration" not in result.findings[0].remedy
    assert check(rows(stamps(15)[::3][:3]), law(15, gaps=True)).vectors


@pytest.mark.parametrize("gaps", [True, False])
@pytest.mark.parametrize("minutes", [15, 60])
@pytest.mark.parametrize("day", [DAY, SPRING - dt.timedelta(days=1), AUTUMN])
def test_readings_stamped_at_their_ends_are_told_once(minutes, gaps, day):
    ends = [start + dt.timedelta(minutes=minutes) for start in stamps(minutes, day, 2)]
    made = law(15, gaps, S1=60) if minutes == 60 else law(15, gaps)
    result = check(rows(ends), made)
    assert codes(result) == ["interval-end"]
    assert result.findings[0].remedy == f"stamp each reading {minutes} minutes earlier"
    assert result.findings[0].value.startswith("S1 metered_demand_wh from ")


def test_hours_stamped_at_their_ends_in_a_market_of_quarters_are_of_another_resolution():
    ends = [start + dt.timedelta(hours=1) for start in stamps(60, days=2)]
    assert codes(check(rows(ends), law(15, gaps=True))) == ["resolution"]


def test_a_stray_reading_between_two_others_is_a_stray():
    starts = [*stamps(30), stamps(15)[3]]
    assert codes(check(rows(starts), law(30))) == ["interval-count", "off-boundary"]


@pytest.mark.parametrize("day", [DAY, SPRING, AUTUMN])
@pytest.mark.parametrize(("interval", "sent"), [(15, 60), (30, 60), (5, 20), (20, 60)])
def test_energy_of_a_coarser_meter_is_spread_and_sums_to_it(day, interval, sent):
    starts = stamps(sent, day)
    (vector,) = check(rows(starts), law(interval, S1=sent)).vectors
    parts = sent // interval
    assert len(vector.values) == len(interval_starts(day, ZONE, interval))
    sums = vector.values.reshape(-1, parts).sum(axis=1)
    assert sums.tolist() == list(range(1000, 1000 + len(starts)))
    assert vector.values.max() - vector.values.min() <= len(starts) // parts + 2
    assert vector.quality == "S" * len(vector.values)


def test_power_is_declared_by_interval_whatever_the_meter_reads():
    """As in Denmark: production is read every hour, and what is available is declared."""
    made = law(15, G1=60)
    declared = rows(stamps(15), "G1", AVAILABLE)
    power, energy = check([*declared, *rows(stamps(60), "G1", GENERATION)], made).vectors
    assert power.values.tolist() == list(range(1000, 1096))
    assert power.quality == "M" * 96
    assert energy.quality == "S" * 96
    result = check(rows(stamps(60), "G1", AVAILABLE), made)
    assert codes(result) == ["resolution"]
    assert result.findings[0].limit == "a reading every 15 minutes, the market's interval"
    assert "registration" not in result.findings[0].remedy


@pytest.mark.parametrize("day", [DAY, SPRING, AUTUMN])
@pytest.mark.parametrize(("interval", "sent"), [(60, 15), (30, 15), (60, 5), (15, 5)])
def test_energy_of_a_finer_meter_is_summed(day, interval, sent):
    starts, parts = stamps(sent, day), interval // sent
    (vector,) = check(rows(starts), law(interval, S1=sent)).vectors
    expected = np.arange(1000, 1000 + len(starts)).reshape(-1, parts).sum(axis=1)
    assert vector.values.tolist() == expected.tolist()
    assert vector.quality == "M" * len(vector.values)


def test_a_sum_is_as_good_as_the_worst_of_its_parts():
    sent = rows(stamps(15))
    for place, quality in ((0, "estimated"), (5, "missing"), (9, "estimated")):
        value = "" if quality == "missing" else sent[place][3]
        sent[place] = (*sent[place][:3], value, quality)
    made = law(60, gaps=True, S1=15)
    (vector,) = check(sent, made).vectors
    assert vector.quality == "EXE" + "M" * 21
    assert vector.values[:2].tolist() == [4 * 1000 + 6, 0]


def test_of_an_interval_that_is_a_sum_a_file_says_all_or_nothing():
    made = law(60, gaps=True, S1=15)
    result = check(rows(stamps(15))[:-2], made)
    assert codes(result) == ["part-of-interval"]
    assert result.findings[0].value == "S1 metered_demand_wh 2024-01-15 lacks 2: 23:30Z, 23:45Z"
    (vector,) = check(rows(stamps(15))[:-4], made).vectors
    assert vector.quality == "M" * 23 + "."
    assert codes(check(rows(stamps(15))[:-4], law(60, S1=15))) == ["missing-intervals"]


def test_what_an_hour_lacks_is_missing_in_each_of_its_quarters():
    hours = rows(stamps(60))
    hours[3] = (*hours[3][:3], "", "missing")
    hours[5] = (*hours[5][:3], 7, "estimated")
    (vector,) = check([*hours[:7], *hours[8:]], law(15, gaps=True, S1=60)).vectors
    assert vector.quality == "S" * 12 + "XXXX" + "SSSS" + "EEEE" + "SSSS" + "...." + "S" * 64
    assert vector.values[20:24].tolist() == [1, 2, 2, 2]
    assert codes(check([*hours[:7], *hours[8:]], law(15, S1=60)))[0] == "missing-intervals"


def test_a_reading_is_held_to_what_its_meter_can_have_read_in_its_time():
    """1 MW gives 1 MWh in the hour and a quarter of it in a quarter."""
    full = [(start.isoformat(), "G1", GENERATION, 1_000_000, "measured") for start in stamps(60)]
    (vector,) = check(full, law(15, G1=60)).vectors
    assert vector.values.tolist() == [250_000] * 96
    full[2] = (*full[2][:3], 1_000_001, "measured")
    result = check(full, law(15, G1=60))
    assert codes(result) == ["above-capacity"]
    assert result.findings[0].limit.startswith("at most 1000000 Wh")


@settings(max_examples=tried(200), deadline=None)
@given(
    values=st.lists(st.integers(-(10**13), 10**13), min_size=1, max_size=30),
    parts=st.integers(1, 12),
)
def test_spreading_and_summing_keep_every_watt_hour(values, parts):
    given_wh = np.array(values)
    parted = spread_wh(given_wh, parts)
    assert sum_wh(parted, parts).tolist() == values
    assert (np.abs(parted.reshape(-1, parts) * parts - given_wh[:, np.newaxis]) < parts).all()


# The market of case 200: quarter-hours, rules that accept incomplete days and interpolate.

FIRST, LAST = dt.date(2024, 1, 8), dt.date(2024, 1, 9)
METERED = [DEMAND, GENERATION, AVAILABLE]
ESTIMATING = {
    "incomplete_day": "accept",
    "missing": "estimate",
    "estimation": [
        {
            "method": "interpolate",
            "measures": [DEMAND, GENERATION, AVAILABLE],
            "at_most_intervals": 4,
        },
        {"method": "zero", "measures": [DEMAND, GENERATION, AVAILABLE]},
    ],
}


def publish_quarters(session, resolution=None, of=("B-home",), **meter_data):
    rules = tiny_market.market_rules(**(ESTIMATING | meter_data))
    documents = [
        document.model_copy(update={"interval_minutes": 15}) if document is rules else document
        for document in [rules, *tiny_market.documents()[1:]]
    ]
    publish_tiny(
        session,
        [
            registered(document, resolution, of) if isinstance(document, Registration) else document
            for document in documents
        ],
    )


def registered(registration, resolution, of):
    points = tuple(
        point.model_copy(update={"resolution_minutes": resolution})
        if point.supply_point in of
        else point
        for point in registration.supply_points
    )
    return registration.model_copy(update={"supply_points": points})


def quarters(hourly=("B-home",), value=10_001) -> list[str]:
    """All that the market meters, every quarter of an hour; the named supply points every hour."""
    lines = ["interval_start,entity,measure,value"]
    for unit in tiny_market.UNITS:
        for start in stamps(15, FIRST, 2):
            lines.append(f"{start.isoformat()},{unit},{AVAILABLE},{4_000_000}")
            lines.append(f"{start.isoformat()},{unit},{GENERATION},{1_000}")
    for point in (point for points in tiny_market.SUPPLIERS.values() for point in points):
        for start in stamps(60 if point in hourly else 15, FIRST, 2):
            lines.append(f"{start.isoformat()},{point},{DEMAND},{value}")
    return lines


def take_in(session, lines):
    file = MeterFile("hourly.csv", "\n".join(lines).encode())
    (ingested,) = ingest(session, "tiny", [file], received_at=INGESTED)
    return ingested


def demand(session, entity="B-home", day=FIRST):
    known = readings_known_at(session, "tiny", day, day, SETTLED).days[day][DEMAND]
    row = known.entities.index(entity)
    return known.values[row], known.quality[row]


def test_hourly_readings_in_a_market_of_quarters_are_refused(session):
    publish_quarters(session)
    with pytest.raises(Refused) as refused:
        take_in(session, quarters())
    (finding,) = refused.value.findings
    assert finding.code == "resolution"
    assert finding.value == (
        "readings every 60 minutes of B-home metered_demand_wh 2024-01-08, the first of 2 such days"
    )
    assert finding.remedy == (
        "send a reading every 15 minutes, or have `resolution_minutes: 60` stated in its "
        "registration; where a reading is missing, write its row with quality missing"
    )


def test_of_a_registered_hourly_meter_as_much_is_settled_as_was_sent(session):
    publish_quarters(session, 60)
    take_in(session, quarters())
    values, quality = demand(session)
    assert values.sum() == 24 * 10_001
    assert values[:4].tolist() == [2500, 2500, 2500, 2501]
    assert quality == "S" * 96
    assert demand(session, "C-home")[1] == "M" * 96
    run = settle(session, "tiny", "II", FIRST, LAST, known_at=SETTLED, now=SETTLED).run
    assert run.result_digest
    report = reading_quality(session, "tiny", FIRST, LAST, known=SETTLED)
    assert not report.findings
    of_demand = next(c for c in report.entities if (c.measure, c.entity) == (DEMAND, "B-home"))
    assert of_demand.intervals == {"measured over a longer time, spread": 192}
    assert SPREAD != MEASURED != FLAGGED_SPREAD


def test_an_hour_that_was_measured_stays_as_it_was_when_its_neighbour_is_estimated(session):
    publish_quarters(session, 60)
    lines = [line for line in quarters() if not line.startswith("2024-01-08T05:00")]
    take_in(session, lines)
    values, quality = demand(session)
    assert quality[20:24] == "XXXX"
    settle(session, "tiny", "II", FIRST, LAST, known_at=SETTLED, now=SETTLED)
    assert np.delete(values.reshape(-1, 4), 5, axis=0).sum(axis=1).tolist() == [10_001] * 23


def test_hours_that_came_one_by_one_are_no_gaps_either(session):
    """No file says by itself that it is hourly; what is known of the day does."""
    publish_quarters(session)
    lines = quarters()
    hourly = [line for line in lines if ",B-home," in line]
    take_in(session, [line for line in lines if ",B-home," not in line])
    for number, line in enumerate(hourly):
        received = INGESTED + dt.timedelta(seconds=number + 1)
        file = MeterFile(f"{number}.csv", f"{lines[0]}\n{line}".encode())
        ingest(session, "tiny", [file], received_at=received)
    with pytest.raises(Refused) as refused:
        settle(session, "tiny", "II", FIRST, LAST, known_at=SETTLED, now=SETTLED)
    assert [finding.code for finding in refused.value.findings] == ["resolution", "resolution"]
    assert refused.value.findings[0].value == "metered demand of B-home read every 60 minutes"


@pytest.mark.parametrize("clock", ["T00:00", "T12:00", "T23:45"])
def test_days_that_came_one_by_one_are_no_gaps_either(session, clock):
    """A day's energy in one reading: estimates of the other intervals would be added to it."""
    publish_quarters(session)
    lines = quarters(hourly=())
    take_in(session, [line for line in lines if ",B-home," not in line])
    daily = [line for line in lines if ",B-home," in line and clock in line]
    assert len(daily) == 2
    for number, line in enumerate(daily):
        received = INGESTED + dt.timedelta(seconds=number + 1)
        file = MeterFile(f"{number}.csv", f"{lines[0]}\n{line}".encode())
        ingest(session, "tiny", [file], received_at=received)
    for day in (FIRST, LAST):
        with pytest.raises(Refused) as refused:
            settle(session, "tiny", "II", day, day, known_at=SETTLED, now=SETTLED)
        (finding,) = refused.value.findings
        assert finding.value == "metered demand of B-home read every 1440 minutes"
        assert finding.remedy == "ingest the readings between"


@pytest.mark.parametrize("second", [0, 30])
def test_hours_that_came_one_by_one_among_quarters_are_no_gaps_either(session, second):
    """Five hours in a row of a day of quarters, stamped at the hour or at its half."""
    publish_quarters(session)
    lines = quarters(hourly=())
    within = [
        line for line in lines if ",B-home," in line and "2024-01-08T10" <= line < "2024-01-08T15"
    ]
    take_in(session, [line for line in lines if line not in within])
    hourly = [line for line in within if line[14:16] == f"{second:02}"]
    assert len(hourly) == 5
    for number, line in enumerate(hourly):
        received = INGESTED + dt.timedelta(seconds=number + 1)
        file = MeterFile(f"{number}.csv", f"{lines[0]}\n{line}".encode())
        ingest(session, "tiny", [file], received_at=received)
    with pytest.raises(Refused) as refused:
        settle(session, "tiny", "II", FIRST, LAST, known_at=SETTLED, now=SETTLED)
    (finding,) = refused.value.findings
    assert finding.code == "resolution"
    assert finding.value == "metered demand of B-home read every 60 minutes"


def test_a_resolution_that_fits_no_interval_is_refused_at_publication(session):
    for minutes in (25, 20):
        with pytest.raises(Refused) as refused:
            publish_quarters(session, minutes)
        assert [finding.code for finding in refused.value.findings] == [
            "resolution-does-not-fit-interval"
        ]


def test_a_resolution_that_is_not_stated_leaves_the_digest_as_it_was():
    registration = tiny_market.registrations()[2]
    assert "resolution_minutes" not in document_body(registration)["supply_points"][0]
    stated = registered(registration, 60, ("B-home",))
    assert document_body(stated)["supply_points"][0]["resolution_minutes"] == 60
    assert document_digest(stated) != document_digest(registration)
    assert document_digest(registered(stated, None, ("B-home",))) == document_digest(registration)


@pytest.mark.parametrize("minutes", [60, 5])
def test_a_data_set_is_made_of_readings_as_the_meters_have_them(session, minutes):
    publish_quarters(session, minutes, of=("B-home", "C-office"))
    days = (FIRST, FIRST + dt.timedelta(days=2))
    files = make_synthetic_files(
        session, "tiny", *days, seed=1, known=INGESTED, form=Form.CSV, progress=lambda *_: None
    )
    ingest(session, "tiny", files, received_at=INGESTED)
    assert demand(session)[1] == ("S" if minutes == 60 else "M") * 96
    corrections = make_corrections(session, "tiny", *days, seed=1, known=INGESTED)
    later = INGESTED + dt.timedelta(minutes=1)
    (ingested,) = ingest(session, "tiny", [corrections], received_at=later)
    assert ingested.file.vector_count == 12
