"""Unpacking gzip and zip within bounds that are counted while it goes on."""

import gzip
import io
import tracemalloc
import zipfile

import pytest

from common.unpacking import (
    BreaksOffError,
    CannotUnpackError,
    TooLargeError,
    files_of,
    opened_zip,
    read_entry,
    ungzip,
)

BOMB_BYTES = 20_000_000


def zipped(content: bytes, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", method) as archive:
        archive.writestr("a", content)
        archive.writestr("folder/", b"")
    return sink.getvalue()


def unzip(content: bytes, most_bytes: int) -> list[bytes]:
    with opened_zip(content) as archive:
        return [read_entry(archive, entry, most_bytes) for entry in files_of(archive)]


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_as_many_bytes_as_may_come_are_taken_and_no_more(method):
    assert unzip(zipped(b"abc", method), 3) == [b"abc"]
    with pytest.raises(TooLargeError, match="more than 2 bytes"):
        unzip(zipped(b"abc", method), 2)
    assert ungzip(gzip.compress(b"abc"), 3) == (b"abc", b"")
    with pytest.raises(TooLargeError):
        ungzip(gzip.compress(b"ab") + gzip.compress(b"c"), 2)


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_method_that_unpacks_without_a_bound_is_refused(method):
    bomb = zipped(bytes(BOMB_BYTES), method)
    assert len(bomb) < 50_000
    tracemalloc.start()
    with pytest.raises(CannotUnpackError, match="zip it again with deflate"):
        unzip(bomb, 1_000)
    assert tracemalloc.get_traced_memory()[1] < 1_000_000
    tracemalloc.stop()


def test_what_a_bomb_holds_is_not_unpacked():
    for unpack, bomb in (
        (unzip, zipped(bytes(BOMB_BYTES))),
        (ungzip, gzip.compress(bytes(BOMB_BYTES))),
    ):
        tracemalloc.start()
        with pytest.raises(TooLargeError):
            unpack(bomb, 1_000)
        assert tracemalloc.get_traced_memory()[1] < 2_000_000
        tracemalloc.stop()


def test_zeros_after_the_end_fill_it_up_and_other_bytes_are_told():
    whole = gzip.compress(b"abc")
    assert ungzip(whole + bytes(9), 9) == (b"abc", b"")
    assert ungzip(whole + b"\0more", 9) == (b"abc", b"more")


@pytest.mark.parametrize("end", range(3, 20))
def test_a_gzip_that_is_cut_off_says_so(end):
    with pytest.raises(BreaksOffError):
        ungzip(gzip.compress(b"abc")[:end], 9)


@pytest.mark.parametrize("content", [b"", b"PK\3\4", b"PK\5\6", zipped(b"abc")[:-4], b"no zip"])
def test_what_is_no_zip_says_so(content):
    with pytest.raises(CannotUnpackError):
        unzip(content, 9)
