"""Merkle trees of which most leaves are others': what is told is a leaf, what is not is a root.

A row counts the leaves that it stands for: one that is told with its values, or a whole subtree
with its root. So the root above all follows, and of what others have, no single value is shown
where a larger subtree hides it.
"""

from collections.abc import Sequence

from verifier.merkle_tree import join_subtrees, node_hash


class PartialTree:
    """A tree that is built from the left, of leaves and of the roots of whole subtrees."""

    def __init__(self) -> None:
        self.stack: list[tuple[int, bytes]] = []
        self.size = 0

    def push(self, count: int, digest: bytes) -> None:
        """Add the root of so many leaves, a power of two at a place that is a multiple of it.

        Raises:
            ValueError: no whole subtree of that size stands there.
        """
        if count < 1 or count & (count - 1) or self.size % count:
            raise ValueError(f"{count} leaves from leaf {self.size} on are no whole subtree")
        self.size += count
        while self.stack and self.stack[-1][0] == count:
            digest = node_hash(self.stack.pop()[1], digest)
            count *= 2
        self.stack.append((count, digest))

    @property
    def root(self) -> bytes:
        """The root above all that was added."""
        return join_subtrees(self.stack)


def root_of_rows(rows: Sequence[tuple[int, bytes]], first: Sequence[bytes] = ()) -> bytes:
    """Return the root above leaves that are all known, and then rows of (leaves, digest)."""
    tree = PartialTree()
    for digest in first:
        tree.push(1, digest)
    for count, digest in rows:
        tree.push(count, digest)
    return tree.root
