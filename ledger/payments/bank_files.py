"""What a bank hands out: a file of XML, or a zip or gzip of such files; here they are opened.

Banks zip the statements of a month, and zip again what they zipped. All is opened in memory within
bounds of number, size and depth that are counted while it is unpacked: what an archive says of
itself proves nothing.
"""

import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field

from common.refusals import Finding
from common.unpacking import (
    GZIP_BEGINNING,
    ZIP_BEGINNINGS,
    CannotUnpackError,
    TooLargeError,
    files_of,
    is_encrypted,
    is_of_a_file_manager,
    opened_zip,
    read_entry,
    ungzip,
)
from ledger.rules import LedgerRule

LARGEST_FILE_BYTES = 20_000_000
"""Of a file, and of all that is unpacked from it.

A payment is a kilobyte of XML, so that is twenty thousand payments: twice what a market of ten
thousand participants is paid in a month. It is read in some seconds, in which a page still answers.
"""

MOST_FILES = 1_000
DEEPEST = 3
"""Archives in archives, the outermost counted."""

_BEGINNINGS = (
    (b"%PDF", "a PDF file"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"Rar!", "a RAR archive"),
    (b"BZh", "a bzip2 archive"),
    (b"\xfd7zXZ", "an xz archive"),
    (b"\xd0\xcf\x11\xe0", "a file of an office program"),
    (b"{1:F01", "an MT940 statement of SWIFT"),
    (b":20:", "an MT940 statement of SWIFT"),
    (b"OFXHEADER", "an OFX file"),
)
_TAR_AT, _TAR = 257, b"ustar"


@dataclass(frozen=True)
class Note:
    """Something of a file that was left out, or taken in a way that its reader should know."""

    place: str
    text: str

    def __str__(self) -> str:
        return f"{self.place}: {self.text}"


@dataclass(frozen=True)
class Member:
    """A file that may hold statements; `name` is empty for what came in no archive."""

    name: str
    content: bytes

    @property
    def place(self) -> str:
        """How findings name it."""
        return self.name or "the file"

    def within(self, place: str) -> str:
        """Return how findings name something in it."""
        return f"{self.name}: {place}" if self.name else place


@dataclass
class Opened:
    """The files of a file, what was left out of it, and why it cannot be opened."""

    members: list[Member] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)


def open_file(content: bytes) -> Opened:
    """Return the files that a bank's file holds: itself, or the members of an archive."""
    opened = Opened()
    if len(content) > LARGEST_FILE_BYTES:
        opened.findings.append(unreadable("the file", f"{len(content):,} bytes"))
    else:
        _Opener(opened).open(Member("", content), 1)
    return opened


def unreadable(place: str, value: str) -> Finding:
    """Return the finding about a file, or a member of one, that holds no statements."""
    return LedgerRule.STATEMENT_IS_UNREADABLE.finding(place, value)


def foreign_kind(content: bytes) -> str | None:
    """Return what a file is that is known by its beginning, and no XML; None for another.

    >>> foreign_kind(b"%PDF-1.7")
    'a PDF file'
    """
    for beginning, kind in _BEGINNINGS:
        if content.startswith(beginning):
            return kind
    if content[_TAR_AT : _TAR_AT + len(_TAR)] == _TAR:
        return "a tar archive"
    return None


class _Opener:
    """Opens archives in archives, and counts files and bytes over all of them."""

    def __init__(self, opened: Opened) -> None:
        self.opened = opened
        self.left_bytes = LARGEST_FILE_BYTES
        self.left_files = MOST_FILES
        self.is_full = False

    def open(self, member: Member, depth: int) -> None:
        is_zip = member.content.startswith(ZIP_BEGINNINGS)
        if not is_zip and not member.content.startswith(GZIP_BEGINNING):
            self.opened.members.append(member)
            return
        if depth > DEEPEST:
            self._refuse(member.place, f"an archive in {DEEPEST} others")
            return
        unpack = self._unpack_zip if is_zip else self._unpack_gzip
        for inner in unpack(member):
            self.open(inner, depth + 1)
            if self.is_full:
                return

    def _unpack_gzip(self, member: Member) -> Iterator[Member]:
        try:
            content, rest = ungzip(member.content, self.left_bytes)
        except TooLargeError:
            self._refuse_size(member.place)
            return
        except CannotUnpackError as error:
            self._refuse(member.place, f"a gzip file that cannot be unpacked ({error})")
            return
        self.left_bytes -= len(content)
        if rest:
            self._refuse(member.place, f"{len(rest):,} bytes after the gzip file ends")
        yield Member(member.name, content)

    def _unpack_zip(self, member: Member) -> Iterator[Member]:
        try:
            with opened_zip(member.content) as archive:
                entries = files_of(archive)
                self.left_files -= len(entries)
                if self.left_files < 0:
                    self._stop(member.place, f"an archive of more than {MOST_FILES:,} files")
                for entry in entries:
                    if not self.is_full:
                        yield from self._unpack_entry(archive, entry, member)
        except CannotUnpackError as error:
            self._refuse(member.place, f"a zip file that cannot be opened ({error})")

    def _unpack_entry(
        self, archive: zipfile.ZipFile, entry: zipfile.ZipInfo, member: Member
    ) -> Iterator[Member]:
        name = "".join(each if each.isprintable() else "?" for each in entry.filename)
        inner = f"{member.name}/{name}" if member.name else name
        if is_of_a_file_manager(entry.filename):
            self.opened.notes.append(Note(inner, "left out: a file of the program that zipped"))
            return
        if is_encrypted(entry):
            self._refuse(inner, "an encrypted file; unpack it with its password first")
            return
        try:
            content = read_entry(archive, entry, self.left_bytes)
        except TooLargeError:
            self._refuse_size(inner)
            return
        except CannotUnpackError as error:
            self._refuse(inner, f"a file that cannot be unpacked ({error})")
            return
        self.left_bytes -= len(content)
        yield Member(inner, content)

    def _refuse_size(self, place: str) -> None:
        self._stop(place, f"more than {LARGEST_FILE_BYTES:,} bytes once unpacked")

    def _stop(self, place: str, value: str) -> None:
        # What comes after is not even unpacked: that is what such an archive is made for.
        self.is_full = True
        self._refuse(place, value)

    def _refuse(self, place: str, value: str) -> None:
        self.opened.findings.append(unreadable(place, value))
