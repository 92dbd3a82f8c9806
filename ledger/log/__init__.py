"""The transparency log: every published fact is a leaf of one Merkle tree that only grows."""
