"""The transparency log: every fact is proven to be in it, and it only grew."""

from collections.abc import Mapping, Sequence

from verifier.archive import Files, read_text
from verifier.encoding import encode_row, parse_layout
from verifier.log_notes import (
    Checkpoint,
    Key,
    Trusted,
    check_signature,
    parse_checkpoint,
    parse_key,
    write_key,
    write_note,
)
from verifier.merkle_tree import consistency_roots, inclusion_root, leaf_hash
from verifier.report import Report
from verifier.rows import check_text, read_json_lines
from verifier.values import parse_hex, to_integer, to_text

KEYS = "log/keys.txt"
CHECKPOINT = "log/checkpoint.txt"
PROOFS = "log/proofs.jsonl"
EARLIER = "log/earlier-checkpoints.jsonl"

PROOF = parse_layout("source:T key:T digest:B index:I hashes:LB")
EARLIER_CHECKPOINT = parse_layout("note:T hashes:LB")

Fact = tuple[str, str, str]
"""Table, key there, and digest in hexadecimal."""


def check_log(files: Files, facts: Sequence[Fact], trusted: Trusted, report: Report) -> None:
    """Prove every fact to be in the log that the checkpoint signs."""
    checkpoint: Checkpoint | None = None
    stated: list[Key] = []
    with report.reading(KEYS):
        text = read_text(files, KEYS, report)
        stated = [parse_key(line) for line in text.splitlines()]
        check_text(KEYS, "".join(f"{write_key(key)}\n" for key in stated), text, report)
        for key in trusted.keys:
            if key not in stated:
                report.add(KEYS, "", f"the key {key.name} that was given", "others")
    with report.reading(CHECKPOINT):
        text = read_text(files, CHECKPOINT, report)
        checkpoint = parse_checkpoint(text)
        check_text(CHECKPOINT, write_note(checkpoint), text, report)
        check_signature(CHECKPOINT, checkpoint, trusted.keys or stated, report)
    if checkpoint is None:
        return
    check_proofs(files, checkpoint, facts, report)
    known = check_earlier(files, checkpoint, [*trusted.keys, *stated], report)
    if trusted.checkpoint is not None:
        check_known(trusted.checkpoint, known, report)
    report.notes.append(
        f"Checkpoint of {checkpoint.origin}: {checkpoint.size} leaves, root {checkpoint.root.hex()}"
    )
    if not trusted.keys:
        report.notes.append(
            "Its key is the one in the file: hold it to the one that the operator publishes "
            f"elsewhere, by --key\n  {read_text(files, KEYS, report).strip()}"
        )


def check_proofs(
    files: Files, checkpoint: Checkpoint, facts: Sequence[Fact], report: Report
) -> None:
    """Hold every fact to its proof, and every proof to the root of the checkpoint."""
    wanted = {(source, key): digest for source, key, digest in facts}
    proven: set[tuple[str, str]] = set()
    for line, row in read_json_lines(files, PROOFS, PROOF, report):
        with report.reading(PROOFS, line):
            place = f"{line}, {row['source']} {row['key']}"
            fact = (to_text(row["source"]), to_text(row["key"]))
            if fact in proven:
                report.add(PROOFS, place, "one proof of a fact", "another")
            proven.add(fact)
            expected = wanted.get(fact, "of a row in this evidence")
            report.equal(PROOFS, place, "digest", expected, row["digest"])
            fields = [("T", fact[0]), ("T", fact[1]), ("B", row["digest"])]
            hashed = leaf_hash(encode_row("tallystick.leaf.1", fields))
            proof = [parse_hex(digest) for digest in row["hashes"]]
            led = inclusion_root(to_integer(row["index"]), checkpoint.size, hashed, proof)
            report.equal(PROOFS, place, "to lead to the checkpoint's root", checkpoint.root, led)
            report.count("facts proven to be in the log")
    for source, key in sorted(wanted.keys() - proven):
        report.add(PROOFS, f"{source} {key}", "a proof that the log holds it", None)


def check_earlier(
    files: Files, checkpoint: Checkpoint, keys: Sequence[Key], report: Report
) -> dict[int, bytes]:
    """Prove each earlier checkpoint's log to be the beginning of this one; return all roots."""
    known = {checkpoint.size: checkpoint.root}
    for line, row in read_json_lines(files, EARLIER, EARLIER_CHECKPOINT, report):
        with report.reading(EARLIER, line):
            earlier = parse_checkpoint(to_text(row["note"]))
            place = f"{line}, checkpoint of {earlier.size} leaves"
            report.equal(EARLIER, place, "note, as it is written,", write_note(earlier),
                         row["note"])  # fmt: skip
            report.equal(EARLIER, place, "origin", checkpoint.origin, earlier.origin)
            check_signature(EARLIER, earlier, keys, report)
            proof = [parse_hex(digest) for digest in row["hashes"]]
            led = consistency_roots(earlier.size, checkpoint.size, earlier.root, proof)
            if led != (earlier.root, checkpoint.root):
                report.add(EARLIER, place, "a proof that leads to both roots", "one that does not")
            known[earlier.size] = earlier.root
            report.count("earlier checkpoints that this one extends")
    return known


def check_known(given: Checkpoint, known: Mapping[int, bytes], report: Report) -> None:
    """Hold the evidence to a checkpoint that the reader had before."""
    expected = known.get(given.size)
    if expected is None:
        sizes = f"one of the {len(known)} checkpoints in the evidence"
        report.add(EARLIER, "--checkpoint", sizes, f"one of {given.size} leaves")
    else:
        what = f"root of {given.size} leaves"
        report.equal(EARLIER, "--checkpoint", what, given.root, expected)
