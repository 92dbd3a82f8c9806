"""Merkle trees of which most leaves are others': what is told is a leaf, what is not is a root.

A row stands at a depth, the number of nodes above it, from left to right: so the shape of the
tree is given, and the root above all holds every depth. How many leaves a root is over it does
not commit to, and no row says so. Of what others have, no single value is shown where a larger
subtree hides it.
"""

from collections.abc import Iterable

from verifier.merkle_tree import EMPTY_ROOT, node_hash


def root_of_rows(rows: Iterable[tuple[int, bytes]]) -> bytes:
    """Return the root above rows of (depth, digest), each a leaf or the root of a subtree.

    Raises:
        ValueError: rows of these depths, in this order, are no whole tree.
    """
    stack: list[tuple[int, bytes]] = []
    for number, (depth, digest) in enumerate(rows, start=1):
        if depth < 0 or (stack and depth < stack[-1][0]):
            raise ValueError(f"row {number} at depth {depth} stands in no tree with those before")
        stack.append((depth, digest))
        while len(stack) > 1 and stack[-2][0] == stack[-1][0]:
            (_, left), (below, right) = stack[-2:]
            stack[-2:] = [(below - 1, node_hash(left, right))]
    if not stack:
        return EMPTY_ROOT
    (top, root), *others = stack
    if top or others:
        raise ValueError("rows at these depths leave a tree that is not whole")
    return root
