"""A log of made-up leaves, its kept checkpoints, and a witness in a folder: without a database."""

import datetime as dt
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

from ledger.log.kept import kept_text
from ledger.log.note import Checkpoint, Signer, sign
from ledger.tree import merkle_root
from tests.worlds.logged import LOG_NAME, signer
from witness.folder import Folder, open_folder

WATCHED = dt.datetime(2024, 3, 2, 9, 0, tzinfo=dt.UTC)
LATER = WATCHED + dt.timedelta(days=1)


def leaves(count: int, branch: str = "", fork_at: int = 0) -> list[bytes]:
    """Return leaf hashes, of another branch of history from a leaf on."""
    names = [f"{branch if at >= fork_at else ''}{at}" for at in range(count)]
    return [sha256(name.encode()).digest() for name in names]


def note_of(hashes: Sequence[bytes], by: Signer | None = None, origin: str = LOG_NAME) -> str:
    """Return the signed note of some leaves."""
    checkpoint = Checkpoint(origin, len(hashes), merkle_root(hashes))
    return sign(checkpoint, [by or signer(1)])


def kept_of(hashes: Sequence[bytes], by: Signer | None = None) -> str:
    """Return the file of a checkpoint, with its leaf hashes."""
    return kept_text(note_of(hashes, by), hashes)


def witness_in(path: Path, name: str = "regulator.test/w") -> Folder:
    """Return a witness that keeps a folder."""
    return open_folder(path, name)
