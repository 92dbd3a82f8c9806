"""Attachments: the type is what the bytes say, and the name is made safe."""

import io
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.disputes.attachments import (
    LARGEST_BYTES,
    XLSX,
    Attachment,
    attachment_breaches,
    media_type,
    safe_name,
)
from ledger.disputes.rules import DisputeRule


def archive(*names: str) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as parts:
        for name in names:
            parts.writestr(name, "<x/>")
    return file.getvalue()


WORKBOOK = archive("[Content_Types].xml", "xl/workbook.xml")
PNG = b"\x89PNG\r\n\x1a\n" + bytes(8)
ACCEPTED = {
    ("bill.pdf", b"%PDF-1.7\n..."): "application/pdf",
    ("meter.PNG", PNG): "image/png",
    ("photo.jpeg", b"\xff\xd8\xff\xe0rest"): "image/jpeg",
    ("photo.jpg", b"\xff\xd8\xff\xe0rest"): "image/jpeg",
    ("table.xlsx", WORKBOOK): XLSX,
    ("table.csv", b"a,b\n1,2\n"): "text/csv",
    ("table.csv", "a;b\n1,5;2,5\n".encode("utf-8-sig")): "text/csv",
    ("letter.txt", "Zählerstand\n".encode()): "text/plain",
}
REFUSED = {
    "a page named as a picture": ("page.png", b"<html><script>x</script></html>"),
    "a page": ("page.html", b"<html></html>"),
    "a picture that is a drawing": ("page.svg", b"<svg onload='x'/>"),
    "a PDF named as text": ("bill.txt", b"%PDF-1.7"),
    "a name without ending": ("bill", b"%PDF-1.7"),
    "an archive that is no workbook": ("table.xlsx", archive("word/document.xml")),
    "an archive cut off": ("table.xlsx", WORKBOOK[:20]),
    "a programme": ("run.exe", b"MZ\x90\0"),
    "bytes named as text": ("bytes.txt", b"\xff\xfe\x00"),
    "controls in text": ("bell.txt", b"ring\x07"),
    "rows of several widths": ("table.csv", b"a,b\n1\n"),
}


@pytest.mark.parametrize(("file", "expected"), ACCEPTED.items())
def test_a_known_type_is_told_by_content_and_name(file, expected):
    attachment = Attachment(*file)
    assert media_type(attachment) == expected
    assert list(attachment_breaches(attachment)) == []


@pytest.mark.parametrize("case", REFUSED)
def test_another_type_is_refused(case):
    (found,) = attachment_breaches(Attachment(*REFUSED[case]))
    assert found[0] is DisputeRule.ATTACHMENT_IS_OF_ANOTHER_TYPE


@pytest.mark.parametrize("size", [0, LARGEST_BYTES + 1])
def test_nothing_and_too_much_are_refused(size):
    (found,) = attachment_breaches(Attachment("a.txt", b"x" * size))
    assert found[0] is DisputeRule.ATTACHMENT_IS_TOO_LARGE


def test_the_largest_is_taken():
    assert list(attachment_breaches(Attachment("a.txt", b"x" * LARGEST_BYTES))) == []


@given(st.text(max_size=300))
def test_a_safe_name_holds_nothing_that_leads_anywhere(name):
    safe = safe_name(name)
    assert 0 < len(safe) <= 130
    assert not set(safe) & set("/\\\"'<>;:\r\n\0 ")
    assert not safe.startswith((".", "-"))
    assert safe_name(safe) == safe
