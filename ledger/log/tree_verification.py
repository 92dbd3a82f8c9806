"""Verification of what was published of the log: tiles, roots, keys, signatures, checkpoints.

The tree is grown again from the leaves, each hashed again, from the first to the last. The root of
every checkpoint is that of the same growing tree, so each is the beginning of all after it.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import select
from sqlalchemy.orm import Session

from common.damage import damage
from ledger.log import store
from ledger.log.append_only_tree import AppendOnlyTree
from ledger.log.kept import KeptCheckpoint
from ledger.log.kept_verification import CHECKPOINT, SIGNATURE, root_value, verify_kept
from ledger.log.leaf import Leaf
from ledger.log.note import Checkpoint, MalformedNote, VerifierKey, parse_note
from ledger.log.rows import ROTATION, CheckpointRow
from ledger.log.store import PlacedKey
from ledger.log.tables import LogLeaf, LogTile
from ledger.log.tiles import TILE_WIDTH, entries_of, full_tiles
from ledger.store import lock_shared
from ledger.tree import merkle_root
from ledger.verification import (
    DIGEST,
    FOREIGN,
    MISSING,
    ROWS_AT_A_TIME,
    Findings,
    changed,
)

CHECKPOINTS, KEYS, TILES = "ledger.checkpoint", "ledger.log_key", "ledger.log_tile"


@dataclass
class Regrown:
    """The tree, grown again from the leaves.

    Attributes:
        size: how many leaves there are.
        roots: the root at each size that was asked for and reached.
        tile_roots: the root of every 256 leaves, from the left.
    """

    size: int = 0
    roots: dict[int, bytes] = field(default_factory=dict)
    tile_roots: list[bytes] = field(default_factory=list)


def verify_published(session: Session, kept: KeptCheckpoint | None = None) -> Findings:
    """Hold tiles, keys and checkpoints to the leaves; and the log to a note kept elsewhere.

    Args:
        session: the caller's session.
        kept: a checkpoint that someone kept; the log must still begin with what it covers, and
            where its leaf hashes were kept too, what does not is named.
    """
    lock_shared(session)
    rows = list(store.stored_checkpoints(session))
    asked = {row.size for row, _ in rows} | ({kept.note.checkpoint.size} if kept else set())
    regrown = _regrow(session, asked)
    covered = max((row.size for row, _ in rows), default=0)
    # No tile is expected of leaves that are gone: the checkpoint reports such a cut.
    yield from _verify_tiles(session, regrown, min(covered, regrown.size))
    keys = store.key_rows(session)
    yield from _verify_keys(keys)
    yield from _verify_checkpoints(rows, keys, regrown)
    if kept is not None:
        stated = kept.note.checkpoint
        named = [placed.row.key for placed in keys if placed.row.name == stated.origin]
        root = regrown.roots.get(stated.size)
        yield from verify_kept(session, kept, named, root, regrown.size)


def _regrow(session: Session, asked: Collection[int]) -> Regrown:
    columns = (LogLeaf.source, LogLeaf.key, LogLeaf.digest)
    statement = select(*columns).order_by(LogLeaf.index)
    tree, regrown, tile = AppendOnlyTree(), Regrown(), list[bytes]()
    for row in session.execute(statement, execution_options={"yield_per": ROWS_AT_A_TIME}):
        hashed = Leaf(*row).hash
        tree.append(hashed)
        tile.append(hashed)
        if len(tile) == TILE_WIDTH:
            regrown.tile_roots.append(merkle_root(tile))
            tile = []
        if tree.size in asked:
            regrown.roots[tree.size] = tree.root()
    regrown.size = tree.size
    return regrown


def _verify_tiles(session: Session, regrown: Regrown, covered: int) -> Findings:
    """Hold every stored tile to the leaves below it; those full at the last checkpoint are there.

    The root of a tile binds what it holds, so its hashes need no comparison of their own.
    """
    expected = dict(_tile_roots(regrown.tile_roots, covered))
    statement = select(LogTile.level, LogTile.index, LogTile.hashes, LogTile.root)
    ordered = statement.order_by(LogTile.level, LogTile.index)
    seen = set()
    for level, index, hashes, root in session.execute(
        ordered, execution_options={"yield_per": TILE_WIDTH}
    ):
        key = f"{level}/{index}"
        if (level, index) in seen:
            yield damage(FOREIGN, f"{TILES} {key}", "the row stands twice")
        seen.add((level, index))
        if (level, index) not in expected:
            value = "no checkpoint covers all that is below it"
            yield damage(FOREIGN, f"{TILES} {key}", value)
        elif {root, merkle_root(entries_of(hashes))} != {expected[level, index]}:
            yield damage(DIGEST, f"{TILES} {key}", "it is not made of the leaves below it")
    for level, index in expected.keys() - seen:
        yield damage(MISSING, f"{TILES} {level}/{index}", "a checkpoint covers all below it")


def _tile_roots(roots: Sequence[bytes], size: int) -> Iterator[tuple[tuple[int, int], bytes]]:
    """Yield (level, index) and root of every tile that is full in a tree of `size` leaves."""
    for level, count in full_tiles(size):
        yield from (((level, index), root) for index, root in enumerate(roots[:count]))
        roots = [
            merkle_root(roots[at : at + TILE_WIDTH])
            for at in range(0, count - count % TILE_WIDTH, TILE_WIDTH)
        ]


def _verify_keys(keys: Sequence[PlacedKey]) -> Findings:
    last = 0
    for placed in keys:
        number = placed.row.number
        if number > last + 1:
            yield damage(MISSING, f"{KEYS} {last + 1}", "the numbers have a gap here")
        elif number <= last:
            yield damage(FOREIGN, f"{KEYS} {number}", "the row stands twice")
        last = number
        if placed.row.digest != placed.digest:
            yield changed(KEYS, str(number))


def _verify_checkpoints(
    rows: Sequence[tuple[CheckpointRow, bytes]], keys: Sequence[PlacedKey], regrown: Regrown
) -> Findings:
    last = 0
    wanted = _signers_wanted([row.size for row, _ in rows], keys)
    for row, digest in rows:
        key = str(row.size)
        if row.size == last:
            yield damage(FOREIGN, f"{CHECKPOINTS} {key}", "the row stands twice")
        last = row.size
        if row.digest != digest:
            yield changed(CHECKPOINTS, key)
        if regrown.roots.get(row.size) != row.root:
            yield damage(CHECKPOINT, f"{CHECKPOINTS} {key}", root_value(row.size, regrown.size))
        yield from _verify_note(row, wanted[row.size])


def _verify_note(row: CheckpointRow, wanted: Sequence[VerifierKey]) -> Findings:
    key = str(row.size)
    try:
        note = parse_note(row.note)
    except MalformedNote as error:
        yield damage(CHECKPOINT, f"{CHECKPOINTS} {key}", f"its note: {error}")
        return
    stated = Checkpoint(note.checkpoint.origin, row.size, row.root)
    if note.checkpoint != stated or {signer.name for signer in wanted} != {stated.origin}:
        value = "its note states another log, size or root"
        yield damage(CHECKPOINT, f"{CHECKPOINTS} {key}", value)
    signed = note.signed_by(wanted)
    for missing in wanted:
        if missing not in signed:
            value = f"no valid signature by {missing}"
            yield damage(SIGNATURE, f"{CHECKPOINTS} {key}", value)


def _signers_wanted(
    sizes: Sequence[int], keys: Sequence[PlacedKey]
) -> Mapping[int, list[VerifierKey]]:
    """Return the keys that must have signed the checkpoint of each size.

    The key in force is the last one whose leaf the checkpoint covers; the first checkpoint of a key
    that came by rotation is signed by the key before it as well.
    """
    wanted: dict[int, list[VerifierKey]] = {}
    rotated = 0
    for size in sorted(sizes):
        in_force = [at for at, placed in enumerate(keys) if _is_before(placed, size)]
        at = in_force[-1] if in_force else -1
        signers = [keys[at].row.key] if in_force else []
        if in_force and at > rotated and keys[at].row.cause == ROTATION:
            signers.insert(0, keys[at - 1].row.key)
        wanted[size] = signers
        rotated = max(rotated, at)
    return wanted


def _is_before(placed: PlacedKey, size: int) -> bool:
    return placed.leaf_index is not None and placed.leaf_index < size
