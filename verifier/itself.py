"""Which verifier this is: evidence says which it was written for."""

from pathlib import Path

from verifier.merkle_tree import sha256

RECORDED = "verify.sha256"
"""Where a checkout keeps the digest of its modules as one file; a test holds it to them."""

EARLIER_VERIFIERS: tuple[str, ...] = ()
"""Digests of verifiers before this one, whose evidence this one checks as they did."""


def own_digest() -> str:
    """Return the SHA-256 of verify.py: of the file that runs, or of what the modules become."""
    if __package__:
        return Path(__file__).with_name(RECORDED).read_text().strip()
    return sha256(Path(__file__).read_bytes()).hex()
