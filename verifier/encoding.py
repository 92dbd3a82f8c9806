"""The bytes that digests are made of: fields with type and length, in the order of a layout."""

import struct
import uuid
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from verifier.values import (
    EPOCH,
    MICROSECOND,
    Row,
    parse_day,
    parse_hex,
    parse_moment,
    to_integer,
    to_text,
)

Layout = Mapping[str, str]


def encode_integer(number: int) -> bytes:
    """Return an integer as 8 bytes, two's complement, big-endian."""
    return struct.pack(">q", number)


def encode_moment(text: object) -> bytes:
    """Return an instant as its microseconds since 1970."""
    return encode_integer((parse_moment(to_text(text)) - EPOCH) // MICROSECOND)


def parse_uuid(text: object) -> uuid.UUID:
    """Return a UUID."""
    found = bytes.fromhex(to_text(text).replace("-", ""))
    if len(found) != 16:
        raise ValueError(f"{text!r} is no UUID")
    return uuid.UUID(bytes=found)


def encode_uuid(text: object) -> bytes:
    """Return the 16 bytes of a UUID."""
    return parse_uuid(text).bytes


def pack_integers(numbers: Sequence[int]) -> bytes:
    """Return integers one after the other, 8 bytes each."""
    return struct.pack(f">{len(numbers)}q", *numbers)


def prefix_length(content: bytes) -> bytes:
    """Return bytes with their length before them."""
    return struct.pack(">I", len(content)) + content


def encode_field(kind: str, value: Any) -> bytes:
    """Return one field: type, length, payload; `kind` is its letter, or L and that of members."""
    if value is None:
        return b"N\x00\x00\x00\x00"
    match kind[0]:
        case "I":
            payload = encode_integer(to_integer(value))
        case "T":
            payload = to_text(value).encode()
        case "B":
            payload = value if isinstance(value, bytes) else parse_hex(value)
        case "D":
            payload = parse_day(value).isoformat().encode()
        case "M":
            payload = encode_moment(value)
        case "U":
            payload = encode_uuid(value)
        case "L":
            payload = b"".join(encode_field(kind[1:], member) for member in value)
        case _:
            raise ValueError(f"no field is of kind {kind}")
    return kind[0].encode() + prefix_length(payload)


def encode_row(tag: str, fields: Iterable[tuple[str, Any]]) -> bytes:
    """Return the bytes of a row: its tag, then its fields as (kind, value)."""
    return encode_field("T", tag) + b"".join(encode_field(kind, value) for kind, value in fields)


def select_fields(layout: Layout, row: Row) -> list[tuple[str, Any]]:
    """Return the fields of a row in the order of its layout."""
    return [(kind, row[name]) for name, kind in layout.items()]


def parse_layout(text: str) -> Layout:
    """Return a layout written as `name:kind name:kind`; ? after a kind: the value may be absent."""
    return dict(pair.split(":", 1) for pair in text.split())
