"""The explicit bytes of rows, and digests that change with any column."""

import datetime as dt
import hashlib
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.chain import (
    GENESIS_DIGEST,
    InvoiceLineRow,
    InvoiceRow,
    PostingRow,
    encode,
    invoice_digest,
    invoice_line_digest,
    journal_digest,
    posting_digest,
    seal_journal,
)
from ledger.parties import PARTY_COLUMNS
from ledger.tree import leaf_hash, merkle_root
from tests.ledger.drafts import journal

NOW = dt.datetime(2024, 3, 1, 9, tzinfo=dt.UTC)
SEALED = seal_journal(journal(), 1, uuid.UUID(int=9), NOW, GENESIS_DIGEST)


def test_a_posting_has_the_bytes_that_the_layout_describes():
    row = PostingRow(1, 2, "gb12:WH:-:imbalance:energy", -5)
    expected = (
        b"T\x00\x00\x00\x14tallystick.posting.1"
        b"I\x00\x00\x00\x08\x00\x00\x00\x00\x00\x00\x00\x01"
        b"I\x00\x00\x00\x08\x00\x00\x00\x00\x00\x00\x00\x02"
        b"T\x00\x00\x00\x1agb12:WH:-:imbalance:energy"
        b"I\x00\x00\x00\x08\xff\xff\xff\xff\xff\xff\xff\xfb"
    )
    assert encode("tallystick.posting.1", row) == expected
    assert posting_digest(row) == hashlib.sha256(b"\x00" + expected).digest()


def test_every_type_has_its_bytes():
    moment = dt.datetime(1970, 1, 1, 1, 0, 0, 1, tzinfo=dt.timezone(dt.timedelta(hours=1)))
    values = (None, b"\x01", dt.date(2024, 1, 31), moment, uuid.UUID(int=1), ("a", "b"))
    assert encode("", values) == (
        b"T\x00\x00\x00\x00"
        b"N\x00\x00\x00\x00"
        b"B\x00\x00\x00\x01\x01"
        b"D\x00\x00\x00\x0a2024-01-31"
        b"M\x00\x00\x00\x08\x00\x00\x00\x00\x00\x00\x00\x01"
        b"U\x00\x00\x00\x10" + bytes(15) + b"\x01"
        b"L\x00\x00\x00\x0cT\x00\x00\x00\x01aT\x00\x00\x00\x01b"
    )


@pytest.mark.parametrize("value", [1.5, True, [1]])
def test_a_value_without_a_layout_is_an_error(value):
    with pytest.raises(KeyError):
        encode("tag", [value])


scalars = (
    st.none()
    | st.integers(-(2**63), 2**63 - 1)
    | st.text(max_size=5)
    | st.binary(max_size=5)
    | st.dates()
    | st.datetimes(timezones=st.just(dt.UTC))
    | st.uuids()
)
rows = st.lists(scalars | st.lists(scalars, max_size=3).map(tuple), max_size=5)


@given(rows, rows)
def test_rows_have_equal_bytes_only_when_equal(one, other):
    assert (encode("tag", one) == encode("tag", other)) == (one == other)


OTHER_VALUES = {
    int: lambda value: value + 1,
    str: lambda value: value + "x",
    bytes: lambda value: bytes([value[0] ^ 1]) + value[1:],
    dt.date: lambda value: value + dt.timedelta(days=1),
    dt.datetime: lambda value: value + dt.timedelta(microseconds=1),
    uuid.UUID: lambda value: uuid.UUID(int=value.int + 1),
}


@pytest.mark.parametrize("column", SEALED.row._fields)
def test_a_change_of_any_column_changes_the_digest_of_a_journal(column):
    value = getattr(SEALED.row, column)
    changed = SEALED.row._replace(**{column: OTHER_VALUES[type(value)](value)})
    assert journal_digest(changed, SEALED.posting_digests) != SEALED.digest


@pytest.mark.parametrize("column", PostingRow._fields)
def test_a_change_of_any_column_changes_the_digest_of_a_posting(column):
    row = SEALED.postings[0]
    value = getattr(row, column)
    changed = row._replace(**{column: OTHER_VALUES[type(value)](value)})
    assert posting_digest(changed) != SEALED.posting_digests[0]


LINE = InvoiceLineRow(
    uuid.UUID(int=5), 1, "charge.fuel", "N0-P1", "Fuel", 7, "Wh", -3, "estimated", 2, ("A-1",), (),
    "S", 200_000, "Twenty per cent",
)  # fmt: skip


@pytest.mark.parametrize("column", InvoiceLineRow._fields)
def test_a_change_of_any_column_changes_the_digest_of_an_invoice_line(column):
    value = getattr(LINE, column)
    other = (*value, "x") if type(value) is tuple else OTHER_VALUES[type(value)](value)
    assert invoice_line_digest(LINE._replace(**{column: other})) != invoice_line_digest(LINE)


def test_the_digest_of_a_line_is_over_its_columns_in_their_order():
    assert invoice_line_digest(LINE) == leaf_hash(encode("tallystick.invoice-line.4", LINE))


INVOICE = InvoiceRow(
    "gb12-invoice", 3, uuid.UUID(int=8), "invoice", "gb12", "lumen", 5, dt.date(2024, 1, 1), None,
    uuid.UUID(int=9), 12, None, dt.datetime(2024, 3, 1, tzinfo=dt.UTC), dt.date(2024, 3, 15),
    "GBP", 10_000, 1_000_000, 0, 100, 0, 100, 1, bytes(32),
    **{name: f"some {name}" for name in PARTY_COLUMNS},
    payment_term_days=14, checkpoint_size=40, checkpoint_root=bytes(32),
)  # fmt: skip


@pytest.mark.parametrize("column", InvoiceRow._fields)
def test_a_change_of_any_column_changes_the_digest_of_a_document(column):
    value = getattr(INVOICE, column)
    other = "x" if value is None else OTHER_VALUES[type(value)](value)
    sealed = invoice_digest(INVOICE, [bytes(32)])
    assert sealed == leaf_hash(encode("tallystick.invoice.5", (*INVOICE, merkle_root([bytes(32)]))))
    assert invoice_digest(INVOICE._replace(**{column: other}), [bytes(32)]) != sealed


def test_a_journal_covers_its_postings_their_order_and_the_journal_before():
    digests = SEALED.posting_digests
    assert journal_digest(SEALED.row, digests) == SEALED.digest
    assert journal_digest(SEALED.row, digests[:-1]) != SEALED.digest
    assert journal_digest(SEALED.row, digests[::-1]) != SEALED.digest
    follower = seal_journal(journal(), 1, uuid.UUID(int=9), NOW, SEALED.digest)
    assert follower.digest != SEALED.digest
