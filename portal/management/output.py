"""Files that commands write for people: never over another one unasked."""

from pathlib import Path

from django.core.management.base import CommandError


def refuse_other_file(path: Path, *, force: bool) -> None:
    """Refuse a path at which something is, unless it is a file that may be replaced.

    Raises:
        CommandError: a folder is there, or a file and not `force`.
    """
    if path.is_dir():
        raise CommandError(f"{path} is a folder and cannot be written; name a file")
    if path.exists() and not force:
        raise CommandError(f"{path} is there already; --force replaces it")


def write_file(path: Path, content: bytes, *, force: bool) -> None:
    """Write a file; one that holds just this already is left as it is.

    Raises:
        CommandError: as `refuse_other_file`, or the path cannot be written.
    """
    try:
        if path.is_file() and path.read_bytes() == content:
            return
        refuse_other_file(path, force=force)
        path.write_bytes(content)
    except OSError as error:
        raise CommandError(f"{path}: {error.strerror}; name another path") from None
