"""Opening what banks wrap statements in: bounds, and words for what is no statement."""

import io
import random
import zipfile

import pytest

from ledger.payments import bank_files
from ledger.payments.bank_files import LARGEST_FILE_BYTES, MOST_FILES, open_file
from ledger.payments.camt import read_file
from tests.ledger.camt_files import gzipped, message, statement, zip_of, zipped

WHOLE = message(statement("S-1", "0.00", "0.00"))
BOMB = zip_of({f"{number}.xml": bytes(LARGEST_FILE_BYTES // 4) for number in range(5)})


def told(content):
    return [str(finding) for finding in read_file(content).findings]


def nested(depth):
    content = WHOLE
    for _ in range(depth):
        content = zipped(a__zip=content)
    return content


def encrypted():
    """Return a zip whose one member says that it is encrypted."""
    content = bytearray(zipped(a__xml=WHOLE))
    central = content.index(b"PK\x01\x02")
    content[6] |= 1
    content[central + 8] |= 1
    return bytes(content)


def lying():
    """Return a zip that says its member is small."""
    content = bytearray(zipped(a__xml=bytes(LARGEST_FILE_BYTES + 1)))
    central = content.index(b"PK\x01\x02")
    content[central + 24 : central + 28] = (10).to_bytes(4, "little")
    return bytes(content)


def by_bzip2():
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_BZIP2) as archive:
        archive.writestr("a.xml", WHOLE)
    return buffer.getvalue()


REFUSED = {
    "too many bytes in all": (BOMB, "more than 20,000,000 bytes once unpacked"),
    "too many bytes in a gzip": (gzipped(bytes(LARGEST_FILE_BYTES + 1)), "once unpacked"),
    "a size that is not true": (lying(), "a.xml"),
    "too many files": (
        zip_of({f"{number}.xml": b"x" for number in range(MOST_FILES + 1)}),
        "an archive of more than 1,000 files",
    ),
    "too deep": (nested(4), "an archive in 3 others"),
    "a password": (encrypted(), "a.xml: bank statements come as camt.053"),
    "a zip that is cut off": (zipped(a__xml=WHOLE)[:-30], "a zip file that cannot be opened"),
    "a gzip that is cut off": (gzipped(WHOLE)[:-12], "cannot be unpacked (it is cut off)"),
    "bytes after a gzip": (gzipped(WHOLE) + b"<Doc", "4 bytes after the gzip file ends"),
    "a zip by bzip2": (by_bzip2(), "zip it again with deflate"),
    "a zip of nothing": (zip_of({}), "an archive without files"),
    "a zip of other files": (zip_of({"a.pdf": b"%PDF-1.7", "b.txt": b"b"}), "a.pdf: bank"),
    "a broken statement among sound ones": (
        zip_of({"a.xml": WHOLE, "b.xml": WHOLE[:-9]}),
        "b.xml: line 1: bank statements",
    ),
    "a PDF": (b"%PDF-1.7", "found a PDF file"),
    "MT940": (b"{1:F01BANKGB2LXXX}", "found an MT940 statement of SWIFT"),
    "MT940 alone": (b":20:STARTUMS", "found an MT940 statement of SWIFT"),
    "a tar": (bytes(257) + b"ustar" + bytes(300), "found a tar archive"),
    "nothing": (b"", "found an empty file"),
    "an intraday report": (WHOLE.replace(b"camt.053", b"camt.052"), "a message camt.052.001.08"),
    "another XML": (b"<html/>", "found root element html"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_no_statement_is_refused_in_words_that_say_what_it_is(what):
    content, words = REFUSED[what]
    findings = told(content)
    assert any(words in finding for finding in findings)
    assert all("ask the bank for camt.053" in finding for finding in findings)


def test_no_more_is_unpacked_than_may_come(monkeypatch):
    monkeypatch.setattr(bank_files, "LARGEST_FILE_BYTES", 10_000)
    content = zip_of({f"{number}.xml": bytes(9_000) for number in range(40)})
    opened = open_file(content)
    assert [finding.place for finding in opened.findings] == ["1.xml"]
    assert len(opened.members) == 1


@pytest.mark.parametrize("seed", range(200))
def test_a_damaged_archive_is_never_a_traceback(seed):
    drawn = random.Random(seed)
    content = bytearray(drawn.choice([zipped(a__xml=WHOLE, b__gz=gzipped(WHOLE)), gzipped(WHOLE)]))
    for _ in range(drawn.randint(1, 8)):
        content[drawn.randrange(4, len(content))] = drawn.randrange(256)
    read_file(bytes(content))


def test_a_compression_that_is_not_known_is_said():
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a.xml", WHOLE)
    content = bytearray(buffer.getvalue())
    central = content.index(b"PK\x01\x02")
    content[8] = content[central + 10] = 99
    assert "a file that cannot be unpacked" in told(bytes(content))[0]
