"""Rows that whoever runs a market writes, as events: whatever is wrong with a row is told at it."""

import datetime as dt
import gzip
import json
from dataclasses import replace

import pytest

from market.clock import far_ahead
from market.core.events import Kind, Outcome
from market.core.ex_post import MOST_REVISION
from market.core.grid_state import MOST_W
from market.core.machine import Machine
from market.moments import midnight_us
from market.told_events import MAY_SAY, NUMBERS, SAYS, told_events
from market.told_rows import FIELDS, MOST_ROWS, read_rows
from portal.market_telling import kept_out
from tests.market.streams import DAY, event, in_force, online
from tests.settlement.core.examples import tiny_market

LAW = online(tiny_market())
(UNIT, *_), (POINT, *_) = LAW.model.units, LAW.model.supply_points
AT, LATER = f"{DAY}T00:00Z", f"{DAY}T00:30Z"
ROWS = [
    {"at": AT, "kind": "clock"},
    {"at": AT, "kind": "rules"},
    {"at": AT, "kind": "availability", "entity": UNIT, "power_w": 7},
    {"at": AT, "kind": "outage", "entity": UNIT},
    {"at": f"{DAY}T01:01+01:00", "kind": "return", "entity": UNIT},
    {"at": AT, "kind": "line-rating", "entity": "L000", "rating_w": 3, "reverse_rating_w": 0},
    {"at": AT, "kind": "demand", "entity": POINT, "power_w": -5},
    {"at": AT, "kind": "forecast", "entity": POINT, "interval_start": LATER, "power_w": [1, -2]},
    {"at": LATER, "kind": "reading", "entity": POINT, "interval_start": AT,
     "measure": "metered_demand_wh", "value": 9, "revision": 2},
]  # fmt: skip
"""One of each kind, in an order that a market takes."""


def as_json(rows) -> bytes:
    return "\n".join(map(json.dumps, rows)).encode()


def as_csv(rows) -> bytes:
    def cell(value) -> str:
        return " ".join(map(str, value)) if isinstance(value, list) else str(value)

    lines = [";".join(cell(row.get(name, "")) for name in FIELDS) for row in rows]
    return "\r\n".join([";".join(FIELDS), *lines]).encode()


def read(content: bytes, law_of=lambda day: LAW):
    rows, wrong = read_rows("day", content)
    told, more = told_events(rows, law_of)
    return told, [*wrong, *more, *kept_out("tiny", told)]


def found(row: dict, law_of=lambda day: LAW) -> list[tuple[str, str]]:
    _, findings = read(as_json([ROWS[0], row]), law_of)
    return [(each.code, each.place) for each in findings]


def test_each_kind_that_may_be_told_is_taken_as_it_is_written():
    acts = {Kind.REQUEST, Kind.CHANGE, Kind.CANCEL, Kind.DELIVERY, Kind.UNREADABLE}
    assert {row["kind"] for row in ROWS} == SAYS.keys() == {*Kind} - acts
    told, findings = read(as_json(ROWS))
    events = [each.event for each in told]
    assert findings == []
    assert set(Machine({LAW.digest: LAW}).take(events).outcomes) == {Outcome.TAKEN}
    assert [each.place for each in told] == [f"day row {n}" for n in range(1, len(ROWS) + 1)]
    (last,) = (event for event in events if event.kind is Kind.READING)
    assert (last.numbers, last.words) == ((0, 2, 9), ("metered_demand_wh", "measured"))
    for content in (as_csv(ROWS), gzip.compress(as_csv(ROWS)), b"\xef\xbb\xbf" + as_json(ROWS)):
        again, findings = read(content)
        assert ([each.event for each in again], findings) == (events, [])
    assert len({(event.day, event.key) for event in events}) == len(events)


@pytest.mark.parametrize("kind", SAYS)
def test_a_row_says_what_its_kind_says_and_nothing_else(kind):
    (row,) = (row for row in ROWS if row["kind"] == kind)
    needed = {"at", *SAYS[kind]}
    for name in needed:
        assert found({key: value for key, value in row.items() if key != name}) == [
            ("event-field", "day row 2")
        ]
    for name in {*FIELDS} - {"kind", "key", *needed, *MAY_SAY.get(kind, ())}:
        assert found(row | {name: AT if name.startswith("interval") else "1"}) == [
            ("event-field", "day row 2")
        ]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"kind": "delivery"}, "event-kind"),
        ({"kind": "request"}, "event-kind"),
        ({"kind": ["demand"]}, "event-kind"),
        ({"kw": 1}, "event-field"),
        ({"power_w": 1.0}, "event-number"),
        ({"power_w": True}, "event-number"),
        ({"power_w": [1, 2]}, "event-number"),
        ({"power_w": "1,000"}, "event-number"),
        ({"power_w": 2**63}, "event-range"),
        ({"at": f"{DAY}T00:00"}, "event-moment"),
        ({"at": 5}, "event-moment"),
        ({"at": "0001-01-01T00:00Z"}, "market-not-online"),
        ({"entity": "\0"}, "event-text"),
        ({"entity": 5}, "event-text"),
        ({"key": "k" * 201}, "event-text"),
    ],
)
def test_what_is_wrong_with_a_row_is_told_at_the_row(changes, code):
    (row,) = (row for row in ROWS if row["kind"] == "demand")
    assert found(row | changes) == [(code, "day row 2")]


LEAST_OF = {"availability": 0, "line-rating": 0, "demand": -MOST_W, "forecast": -MOST_W}


@pytest.mark.parametrize("row", [row for row in ROWS if NUMBERS & row.keys()],
                         ids=lambda row: row["kind"])  # fmt: skip
def test_a_number_that_no_market_reads_is_told_at_its_row_and_its_key_stays_free(row):
    """It would be kept as unreadable for ever, and its correction be other content under its key.

    At the bounds the machine reads it, and a step beyond them it does not.
    """
    for name in NUMBERS & row.keys():
        low, high = LEAST_OF.get(row["kind"], -MOST_W), MOST_W
        if name == "revision":
            low, high = 0, MOST_REVISION
        for number in (low - 1, high + 1):
            assert found(row | {name: number}) == [("event-range", "day row 2")]
        for number in (low, high):
            (*before, told), findings = read(as_json([*ROWS[:2], row | {name: number}]))
            events = [each.event for each in (*before, told)]
            assert findings == []
            outcome = Machine({LAW.digest: LAW}).take(events).outcomes[-1]
            assert outcome in (Outcome.TAKEN, Outcome.TOO_LARGE)
            index = told.event.numbers.index(number)
            beyond = number + (1 if number == high else -1)
            numbers = (*told.event.numbers[:index], beyond, *told.event.numbers[index + 1 :])
            events[-1] = replace(told.event, numbers=numbers)
            assert Machine({LAW.digest: LAW}).take(events).outcomes[-1] is Outcome.UNREADABLE


def test_less_than_nothing_is_forecast_of_no_unit_and_no_reading_is_told_before_its_end():
    forecast, reading = ROWS[-2], ROWS[-1]
    assert found(forecast | {"entity": UNIT}) == [("event-range", "day row 2")]
    assert found(reading | {"at": AT}) == [("event-early", "day row 2")]


@pytest.mark.parametrize(
    ("line", "remedy"),
    [
        ('{"at": 1},', "leave out the comma after the object"),
        ('{"at": 1,}', "leave out the comma before the last brace"),
        ('{"at": 1 2}', "write it again"),
        ('{"at": 1', "write the whole object on this line, from its first brace to its last"),
    ],
)
def test_a_line_that_is_no_object_is_told_with_what_to_write(line, remedy):
    _, (finding,) = read_rows("day", line.encode())
    assert (finding.code, finding.remedy) == ("event-line", remedy)
    assert "char" not in finding.value


def test_a_moment_that_begins_no_interval_and_a_day_offline_are_told():
    reading, forecast = ROWS[-1], ROWS[-2]
    for row in (reading, forecast):
        assert found(row | {"interval_start": f"{DAY}T00:10Z"}) == [("interval-start", "day row 2")]
    assert found(reading | {"measure": "reserve_w"}) == [("event-measure", "day row 2")]
    assert [code for code, _ in found(ROWS[0], lambda day: None)] == ["market-not-online"] * 2


@pytest.mark.parametrize(
    ("content", "codes"),
    [
        (b"", ["unreadable-file"]),
        (b"at,kind\n", ["unreadable-file"]),
        (b"at,kind\n" * (MOST_ROWS + 1), ["unreadable-file"]),
        (b"at;kw;at\n1;2;3\n", ["event-field", "columns", "columns"]),
        (b'at,kind\n1,"2\n', ["unreadable-file"]),
        (b"at,kind\n1\n", ["ragged-row"]),
        (b'{"at": 1, "at": 2}\n[]\n{"at": ' + b"1" * 5_000 + b"}", ["event-line"] * 3),
        (b'{"at": ' + b"[" * 100_000, ["event-line"]),
        (b"{\xff", ["unreadable-file"]),
        (b"\xef\xbb\xbf [\n" + as_json(ROWS[:2]) + b"]", ["unreadable-file"]),
    ],
)
def test_a_file_that_is_written_otherwise_is_refused_in_words(content, codes):
    rows, findings = read_rows("day", content)
    assert rows == []
    assert [each.code for each in findings] == codes
    if b"[" in content[:5]:
        assert findings[0].value == "one JSON array"


def test_a_local_day_is_found_east_and_west_of_greenwich():
    for zone, at in (("Pacific/Auckland", f"{DAY}T11:00Z"), ("America/Lima", f"{DAY}T05:00Z")):
        law = online(tiny_market(), zone=zone)
        (told,), findings = read(as_json([{"at": at, "kind": "rules"}]), lambda day, law=law: law)
        assert findings == []
        assert Machine({law.digest: law}).take([told.event]).outcomes == [Outcome.TAKEN]
    assert in_force().words == (law.digest,)


def test_no_clock_that_is_told_each_midnight_is_far_ahead_and_one_that_leaves_a_day_out_is():
    days = [dt.date(2024, 1, 1) + dt.timedelta(days=number) for number in range(366)]
    clocks = [event(Kind.CLOCK, at_us=midnight_us(day, "Europe/London")) for day in days]
    assert list(far_ahead(clocks[0].at_us, clocks, clocks[-1].at_us)) == []
    gap = [*clocks[:9], *clocks[10:]]
    assert [*far_ahead(clocks[0].at_us, gap, clocks[-1].at_us)] == [(clocks[10], clocks[8].at_us)]
