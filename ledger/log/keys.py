"""A private key of the log, or of a witness of it, kept in a file outside the database.

The file is PEM (PKCS 8, without a password), readable by its owner alone. A rotation writes the new
key beside it first and moves it into place once the database has it, so that a crash in between
loses neither: the next use finds the key that the database names, wherever it lies.
"""

import os
import stat
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from common.outside_files import open_outside_file
from common.refusals import Refused
from ledger.rules import LedgerRule

OWNER_ONLY = 0o600
LARGEST_BYTES = 10_000
"""A key takes some hundred; a longer file holds something else, and what is read breaks off."""
OTHERS = stat.S_IRWXG | stat.S_IRWXO


def load_key(path: Path) -> Ed25519PrivateKey | None:
    """Return the key that a file holds; None when there is no file.

    Raises:
        Refused: others may read the file, or it holds no such key.
    """
    try:
        with open_outside_file(path) as file:
            mode = os.fstat(file.fileno()).st_mode
            content = file.read(LARGEST_BYTES)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _refused(LedgerRule.LOG_KEY_IS_UNREADABLE, path, str(error.strerror)) from None
    if mode & OTHERS:
        value = f"its mode is {stat.S_IMODE(mode):04o}"
        raise _refused(LedgerRule.LOG_KEY_IS_EXPOSED, path, value)
    try:
        key = load_pem_private_key(content, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise _refused(LedgerRule.LOG_KEY_IS_UNREADABLE, path, "no such key in it") from None
    if not isinstance(key, Ed25519PrivateKey):
        value = f"a key of another kind, {type(key).__name__}"
        raise _refused(LedgerRule.LOG_KEY_IS_UNREADABLE, path, value)
    return key


def load_or_make_key(path: Path) -> tuple[Ed25519PrivateKey, bool]:
    """Return the key of a file, made if there is none, and whether it was made now.

    Two processes that start at once end with one key: the file appears whole, by a link.
    """
    found = load_key(path)
    if found is not None:
        return found, False
    path.parent.mkdir(parents=True, exist_ok=True)
    made = Ed25519PrivateKey.generate()
    draft = path.with_name(f"{path.name}.{os.getpid()}.draft")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, OWNER_ONLY)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
            file.flush()
            # On disk before it has its name: half a key under that name would lock the log out.
            os.fsync(file.fileno())
        # A link and not a rename, which would put this key over one that another process just made.
        os.link(draft, path)
    except FileExistsError:
        return load_or_make_key(path)
    finally:
        draft.unlink()
    return made, True


def next_path(path: Path) -> Path:
    """Return where a rotation keeps the new key until the database has it."""
    return path.with_name(f"{path.name}.next")


def move_into_place(path: Path) -> None:
    """Put the key of a rotation in the place of the one before it, which is no longer needed."""
    next_path(path).replace(path)


def _refused(rule: LedgerRule, path: Path, value: str) -> Refused:
    return Refused([rule.finding(f"key file {path}", value)])
