"""Zips in the one writing that evidence has, so that no two programs see two things in one file.

Programs differ in what they take of a zip that is odd: the first or the last of two entries of
one name, what stands before the first entry or behind the last, a name in one header and another
in the other. So a zip is read by its list of files, and refused unless its bytes are those
headers and deflated files and nothing else, each as the product writes it: of no date, without
comment, extra field, encryption, folder or link.
"""

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

OWN_HEADER = struct.Struct("<4s5H3I2H")
LISTED_HEADER = struct.Struct("<4s6H3I5H2I")
ENDING = struct.Struct("<4s4H2IH")
NEEDED_VERSION, DEFLATED = 20, 8
MADE_ON_UNIX, REGULAR_FILE = 3 << 8 | NEEDED_VERSION, 0o100644 << 16
FIXED_TIME, FIXED_DAY = 0, 1 << 5 | 1
"""Midnight of 1980-01-01, the earliest that a zip can hold."""

MOST_FILES = 65_534
MOST_BYTES_OF_A_FILE = 1 << 29
MOST_BYTES = 1 << 33
"""What a zip may hold unpacked; a few kilobytes can unfold to more than a machine has."""


class Entry(NamedTuple):
    """A file in a zip: where its deflated bytes stand, and how many it has unpacked."""

    name: str
    start: int
    deflated: int
    size: int
    checksum: int


def read_entries(stream: BinaryIO, length: int) -> list[Entry]:
    """Return the files of a zip of some length.

    Raises:
        ValueError: it is no zip, or not one as the product writes them.
        struct.error: the same, cut off.
    """
    stream.seek(max(0, length - ENDING.size))
    end = ENDING.unpack(stream.read())
    count, size, start = end[3], end[5], end[6]
    if end != (b"PK\5\6", 0, 0, count, count, size, start, 0):
        raise ValueError("it does not end as a zip does that has no comment")
    if start + size + ENDING.size != length or count > MOST_FILES:
        raise ValueError("the end of the zip does not say where its list of files stands")
    stream.seek(start)
    entries = list(read_list(stream.read(size)))
    if len(entries) != count or len({entry.name for entry in entries}) != count:
        raise ValueError(
            "the list of files of the zip is not as long as it says, or names one twice"
        )
    if sum(entry.size for entry in entries) > MOST_BYTES:
        raise ValueError(f"the zip would unfold to more than {MOST_BYTES:,} bytes")
    check_places(stream, entries, start)
    return entries


def read_list(content: bytes) -> Iterator[Entry]:
    """Yield each file of a zip's own list, the central directory."""
    at = 0
    while at < len(content):
        fields = LISTED_HEADER.unpack_from(content, at)
        checksum, deflated, size, name_length = fields[7:11]
        offset = fields[16]
        at += LISTED_HEADER.size
        name = content[at : at + name_length].decode("ascii")
        at += name_length
        if size > MOST_BYTES_OF_A_FILE:
            raise ValueError(f"{name} would unfold to more than {MOST_BYTES_OF_A_FILE:,} bytes")
        entry = Entry(name, offset + OWN_HEADER.size + name_length, deflated, size, checksum)
        if fields != list_header(entry, offset):
            raise ValueError(
                f"{name!r} is listed in the zip otherwise than the product lists files"
            )
        yield entry


def list_header(entry: Entry, offset: int) -> tuple[bytes | int, ...]:
    """Return what the zip's list says of a file whose own header stands at an offset."""
    return (
        b"PK\1\2", MADE_ON_UNIX, NEEDED_VERSION, 0, DEFLATED, FIXED_TIME, FIXED_DAY,
        entry.checksum, entry.deflated, entry.size, len(entry.name), 0, 0, 0, 0,
        REGULAR_FILE, offset,
    )  # fmt: skip


def own_header(entry: Entry) -> bytes:
    """Return the header that stands before the bytes of a file."""
    fields = OWN_HEADER.pack(
        b"PK\3\4", NEEDED_VERSION, 0, DEFLATED, FIXED_TIME, FIXED_DAY, entry.checksum,
        entry.deflated, entry.size, len(entry.name), 0,
    )  # fmt: skip
    return fields + entry.name.encode()


def check_places(stream: BinaryIO, entries: list[Entry], end: int) -> None:
    """Hold files to stand one behind the other from the first byte on, each behind its header."""
    at = 0
    for entry in entries:
        stream.seek(at)
        header = own_header(entry)
        if entry.start != at + len(header) or stream.read(len(header)) != header:
            raise ValueError(f"{entry.name!r} does not stand in the zip where and as it is listed")
        at = entry.start + entry.deflated
    if at != end:
        raise ValueError("the zip holds bytes that are of no file in it")


class Zip:
    """Evidence as it was exported."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with path.open("rb") as stream:
            self.found = {entry.name: entry for entry in read_entries(stream, path.stat().st_size)}

    def names(self) -> list[str]:
        """Return every name."""
        return list(self.found)

    def read(self, name: str) -> bytes:
        """Return the content of a file.

        Raises:
            ValueError, zlib.error: its bytes are not what was deflated, or more than that.
        """
        entry = self.found[name]
        with self.path.open("rb") as stream:
            stream.seek(entry.start)
            packed = stream.read(entry.deflated)
        unpacking = zlib.decompressobj(-zlib.MAX_WBITS)
        # Never more than it says: what unfolds to a thousand times its size is stopped on the way.
        content = unpacking.decompress(packed, entry.size + 1)
        is_whole = unpacking.eof and not unpacking.unused_data
        if len(content) != entry.size or not is_whole or zlib.crc32(content) != entry.checksum:
            raise ValueError("other bytes than its place in the zip says")
        return content
