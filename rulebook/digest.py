"""The identity of a document: one canonical writing of its values, and the digest of that."""

import hashlib
import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import rfc8785

from rulebook.documents import Document

DOCUMENT_PREFIX = b"tallystick/rulebook/document/1\n"
"""Opens the bytes that are hashed, so a document's digest can never be another record's."""


def document_body(document: Document) -> dict[str, Any]:
    """Return the document as JSON values, every field written out, days as YYYY-MM-DD."""
    return document.model_dump(mode="json")


def canonical_bytes(body: Mapping[str, Any]) -> bytes:
    """Return the one writing of `body` that RFC 8785 allows: sorted keys, no space, UTF-8.

    Raises:
        rfc8785.CanonicalizationError: a value has no canonical form, such as an integer that
            JSON readers do not hold exactly.
    """
    return rfc8785.dumps(dict(body))


def body_digest(body: Mapping[str, Any]) -> bytes:
    """Return the 32 bytes of SHA-256 over the versioned prefix and the canonical bytes."""
    return _written_digest(json.dumps(body))


@lru_cache(maxsize=1024)  # whoever reads the law proves the same bodies again
def _written_digest(written: str) -> bytes:
    return hashlib.sha256(DOCUMENT_PREFIX + canonical_bytes(json.loads(written))).digest()


def document_digest(document: Document) -> bytes:
    """Return the digest by which runs, journals and invoices name the document they obeyed."""
    return body_digest(document_body(document))
