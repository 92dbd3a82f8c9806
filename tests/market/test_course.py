"""A course along a log: begun anywhere, it goes the same way, and it says where it did not."""

import datetime as dt
import json
from dataclasses import replace

import pytest
from hypothesis import given

from market.core.events import Kind, Outcome
from market.core.machine import MOST_EARLY_US, Cause, Machine
from market.core.state import restore, state_of
from market.course import Course, Diverged
from market.log import Head, Submitted
from tests.market.led import LAW, MARKET, happenings, resolve
from tests.market.streams import DAY, MINUTE_US, START_US, event, in_force, streams
from tests.market.test_machine import same

CAME = dt.datetime(2024, 5, 1, tzinfo=dt.UTC)
DAY_US = 24 * 60 * MINUTE_US


def handed_in(events) -> list[Submitted]:
    return [Submitted(number, each, CAME, "test") for number, each in enumerate(events)]


def taken(events, at_once: int = 9) -> tuple[Course, list]:
    """A course after events, and its batches, as a leader takes them."""
    course, waiting, batches = Course.begin(MARKET, resolve), handed_in(events), []
    while waiting:
        together = course.together(waiting[:at_once])
        batches.append(course.take(together))
        waiting = waiting[len(together) :]
    return course, batches


@given(streams(30))
def test_a_machine_that_was_restored_goes_on_as_the_one_that_went_on(stream):
    market, batches = stream
    law = {"law": market}
    machine = Machine(law)
    for place, batch in enumerate(batches):
        restored = restore(json.loads(json.dumps(state_of(machine))), law)
        assert state_of(restored) == state_of(machine)
        now, then = machine.take(batch), restored.take(batch)
        assert now.outcomes == then.outcomes, place
        assert len(now.publications) == len(then.publications)
        for one, other in zip(now.publications, then.publications, strict=True):
            assert (one.at_us, one.cause, *one.holons) == (other.at_us, other.cause, *other.holons)
            assert same(one.prices, other.prices)


def test_a_day_begins_with_a_batch_and_goes_on_from_its_opening_alone():
    events = happenings(900)
    course, batches = taken(events)
    openings = [batch.opening for batch in batches if batch.opening]
    assert [each.day for each in openings] == [DAY, DAY + dt.timedelta(days=1)]
    for opening in openings:
        place = next(i for i, b in enumerate(batches) if b.opening is opening)
        before = (
            taken(events)[0].head
            if not place
            else Head(
                opening.sequence - 1,
                batches[place - 1].entries[-1].digest,
                [p for b in batches[:place] for p in b.publications][-1].digest,
            )
        )
        rules = [Submitted(0, in_force(), CAME, "test")] if place else []
        again = Course.resume(MARKET, resolve, opening, before if place else Head(), rules)
        for batch in batches[place:]:
            again.follow(batch.entries)
        assert again.head == course.head


def test_a_batch_ends_before_the_next_day_begins():
    course, _ = taken([in_force()])
    late, early, next_day = (
        event(Kind.CLOCK, at_us=START_US + at_us) for at_us in (DAY_US - 1, 0, DAY_US)
    )
    ahead = event(Kind.OUTAGE, "birch", at_us=START_US + 40 * DAY_US)
    far = event(Kind.CLOCK, at_us=START_US + 2 * DAY_US)
    waiting = handed_in([late, ahead, early, next_day, far])
    assert course.together(waiting) == waiting[:3]  # what is too far ahead moves no clock
    course.take(waiting[:3])
    assert course.together(waiting[3:]) == waiting[3:4]
    assert course.take(waiting[3:4]).opening.day == DAY + dt.timedelta(days=1)
    assert course.take(waiting[4:]).opening.day == DAY + dt.timedelta(days=2)


def test_the_first_law_is_the_end_of_its_batch():
    course = Course.begin(MARKET, resolve)
    waiting = handed_in([event(Kind.OUTAGE, "birch"), in_force(), event(Kind.OUTAGE, "cedar")])
    assert course.together(waiting) == waiting[:2]
    assert course.together(waiting[:1]) == waiting[:1]


def test_law_that_was_not_that_of_its_day_is_unknown():
    known = []

    def of_one_day(day, at):
        known.append((day, at))
        return LAW if day == DAY else None

    course = Course.begin(MARKET, of_one_day)
    other = in_force(START_US + DAY_US)
    waiting, outcomes = handed_in([other, in_force(), other]), []
    while waiting:
        together = course.together(waiting)
        outcomes.append([each.logged.outcome for each in course.take(together).entries])
        waiting = waiting[len(together) :]
    # The third names the law in force, which is no law of its day.
    assert outcomes == [[Outcome.UNKNOWN], [Outcome.TAKEN], [Outcome.UNKNOWN]]
    assert known == [(other.day, CAME), (DAY, CAME), (other.day, CAME)]


def test_law_of_a_day_that_is_over_is_not_put_in_force_again():
    yesterday, today = DAY, DAY + dt.timedelta(days=1)
    laws = {yesterday: LAW, today: replace(LAW, digest="today's")}
    course = Course.begin(MARKET, lambda day, known: laws.get(day))
    midnight_us = START_US + DAY_US

    def outcome(at_us: int, digest: str, day: dt.date | None = None) -> Outcome:
        rules = event(Kind.RULES, at_us=at_us, words=(digest,), key=f"{at_us}{digest}{day}")
        taken = course.take(handed_in([replace(rules, day=day or rules.day)]))
        return taken.entries[0].logged.outcome

    assert outcome(START_US, "law") is Outcome.TAKEN
    assert outcome(midnight_us, "today's") is Outcome.TAKEN
    # Within the accepted delay, of its moment's day or of another, and today's moment likewise.
    assert outcome(midnight_us - MINUTE_US, "law") is Outcome.OLDER
    assert outcome(midnight_us - MINUTE_US, "law", today) is Outcome.MISDATED
    assert outcome(midnight_us + 1, "law", yesterday) is Outcome.MISDATED
    assert course.machine.market.digest == "today's"


def test_one_moment_is_of_one_day_alone():
    machine = Machine({"law": replace(LAW, zone="Europe/London")})
    machine.take([in_force()])
    half_past_us = START_US + 30 * MINUTE_US
    told = event(Kind.OUTAGE, "wind", at_us=half_past_us)
    for days in (-1, 1, 10**6):
        misdated = replace(told, day=DAY + dt.timedelta(days=days))
        assert machine.take([misdated]).outcomes == [Outcome.MISDATED]
    assert machine.take([told]).outcomes == [Outcome.TAKEN]


def test_no_moment_is_taken_before_it_has_come():
    """One clock that is told far ahead would make all that follows late, for good."""
    course, came_us = Course.begin(MARKET, resolve), START_US + DAY_US
    came = dt.datetime(2024, 3, 1, tzinfo=dt.UTC)

    def outcomes(*events) -> list[Outcome]:
        batch = [Submitted(0, each, came, "test") for each in events]
        assert course.together(batch) == batch
        return [each.logged.outcome for each in course.take(batch).entries]

    assert outcomes(in_force()) == [Outcome.TAKEN]
    assert outcomes(
        event(Kind.CLOCK, at_us=came_us + MOST_EARLY_US + 1),
        event(Kind.CLOCK, at_us=START_US + 400 * DAY_US),
        event(Kind.OUTAGE, "wind", at_us=came_us + MOST_EARLY_US + 1),
        event(Kind.DEMAND, "home", 5),
    ) == [Outcome.AHEAD] * 3 + [Outcome.TAKEN]
    assert course.machine.clock_us == START_US
    assert outcomes(event(Kind.CLOCK, at_us=came_us + MOST_EARLY_US)) == [Outcome.TAKEN]


@pytest.mark.parametrize(
    "change",
    [
        {"outcome": Outcome.LATE},
        {"event": event(Kind.OUTAGE, "cedar")},
        {"sequence": 7},
        {"batch": 1},
    ],
)
def test_what_comes_out_otherwise_is_named_by_its_place(change):
    _, batches = taken([in_force(), event(Kind.OUTAGE, "birch")])
    course = Course.begin(MARKET, resolve)
    course.follow(batches[0].entries)
    (entry,) = batches[1].entries
    with pytest.raises(Diverged, match=r"market.event tiny [27]: "):
        course.follow([entry._replace(logged=replace(entry.logged, **change))])


@pytest.mark.parametrize(
    "change", [{"submitted_by": "another"}, {"submitted_at": CAME + dt.timedelta(days=1)}]
)
def test_who_handed_an_event_in_and_when_is_in_the_chain(change):
    _, (batch,) = taken([in_force()])
    with pytest.raises(Diverged, match="its digest"):
        Course.begin(MARKET, resolve).follow([batch.entries[0]._replace(**change)])


def test_a_batch_ends_before_an_interval_or_a_tick_does():
    for law, step_us in (
        (LAW, LAW.interval_us),
        (replace(LAW, tick_us=5 * MINUTE_US), 5 * MINUTE_US),
    ):
        course = Course.begin(MARKET, lambda day, known, law=law: law)
        course.take(handed_in([in_force()]))
        waiting = handed_in(
            event(Kind.OUTAGE, "birch", at_us=START_US + at_us, key=str(at_us))
            for at_us in (0, step_us - 1, step_us, step_us + 1, step_us - 1, 3 * step_us)
        )
        lengths = []
        while waiting:
            together = course.together(waiting)
            course.take(together)
            lengths.append(len(together))
            waiting = waiting[len(together) :]
        # The fifth came after the end of its interval, which passed without it.
        assert lengths == [2, 3, 1]


@pytest.mark.parametrize("deadband", [0, LAW.deadband_micro_per_mwh])
def test_what_holds_to_the_end_of_an_interval_is_within_the_deadband_however_much_waited(deadband):
    law = replace(LAW, deadband_micro_per_mwh=deadband)

    def held(at_once: int) -> dict[int, dict[int, tuple[int, int]]]:
        """Of each interval that ended, what the last prices before its end say of each holon."""
        course, waiting = Course.begin(MARKET, lambda day, known: law), handed_in(happenings(300))
        now, found = {}, {}
        while waiting:
            together = course.together(waiting[:at_once])
            for entry in course.take(together).publications:
                each = entry.publication
                if each.cause is Cause.INTERVAL_END:
                    found[each.at_us] = dict(now)
                if each.cause is not Cause.EX_POST:
                    prices = each.prices
                    now.update(
                        zip(
                            each.holons.tolist(),
                            zip(
                                prices.price_micro_per_mwh.tolist(),
                                prices.sell_price_micro_per_mwh.tolist(),
                                strict=True,
                            ),
                            strict=True,
                        )
                    )
            waiting = waiting[len(together) :]
        return found

    one_by_one, all_at_once = held(1), held(500)
    assert len(one_by_one) > 20
    assert one_by_one.keys() == all_at_once.keys()
    for end_us, prices in one_by_one.items():
        for holon, said in prices.items():
            for one, other in zip(said, all_at_once[end_us][holon], strict=True):
                assert abs(one - other) <= 2 * deadband, (end_us, holon)
