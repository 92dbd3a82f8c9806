"""Files that a command is told of, read before anything is done."""

from collections.abc import Iterable
from pathlib import Path

from django.core.management.base import CommandError

from common.file_names import file_name, file_path
from common.outside_files import is_too_large, read_outside_file


def read_told_files(paths: Iterable[Path], largest_bytes: int) -> list[tuple[str, bytes]]:
    """Return the name and content of each file, of at most `largest_bytes`.

    Raises:
        CommandError: some cannot be read; it names every one of them.
    """
    read, unread = [], []
    for path in paths:
        try:
            read.append((file_name(path), read_outside_file(path, largest_bytes)))
        except OSError as error:
            remedy = "; split it, such as by days" if is_too_large(error) else ""
            unread.append(f"{file_path(path)}: {error.strerror}{remedy}")
    if unread:
        raise CommandError("\n".join([*unread, "name files that can be read; nothing was written"]))
    return read
