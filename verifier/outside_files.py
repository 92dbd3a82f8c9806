"""Files that the reader names: a pipe, which nobody may ever write to, or a device is none."""

import errno
import io
import os
import stat
from pathlib import Path

MOST_NAMED_BYTES = 1 << 30
"""A checkpoint is kept with the hashes of its leaves: over twenty million of them."""


def read_named_text(path: Path) -> str:
    """Return the text of a file in UTF-8, without the mark that some editors put before it.

    Raises:
        OSError: it cannot be read, is no file, or is too large; `strerror` says so.
        ValueError: it is no text in UTF-8.
    """
    with open(path, "rb", opener=open_without_waiting) as file:
        # Of the file that is open: its name may lead to another one by now.
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError(errno.EINVAL, "a pipe, device or socket, and no file")
        content = file.read(MOST_NAMED_BYTES + 1)
    if len(content) > MOST_NAMED_BYTES:
        raise OSError(errno.EFBIG, f"more than {MOST_NAMED_BYTES:,} bytes")
    return io.TextIOWrapper(io.BytesIO(content), encoding="utf-8-sig").read()


def open_without_waiting(name: str, flags: int) -> int:
    """Open a pipe at once, and a file as ever."""
    return os.open(name, flags | os.O_NONBLOCK)


def is_there(name: str) -> bool:
    """Return whether something stands at a path; where none can be so long, nothing does."""
    try:
        Path(name).stat()
    except (OSError, ValueError):
        return False
    return True
