"""What is read in bulk is exactly what was written in bulk."""

import datetime as dt

import numpy as np
import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from database.bulk import read_rows, write_rows
from tests.examples import tried

TYPES = {
    "name": "text",
    "day": "date",
    "small": "int2",
    "count": "int4",
    "amount": "int8",
    "flag": "bool",
    "digest": "bytea",
    "identity": "uuid",
    "moment": "timestamptz",
    "series": "int8[]",
}


def _integers(bits: int) -> st.SearchStrategy[int]:
    return st.integers(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)


rows = st.lists(
    st.fixed_dictionaries(
        {
            "name": st.none() | st.text(st.characters(exclude_characters="\0", codec="utf-8")),
            "day": st.dates(dt.date(1900, 1, 1)),
            "small": _integers(16),
            "count": _integers(32),
            "amount": st.none() | _integers(64),
            "flag": st.booleans(),
            "digest": st.binary(max_size=40),
            "identity": st.uuids(),
            "moment": st.datetimes(
                dt.datetime(1900, 1, 1), dt.datetime(2200, 1, 1), timezones=st.just(dt.UTC)
            ),
            "series": st.lists(_integers(64), max_size=50).map(lambda v: np.array(v, np.int64)),
        }
    ),
    max_size=20,
)


@given(rows)
@settings(max_examples=tried(40), suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_round_trip(session, drawn):
    columns = ", ".join(f"{name} {kind}" for name, kind in TYPES.items())
    session.execute(text("DROP TABLE IF EXISTS public.travel"))
    session.execute(text(f"CREATE TABLE public.travel (line int4, {columns})"))
    sent = [(line, *(row[name] for name in TYPES)) for line, row in enumerate(drawn)]

    write_rows(session, "public.travel", {"line": "int4", **TYPES}, sent)
    back = read_rows(session, "SELECT * FROM public.travel ORDER BY line", {})

    assert [row[:-1] for row in back] == [row[:-1] for row in sent]
    for (*_, read), (*_, written) in zip(back, sent, strict=True):
        assert read.dtype == np.int64
        assert read.tolist() == written.tolist()


def test_rows_of_one_table_of_numbers(session):
    session.execute(text("CREATE TABLE public.travel (series int8[])"))
    values = np.arange(12, dtype=np.int64).reshape(3, 4)
    write_rows(session, "public.travel", {"series": "int8[]"}, zip(values, strict=True))
    back = read_rows(session, "SELECT series FROM public.travel ORDER BY series", {})
    assert [row.tolist() for (row,) in back] == values.tolist()


@pytest.mark.parametrize("stored", ["'{1,NULL}'", "'{{1,2},{3,4}}'"])
def test_no_other_array_is_read_as_a_vector(session, stored):
    with pytest.raises(ValueError, match="a day vector is 1-D without NULL"):
        read_rows(session, f"SELECT {stored}::int8[] AS series", {})


def test_parameters_are_quoted(session):
    query = "SELECT %(name)s::text AS name, %(day)s::date AS day"
    params = {"name": "O'Malley; --", "day": dt.date(2024, 3, 31)}
    assert read_rows(session, query, params) == [("O'Malley; --", dt.date(2024, 3, 31))]


@pytest.mark.parametrize(
    ("series", "message"),
    [
        (np.array([1.5]), "float64"),
        (np.zeros((2, 2), np.int64), "2-D"),
    ],
)
def test_only_integer_vectors_travel(session, series, message):
    session.execute(text("CREATE TABLE public.travel (series int8[])"))
    with pytest.raises(ValueError, match=message):
        write_rows(session, "public.travel", {"series": "int8[]"}, [(series,)])


def test_unknown_type_is_named(session):
    session.execute(text("CREATE TABLE public.travel (price int8)"))
    with pytest.raises(KeyError, match="day_vector"):
        write_rows(session, "public.travel", {"price": "day_vector"}, [(1,)])


def test_rows_of_one_length(session):
    session.execute(text("CREATE TABLE public.travel (a int4, b int4)"))
    with pytest.raises(psycopg.DataError, match="expected 2 values in row, got 1"):
        write_rows(session, "public.travel", {"a": "int4", "b": "int4"}, [(1, 2), (3,)])
