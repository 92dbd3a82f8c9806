"""Vendored files are the listed ones, byte for byte, each with its licence, and no others."""

import base64
import hashlib
import re

from portal.templatetags.tallystick import integrity
from tests.conftest import ROOT

VENDOR = ROOT / "static" / "vendor"
ROW = re.compile(
    r"\| `(?P<file>[^`]+)` \| `[^`]+` \(npm\) \| (?P<version>[0-9.]+) \| [^|]+, "
    r"`(?P<licence>[^`]+)` \| `(?P<integrity>sha384-[^`]+)` \|"
)


def listed():
    return [found.groupdict() for found in ROW.finditer((VENDOR / "README.md").read_text())]


def test_each_file_has_the_hash_that_is_listed_and_pages_name_it():
    assert [row["file"] for row in listed()]
    for row in listed():
        content = (VENDOR / row["file"]).read_bytes()
        digest = base64.b64encode(hashlib.sha384(content).digest()).decode()
        assert f"sha384-{digest}" == row["integrity"] == integrity(f"vendor/{row['file']}")
        assert (VENDOR / row["licence"]).is_file()


def test_nothing_else_is_there():
    known = {VENDOR / row[name] for row in listed() for name in ("file", "licence")}
    files = {path for path in VENDOR.rglob("*") if path.is_file()}
    assert files == known | {VENDOR / "README.md"}
