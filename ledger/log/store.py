"""The log in PostgreSQL: its leaves, tiles, keys and checkpoints. The caller opens the transaction.

Tiles are stored when a checkpoint is made, so those of any checkpoint are there; the right edge of
the tree, short of a full tile, is read from the leaves and from the roots of the level below.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, Select, cast, func, insert, select, tuple_
from sqlalchemy.orm import Session

from database.paged import PagedRows
from ledger.log.leaf import Leaf
from ledger.log.proofs import Node, Range, nodes_of
from ledger.log.rows import CheckpointRow, KeyRow
from ledger.log.tables import LogCheckpoint, LogKey, LogLeaf, LogTile
from ledger.log.tiles import (
    TILE_WIDTH,
    TileKey,
    entries_of,
    full_tiles,
    node_hash_of,
    place_of,
)
from ledger.trail.link import HEADS
from ledger.tree import merkle_root

TILES_AT_ONCE = 64
LEAVES_AT_ONCE = 10_000


@dataclass(frozen=True)
class PlacedLeaf:
    """A leaf and where it stands."""

    index: int
    leaf: Leaf
    leaf_hash: bytes


class PlacedKey(NamedTuple):
    """A key, and the index of the leaf that makes it known to the log."""

    row: KeyRow
    digest: bytes
    leaf_index: int | None


def log_size(session: Session) -> int:
    """Return how many leaves the log has."""
    last = session.execute(select(func.max(LogLeaf.index))).scalar_one()
    return 0 if last is None else last + 1


def find_leaf(session: Session, source: str, key: str) -> PlacedLeaf | None:
    """Return the leaf of a fact."""
    statement = _leaves().where(LogLeaf.source == source, LogLeaf.key == key)
    return next(map(_placed, session.execute(statement)), None)


def leaf_hashes(session: Session, size: int) -> Iterator[bytes]:
    """Yield the hashes of the first `size` leaves, as they are stored."""
    hashes = select(LogLeaf.leaf_hash).where(LogLeaf.index < size).order_by(LogLeaf.index)
    yield from session.execute(hashes, execution_options={"yield_per": LEAVES_AT_ONCE}).scalars()


def first_leaves(session: Session, size: int) -> list[Leaf]:
    """Return the first so many leaves, by index."""
    columns = (LogLeaf.source, LogLeaf.key, LogLeaf.digest)
    statement = select(*columns).where(LogLeaf.index < size).order_by(LogLeaf.index)
    return [Leaf(*row) for row in session.execute(statement)]


def head_of_trail(session: Session, size: int) -> int:
    """Return the number of the last head of the trail among the first `size` leaves, or 0."""
    number = func.max(cast(LogLeaf.key, BigInteger))
    heads = select(number).where(LogLeaf.source == HEADS, LogLeaf.index < size)
    return session.scalar(heads) or 0


def leaves_with_digest(session: Session, prefix: bytes, limit: int) -> list[PlacedLeaf]:
    """Return leaves whose fact's digest begins with `prefix`, by index, at most `limit`."""
    last = prefix + b"\xff" * (32 - len(prefix))
    found = _leaves().where(LogLeaf.digest.between(prefix, last))
    rows = session.execute(found.order_by(LogLeaf.index).limit(limit))
    return list(map(_placed, rows))


def key_rows(session: Session) -> list[PlacedKey]:
    """Return every key with its stored digest, in the order of their numbers."""
    columns = [LogKey.__table__.columns[name] for name in (*KeyRow._fields, "digest")]
    own = select(func.min(LogLeaf.index)).where(
        LogLeaf.source == "ledger.log_key", LogLeaf.digest == LogKey.digest
    )
    statement = select(*columns, own.scalar_subquery()).order_by(LogKey.number)
    return [PlacedKey(KeyRow(*row[:-2]), *row[-2:]) for row in session.execute(statement)]


def insert_key(session: Session, row: KeyRow) -> None:
    """Append a key."""
    session.execute(insert(LogKey), [{**row._asdict(), "digest": row.digest}])


def checkpoints(session: Session) -> PagedRows[CheckpointRow]:
    """Return every checkpoint, latest first."""
    latest_first = _checkpoints().order_by(LogCheckpoint.size.desc())
    return PagedRows(session, latest_first, lambda rows: [CheckpointRow(*row[:-1]) for row in rows])


def stored_checkpoints(session: Session) -> Iterator[tuple[CheckpointRow, bytes]]:
    """Yield every checkpoint and its stored digest, by size."""
    for row in session.execute(_checkpoints().order_by(LogCheckpoint.size)).all():
        yield CheckpointRow(*row[:-1]), row[-1]


def last_checkpoint(session: Session) -> CheckpointRow | None:
    """Return the latest checkpoint."""
    row = session.execute(_checkpoints().order_by(LogCheckpoint.size.desc()).limit(1)).first()
    return CheckpointRow(*row[:-1]) if row else None


def find_checkpoint(session: Session, size: int) -> CheckpointRow | None:
    """Return the checkpoint of a size."""
    row = session.execute(_checkpoints().where(LogCheckpoint.size == size)).first()
    return CheckpointRow(*row[:-1]) if row else None


def insert_checkpoint(session: Session, row: CheckpointRow) -> None:
    """Append a checkpoint."""
    session.execute(insert(LogCheckpoint), [{**row._asdict(), "digest": row.digest}])


def append_tiles(session: Session, size: int) -> None:
    """Store every tile that is full in a log of `size` leaves and is not stored yet."""
    for level, count in full_tiles(size):
        stored = select(func.count()).select_from(LogTile).where(LogTile.level == level)
        done = session.execute(stored).scalar_one()
        for first in range(done, count, TILES_AT_ONCE):
            last = min(first + TILES_AT_ONCE, count)
            hashes = _entries(session, level, first, last)
            tiles = [hashes[at : at + TILE_WIDTH] for at in range(0, len(hashes), TILE_WIDTH)]
            rows = [
                {
                    "level": level,
                    "index": index,
                    "hashes": b"".join(tile),
                    "root": merkle_root(tile),
                }
                for index, tile in enumerate(tiles, start=first)
            ]
            session.execute(insert(LogTile), rows)


def node_hashes(session: Session, ranges: Sequence[Range]) -> Callable[[Node], bytes]:
    """Return what gives the hash of each subtree that a proof needs, read from few rows."""
    wanted = {place_of(node)[0] for node in nodes_of(ranges)}
    key = tuple_(LogTile.level, LogTile.index)
    stored = select(LogTile.level, LogTile.index, LogTile.hashes).where(
        key.in_([(tile.level, tile.index) for tile in wanted])
    )
    tiles = {
        TileKey(level, index): entries_of(hashes)
        for level, index, hashes in session.execute(stored)
    }
    # Only full tiles are stored, as they never change; others are made of what is below.
    for tile in wanted - tiles.keys():
        tiles[tile] = _entries(session, tile.level, tile.index, tile.index + 1)

    def hash_of(node: Node) -> bytes:
        tile, place = place_of(node)
        return node_hash_of(tiles[tile], place)

    return hash_of


def _entries(session: Session, level: int, first: int, last: int) -> list[bytes]:
    """Return what stands in tiles `first` to before `last` of a level, full or not."""
    if level == 0:
        place, hashed, below = LogLeaf.index, LogLeaf.leaf_hash, select(LogLeaf.leaf_hash)
    else:
        place, hashed, below = LogTile.index, LogTile.root, select(LogTile.root)
        below = below.where(LogTile.level == level - 1)
    within = below.where(place >= first * TILE_WIDTH, place < last * TILE_WIDTH).order_by(place)
    return list(session.execute(within.with_only_columns(hashed)).scalars())


def _leaves() -> Select[int, str, str, bytes, bytes]:
    return select(LogLeaf.index, LogLeaf.source, LogLeaf.key, LogLeaf.digest, LogLeaf.leaf_hash)


def _placed(row: Sequence[Any]) -> PlacedLeaf:
    index, source, key, digest, leaf_hash = row
    return PlacedLeaf(index, Leaf(source, key, digest), leaf_hash)


def _checkpoints() -> Select[Any]:
    columns = LogCheckpoint.__table__.columns
    return select(*(columns[name] for name in (*CheckpointRow._fields, "digest")))
