"""Any order of publications answers every (effective, known) as a naive reference does."""

import datetime as dt
import uuid
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from rulebook.amend import amend
from rulebook.days import begins_a_day, day_of, day_start
from rulebook.resolve import change_points, in_force, missing_parts
from rulebook.versions import IN_FORCE, Version, overlap

EPOCH = dt.datetime(2024, 1, 1, tzinfo=dt.UTC)
LAST = 12


def at(number):
    return None if number is None else EPOCH + dt.timedelta(days=number)


def version(label, start, end, known, instrument="m/market-rules"):
    return Version(
        id=uuid.uuid4(),
        market="m",
        instrument=instrument,
        kind=instrument.split("/")[1],
        body={"label": label},
        digest=bytes([label]) * 32,
        valid_from=at(start),
        valid_to=at(end),
        recorded_from=at(known),
        recorded_to=None,
        status=IN_FORCE,
        author="ada",
        approver="grace",
        approval=1,
        reason="r",
        supersedes=(),
        origin=None,
        row_digest=bytes(32),
    )


@st.composite
def publications(draw):
    """Return (start, end or None) for successive instants of recording."""
    made = []
    for _ in range(draw(st.integers(1, 6))):
        start = draw(st.integers(0, LAST - 1))
        end = draw(st.none() | st.integers(start + 1, LAST))
        made.append((start, end))
    return made


def replay(history):
    """Apply publications one after another, as the service does, and return all versions."""
    stored = []
    for known, (start, end) in enumerate(history):
        current = [v for v in stored if v.recorded_to is None]
        amendment = amend(current, "m/market-rules", at(start), at(end))
        closed = {v.id for v in amendment.closes}
        stored = [replace(v, recorded_to=at(known)) if v.id in closed else v for v in stored]
        stored.append(version(known, start, end, known))
        for rest in amendment.remainders:
            piece = replace(
                rest.of,
                id=uuid.uuid4(),
                valid_from=rest.valid_from,
                valid_to=rest.valid_to,
                recorded_from=at(known),
            )
            stored.append(piece)
    return stored


def naive(history, effective, known):
    """Return the last publication, not later than `known`, that covers `effective`."""
    answer = None
    for number, (start, end) in enumerate(history):
        if number <= known and start <= effective and (end is None or effective < end):
            answer = number
    return answer


@given(publications())
def test_resolution_agrees_with_the_naive_reference(history):
    stored = replay(history)
    for known in range(len(history)):
        for effective in range(LAST + 1):
            found = in_force(stored, at(effective), at(known))
            expected = naive(history, effective, known)
            labels = [v.body["label"] for v in found]
            assert labels == ([] if expected is None else [expected])


@given(publications())
def test_no_two_versions_overlap_in_both_times(history):
    stored = replay(history)
    for one in stored:
        for other in stored:
            if one.id != other.id:
                assert not (
                    overlap(one.valid_from, one.valid_to, other.valid_from, other.valid_to)
                    and overlap(
                        one.recorded_from, one.recorded_to, other.recorded_from, other.recorded_to
                    )
                )


@given(publications(), st.integers(0, LAST - 1), st.integers(1, LAST))
def test_between_change_points_nothing_changes(history, start, length):
    stored = replay(history)
    known = at(len(history))
    end = at(start + length)
    points = change_points([(v.valid_from, v.valid_to) for v in stored], at(start), end)
    for point, following in zip(points, [*points[1:], end], strict=True):
        day = point
        while day < following:
            assert in_force(stored, day, known) == in_force(stored, point, known)
            day += dt.timedelta(days=1)


def test_an_amendment_in_the_middle_leaves_both_sides():
    year = version(0, 0, 12, 0)
    amendment = amend([year], "m/market-rules", at(3), at(5))
    assert amendment.closes == (year,)
    assert [(r.valid_from, r.valid_to) for r in amendment.remainders] == [
        (at(0), at(3)),
        (at(5), at(12)),
    ]


def test_an_amendment_of_another_instrument_touches_nothing():
    year = version(0, 0, 12, 0)
    assert amend([year], "m/grid-model", at(3), at(5)).closes == ()


def test_versions_that_only_meet_are_left_alone():
    year = version(0, 0, 3, 0)
    assert amend([year], "m/market-rules", at(3), None).closes == ()


def test_what_is_missing_is_named():
    found = [version(0, 0, None, 0)]
    gaps = list(missing_parts(found, "m", at(1), at(1)))
    assert [gap.place for gap in gaps] == ["m/grid-model", "m/allocation-policy", "m/registration"]
    assert {gap.code for gap in gaps} == {"validity-gap"}


def test_days_begin_at_local_midnight():
    zone = "Europe/London"
    summer = day_start(dt.date(2024, 3, 31), zone)
    after = day_start(dt.date(2024, 4, 1), zone)
    assert after - summer == dt.timedelta(hours=23)
    assert day_of(after, zone) == dt.date(2024, 4, 1)
    assert day_of(after - dt.timedelta(seconds=1), zone) == dt.date(2024, 3, 31)
    assert begins_a_day(after, zone)
    assert not begins_a_day(dt.datetime(2024, 4, 1, tzinfo=dt.UTC), zone)
