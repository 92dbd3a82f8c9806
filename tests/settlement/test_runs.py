"""A run's digests: every column counts, and equal inputs give equal digests."""

import datetime as dt
import uuid
from dataclasses import fields, replace

import pytest

from settlement.runs.run import Pin, Run, input_digest
from settlement.tables import RunRow

NOW = dt.datetime(2024, 3, 1, 9, tzinfo=dt.UTC)
FIRST_DAY, LAST_DAY = dt.date(2024, 1, 1), dt.date(2024, 1, 3)
PIN = Pin(FIRST_DAY, LAST_DAY, "tiny/market-rules", bytes(range(32)))
OTHER_PIN = Pin(FIRST_DAY, LAST_DAY, "tiny/grid-model", bytes(32))
RUN = Run(
    id=uuid.UUID(int=1),
    market="tiny",
    kind="II",
    first_day=FIRST_DAY,
    last_day=LAST_DAY,
    known_at=NOW,
    pins=(PIN, OTHER_PIN),
    input_digest=bytes(32),
    engine_version="1",
    result_digest=bytes(32),
    created_at=NOW,
)
CHANGES = {
    "id": uuid.UUID(int=2),
    "market": "tin",
    "kind": "SF",
    "first_day": dt.date(2023, 12, 31),
    "last_day": dt.date(2024, 1, 4),
    "known_at": NOW + dt.timedelta(microseconds=1),
    "pins": (OTHER_PIN,),
    "input_digest": bytes([1]) * 32,
    "engine_version": "2",
    "result_digest": bytes([1]) * 32,
    "created_at": NOW + dt.timedelta(microseconds=1),
}


def test_every_column_of_a_run_is_a_field_of_it():
    assert {field.name for field in fields(Run)} == set(CHANGES)
    assert {column.name for column in RunRow.__table__.c} == {*CHANGES, "digest"}


@pytest.mark.parametrize("name", CHANGES)
def test_every_field_counts(name):
    assert replace(RUN, **{name: CHANGES[name]}).digest != RUN.digest


@pytest.mark.parametrize(
    "pin",
    [
        replace(PIN, first_day=dt.date(2023, 12, 31)),
        replace(PIN, last_day=dt.date(2024, 1, 4)),
        replace(PIN, instrument="tiny/market-rule"),
        replace(PIN, digest=bytes(32)),
    ],
)
def test_every_part_of_a_pin_counts(pin):
    assert replace(RUN, pins=(pin, OTHER_PIN)).digest != RUN.digest
    assert input_digest([pin], []) != input_digest([PIN], [])


def test_the_same_moment_in_another_zone_is_the_same_run():
    elsewhere = NOW.astimezone(dt.timezone(dt.timedelta(hours=2)))
    assert replace(RUN, known_at=elsewhere).digest == RUN.digest


def test_days_are_consecutive_and_include_both_ends():
    assert RUN.days == [FIRST_DAY, dt.date(2024, 1, 2), LAST_DAY]
    assert replace(RUN, last_day=FIRST_DAY).days == [FIRST_DAY]


def test_a_pin_survives_storage():
    assert Pin.from_json(PIN.as_json()) == PIN


def test_the_inputs_are_the_pins_in_any_order_and_the_readings_in_theirs():
    readings = [bytes([number]) * 32 for number in range(3)]
    digest = input_digest([PIN, OTHER_PIN], readings)
    assert input_digest([OTHER_PIN, PIN], iter(readings)) == digest
    assert input_digest([PIN, OTHER_PIN], readings[::-1]) != digest
    assert input_digest([PIN], readings) != digest
    assert input_digest([PIN, OTHER_PIN], readings[:2]) != digest
