"""Secrets that are made by chance: a salt of a row, or one kept in a file of its owner's."""

import contextlib
import os
import secrets
from pathlib import Path

SECRET_BYTES = 50
SALT_BYTES = 16


def make_salt() -> bytes:
    """Return what keeps a row that says little from being guessed by its digest."""
    return secrets.token_bytes(SALT_BYTES)


def kept_secret(path: Path) -> str:
    """Return the secret in a file, made on first use.

    Two processes that start at once end with one secret: the file appears whole, by a link, and the
    second finds it there.
    """
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(SECRET_BYTES))
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
        draft.unlink()
    return path.read_text()
