"""The root of a tree while leaves are appended, in memory that grows with its height alone."""

from ledger.log.proofs import join_hashes
from ledger.tree import node_hash


class AppendOnlyTree:
    """A tree that keeps the roots of its complete subtrees, from left to right."""

    def __init__(self) -> None:
        self.size = 0
        self._roots: list[bytes] = []

    def append(self, leaf: bytes) -> None:
        """Append a leaf hash."""
        self._roots.append(leaf)
        self.size += 1
        merges = (self.size & -self.size).bit_length() - 1
        for _ in range(merges):
            right, left = self._roots.pop(), self._roots.pop()
            self._roots.append(node_hash(left, right))

    def root(self) -> bytes:
        """Return the root over the leaves so far."""
        return join_hashes(self._roots)
