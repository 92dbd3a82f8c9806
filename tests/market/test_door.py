"""What the inbox lets in, whoever writes it; and what is there all the same ends no leader."""

import threading
from contextlib import closing
from dataclasses import replace
from threading import Event as Flag

import psycopg
import pytest
from sqlalchemy import text

from database.bulk import driver_connection
from market import store
from market.core.events import Kind, Outcome
from market.inbox import check
from market.leading import connect
from market.tables import SubmissionRow
from market.worker import Worker
from tests.market.led import (
    MARKET,
    hand_in,
    hold_to_replay,
    log_of,
    reading,
    resolve,
    wait_until_taken,
    writer_url,
)
from tests.market.streams import DAY, MINUTE_US, START_US, event, in_force

LONG = "x" * 5_000
SAID = {
    "of_market": "tiny", "day": str(DAY), "key": "key", "kind": "demand", "entity": "home",
    "at": "2024-02-29T12:00Z", "numbers": "5", "words": "", "by": "meter",
}  # fmt: skip
ODD = {
    "kind": "nonsense",
    "at": ("infinity", "-infinity", "20000-01-01T00:00Z", "1899-12-31T00:00Z", None),
    "day": ("infinity", "20000-01-01", "1899-12-31", "2024-02-27", "2024-03-02", None),
    "key": ("", LONG, "a\x07b", "a\u202eb", None),
    "entity": (LONG, "a\nb", None),
    "words": ("NULL", LONG, "short," + "y" * 201, "a\x1b[2J"),
    "numbers": ("NULL", "1," * 10_000 + "1"),
    "of_market": ("", LONG),
    "by": ("", LONG, None),
}
SUBMIT = """
SELECT place FROM market.submit(
    %(of_market)s, ARRAY[%(day)s]::date[], ARRAY[%(key)s]::text[], ARRAY[%(kind)s]::text[],
    ARRAY[%(entity)s]::text[], ARRAY[%(at)s]::timestamptz[],
    ARRAY[cardinality(string_to_array(%(numbers)s, ',', 'NULL'))],
    string_to_array(%(numbers)s, ',', 'NULL')::bigint[],
    ARRAY[cardinality(string_to_array(%(words)s, ',', 'NULL'))],
    string_to_array(%(words)s, ',', 'NULL'), %(by)s)
"""
CASES = [
    (name, value)
    for name, values in ODD.items()
    for value in (values if isinstance(values, tuple) else (values,))
]


def waiting(connection) -> int:
    return connection.execute("SELECT count(*) FROM market.submission").fetchone()[0]


def test_no_odd_row_is_let_in(session):
    connection = driver_connection(session)
    for name, value in CASES:
        with pytest.raises(psycopg.IntegrityError), connection.transaction():
            connection.execute(SUBMIT, SAID | {name: value})
            pytest.fail(f"{name} {value!r} was let in")
    assert waiting(connection) == 0
    connection.execute(SUBMIT, SAID)
    assert [each.event.numbers for each in store.pending(connection, "tiny")] == [(5,)]


def test_counts_that_are_not_those_of_the_numbers_are_refused(session):
    connection = driver_connection(session)
    counts = "ARRAY[cardinality(string_to_array(%(numbers)s, ',', 'NULL'))]"
    for wrong in ("ARRAY[2]", "ARRAY[0]", "ARRAY[-1]", "ARRAY[NULL]::int[]", "ARRAY[2, -1]"):
        with pytest.raises(psycopg.DataError), connection.transaction():
            connection.execute(SUBMIT.replace(counts, wrong, 1), SAID)


def test_the_door_lets_in_what_is_checked_before_it_and_nothing_else(session):
    """Every kind; and what Python's checks find, the door finds in what it can be asked."""
    connection = driver_connection(session)
    base = event(Kind.DEMAND, "home", 5)
    changes = [
        *({"kind": kind} for kind in Kind),
        {"key": ""}, {"key": "x" * 200}, {"key": "x" * 201}, {"entity": "é" * 201},
        {"words": ("w" * 200,) * 3}, {"words": ("w" * 200, "w" * 201)}, {"words": ("",)},
        *({"entity": f"a{chr(sign)}b"} for sign in
          (7, 0x7F, 0xA0, 0xAD, 0x200B, 0x202E, 0x2066, 0x3000, 0xFEFF, 0x20, 0xE9, 0x4E2D)),
        {"numbers": (1,) * 10_000}, {"numbers": (1,) * 10_001},
        *({"day": DAY.replace(day=day)} for day in (27, 28, 29)),
        {"kind": Kind.READING, "day": DAY.replace(day=1)},
    ]  # fmt: skip
    for number, change in enumerate(changes):
        told = replace(base, **{"key": str(number)} | change)
        is_wrong = bool(list(check("tiny", told)))
        try:
            with connection.transaction():
                store.submit(connection, "tiny", [told], "meter")
        except psycopg.errors.CheckViolation:
            assert is_wrong, change
        else:
            assert not is_wrong, change


POISON = {
    "kind": "'nonsense'", "at": "'infinity'", "day": "'20000-01-01'",
    "numbers": "ARRAY[NULL]::bigint[]",
    "words": "ARRAY[NULL]", "submitted_at": "'infinity'", "entity": f"E'a\\u202e' || '{LONG}'",
}  # fmt: skip


def poison(connection, **values: str) -> None:
    """Write a row past every check, of what is said otherwise than in one that may be there."""
    row = {
        "market": f"'{MARKET}'", "day": f"'{DAY}'", "key": f"'odd {values}'".replace("'", "''"),
        "kind": "'demand'", "entity": "'home'", "at": f"'{DAY}'", "numbers": "ARRAY[5]",
        "words": "'{}'", "submitted_at": "clock_timestamp()", "submitted_by": "'owner'",
    } | {"key": f"'odd {len(str(values))} {next(iter(values))}'"} | values  # fmt: skip
    connection.execute(
        f"INSERT INTO market.submission ({', '.join(row)}) VALUES ({', '.join(row.values())})"
    )


def test_a_row_that_no_market_can_take_is_set_apart_and_the_market_goes_on(committed_database):
    """Every constraint is gone; one key is in the log already, of which the door knows."""
    before = [in_force(), event(Kind.DEMAND, "home", 7, key="first")]
    after = [event(Kind.DEMAND, "home", 9, at_us=START_US + MINUTE_US, key="last")]
    hand_in(committed_database, before)
    stop, told = Flag(), []
    worker = threading.Thread(
        target=Worker(writer_url(committed_database), MARKET, resolve, stop, told.append).run
    )
    worker.start()
    wait_until_taken(committed_database)
    with committed_database.begin() as owner:
        for constraint in SubmissionRow.__table__.constraints:
            if constraint.name.startswith("ck_"):
                owner.execute(
                    text(f"ALTER TABLE market.submission DROP CONSTRAINT {constraint.name}")
                )
        connection = owner.connection.driver_connection
        for name, value in POISON.items():
            poison(connection, **{name: value})
        poison(connection, key="'first'")
    hand_in(committed_database, after)
    with closing(connect(writer_url(committed_database))) as connection:
        for _ in range(1_000):
            if not waiting(connection):
                break
            stop.wait(0.02)
    assert worker.is_alive()
    stop.set()
    worker.join()
    with reading(committed_database) as connection:
        entries = log_of(connection)
    apart = [each for each in entries if each.logged.event.kind is Kind.UNREADABLE]
    assert {each.logged.outcome for each in apart} == {Outcome.UNREADABLE}
    # One of them can be read, and is kept as it stands: of nobody.
    others = [each.logged.outcome for each in entries[2:-1] if each not in apart]
    assert others == [Outcome.UNKNOWN]
    assert len(apart) == len(POISON) == sum("set apart" in each for each in told), told
    assert "nonsense" in "".join(apart[0].logged.event.words)
    assert entries[-1].logged.event == after[0]
    assert entries[-1].logged.outcome is Outcome.TAKEN
    hold_to_replay(committed_database, [each.logged.event for each in entries])
