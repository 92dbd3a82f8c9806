"""Binary COPY returns exactly what went in."""

import datetime as dt
import uuid

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from database.copy import copy_in, copy_out

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
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_round_trip(session, drawn):
    columns = ", ".join(f"{name} {kind}" for name, kind in TYPES.items())
    session.execute(text("DROP TABLE IF EXISTS public.travel"))
    session.execute(text(f"CREATE TABLE public.travel (line int4, {columns})"))
    types = {"line": "int4", **TYPES}
    sent = {name: [row[name] for row in drawn] for name in TYPES}
    sent["line"] = list(range(len(drawn)))

    assert copy_in(session, "public.travel", sent, types) == len(drawn)
    back = copy_out(session, "SELECT * FROM public.travel ORDER BY line", {}, types)

    for name in types:
        if name == "series":
            assert all(map(np.array_equal, back[name], sent[name]))
        else:
            assert back[name] == sent[name]


def test_parameters_are_quoted(session):
    query = "SELECT %(name)s::text AS name, %(day)s::date AS day"
    params = {"name": "O'Malley; --", "day": dt.date(2024, 3, 31)}
    assert copy_out(session, query, params, {"name": "text", "day": "date"}) == {
        "name": ["O'Malley; --"],
        "day": [dt.date(2024, 3, 31)],
    }


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
        copy_in(session, "public.travel", {"series": [series]}, {"series": "int8[]"})


def test_unknown_type_is_named(session):
    with pytest.raises(ValueError, match="float8 does not travel"):
        copy_in(session, "public.travel", {"price": [1.0]}, {"price": "float8"})


def test_columns_of_one_length(session):
    columns = {"a": [1], "b": [1, 2], "c": [uuid.uuid4()]}
    with pytest.raises(ValueError, match="different lengths"):
        copy_in(session, "public.travel", columns, {"a": "int4", "b": "int4", "c": "uuid"})
