"""Equal days are settled once, and nothing that a day is settled from is left out of "equal"."""

import copy
import datetime as dt
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from fractions import Fraction

import numpy as np
import pytest
from sqlalchemy import text

from database.session import transaction
from settlement.billing.post import post
from settlement.core.content import content
from settlement.replays.inputs import pinned_inputs
from settlement.replays.replay import replay
from settlement.replays.verification import verify_replays
from settlement.runs import computing
from settlement.runs.day_memory import DayMemory
from settlement.runs.settle import settle
from tests.attacks.attacker import turn_triggers_off
from tests.attacks.column_cases import Changed, remake_after
from tests.settlement.test_verification import changes
from tests.worlds import tiny_market
from tests.worlds.fair_play import DRAWN
from tests.worlds.rolled_back import rolled_back
from tests.worlds.settled import (
    CORRECTED,
    FIRST_DAY,
    LAST_DAY,
    RESETTLED,
    ingest_tiny,
    publish_tiny,
    settle_tiny,
)

LAW = {"fair_play": DRAWN}
"""Fair Play, so that a day is settled from what was before it and by lottery, too."""


def fill_twice(session):
    """Settle three days, correct the last, and settle them again: two days stay the same."""
    publish_tiny(session, [*tiny_market.documents(**LAW), *tiny_market.charges()])
    ingest_tiny(session, desiring=["B-home"])
    first = settle_tiny(session)
    ingest_tiny(session, LAST_DAY, LAST_DAY, seed=2, only=["B-home"], received_at=CORRECTED)
    later = settle(
        session, "tiny", "SF", FIRST_DAY, LAST_DAY, known_at=RESETTLED, now=RESETTLED
    ).run
    post(session, later, now=RESETTLED)
    return first, later


@pytest.fixture
def world(world_of):
    return world_of(fill_twice)


@pytest.fixture
def session(world):
    with rolled_back(world[0]) as opened:
        yield opened


@pytest.fixture(scope="module")
def settled_from(world_of):
    """The model and the readings of a day, as a run has them."""
    engine, (first, _) = world_of(fill_twice)
    with transaction(engine) as session:
        inputs = pinned_inputs(session, first)
        model = computing.model_on(inputs.compiled(), LAST_DAY)
        return model, inputs.day_readings(LAST_DAY, model)


def parts(value: object, above: tuple = ()) -> Iterator[tuple]:
    """Yield the way to every value that something is made of, by fields, keys and places."""
    if is_dataclass(value):
        steps = [field.name for field in fields(value)]
    elif isinstance(value, dict):
        steps = list(value)
    elif isinstance(value, tuple):
        steps = list(range(len(value)))
    else:
        yield above
        return
    for step in steps:
        yield from parts(_below(value, step), (*above, step))


def _below(value, step):
    return getattr(value, step) if is_dataclass(value) else value[step]


def changed(value: object, way: tuple) -> object:
    """Return a value with what stands at the end of a way changed."""
    if not way:
        return _other(value)
    part = changed(_below(value, way[0]), way[1:])
    if isinstance(value, tuple):
        return (*value[: way[0]], part, *value[way[0] + 1 :])
    if isinstance(value, dict):
        return {**value, way[0]: part}
    made = copy.copy(value)
    object.__setattr__(made, way[0], part)
    return made


def _other(value: object) -> object:
    if isinstance(value, np.ndarray):
        if not value.size:
            return np.zeros((1, *value.shape[1:]), value.dtype)
        other = value.copy()
        other.flat[-1] = not other.flat[-1] if other.dtype == bool else other.flat[-1] + 1
        return other
    return changes(value, 0)[0]


def test_everything_that_a_day_is_settled_from_tells_it_from_another(settled_from):
    key = DayMemory().key_of("day", *settled_from)
    assert DayMemory().key_of("day", *copy.deepcopy(settled_from)) == key
    ways = list(parts(settled_from))
    assert len(ways) > 100
    for way in ways:
        assert DayMemory().key_of("day", *changed(settled_from, way)) != key, way


def test_what_is_computed_is_told_by_its_name_and_beside_its_values(settled_from):
    memory = DayMemory()
    keys = [memory.key_of(*more) for more in (
        ("day", *settled_from), ("history", *settled_from), ("day", *settled_from, ()),
        ("day", *settled_from, (1,)),
    )]  # fmt: skip
    assert len(set(keys)) == len(keys)


@pytest.mark.parametrize(
    "value", [[1], {1}, 1.0, Fraction(1), np.int64(1), np.array([2**70]), object()]
)
def test_what_has_no_content_is_refused(value):
    with pytest.raises(TypeError, match="no content"):
        content((value,))


@pytest.mark.parametrize(
    ("one", "other"),
    [(True, 1), ("1", 1), (b"1", "1"), (None, 0), ((), ((),)), (("a", "b"), ("ab",))],
)
def test_values_that_look_alike_have_other_content(one, other):
    assert content((one,)) != content((other,))


def test_numbers_in_another_shape_have_other_content():
    values = np.arange(6)
    made = [values, values.reshape(2, 3), values.reshape(3, 2), values.astype(np.int32)]
    assert len({content(value) for value in made}) == len(made)


def test_an_equal_day_is_settled_once_in_a_verification(session, world, monkeypatch):
    _, (first, later) = world
    settled, played = [], []
    settle_day, play_games = computing.settle_day, computing.play_games
    monkeypatch.setattr(
        computing,
        "settle_day",
        lambda model, day, *of: settled.append(day.day) or settle_day(model, day, *of),
    )
    monkeypatch.setattr(
        computing, "play_games", lambda *of: played.append(of[1]) or play_games(*of)
    )
    held = {}
    assert list(verify_replays(session, held=held)) == []
    assert set(held) == {first.id, later.id}
    assert settled == played == [*first.days, LAST_DAY]


@pytest.mark.parametrize("which", ["first", "later", "both"])
def test_forged_results_of_a_day_that_is_not_settled_again_are_named(session, world, which):
    """With every digest above them made anew, in the run that was first, the other or both."""
    first, later = world[1]
    forged = {"first": [first], "later": [later], "both": [first, later]}[which]
    turn_triggers_off(session)
    session.execute(
        text(
            "UPDATE settlement.result SET values[1] = values[1] + 1 WHERE run_id = ANY(:runs) "
            "AND settlement_day = :day AND measure = 'charge.fuel_micro'"
        ),
        {"runs": [run.id for run in forged], "day": FIRST_DAY},
    )
    remake_after(session, [Changed("settlement.result", "values", frozenset())])
    held: dict = {}
    found = {finding.place: finding.value for finding in verify_replays(session, held=held)}
    assert found.keys() == {f"settlement.run {run.id}" for run in forged}
    assert all(f"{FIRST_DAY} charge.fuel_micro" in value for value in found.values())
    assert set(held) == {first.id, later.id} - {run.id for run in forged}


@pytest.mark.parametrize(("version", "is_earlier"), [("1", True), ("7", False), ("1.0", False)])
def test_only_a_version_that_a_release_had_is_left_out(session, world, version, is_earlier):
    first, _ = world[1]
    turn_triggers_off(session)
    session.execute(
        text("ALTER TABLE settlement.run DROP CONSTRAINT ck_run_engine_is_of_this_release")
    )
    session.execute(
        text("UPDATE settlement.run SET engine_version = :version WHERE id = :run"),
        {"version": version, "run": first.id},
    )
    session.expire_all()
    unreplayed: list = []
    left_out = verify_replays(session, left_out=[version], unreplayed=unreplayed)
    found = [finding.place for finding in left_out]
    assert [run.id for run in unreplayed] == ([first.id] if is_earlier else [])
    assert found == ([] if is_earlier else [f"settlement.run {first.id}"])


def test_a_result_that_stands_twice_is_named_by_a_replay(session, world):
    first, _ = world[1]
    turn_triggers_off(session)
    session.execute(text("ALTER TABLE settlement.result DROP CONSTRAINT pk_result CASCADE"))
    session.execute(
        text(
            "INSERT INTO settlement.result SELECT * FROM settlement.result WHERE run_id = :run "
            "AND settlement_day = :day AND measure = 'equalisation_micro'"
        ),
        {"run": first.id, "day": LAST_DAY},
    )
    assert "equalisation_micro market" in replay(session, first).first_difference


@pytest.mark.parametrize("day", [LAST_DAY, LAST_DAY + dt.timedelta(days=9)])
def test_a_day_total_twice_or_of_another_day_is_named_by_a_replay(session, world, day):
    first, _ = world[1]
    turn_triggers_off(session)
    session.execute(text("ALTER TABLE settlement.day_total DROP CONSTRAINT pk_day_total CASCADE"))
    session.execute(
        text(
            "INSERT INTO settlement.day_total SELECT run_id, :day, measure, entity, total_wh, "
            "digest FROM settlement.day_total WHERE run_id = :run AND settlement_day = :last"
        ),
        {"run": first.id, "day": day, "last": LAST_DAY},
    )
    difference = replay(session, first).first_difference
    assert difference.startswith("settlement.day_total") and f"{day}" in difference
