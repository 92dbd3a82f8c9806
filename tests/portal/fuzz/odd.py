"""Values that are odd, and files that are valid but for one change."""

import gzip
import io
import random
import re
import zipfile

HALF = "\udcff"
"""A byte of an argument or a file's name that is in no encoding, as Python hands it on."""

TEXTS = (
    "",
    " ",
    "-",
    "--",
    "-1",
    "0",
    "é",
    "e\u0301",
    "\u202e",
    "\ufeff",
    "💩",
    "%s",
    "{0}",
    "{",
    "'",
    '"',
    "a" * 3000,
    "/",
    "../..",
    "a\nb",
    "\x1b[2J",
    HALF,
    "İ",
    "ß",
    "ﬁ",
    "\u00a0",
    "NaN",
    "None",
    "null",
    "١",
    "१",
    "1_000",
    "0x10",
    "1e400",
    "-0",
    "9" * 30,
    "9" * 5000,
    "gb12-invoice-" + "9" * 30,
    "gb12-invoice-000001",
    "gb12-bank-000001/1",
    "gb12-bank-000001/" + "9" * 30,
    "/1",
    "1/",
)
NUMBERS = (
    "0",
    "-1",
    "1",
    "2",
    "7",
    "2147483648",
    "9223372036854775808",
    "9" * 30,
    "9" * 5000,
    "1.5",
    "1e3",
    "١",
    "²",
    "--1",
    "-",
    "",
    " 1",
    "1_000",
    "+1",
    "0x10",
    "inf",
    "nan",
)
DAYS = (
    "2024-03-30",
    "2024-03-31",
    "2024-04-01",
    "2024-01-01",
    "0001-01-01",
    "9999-12-31",
    "1900-01-01",
    "2999-12-31",
    "2024-02-30",
    "20240330",
    "2024-W13-6",
    "2024-3-30",
    "-2024-03-30",
    "",
    "today",
    "2024-03-30T00:00",
    "٢٠٢٤-03-30",
    "9" * 30,
)
MONTHS = ("2024-03", "2024-01", "0001-01", "9999-12", "2024-13", "2024", "03-2024", "", "2024-W13")
INSTANTS = (
    "2024-05-02T00:00Z",
    "2024-03-01T09:00Z",
    "0001-01-01T00:00Z",
    "9999-12-31T23:59Z",
    "0001-01-01T00:00+14:00",
    "9999-12-31T23:59-14:00",
    "2024-05-02",
    "2024-05-02T25:00Z",
    "now",
    "",
    "2024-05-02T00:00+23:59",
    "2024-05-02T00:00:00.123456789Z",
)
IDS = (
    "0" * 32,
    "00000000-0000-0000-0000-000000000000",
    "f" * 36,
    "",
    "{" + "0" * 32 + "}",
    "urn:uuid:",
)
TOKENS = (
    b"\0",
    b"\xff\xfe",
    b"\xef\xbb\xbf",
    b"\xed\xa0\x80",
    "💩".encode(),
    b"9" * 400,
    b"-1",
    b"1e400",
    b"NaN",
    b"null",
    b"[]",
    b"{}",
    b"~",
    b"!!float x",
    b"&a [*a]",
    b"<<: *a",
    b"<!DOCTYPE a>",
    b"&a;",
    b'"',
    b"'",
    b"\\",
    b"\r\n",
    b"\t",
    b",,,",
    b";",
    b"0001-01-01",
    b"9999-12-31",
    b"2024-02-30",
    b"9223372036854775808",
    b"-9223372036854775809",
    b"0.1",
    b"1,5",
    b"1_000",
    b"0x10",
    b"true",
    b"",
    b"[" * 500,
    b"{" * 500,
    b"a" * 5000,
    b" " * 50,
    b"\xc2\xa0",
    "\u202e".encode(),
    b"<a>",
    b"</",
)
_WORD = re.compile(rb"[A-Za-z0-9_.+-]+")


def mutated(rng: random.Random, content: bytes) -> bytes:
    """Return a file with a few changes, or wrapped or cut as a whole."""
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        content = rng.choice(_CHANGES)(rng, content)
    return content


def _replace_word(rng: random.Random, content: bytes) -> bytes:
    words = list(_WORD.finditer(content[:200_000]))
    if not words:
        return content
    word = rng.choice(words)
    new = rng.choice((*TOKENS, rng.choice(words)[0]))
    return content[: word.start()] + new + content[word.end() :]


def _change_line(rng: random.Random, content: bytes) -> bytes:
    lines = content.splitlines(keepends=True) or [b""]
    at, to = rng.randrange(len(lines)), rng.randrange(len(lines))
    what = rng.randrange(4)
    if what == 0:
        del lines[at]
    elif what == 1:
        lines.insert(at, lines[to])
    elif what == 2:
        lines[at], lines[to] = lines[to], lines[at]
    else:
        lines[at] = rng.choice(TOKENS) + lines[at]
    return b"".join(lines)


def _flip(rng: random.Random, content: bytes) -> bytes:
    changed = bytearray(content or b"\0")
    for _ in range(rng.choice((1, 1, 3, 20))):
        changed[rng.randrange(len(changed))] = rng.randrange(256)
    return bytes(changed)


def _cut(rng: random.Random, content: bytes) -> bytes:
    return content[: rng.randrange(len(content) + 1)]


def _recode(rng: random.Random, content: bytes) -> bytes:
    code = rng.choice(("utf-16", "utf-16-le", "utf-32", "latin-1", "cp037", "utf-7", "utf-8-sig"))
    return content.decode(errors="replace").encode(code, "replace")


def _wrap(rng: random.Random, content: bytes) -> bytes:
    if rng.random() < 0.5:
        return gzip.compress(content, 1)
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as archive:
        for name in rng.sample(
            ("a", "b.xml", "../c.csv", "__MACOSX/d", "e/", "💩"), rng.randrange(3)
        ):
            archive.writestr(name, content)
    return sink.getvalue()


def _within_zip(rng: random.Random, content: bytes) -> bytes:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = {info: archive.read(info) for info in archive.infolist()}
    except Exception:
        return _replace_word(rng, content)
    chosen = rng.choice(list(members) or [zipfile.ZipInfo("empty")])
    what = rng.randrange(4)
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as archive:
        for info, inner in members.items():
            if info is not chosen:
                archive.writestr(info.filename, inner)
            elif what:
                archive.writestr(info.filename, _inner(rng, inner))
            if info is chosen and what == 3:
                archive.writestr("more.json", inner)
    return sink.getvalue()


def _inner(rng: random.Random, content: bytes) -> bytes:
    change = rng.choice((_replace_word, _replace_word, _change_line, _flip, _cut, lambda *_: b""))
    return change(rng, content)


_CHANGES = (
    _replace_word,
    _replace_word,
    _replace_word,
    _replace_word,
    _within_zip,
    _within_zip,
    _change_line,
    _change_line,
    _flip,
    _cut,
    _recode,
    _wrap,
)


def wild(rng: random.Random) -> bytes:
    """Return a file that was never valid."""
    return b"".join(rng.choice((*TOKENS, rng.randbytes(9))) for _ in range(rng.randrange(40)))
