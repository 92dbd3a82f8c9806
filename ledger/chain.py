"""The explicit, versioned bytes of every row of the ledger, and the digests over them.

A row is written as a sequence of fields: first its tag (a text such as `tallystick.posting.1`,
which names the layout and its version), then its columns in the order of the row class below.
A field is

    type (1 byte) || length (4 bytes, unsigned, big-endian) || payload (length bytes)

    N  absent       no payload
    I  integer      8 bytes, two's complement, big-endian
    T  text         UTF-8
    B  bytes        as they are
    D  date         ISO 8601, `2024-01-31`, ASCII
    M  moment       microseconds since 1970-01-01T00:00Z, 8 bytes, two's complement, big-endian
    U  UUID         16 bytes
    L  list         the fields of its elements, one after the other

    tallystick.posting.1        journal_number, line, account, amount
    -> T..tallystick.posting.1  I..1  I..1  T..gb12:WH:-:imbalance:energy  I..-5

The digest of an account, a posting or an invoice line is the leaf hash (RFC 6962) of its bytes.
The bytes of a journal or an invoice end with one more field, the Merkle root over the digests of
its postings or lines, so its digest covers every column of every row it holds and, by
`previous_digest`, every journal (or every invoice of the series) before it.

A change of layout takes a new tag; rows sealed under an old tag keep it.
"""

import struct
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache, partial
from hashlib import sha256
from types import NoneType
from typing import Any, NamedTuple
from uuid import UUID

from ledger.journal import Account, JournalDraft
from ledger.tree import DIGEST_BYTES, LEAF_PREFIX, leaf_hash, merkle_root

ACCOUNT_TAG = "tallystick.account.1"
POSTING_TAG = "tallystick.posting.1"
JOURNAL_TAG = "tallystick.journal.2"
INVOICE_LINE_TAG = "tallystick.invoice-line.4"
INVOICE_TAG = "tallystick.invoice.5"

GENESIS_DIGEST = bytes(DIGEST_BYTES)
"""What the first journal, and the first invoice of a series, name as the digest before them."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_FRAME = struct.Struct(">cI")
_INTEGER_FIELD = struct.Struct(">cIq")


class AccountRow(NamedTuple):
    """The sealed columns of `ledger.account`."""

    code: str
    market: str
    participant: str | None
    kind: str
    subject: str
    commodity: str


class PostingRow(NamedTuple):
    """The sealed columns of `ledger.posting`."""

    journal_number: int
    line: int
    account: str
    amount: int


class JournalRow(NamedTuple):
    """The sealed columns of `ledger.journal`."""

    number: int
    id: UUID
    key: str
    market: str
    settlement_day: date | None
    run_id: UUID | None
    run_kind: str | None
    reason: str
    posted_at: datetime
    posting_count: int
    input_digest: bytes
    cause_source: str
    cause_key: str
    cause_digest: bytes
    previous_digest: bytes


class InvoiceLineRow(NamedTuple):
    """The sealed columns of `ledger.invoice_line`."""

    invoice_id: UUID
    line: int
    kind: str
    subject: str
    description: str
    quantity: int | None
    quantity_unit: str | None
    amount_micro: int
    quality: str
    estimated_quantity: int | None
    clauses: tuple[str, ...]
    rule_digests: tuple[bytes, ...]
    tax_category: str
    tax_rate_ppm: int
    tax_note: str


class InvoiceRow(NamedTuple):
    """The sealed columns of `ledger.invoice`."""

    series: str
    number: int
    id: UUID
    kind: str
    market: str
    participant: str
    participant_number: int
    billing_month: date
    original: UUID | None
    run_id: UUID | None
    last_journal_number: int
    journal_number: int | None
    issued_at: datetime
    due_on: date
    currency: str
    minor_unit_micro: int
    amount_micro: int
    rounding_micro: int
    net_minor: int
    tax_minor: int
    due_minor: int
    line_count: int
    previous_digest: bytes
    seller_legal_name: str
    seller_tax_identifier: str
    seller_address_lines: str
    seller_postcode: str
    seller_country: str
    seller_contact_name: str
    seller_contact_email: str
    seller_iban: str | None
    buyer_legal_name: str
    buyer_tax_identifier: str
    buyer_address_lines: str
    buyer_postcode: str
    buyer_country: str
    buyer_contact_name: str
    buyer_contact_email: str
    buyer_iban: str | None
    payment_term_days: int
    checkpoint_size: int | None
    checkpoint_root: bytes | None


class SealedJournal(NamedTuple):
    """A journal ready to store: its row, its digest, its postings and theirs, in line order."""

    row: JournalRow
    digest: bytes
    postings: list[PostingRow]
    posting_digests: list[bytes]


def account_digest(row: AccountRow) -> bytes:
    """Return the digest of an account."""
    return leaf_hash(encode(ACCOUNT_TAG, row))


def account_code(row: AccountRow) -> str:
    """Return the code that an account's other columns make."""
    return Account(row.market, row.commodity, row.participant, row.kind, row.subject).code


def posting_digest(row: PostingRow) -> bytes:
    """Return the digest of a posting."""
    return leaf_hash(encode(POSTING_TAG, row))


def posting_digests(rows: Sequence[PostingRow]) -> list[bytes]:
    """Return the digest of each posting of one journal, the same that `posting_digest` gives."""
    if not rows:
        return []
    pack, text = _INTEGER_FIELD.pack, _text_field
    opening = LEAF_PREFIX + text(POSTING_TAG) + pack(b"I", 8, rows[0].journal_number)
    return [
        sha256(opening + pack(b"I", 8, line) + text(account) + pack(b"I", 8, amount)).digest()
        for _, line, account, amount in rows
    ]


def journal_digest(row: JournalRow, posting_digests: Sequence[bytes]) -> bytes:
    """Return the digest of a journal over its row and the digests of its postings."""
    return leaf_hash(encode(JOURNAL_TAG, (*row, merkle_root(posting_digests))))


def invoice_line_digest(row: InvoiceLineRow) -> bytes:
    """Return the digest of an invoice line."""
    return leaf_hash(encode(INVOICE_LINE_TAG, row))


def invoice_digest(row: InvoiceRow, line_digests: Sequence[bytes]) -> bytes:
    """Return the digest of an invoice over its row and the digests of its lines."""
    return leaf_hash(encode(INVOICE_TAG, (*row, merkle_root(line_digests))))


def account_row(account: Account) -> AccountRow:
    """Return an account as the row that is stored and sealed."""
    return AccountRow(
        account.code,
        account.market,
        account.participant,
        account.kind,
        account.subject,
        account.commodity,
    )


def seal_journal(
    draft: JournalDraft, number: int, identity: UUID, posted_at: datetime, previous_digest: bytes
) -> SealedJournal:
    """Return the draft as journal `number`, chained to the digest of the journal before it."""
    postings = [
        PostingRow(number, line, posting.account.code, posting.amount)
        for line, posting in enumerate(draft.postings, start=1)
    ]
    digests = posting_digests(postings)
    row = JournalRow(
        number=number,
        id=identity,
        key=draft.key,
        market=draft.market,
        settlement_day=draft.settlement_day,
        run_id=draft.run_id,
        run_kind=draft.run_kind,
        reason=draft.reason,
        posted_at=posted_at,
        posting_count=len(postings),
        input_digest=draft.input_digest,
        cause_source=str(draft.cause.source),
        cause_key=draft.cause.key,
        cause_digest=draft.cause.digest,
        previous_digest=previous_digest,
    )
    return SealedJournal(row, journal_digest(row, digests), postings, digests)


def encode(tag: str, values: Iterable[object]) -> bytes:
    """Return the explicit bytes of a row: its tag, then its values, as the module describes.

    Raises:
        KeyError: a value is of a type that has no layout (a float, for one).
        struct.error: an integer does not fit 64 bits.
    """
    return _text_field(tag) + _list(values)


def digests_of_alike(
    tag: str, opening: Iterable[object], endings: Iterable[tuple[str, bytes]]
) -> list[bytes]:
    """Return the leaf hash of each of many rows that begin alike: half the work of each alone.

    Args:
        tag: of every row.
        opening: the values with which every row begins.
        endings: the two that are left of each row: a text, which other calls may hash again, and
            bytes.
    """
    begun, frame, text = LEAF_PREFIX + encode(tag, opening), _FRAME.pack, _text_field
    return [
        sha256(b"".join((begun, text(name), frame(b"B", len(content)), content))).digest()
        for name, content in endings
    ]


def _list(values: Iterable[object]) -> bytes:
    # By the exact type: `isinstance` would take a bool for an int, and seal True as if it were 1.
    return b"".join([_FIELDS[type(value)](value) for value in values])


def _framed(letter: bytes, payload: bytes) -> bytes:
    return _FRAME.pack(letter, len(payload)) + payload


def _text(value: str) -> bytes:
    payload = value.encode()
    return _FRAME.pack(b"T", len(payload)) + payload


@lru_cache(maxsize=100_000)
def _text_field(value: str) -> bytes:
    """Return the bytes of a text that many rows hold, such as an account's code."""
    return _text(value)


@lru_cache(maxsize=1_000)
def _date_field(value: date) -> bytes:
    """Return the bytes of a day, which every row of it holds."""
    return _framed(b"D", value.isoformat().encode())


def _moment(value: datetime) -> bytes:
    return _INTEGER_FIELD.pack(b"M", 8, (value - _EPOCH) // _MICROSECOND)


_ABSENT_FIELD = _framed(b"N", b"")
_FIELDS: dict[type, Callable[[Any], bytes]] = {
    NoneType: lambda _: _ABSENT_FIELD,
    int: partial(_INTEGER_FIELD.pack, b"I", 8),
    str: _text,
    bytes: partial(_framed, b"B"),
    date: _date_field,
    datetime: _moment,
    UUID: lambda value: _framed(b"U", value.bytes),
    tuple: lambda values: _framed(b"L", _list(values)),
}
