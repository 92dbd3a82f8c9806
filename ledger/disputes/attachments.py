"""What may be attached to a step: six types, told by their content, under a name made safe.

A name is kept for people only; it never becomes a path. The type is what the bytes say and the
ending of the name has to agree, so that a page is not taken for a picture by whoever opens it.
"""

import csv
import hashlib
import io
import re
import unicodedata
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass

from ledger.disputes.rules import DisputeRule

LARGEST_BYTES = 10_000_000
LONGEST_NAME = 120
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
CSV, TEXT = "text/csv", "text/plain"
ENDINGS = {
    "application/pdf": (".pdf",),
    "image/png": (".png",),
    "image/jpeg": (".jpg", ".jpeg"),
    XLSX: (".xlsx",),
    CSV: (".csv",),
    TEXT: (".txt",),
}
SIGNATURES = {
    b"%PDF-": "application/pdf",
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
}
XLSX_PARTS = {"[Content_Types].xml", "xl/workbook.xml"}
CONTROLS = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f-\x9f]")
"""What text does not hold; tabs, line ends and form feeds it may."""


@dataclass(frozen=True)
class Attachment:
    """A file that somebody attaches; `name` as they gave it."""

    name: str
    content: bytes

    @property
    def sha256(self) -> bytes:
        """The digest under which the content is stored, once."""
        return hashlib.sha256(self.content).digest()


def media_type(attachment: Attachment) -> str | None:
    """Return the type that content and name agree on; None where there is no such type.

    >>> media_type(Attachment("meter.csv", b"hour,kWh\\n1,20\\n"))
    'text/csv'
    >>> media_type(Attachment("meter.pdf", b"<script>alert(1)</script>")) is None
    True
    """
    ending = "." + attachment.name.lower().rpartition(".")[2]
    return next((media for media in _types(attachment.content) if ending in ENDINGS[media]), None)


def attachment_breaches(attachment: Attachment) -> Iterator[tuple[DisputeRule, str]]:
    """Yield the rules that an attachment breaks, with the value found."""
    size = len(attachment.content)
    if not 0 < size <= LARGEST_BYTES:
        yield DisputeRule.ATTACHMENT_IS_TOO_LARGE, f"{size:,} bytes"
    elif media_type(attachment) is None:
        yield DisputeRule.ATTACHMENT_IS_OF_ANOTHER_TYPE, safe_name(attachment.name)


def safe_name(name: str) -> str:
    """Return a name without folders, controls or characters that a header or a shell could trip on.

    >>> safe_name("../../etc/Zähler  März\\r\\n.PDF")
    'Zähler-März.pdf'
    >>> safe_name("   ")
    'attachment'
    """
    last = re.split(r"[/\\]", unicodedata.normalize("NFC", name))[-1]
    stem, dot, ending = last.rpartition(".")
    stem = stem if dot else ending
    kept = re.sub(r"[^\w]+", "-", stem).strip("-_")[:LONGEST_NAME] or "attachment"
    ending = re.sub(r"[^a-z0-9]", "", ending.lower())[:8] if dot else ""
    return f"{kept}.{ending}" if ending else kept


def _types(content: bytes) -> Iterator[str]:
    for signature, found in SIGNATURES.items():
        if content.startswith(signature):
            yield found
            return
    # Every ZIP file begins so: only one that is a workbook inside is taken.
    if content.startswith(b"PK"):
        if _is_workbook(content):
            yield XLSX
        return
    text = _text(content)
    if text is not None:
        # A table is text too, so both are offered, and the ending of the name decides.
        yield TEXT
        if _is_table(text):
            yield CSV


def _is_workbook(content: bytes) -> bool:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as parts:
            # Only the directory is read, so a small file cannot unpack into a huge one.
            return set(parts.namelist()) >= XLSX_PARTS
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError):
        return False


def _text(content: bytes) -> str | None:
    try:
        # Spreadsheets write a byte order mark before CSV; it is no character of the text.
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return None
    return None if CONTROLS.search(text) else text


def _is_table(text: str) -> bool:
    """Return whether every row has as many cells, more than one, by commas or semicolons."""
    for separator in (",", ";", "\t"):
        try:
            rows = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
            widths = {len(row) for row in rows if row}
        except csv.Error:
            continue
        if len(widths) == 1 and widths.pop() > 1:
            return True
    return False
