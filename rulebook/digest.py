"""The identity of a document: one canonical writing of its values, and the digest of that."""

import hashlib
from collections.abc import Callable, Mapping
from json.encoder import encode_basestring
from types import NoneType
from typing import Any

import rfc8785

from rulebook.documents import Document

DOCUMENT_PREFIX = b"tallystick/rulebook/document/1\n"
"""Opens the bytes that are hashed, so a document's digest can never be another record's."""

LARGEST = 2**53 - 1
"""The largest integer, of either sign, that every JSON reader holds exactly."""


def document_body(document: Document) -> dict[str, Any]:
    """Return the document as JSON values, every field written out, days as YYYY-MM-DD."""
    return document.model_dump(mode="json")


def canonical_bytes(body: Mapping[str, Any]) -> bytes:
    """Return the one writing of `body` that RFC 8785 allows: sorted keys, no space, UTF-8.

    Raises:
        rfc8785.CanonicalizationError: a value has no canonical form, such as an integer that
            JSON readers do not hold exactly.
    """
    try:
        return _object(dict(body)).encode()
    except (KeyError, TypeError, UnicodeEncodeError):
        return rfc8785.dumps(dict(body))


def body_digest(body: Mapping[str, Any]) -> bytes:
    """Return the 32 bytes of SHA-256 over the versioned prefix and the canonical bytes."""
    return hashlib.sha256(DOCUMENT_PREFIX + canonical_bytes(body)).digest()


def document_digest(document: Document) -> bytes:
    """Return the digest by which runs, journals and invoices name the document they obeyed."""
    return body_digest(document_body(document))


# What nearly every document is made of is written here, several times as fast as `rfc8785` writes
# it and in the same bytes; a KeyError or TypeError leaves whatever else there is to that library.


def _object(value: dict[str, Any]) -> str:
    # Plain text sorts by UTF-16, as RFC 8785 asks, just as it sorts by itself.
    if not "".join(value).isascii():
        raise KeyError("a key is not plain text")
    fields = [
        f"{encode_basestring(key)}:{_WRITING[type(part)](part)}"
        for key, part in sorted(value.items())
    ]
    return "{" + ",".join(fields) + "}"


def _array(value: list[Any]) -> str:
    return "[" + ",".join([_WRITING[type(part)](part) for part in value]) + "]"


def _integer(value: int) -> str:
    if not -LARGEST <= value <= LARGEST:
        raise KeyError(value)
    return str(value)


# By the exact type: an enumeration, for one, is text that writes itself otherwise.
_WRITING: dict[type, Callable[[Any], str]] = {
    dict: _object,
    list: _array,
    str: encode_basestring,
    int: _integer,
    bool: {False: "false", True: "true"}.__getitem__,
    NoneType: {None: "null"}.__getitem__,
}
