"""What is written by hand in PostgreSQL's binary format is what psycopg reads, and back."""

import datetime as dt
from contextlib import closing

import numpy as np
import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg.adapt import Transformer
from psycopg.pq import TransactionStatus
from sqlalchemy import make_url

from common import calendar_years
from database import binary
from database.binary import BYTEA, DATE, INT4, INT8, LISTS, MOMENT, TEXT, Statement
from database.roles.granting import plain_url
from tests.examples import tried

TYPES = (INT8, DATE, MOMENT, *(LISTS[each] for each in (BYTEA, DATE, MOMENT, TEXT, INT4, INT8)))
ECHO = Statement(
    b"echo", f"SELECT {', '.join(f'${place}' for place in range(1, 10))}".encode(), TYPES
)
SPEAKS = Statement(b"speaks", b"SELECT 1 / $1", (INT8,))
numbers, small = (st.integers(-(2**bits), 2**bits - 1) for bits in (63, 31))
days = st.dates(calendar_years.EARLIEST_DAY, calendar_years.LATEST_DAY)
moments = st.datetimes(timezones=st.just(dt.UTC))
texts = st.text(st.characters(exclude_characters="\0", codec="utf-8"), max_size=9)


@pytest.fixture
def connection(database_engine):
    url = plain_url(make_url(database_engine.url).render_as_string(hide_password=False))
    with closing(psycopg.connect(url, autocommit=True, client_encoding="UTF8")) as made:
        made.execute("SET TIME ZONE 'UTC'")
        yield made


@given(st.data())
@settings(max_examples=tried(40), suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_is_written_is_what_psycopg_reads_and_is_read_again(connection, data):
    number, day, moment = (data.draw(each) for each in (numbers, days, moments))
    digests, of_days, of_moments, words, few, many = (
        data.draw(st.lists(each, max_size=5))
        for each in (st.binary(max_size=40), days, moments, texts, small, numbers)
    )
    answer = ECHO.ask(
        connection,
        [
            binary.write_number(number),
            binary.write_day(day),
            binary.write_moment(moment),
            binary.write_list(BYTEA, digests),
            binary.write_list(DATE, [binary.write_day(each) for each in of_days]),
            binary.write_list(MOMENT, [binary.write_moment(each) for each in of_moments]),
            binary.write_texts(words),
            binary.write_vector(INT4, np.array(few, np.int64)),
            binary.write_vector(INT8, np.array(many, np.int64)),
        ],
    )
    sent = (number, day, moment, digests, of_days, of_moments, words, few, many)
    psycopg_reads = Transformer(connection)
    psycopg_reads.set_pgresult(answer)
    assert psycopg_reads.load_rows(0, 1, tuple) == [sent]
    (row,) = binary.rows(answer)
    read = [binary.read_number(row[0]), binary.read_day(row[1]), binary.read_moment(row[2])]
    as_read = (bytes, binary.read_day, binary.read_moment, bytes.decode, *[binary.read_number] * 2)
    for value, reads in zip(row[3:], as_read, strict=True):
        read.append([reads(each) for each in binary.read_list(value)])
    assert tuple(read) == sent
    assert binary.read_numbers(row[-1]) == tuple(many)


def test_what_is_no_value_is_refused(connection):
    odd = "SELECT 'infinity'::date, 'infinity'::timestamptz, ARRAY[1, NULL], ARRAY[[1], [2]]"
    (row,) = binary.rows(Statement(b"odd", odd.encode(), ()).ask(connection, []))
    for value, reads in zip(
        row,
        (binary.read_day, binary.read_moment, binary.read_numbers, binary.read_list),
        strict=True,
    ):
        with pytest.raises((ValueError, OverflowError)):
            reads(value)
    with pytest.raises(ValueError, match="1-D int64"):
        binary.write_vector(INT8, np.zeros((2, 2), np.int64))


def test_a_statement_joins_the_transaction_of_its_caller_and_outlives_what_psycopg_lets_go_of(
    connection,
):
    def ask(number):
        ((value,),) = binary.rows(SPEAKS.ask(connection, [binary.write_number(number)]))
        return binary.read_number(value)

    assert ask(1) == 1
    connection.execute("DEALLOCATE ALL")
    assert ask(1) == 1
    with pytest.raises(psycopg.errors.DivisionByZero):
        ask(0)
    assert ask(1) == 1
    connection.autocommit = False
    with pytest.raises(psycopg.errors.DivisionByZero):
        ask(0)
    with pytest.raises(psycopg.errors.InFailedSqlTransaction):
        ask(1)
    connection.rollback()
    assert ask(1) == 1
    assert connection.info.transaction_status == TransactionStatus.INTRANS
