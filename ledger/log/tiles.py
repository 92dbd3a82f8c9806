"""Tiles: 256 hashes side by side at every eighth level of the tree, stored once they are full.

The idea is that of C2SP tlog-tiles. The entries of a tile at tile level t are the roots of complete
subtrees of 256^t leaves, so a tile of level 0 holds leaf hashes, and the root of a full tile is an
entry of the level above. Any complete subtree lies within one tile, so a proof reads a tile or two
a level however large the log is:

    level of the node      0 .. 7        8 .. 15       16 .. 23
    tile level                0             1              2
    leaves below an entry     1           256         65,536
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ledger.log.proofs import Node
from ledger.tree import DIGEST_BYTES, merkle_root

TILE_HEIGHT = 8
TILE_WIDTH = 1 << TILE_HEIGHT


@dataclass(frozen=True, slots=True)
class TileKey:
    """Which tile: its level, and its index among those of the level, from the left."""

    level: int
    index: int


def place_of(node: Node) -> tuple[TileKey, slice]:
    """Return the tile in which a complete subtree lies, and its entries there.

    >>> place_of(Node(9, 200))
    (TileKey(level=1, index=1), slice(144, 146, None))
    """
    level, height = divmod(node.level, TILE_HEIGHT)
    index, start = divmod(node.index << height, TILE_WIDTH)
    return TileKey(level, index), slice(start, start + (1 << height))


def node_hash_of(entries: Sequence[bytes], place: slice) -> bytes:
    """Return the hash of the subtree at `place` of a tile's entries.

    Raises:
        ValueError: the tile has not grown so far.
    """
    found = entries[place]
    if len(found) != place.stop - place.start:
        raise ValueError(f"a tile of {len(entries)} entries has none at {place.stop - 1}")
    return merkle_root(found)


def full_tiles(size: int) -> Iterator[tuple[int, int]]:
    """Yield (level, count) of the tiles that are full in a tree of `size` leaves.

    >>> list(full_tiles(70_000))
    [(0, 273), (1, 1)]
    """
    level, count = 0, size // TILE_WIDTH
    while count:
        yield level, count
        level, count = level + 1, count // TILE_WIDTH


def entries_of(hashes: bytes) -> list[bytes]:
    """Return the hashes that a stored tile holds side by side."""
    return [hashes[at : at + DIGEST_BYTES] for at in range(0, len(hashes), DIGEST_BYTES)]
