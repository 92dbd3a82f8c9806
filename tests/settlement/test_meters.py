"""Files of readings against the rules: every finding with its row, and day vectors."""

import datetime as dt
import gzip

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from settlement.core.periods import interval_starts
from settlement.meters.cells import read_readings
from settlement.meters.check import local_days
from settlement.meters.register import (
    AVAILABLE,
    DEMAND,
    GENERATION,
    MEASURE_TITLES,
    MEASURES,
    metered_supply_point,
)
from tests.examples import tried
from tests.settlement.meter_cases import (
    DAY,
    HEADER,
    ZONE,
    checked,
    codes,
    complete_rows,
    csv,
    day_rows,
    parquet,
    register,
    terms,
)


def only_finding(content: bytes, **changes):
    result = checked(content, **changes)
    assert len(result.findings) == 1, "\n".join(map(str, result.findings))
    assert not result.vectors
    return result.findings[0]


@pytest.mark.parametrize("form", [csv, parquet])
def test_a_complete_day_becomes_vectors_in_order(form):
    result = checked(form(complete_rows()))
    assert not result.findings
    assert not result.notices
    assert [(vector.measure, vector.entity) for vector in result.vectors] == [
        (AVAILABLE, "B1"),
        (AVAILABLE, "G1"),
        (DEMAND, "S1"),
        (DEMAND, "S2"),
        (GENERATION, "B1"),
        (GENERATION, "G1"),
    ]
    demand = result.vectors[2]
    assert demand.settlement_day == DAY
    assert demand.values.dtype == np.int64
    assert demand.values.tolist() == list(range(1000, 1048))
    assert demand.quality == "M" * 48
    assert result.row_count == 6 * 48


@pytest.mark.parametrize(
    ("day", "count"), [(dt.date(2024, 3, 31), 46), (dt.date(2024, 10, 27), 50), (DAY, 48)]
)
def test_days_when_clocks_change_have_their_own_number_of_intervals(day, count):
    rows = day_rows(day=day)
    assert len(rows) == count
    (vector,) = checked(csv(rows), received=dt.datetime(2024, 10, 28, tzinfo=dt.UTC)).vectors
    assert vector.settlement_day == day
    assert vector.values.tolist() == list(range(1000, 1000 + count))


def test_a_day_of_48_is_short_of_two_when_clocks_go_back():
    rows = day_rows(day=dt.date(2024, 10, 27))[:48]
    finding = only_finding(csv(rows))
    assert finding.code == "missing-intervals"
    assert finding.value == "S1 metered_demand_wh 2024-10-27 lacks 2: 23:00Z, 23:30Z"
    assert finding.limit == "the local day has 50 intervals, one reading each"


def test_every_measure_has_words_for_people():
    assert MEASURE_TITLES.keys() == set(MEASURES)
    assert all("_" not in title for title in MEASURE_TITLES.values())


def test_a_49_interval_day_is_refused_and_says_which_reading_is_too_many():
    rows = day_rows()
    extra = (rows[7][0].replace("03:30", "03:45"), *rows[7][1:])
    result = checked(csv([*rows, extra]))
    assert codes(result) == ["interval-count", "off-boundary"]
    count, astray = result.findings
    assert count.place == "day.csv row 1"
    assert count.value == "49 readings of S1 metered_demand_wh 2024-01-15"
    assert astray.place == "day.csv row 49"
    assert astray.value == "2024-01-15T03:45:00Z"


def test_a_duplicate_names_both_rows_and_both_values():
    rows = day_rows()
    result = checked(csv([*rows, (*rows[3][:3], 77, "measured"), (*rows[3][:3], 78, "measured")]))
    found = [finding for finding in result.findings if finding.code == "duplicate"]
    assert [finding.place for finding in found] == ["day.csv row 49", "day.csv row 50"]
    assert found[1].limit == "one reading an interval; row 4 has 1003"
    assert "interval-count" in codes(result)


def test_missing_readings_are_counted_and_the_first_ones_listed():
    rows = day_rows()
    finding = only_finding(csv(rows[:2] + rows[8:]))
    assert finding.value.endswith("lacks 6: 01:00Z, 01:30Z, 02:00Z, 02:30Z and 2 more")


@pytest.mark.parametrize(
    ("cell", "code", "value"),
    [
        ("NaN", "not-a-number", "NaN"),
        ("", "missing-value", "nothing"),
        ("12.5", "not-an-integer", "'12.5'"),
        ("1e6", "not-an-integer", "'1e6'"),
        ("9223372036854775808", "not-an-integer", "'9223372036854775808'"),
        ("-1", "negative", "-1 Wh (metered_demand_wh of S1)"),
        ("10000000000001", "above-capacity", "10000000000001 Wh (metered_demand_wh of S1)"),
    ],
)
def test_a_bad_value_in_csv(cell, code, value):
    rows = day_rows()
    rows[10] = (*rows[10][:3], cell, "measured")
    finding = only_finding(csv(rows))
    assert (finding.code, finding.place, finding.value) == (code, "day.csv row 11", value)


@pytest.mark.parametrize(
    ("cell", "code"),
    [(float("nan"), "not-a-number"), (None, "missing-value"), (0.5, "not-an-integer")],
)
def test_a_bad_value_in_parquet(cell, code):
    rows = day_rows()
    rows[10] = (*rows[10][:3], cell, "measured")
    finding = only_finding(parquet(rows, pa.float64()))
    assert (finding.code, finding.place) == (code, "day.csv row 11")


def test_whole_numbers_in_a_column_of_floats_are_taken():
    (vector,) = checked(parquet(day_rows(), pa.float64())).vectors
    assert vector.values.tolist() == list(range(1000, 1048))


@pytest.mark.parametrize(
    ("entity", "measure", "value", "code", "limit"),
    [
        ("G1", GENERATION, -1, "negative", "at least 0 Wh"),
        ("G1", GENERATION, 500_001, "above-capacity", "at most 500000 Wh"),
        ("G1", AVAILABLE, 1_000_001, "above-capacity", "at most 1000000 W"),
        ("G1", AVAILABLE, -1, "negative", "at least 0 W"),
        ("B1", GENERATION, -500_001, "below-capacity", "at least -500000 Wh"),
    ],
)
def test_a_unit_stays_within_its_capacity(entity, measure, value, code, limit):
    rows = day_rows(entity, measure)
    rows[0] = (*rows[0][:3], value, "measured")
    finding = only_finding(csv(rows))
    assert finding.code == code
    assert finding.limit.startswith(limit)


def test_names_that_the_rules_do_not_know_are_found_once_a_name():
    rows = [
        *day_rows("S9"),
        *day_rows("S1", "demand"),
        *day_rows("G1", DEMAND),
        *day_rows("S2", quality="guessed"),
    ]
    result = checked(csv(rows))
    assert codes(result) == ["unknown-entity", "unknown-measure", "wrong-measure", "quality"]
    assert [finding.place.split()[-1] for finding in result.findings] == ["1", "49", "97", "145"]
    assert result.findings[0].value == "'S9' in 48 rows, here first"


def test_estimated_readings_settle_only_where_the_rules_accept_them():
    rows = day_rows(quality="estimated")
    (vector,) = checked(csv(rows)).vectors
    assert vector.quality == "E" * 48
    strict = register(terms(accepted_quality=frozenset({"measured"})))
    assert only_finding(csv(rows), made=strict).limit == "one of measured"


def test_a_blank_quality_and_a_file_without_the_column_mean_measured():
    blank = csv([(*row[:4], "") for row in day_rows()])
    without = "\n".join(
        ["interval_start,entity,measure,value", *(",".join(map(str, r[:4])) for r in day_rows())]
    ).encode()
    for content in (blank, without):
        (vector,) = checked(content).vectors
        assert vector.quality == "M" * 48


def test_a_day_outside_the_validity_of_rules_is_found_once_with_its_readings():
    pieces = (
        terms(dt.date(2024, 1, 1), dt.date(2024, 1, 14)),
        terms(dt.date(2024, 1, 16), dt.date(2024, 1, 31)),
    )
    rows = [*day_rows(day=dt.date(2024, 1, 14)), *day_rows(), *day_rows(day=dt.date(2024, 1, 16))]
    finding = only_finding(csv(rows), made=register(*pieces))
    assert finding.code == "no-rules"
    assert finding.place == "day.csv row 49"
    assert finding.value == "2024-01-15, 48 readings"


def test_each_day_is_checked_against_its_own_rules():
    pieces = (
        terms(dt.date(2024, 1, 1), dt.date(2024, 1, 14)),
        terms(dt.date(2024, 1, 15), dt.date(2024, 1, 31), entities={}),
    )
    rows = [*day_rows(day=dt.date(2024, 1, 14)), *day_rows()]
    finding = only_finding(csv(rows), made=register(*pieces))
    assert (finding.code, finding.place) == ("unknown-entity", "day.csv row 49")


def test_a_late_file_is_accepted_with_a_notice():
    rows = [*day_rows(), *day_rows(day=dt.date(2024, 1, 17))]
    received = dt.datetime(2024, 1, 21, 0, 30, tzinfo=dt.UTC)
    result = checked(csv(rows), received=received)
    assert len(result.vectors) == 2
    assert not result.findings
    (notice,) = result.notices
    assert notice.code == "late"
    assert notice.place == "day.csv row 1"
    assert "1 late settlement day from 2024-01-15 to 2024-01-15" in notice.value
    assert result.late_day_count == 1
    assert not checked(csv(rows), received=received - dt.timedelta(hours=1)).notices


@pytest.mark.parametrize(
    "written",
    ["2024-01-15T00:00", "15/01/2024 00:00", "", "1899-12-31T23:00Z", "9999-12-31T23:59Z"],
)
def test_an_instant_that_cannot_be_read_is_found_at_its_row(written):
    rows = day_rows()
    rows[0] = (written, *rows[0][1:])
    result = checked(csv(rows))
    assert codes(result) == ["interval-start"]
    assert result.findings[0].place == "day.csv row 1"


def _every_other(rows, spoil):
    return [spoil(row) if number % 2 else row for number, row in enumerate(rows)]


SPOILT = {
    "an instant": (lambda row: (row[0].replace("-", "/"), *row[1:]), "interval-start", 24),
    "a row": (lambda row: (*row, "more"), "ragged-row", 24),
    "an entity": (lambda row: (row[0], "S9", *row[2:]), "unknown-entity", 1),
    "a measure": (lambda row: (*row[:2], "demand_wh", *row[3:]), "unknown-measure", 1),
    "another's measure": (lambda row: (*row[:2], GENERATION, *row[3:]), "wrong-measure", 1),
}


@pytest.mark.parametrize("accepts_gaps", [False, True])
@pytest.mark.parametrize("what", SPOILT)
def test_nothing_follows_from_a_reading_that_could_not_be_placed(what, accepts_gaps):
    """What is left looks like gaps, or like hours in a market of half-hours, and is neither."""
    spoil, code, count = SPOILT[what]
    made = register(terms(accepts_gaps=accepts_gaps))
    result = checked(csv(_every_other(day_rows(), spoil)), made)
    assert codes(result) == [code] * count
    assert not result.vectors


def test_what_other_days_and_meters_lack_is_told_beside_it():
    rows = _every_other(day_rows(), SPOILT["an entity"][0])
    others = [*day_rows("S2")[1:], *day_rows("G1", GENERATION)[1:]]
    later = day_rows("S1", day=DAY + dt.timedelta(days=1))[1:]
    found = codes(checked(csv([*rows, *others, *later])))
    assert sorted(found) == ["missing-intervals", "missing-intervals", "unknown-entity"]


def test_a_whole_day_under_an_unknown_name_is_no_part_of_another():
    rows = [*day_rows("S9"), *day_rows()[1:]]
    assert sorted(codes(checked(csv(rows)))) == ["missing-intervals", "unknown-entity"]


def test_an_offset_other_than_utc_is_the_same_instant():
    east = dt.timezone(dt.timedelta(hours=2))
    shifted = [
        (dt.datetime.fromisoformat(start).astimezone(east).isoformat(), *rest)
        for start, *rest in day_rows()
    ]
    (vector,) = checked(csv(shifted)).vectors
    assert vector.settlement_day == DAY
    assert vector.values.tolist() == list(range(1000, 1048))


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "empty-file"),
        (b" \n\n", "empty-file"),
        (HEADER.encode(), "empty-file"),
        (parquet([]), "empty-file"),
        (b"interval_start,entity,value\n2024-01-15T00:00Z,S1,3\n", "columns"),
        (b"a,b\n1,2\n", "columns"),
        (HEADER.encode() + b",value\n1,2,3,4,5,6\n", "columns"),
        (b"\xff\xfe,entity\n\xff,2\n", "unreadable-file"),
        (b"PAR1 and then nothing of the kind", "unreadable-file"),
        (parquet(complete_rows())[:900], "unreadable-file"),
    ],
)
def test_a_file_that_cannot_be_used_as_a_whole(content, code):
    finding = only_finding(content)
    assert finding.code == code
    assert finding.place.startswith("day.csv")


def test_a_row_that_is_not_utf8_is_named():
    content = csv(day_rows()).replace(b",1005,", b",\xff1005,")
    finding = only_finding(content)
    assert (finding.code, finding.place) == ("unreadable-file", "day.csv row 6")


def packed(rows) -> bytes:
    return gzip.compress(csv(rows))


def wide(rows) -> bytes:
    return csv(rows).decode().replace(",", "\t").encode("utf-16")


@settings(max_examples=tried(120), deadline=None)
@given(
    form=st.sampled_from([csv, parquet, packed, wide]),
    place=st.floats(0, 1, exclude_max=True),
    removed=st.integers(0, 60),
    added=st.binary(max_size=12),
)
def test_a_damaged_file_is_refused_or_read_and_never_fails_otherwise(form, place, removed, added):
    content = form(complete_rows())
    start = int(place * len(content))
    result = checked(content[:start] + added + content[start + removed :])
    assert not (result.findings and result.vectors)
    assert result.findings or len(result.vectors) > 0


def test_rows_of_the_wrong_width_are_found_and_do_not_shift_the_numbers_of_later_rows():
    lines = csv(day_rows()).decode().split("\n")
    lines.insert(4, "torn,line")
    lines.insert(6, "")
    lines[9] = lines[9].replace(",1006,", ",-7,")
    result = checked("\n".join(lines).encode())
    assert codes(result) == ["ragged-row", "negative"]
    assert [finding.place for finding in result.findings] == ["day.csv row 4", "day.csv row 9"]
    assert result.findings[0].value == "2 cells"


def test_every_finding_of_a_bad_file_is_reported_at_once():
    rows = [*day_rows(), *day_rows("G1", GENERATION)]
    for place in range(20):
        rows[place] = (*rows[place][:3], "NaN", "measured")
    rows[60] = (*rows[60][:3], 600_000, "measured")
    rows.pop(50)
    result = checked(csv(rows))
    assert codes(result).count("not-a-number") == 20
    assert {"above-capacity", "missing-intervals"} < set(codes(result))
    for finding in result.findings:
        assert all((finding.place, finding.value, finding.limit, finding.remedy))


def test_the_days_that_a_file_touches_are_local():
    table, _ = read_readings("day.csv", csv(day_rows(day=dt.date(2024, 7, 1))))
    assert local_days(table, ZONE) == [dt.date(2024, 7, 1)]


@settings(max_examples=tried(30), deadline=None)
@given(
    first=st.dates(dt.date(2024, 1, 1), dt.date(2024, 12, 29)),
    day_count=st.integers(1, 3),
    seed=st.integers(0, 2**32 - 1),
    form=st.sampled_from([csv, parquet]),
)
def test_rows_in_any_order_come_back_as_the_same_vectors(first, day_count, seed, form):
    random = np.random.default_rng(seed)
    expected = {}
    rows = []
    for offset in range(day_count):
        day = first + dt.timedelta(days=offset)
        for entity, measure, low, high in (
            ("B1", GENERATION, -500_000, 500_000),
            ("G1", AVAILABLE, 0, 1_000_000),
            ("S2", DEMAND, -(10**13), 10**13),
        ):
            starts = interval_starts(day, ZONE, 30)
            values = random.integers(low, high, len(starts), endpoint=True)
            quality = random.choice(["measured", "estimated"], len(starts))
            expected[day, measure, entity] = values, "".join(word[0].upper() for word in quality)
            rows += [
                (start.isoformat(), entity, measure, int(value), word)
                for start, value, word in zip(starts, values, quality, strict=True)
            ]
    random.shuffle(rows)
    result = checked(form(rows), received=dt.datetime(2024, 1, 2, tzinfo=dt.UTC))
    assert not result.findings
    found = {(v.settlement_day, v.measure, v.entity): v for v in result.vectors}
    assert found.keys() == expected.keys()
    for key, (values, quality) in expected.items():
        assert found[key].values.tolist() == values.tolist()
        assert found[key].quality == quality


ACCEPTS = register(terms(accepts_gaps=True))


@pytest.mark.parametrize("write", [csv, lambda rows: parquet(rows, pa.float64())])
def test_a_missing_reading_has_a_blank_for_its_value(write):
    rows = day_rows()
    blank = "" if write is csv else None
    rows[2] = (*rows[2][:3], blank, "missing")
    (vector,) = checked(write(rows), ACCEPTS).vectors
    assert vector.quality == "MMX" + "M" * 45
    assert vector.values[:4].tolist() == [1000, 1001, 0, 1003]
    rows[2] = (*rows[2][:3], 0, "missing")
    result = checked(write(rows), ACCEPTS)
    assert codes(result) == ["missing-with-value"]
    assert result.findings[0].place == "day.csv row 3"
    rows[2] = (*rows[2][:3], blank, "measured")
    assert codes(checked(write(rows), ACCEPTS)) in (["missing-value"], ["not-a-number"])


def test_where_gaps_are_accepted_all_else_is_still_refused():
    rows = day_rows()
    late = [*rows[:5], (rows[6][0].replace(":00:00", ":10:00"), *rows[6][1:])]
    assert codes(checked(csv(late), ACCEPTS)) == ["off-boundary"]
    assert "duplicate" in codes(checked(csv([*rows[:5], rows[4]]), ACCEPTS))
    silent = checked(csv(rows[:5]), ACCEPTS)
    assert silent.vectors[0].quality == "M" * 5 + "." * 43
    assert silent.vectors[0].completed().quality == "M" * 5 + "X" * 43
    assert [notice.code for notice in silent.notices] == ["incomplete-days"]


def test_a_reading_beyond_what_households_are_believed_to_draw():
    point = metered_supply_point("S1", household_count=9, plausible_wh=1_040)
    entities = terms().entities | {"S1": point}
    strict = register(terms(entities=entities))
    found = checked(csv(day_rows()), strict)
    assert codes(found) == ["above-plausible"] * 7
    lenient = register(terms(entities=entities, refuses_implausible=False))
    rows = [*day_rows()[:-1], (*day_rows()[-1][:3], 1047, "estimated")]
    (vector,) = checked(csv(rows), lenient).vectors
    assert vector.quality == "M" * 41 + "m" * 6 + "e"
    rows[0] = (*rows[0][:3], -1, "measured")
    assert checked(csv(rows), lenient).vectors[0].quality[0] == "m"
    assert codes(checked(csv(rows), strict))[0] == "negative"
