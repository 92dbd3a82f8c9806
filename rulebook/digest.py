"""The identity of a document: one canonical writing of its values, and the digest of that."""

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any, NoReturn

import rfc8785

from rulebook.documents import Document

DOCUMENT_PREFIX = b"tallystick/rulebook/document/1\n"
"""Opens the bytes that are hashed, so a document's digest can never be another record's."""

_LARGEST_INTEGER = 2**53 - 1
_BEYOND_SIXTEEN_BITS = re.compile("[\U00010000-\U0010ffff]")


class _NotPlain(ValueError):
    """A value that Python's own JSON may write in other bytes than RFC 8785."""


def _refuse_decimal(written: str) -> NoReturn:
    raise _NotPlain(written)


def _refuse_wide(written: str) -> None:
    if not -_LARGEST_INTEGER <= int(written) <= _LARGEST_INTEGER:
        raise _NotPlain(written)


_WRITER = json.JSONEncoder(
    sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
)
_NUMBERS = json.JSONDecoder(parse_float=_refuse_decimal, parse_int=_refuse_wide)


def document_body(document: Document) -> dict[str, Any]:
    """Return the document as JSON values, every field written out, days as YYYY-MM-DD."""
    return document.model_dump(mode="json")


def canonical_bytes(body: Mapping[str, Any]) -> bytes:
    """Return the one writing of `body` that RFC 8785 allows: sorted keys, no space, UTF-8.

    Raises:
        rfc8785.CanonicalizationError: a value has no canonical form, such as an integer that
            JSON readers do not hold exactly.
    """
    values = dict(body)
    try:
        return _plainly_written(values)
    except (TypeError, ValueError):
        return rfc8785.dumps(values)


def _plainly_written(values: dict[str, Any]) -> bytes:
    """Return the same bytes in a third of the time; nearly every document is plain enough.

    Python's own JSON differs in three things alone: decimals, integers that JSON readers do not
    hold exactly, and the order of keys that UTF-16 and Unicode sort apart.

    Raises:
        TypeError: a value is not of JSON.
        ValueError: the text has one of the three, or cannot be written as UTF-8.
    """
    written = _WRITER.encode(values)
    _NUMBERS.decode(written)
    if not written.isascii() and _BEYOND_SIXTEEN_BITS.search(written):
        raise _NotPlain("a character that UTF-16 writes as two")
    return written.encode()


def body_digest(body: Mapping[str, Any]) -> bytes:
    """Return the 32 bytes of SHA-256 over the versioned prefix and the canonical bytes."""
    return hashlib.sha256(DOCUMENT_PREFIX + canonical_bytes(body)).digest()


def document_digest(document: Document) -> bytes:
    """Return the digest by which runs, journals and invoices name the document they obeyed."""
    return body_digest(document_body(document))
