"""Files that somebody else made: a pipe or a device is none, and no more is read than may be."""

import errno
import io
import os
import stat
from pathlib import Path
from typing import BinaryIO


def is_too_large(error: OSError) -> bool:
    """Return whether a file was not read as it is larger than may be: its reader can split it."""
    return error.errno == errno.EFBIG


def open_outside_file(path: Path) -> BinaryIO:
    """Open a file to read, and nothing that has no end or that somebody must first write to.

    Raises:
        OSError: it cannot be opened, or is no file; `strerror` says so in words for people.
    """
    file: BinaryIO = open(path, "rb", opener=_without_waiting)  # noqa: SIM115
    # Of the file that is open: its name may lead to another one by now.
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise OSError(errno.EINVAL, "a pipe, device or socket, and no file")
    return file


def read_outside_file(path: Path, largest_bytes: int) -> bytes:
    """Return the content of a file, of at most `largest_bytes`.

    Raises:
        OSError: it cannot be read, is no file, or is larger; `strerror` says so.
    """
    with open_outside_file(path) as file:
        # Never all that is there: it may grow while it is read.
        content = file.read(largest_bytes + 1)
    if len(content) > largest_bytes:
        raise OSError(errno.EFBIG, f"more than {largest_bytes:,} bytes")
    return content


def read_outside_text(path: Path, largest_bytes: int) -> str:
    """Return the text of a file in UTF-8, its lines ended as ours are, whatever
    ended them, and without the mark that some editors put before it.

    Raises:
        OSError: as `read_outside_file`.
        UnicodeDecodeError: it is no text.
    """
    content = read_outside_file(path, largest_bytes)
    return io.TextIOWrapper(io.BytesIO(content), encoding="utf-8-sig").read()


def _without_waiting(name: str, flags: int) -> int:
    """Open a pipe at once, as nobody may ever write to it; a file as ever."""
    return os.open(name, flags | os.O_NONBLOCK)
