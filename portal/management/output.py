"""Files that commands write for people: whole or not at all, and never over another one unasked."""

import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from django.core.management.base import CommandError


def refuse_other_file(path: Path, *, force: bool) -> None:
    """Refuse a path at which something is, unless it is a file that may be replaced.

    Raises:
        CommandError: a folder, a device or a pipe is there, or a file and not `force`.
    """
    if path.is_dir():
        raise CommandError(f"{path} is a folder and cannot be written; name a file")
    # Moved into the place of /dev/null, a file would be what every program writes to.
    if path.exists() and not path.is_file():
        raise CommandError(f"{path} is a device or a pipe and is never replaced; name a file")
    if path.exists() and not force:
        raise CommandError(f"{path} is there already; --force replaces it")


def refuse_unwritable(path: Path, *, force: bool) -> None:
    """Refuse a path that cannot be written, before what is to be written there comes to be.

    Raises:
        CommandError: as `refuse_other_file`, or nothing can be written beside it.
    """
    refuse_other_file(path, force=force)
    part = _part_of(path)
    try:
        part.touch()
        part.unlink()
    except OSError as error:
        raise _unwritten(path, error) from None


@contextmanager
def written_whole(path: Path, *, force: bool) -> Iterator[Path]:
    """Yield a path beside `path` to write to, which takes its place at the end.

    Raises:
        CommandError: as `refuse_other_file`, or the path cannot be written.
    """
    refuse_other_file(path, force=force)
    # Beside it and moved into place: a stop leaves no half of a file under the name of a whole one.
    part = _part_of(path)
    try:
        yield part
        part.replace(os.path.realpath(path))
    except OSError as error:
        raise _unwritten(path, error) from None
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)


def write_file(path: Path, content: bytes, *, force: bool) -> None:
    """Write a file; one that holds just this already is left as it is.

    Raises:
        CommandError: as `refuse_other_file`, or the path cannot be written.
    """
    write_files({path: content}, force=force)


def write_files(contents: Mapping[Path, bytes], *, force: bool) -> None:
    """Write files that belong together: all of them, or none.

    One that holds just its content already is left as it is.

    Raises:
        CommandError: as `refuse_other_file`, or a path cannot be written.
    """
    changed = {path: content for path, content in contents.items() if not _holds(path, content)}
    with ExitStack() as parts:
        # None takes its place before all are written: a full disk leaves what was there.
        for path, content in changed.items():
            parts.enter_context(written_whole(path, force=force)).write_bytes(content)


def _part_of(path: Path) -> Path:
    # A link stays one: what it leads to is replaced.
    target = Path(os.path.realpath(path))
    return target.with_name(f".{target.name}.{os.getpid()}.part")


def _unwritten(path: Path, error: OSError) -> CommandError:
    return CommandError(f"{path} cannot be written: {error.strerror}; name another path")


def _holds(path: Path, content: bytes) -> bool:
    try:
        return path.is_file() and path.read_bytes() == content
    except OSError:  # what cannot be read is another file
        return False
