"""What gzip and zip hold, unpacked in memory within bounds that are counted while it is unpacked.

What an archive says of itself proves nothing: a few kilobytes can hold a gigabyte, and state ten
bytes. Whoever asks has limits and words of their own, for a bank's files and for files of readings;
how to open what people send is the same.
"""

import io
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import PurePosixPath

GZIP_BEGINNING = b"\x1f\x8b"
ZIP_BEGINNINGS = (b"PK\x03\x04", b"PK\x05\x06")
"""Of an archive, and of one without files."""

_GZIP_WINDOW = 16 + zlib.MAX_WBITS
_ENCRYPTED = 0x1
# Of the others zipfile unpacks four kilobytes at once, without a bound: bzip2 makes gigabytes of
# them.
_BOUNDED = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
# What zipfile raises for damage and for what it lacks has no common root.
_ERRORS = (
    zipfile.BadZipFile, zlib.error, struct.error, NotImplementedError, RuntimeError, EOFError,
    OSError, ValueError, OverflowError,
)  # fmt: skip


class CannotUnpackError(Exception):
    """An archive, or a file in it, cannot be unpacked; says why."""


class BreaksOffError(CannotUnpackError):
    """Its end is not there."""


class TooLargeError(CannotUnpackError):
    """It holds more bytes than may come."""


def ungzip(content: bytes, most_bytes: int) -> tuple[bytes, bytes]:
    """Return what a gzip file holds, and the bytes after its end, without zeros that fill it up.

    A gzip file is one part or several in a row.

    Raises:
        TooLargeError: it holds more than `most_bytes`; no more than those were unpacked.
        BreaksOffError: a part has no end.
        CannotUnpackError: it is damaged.

    >>> import gzip
    >>> ungzip(gzip.compress(b"a") + gzip.compress(b"b"), 2)
    (b'ab', b'')
    """
    unpacked, rest = bytearray(), content
    while rest.startswith(GZIP_BEGINNING):
        part = zlib.decompressobj(_GZIP_WINDOW)
        try:
            unpacked += part.decompress(rest, most_bytes + 1 - len(unpacked))
        except zlib.error as error:
            raise CannotUnpackError(str(error)) from error
        if len(unpacked) > most_bytes:
            raise TooLargeError(f"more than {most_bytes:,} bytes")
        if not part.eof:
            raise BreaksOffError("it is cut off")
        rest = part.unused_data
    return bytes(unpacked), rest.lstrip(b"\0")


@contextmanager
def opened_zip(content: bytes) -> Iterator[zipfile.ZipFile]:
    """Open a zip archive.

    Raises:
        CannotUnpackError: it is damaged.
    """
    try:
        archive = zipfile.ZipFile(io.BytesIO(content))
    except _ERRORS as error:
        raise CannotUnpackError(str(error)) from error
    with archive:
        yield archive


def files_of(archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    """Return the files of an archive, its folders left out."""
    return [entry for entry in archive.infolist() if not entry.is_dir()]


def is_encrypted(entry: zipfile.ZipInfo) -> bool:
    """Return whether a file of an archive opens with a password only."""
    return bool(entry.flag_bits & _ENCRYPTED)


def read_entry(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, most_bytes: int) -> bytes:
    """Return a file of an archive.

    Raises:
        TooLargeError: it holds more than `most_bytes`; no more than those were unpacked.
        CannotUnpackError: it is damaged, or compressed by a method that cannot be bounded.
    """
    if entry.compress_type not in _BOUNDED:
        raise CannotUnpackError(
            f"compressed by method {entry.compress_type}; zip it again with deflate, as is usual"
        )
    try:
        with archive.open(entry) as stream:
            content = stream.read(most_bytes + 1)
    except _ERRORS as error:
        raise CannotUnpackError(str(error)) from error
    if len(content) > most_bytes:
        raise TooLargeError(f"more than {most_bytes:,} bytes")
    return content


def is_of_a_file_manager(name: str) -> bool:
    """Return whether a file of an archive was put there by the program that zipped, unasked.

    >>> is_of_a_file_manager("__MACOSX/._a.xml"), is_of_a_file_manager("a.xml")
    (True, False)
    """
    parts = PurePosixPath(name.replace("\\", "/")).parts
    return "__MACOSX" in parts or parts[-1:] in [(".DS_Store",), ("Thumbs.db",)]
