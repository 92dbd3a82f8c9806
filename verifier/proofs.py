"""Proofs that facts are in the log, where not all of its leaves are told."""

from collections.abc import Mapping, Sequence

from verifier.archive import Files
from verifier.encoding import encode_row, parse_layout
from verifier.log_notes import Checkpoint
from verifier.merkle_tree import leaf_hash, node_hash
from verifier.report import Report
from verifier.rows import read_json_lines
from verifier.values import parse_hex, to_integer, to_text

PROOFS = "log/proofs.jsonl"
PROOF = parse_layout("source:T key:T digest:B index:I hashes:LB")


def inclusion_root(index: int, size: int, hashed: bytes, proof: Sequence[bytes]) -> bytes | None:
    """Return the root to which a leaf hash and its proof lead (RFC 9162 section 2.1.3.2)."""
    place, last = index, size - 1
    if not 0 <= place <= last:
        return None
    for sibling in proof:
        if last == 0:
            return None
        if place & 1 or place == last:
            hashed = node_hash(sibling, hashed)
            # Past the levels at which the right edge of a tree has no sibling.
            while place and not place & 1:
                place, last = place >> 1, last >> 1
        else:
            hashed = node_hash(hashed, sibling)
        place, last = place >> 1, last >> 1
    return hashed if last == 0 else None


def check_proofs(
    files: Files, checkpoint: Checkpoint, facts: Mapping[tuple[str, str], str], report: Report
) -> None:
    """Hold every fact to its proof, and every proof to a fact and the root of the checkpoint.

    Args:
        facts: the digest of each fact, by table and key there.
    """
    proven: set[tuple[str, str]] = set()
    for line, row in read_json_lines(files, PROOFS, PROOF, ("source", "key"), report):
        with report.reading(PROOFS, line):
            place = f"{line}, {row['source']} {row['key']}"
            fact = (to_text(row["source"]), to_text(row["key"]))
            proven.add(fact)
            report.equal(PROOFS, place, "digest", facts.get(fact, "of a row here"), row["digest"])
            fields = [("T", fact[0]), ("T", fact[1]), ("B", row["digest"])]
            hashed = leaf_hash(encode_row("tallystick.leaf.1", fields))
            proof = [parse_hex(digest) for digest in row["hashes"]]
            led = inclusion_root(to_integer(row["index"]), checkpoint.size, hashed, proof)
            report.equal(PROOFS, place, "to lead to the checkpoint's root", checkpoint.root, led)
            report.count("facts proven to be in the log")
    for source, key in sorted(facts.keys() - proven):
        report.add(PROOFS, f"{source} {key}", "a proof that the log holds it", None)
