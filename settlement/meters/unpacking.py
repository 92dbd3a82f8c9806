"""From the bytes of a file as people send them to what a reader of CSV or Parquet takes.

What means one thing only is taken as it is meant: one file in gzip or zip, and CSV in UTF-8 or
UTF-16, with a comma, semicolon, tab or bar between cells, as Excel and pandas write them. All else
is refused once, in words that say what it is and how to send it.
"""

import codecs
import re
from dataclasses import dataclass

from common.refusals import Finding
from common.unpacking import (
    GZIP_BEGINNING,
    ZIP_BEGINNINGS,
    BreaksOffError,
    CannotUnpackError,
    TooLargeError,
    files_of,
    is_of_a_file_manager,
    opened_zip,
    read_entry,
    ungzip,
)

MOST_UNPACKED_BYTES = 2**30
"""A file may not grow beyond a gibibyte: a few kilobytes of gzip can hold a thousand times that."""

_OTHER_FORMATS = {
    rb"BZh[1-9]1AY&SY": "a file compressed with bzip2",
    rb"\xfd7zXZ\x00": "a file compressed with xz",
    rb"\x28\xb5\x2f\xfd": "a file compressed with zstd",
    rb"\x04\x22\x4d\x18": "a file compressed with lz4",
    rb"7z\xbc\xaf\x27\x1c": "a 7z archive",
    rb"Rar!\x1a\x07": "a RAR archive",
    rb"\xd0\xcf\x11\xe0": "an Excel workbook (xls)",
    rb"%PDF-": "a PDF file",
    rb"ARROW1": "a Feather file",
}
_ZIP_OF_WORKBOOK = ("[Content_Types].xml", "mimetype")
_SEND_PLAIN = "send it as CSV or Parquet, as it is or compressed with gzip or zip"
_SAVE_AS_CSV = "save the sheet as CSV and send that; in Excel 'CSV UTF-8 (Comma delimited)'"

# Longest first: UTF-32 in little-endian order begins as UTF-16 does.
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}


class UnusableFileError(Exception):
    """A file cannot be used as a whole; `findings` say why."""

    def __init__(self, *findings: Finding) -> None:
        super().__init__("\n".join(map(str, findings)))
        self.findings = findings


@dataclass(frozen=True)
class CsvText:
    """CSV as a reader takes it: UTF-8 without a mark before it, and what separates its cells."""

    content: bytes
    separator: str


def unreadable(place: str, value: str, limit: str, remedy: str) -> UnusableFileError:
    """Return that a file, or what stands at a place of it, cannot be read."""
    return UnusableFileError(Finding("unreadable-file", place, value, limit, remedy))


def unpack(file: str, content: bytes) -> bytes:
    """Return what a compressed file holds; another file as it is.

    Raises:
        UnusableFileError: it is damaged, holds more than `MOST_UNPACKED_BYTES` or not one file, or
            is of a format that is not read.
    """
    if content.startswith(GZIP_BEGINNING):
        unpacked = _from_gzip(file, content)
    elif content.startswith(ZIP_BEGINNINGS):
        unpacked = _from_zip(file, content)
    else:
        unpacked = content
    for magic, what in _OTHER_FORMATS.items():
        if re.match(magic, unpacked):
            remedy = _SAVE_AS_CSV if "Excel" in what else _SEND_PLAIN
            raise unreadable(file, what, "CSV or Parquet", remedy)
    if unpacked is not content and unpacked.startswith((GZIP_BEGINNING, *ZIP_BEGINNINGS)):
        raise unreadable(file, "compressed twice", "compressed at most once", _SEND_PLAIN)
    return unpacked


def _from_gzip(file: str, content: bytes) -> bytes:
    again = "a whole gzip file", "compress and send it again"
    try:
        unpacked, rest = ungzip(content, MOST_UNPACKED_BYTES)
    except TooLargeError as error:
        raise _too_large(file) from error
    except BreaksOffError as error:
        raise unreadable(file, "gzip that breaks off", *again) from error
    except CannotUnpackError as error:
        raise unreadable(file, f"damaged gzip: {error}", *again) from error
    if rest:
        raise unreadable(
            file,
            f"{len(rest)} bytes after the gzip file ends",
            "one gzip file and nothing else",
            "compress and send it again",
        )
    return unpacked


def _from_zip(file: str, content: bytes) -> bytes:
    try:
        with opened_zip(content) as archive:
            entries = [
                entry for entry in files_of(archive) if not is_of_a_file_manager(entry.filename)
            ]
            if any(entry.filename in _ZIP_OF_WORKBOOK for entry in entries):
                raise unreadable(file, "a workbook", "CSV or Parquet", _SAVE_AS_CSV)
            if len(entries) != 1:
                raise unreadable(
                    file,
                    f"a zip archive of {len(entries)} files",
                    "a zip archive of one file of readings",
                    "send each file by itself",
                )
            return read_entry(archive, entries[0], MOST_UNPACKED_BYTES)
    except TooLargeError as error:
        raise _too_large(file) from error
    except CannotUnpackError as error:
        raise unreadable(
            file,
            f"a zip archive that does not open: {error}",
            "a whole zip archive without a password",
            "compress and send it again, or as it is",
        ) from error


def _too_large(file: str) -> UnusableFileError:
    return unreadable(
        file,
        "more than that when unpacked",
        f"at most {MOST_UNPACKED_BYTES:,} bytes when unpacked",
        "send it in parts, a month each",
    )


def read_csv_text(file: str, content: bytes, columns: tuple[str, ...]) -> CsvText:
    """Return CSV in UTF-8, and the separator that finds most of the `columns` in its header.

    Raises:
        UnusableFileError: it is no text in UTF-8, UTF-16 or UTF-32.
    """
    encoding = _encoding_of(content)
    if encoding == "utf-8":
        _require_utf8(file, content)
    else:
        content = _as_utf8(file, content, encoding, columns)
    header, _, rest = content.partition(b"\n")
    line = header.decode().strip()
    if line[:4].lower() == "sep=" and len(line) == 5:  # Excel's own hint to itself
        content, header = rest, rest.partition(b"\n")[0]
    return CsvText(content, _separator_of(header.decode(), columns))


def _encoding_of(content: bytes) -> str:
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            return encoding
    # Without a mark, the zeros of the header's Latin letters tell the order of the bytes.
    head = content[:64]
    if len(head) >= 8 and b"\0" in head:
        if not any(head[1:8:2]) and all(head[0:8:2]):
            return "utf-16-le"
        if not any(head[0:8:2]) and all(head[1:8:2]):
            return "utf-16-be"
    return "utf-8"


def _require_utf8(file: str, content: bytes) -> None:
    try:
        content.decode()
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start)
        raise unreadable(
            f"{file} row {line}" if line else f"{file} header",
            f"byte 0x{content[error.start]:02X}, which no text in UTF-8 has here",
            "text in UTF-8 or UTF-16",
            "save it as UTF-8; in Excel 'CSV UTF-8 (Comma delimited)'",
        ) from error


def _as_utf8(file: str, content: bytes, encoding: str, columns: tuple[str, ...]) -> bytes:
    name = encoding.removesuffix("-sig").upper()
    try:
        text = content.decode(encoding)
        header = text.partition("\n")[0]
        if encoding != "utf-8-sig" and not any(column in header for column in columns):
            raise ValueError("its header names no column of readings")
        return text.encode()
    except ValueError as error:  # what cannot be decoded is a ValueError too
        raise unreadable(
            file,
            f"bytes that begin as {name} and do not go on so: {error}",
            "text in UTF-8 or UTF-16",
            "save it as UTF-8; in Excel 'CSV UTF-8 (Comma delimited)'",
        ) from error


def _separator_of(header: str, columns: tuple[str, ...]) -> str:
    def found(separator: str) -> int:
        names = {name.strip().strip('"') for name in header.split(separator)}
        return len(names & set(columns))

    # The first of equals, so that a header without any column is told of as CSV with commas.
    return max(SEPARATORS, key=found)
