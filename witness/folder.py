"""The folder of a witness: its key and name, and of each log what it was told and has seen.

    key                         the private key, mode 0600
    name                        under which it co-signs
    lock                        held by whoever compares and signs
    logs/SHA-256 of origin/     of a log
        keys                    its verifier keys, as the witness was told them, a line each
        checkpoint              the note that was co-signed last, signed by the log and by itself
        kept                    the last one that came with its leaf hashes, with them
        fork-*                  notes that the log's key signed and that cannot be true as well

Every file appears whole or not at all. `kept` is written first: stopped in between, the witness has
seen more than it signed, and holds the log to that.
"""

import fcntl
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from common.outside_files import read_outside_text
from common.refusals import Finding, Refused, shown
from ledger.log.cosignature import Witness
from ledger.log.kept import LARGEST_BYTES, parse_kept
from ledger.log.keys import load_key, load_or_make_key
from ledger.log.note import MalformedNote, VerifierKey, is_log_name, parse_key, parse_note
from witness.judging import Seen

NAME = "witness-name"
DAMAGED = "witness-folder"
UNUSABLE = "witness-folder-unusable"


class LogFolder(NamedTuple):
    """What a witness keeps of one log."""

    path: Path

    def keys(self) -> list[VerifierKey]:
        """Return the log's keys that the witness was told; none of an unknown log."""
        text = _read(self.path / "keys") or ""
        return [parse_key(line) for line in text.splitlines()]

    def trust(self, keys: Sequence[VerifierKey]) -> None:
        """Add keys of the log, which the witness was told."""
        known = self.keys()
        new = [key for key in dict.fromkeys(keys) if key not in known]
        if new:
            lines = "".join(f"{key}\n" for key in [*known, *new])
            _write(self.path / "keys", lines)

    def seen(self) -> Seen | None:
        """Return what was seen of the log last, or None before that.

        Raises:
            Refused: a file of it is not as it was written.
        """
        note, kept = (_read(self.path / name) for name in ("checkpoint", "kept"))
        if note is None and kept is None:
            return None
        try:
            with_leaves = parse_kept(kept) if kept is not None else None
            last = parse_note(note) if note is not None else None
        except MalformedNote as error:
            raise _damaged(self.path, str(error)) from None
        leaf_hashes = (with_leaves.leaf_hashes or ()) if with_leaves else ()
        newer = with_leaves.note if with_leaves else None
        if last is None or (newer and newer.checkpoint.size > last.checkpoint.size):
            last = newer
        if last is None:
            raise _damaged(self.path, "it holds no note")
        return Seen(last, leaf_hashes)

    def keep(self, note: str, kept: str | None) -> None:
        """Keep a checkpoint that is to be co-signed, before its co-signature is given away."""
        if kept is not None:
            _write(self.path / "kept", kept)
        _write(self.path / "checkpoint", note)

    def checkpoint(self) -> str | None:
        """Return the note that was co-signed last."""
        return _read(self.path / "checkpoint")

    def keep_fork(self, note: str) -> Path:
        """Keep a note that contradicts what was co-signed, and return where."""
        path = self.path / f"fork-{sha256(note.encode()).hexdigest()[:16]}"
        if not path.exists():
            _write(path, note)
        return path


class Folder(NamedTuple):
    """A witness at home: its folder and who it is."""

    path: Path
    witness: Witness

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Let nobody else compare and sign: of two at once, the later would roll back the other."""
        descriptor = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def log(self, origin: str) -> LogFolder:
        """Return what is kept of a log, by its origin; nothing of it need be there."""
        return self.log_of_hash(sha256(origin.encode()).hexdigest())

    def log_of_hash(self, origin_hash: str) -> LogFolder:
        """Return the same by the SHA-256 of the origin, in hexadecimal."""
        return LogFolder(self.path / "logs" / origin_hash)


def open_folder(path: Path, name: str | None) -> Folder:
    """Return the witness of a folder; made with its key where there is none yet.

    Args:
        path: the folder.
        name: under which it co-signs, where it is made; a schema-less URL as a rule.

    Raises:
        Refused: it is to be made and has no name, has another, its key is exposed or gone, or
            nothing can be read or written there.
    """
    try:
        return _open_folder(path, name)
    except OSError as error:
        limit = "the folder of a witness is one that can be read and written"
        remedy = "name another with --folder"
        found = Finding(UNUSABLE, str(path), f"{error.strerror}", limit, remedy)
        raise Refused([found]) from None


def _open_folder(path: Path, name: str | None) -> Folder:
    stored = _read(path / "name")
    known = stored.strip() if stored is not None else None
    limit = "a witness has one name, printable and without a space or a plus"
    remedy = "give --name such as regulator.example/witness"
    if (known or name) is None or not is_log_name(known or name or ""):
        raise Refused([Finding(NAME, str(path), shown(known or name), limit, remedy)])
    if known and name and known != name:
        remedy = "leave --name out, or take another folder for another witness"
        raise Refused([Finding(NAME, str(path), f"{shown(name)}: it is {known}", limit, remedy)])
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    key = load_key(path / "key")
    if key is None and known:
        # A new key under the old name would be a witness that nobody knows, unsaid.
        raise _damaged(path, "its key is gone")
    if key is None:
        key, _ = load_or_make_key(path / "key")
    witness = Witness(known or name or "", key)
    if known is None:
        _write(path / "name", f"{witness.name}\n")
    return Folder(path, witness)


def _read(path: Path) -> str | None:
    try:
        return read_outside_text(path, LARGEST_BYTES)
    except FileNotFoundError:
        return None
    except UnicodeDecodeError:
        raise _damaged(path, "it is no text") from None
    except OSError as error:
        raise _damaged(path, f"it cannot be read: {error.strerror}") from None


def _write(path: Path, text: str) -> None:
    """Write a file whole, and on the disk, before it has its name."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}.draft")
    with draft.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    # The name too: a checkpoint that was co-signed and is forgotten could be rolled back.
    descriptor = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _damaged(path: Path, value: str) -> Refused:
    limit = "the folder of a witness is as the witness wrote it"
    remedy = "restore it from a backup; a witness that forgot what it saw sees no fork"
    return Refused([Finding(DAMAGED, str(path), value, limit, remedy)])
