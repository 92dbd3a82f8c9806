"""The transparency log: its keys and checkpoints, over the list of all its leaves."""

from collections.abc import Sequence

from verifier.archive import Files, read_text
from verifier.encoding import encode_row, parse_layout, select_fields
from verifier.leaves import LEAVES, Leaves, Told, check_told, note_untold
from verifier.ledger import DIGEST
from verifier.log_notes import (
    Checkpoint,
    Key,
    Trusted,
    check_signature,
    make_key,
    parse_checkpoint,
    write_key,
    write_note,
)
from verifier.merkle_tree import leaf_hash, roots_at
from verifier.report import Report
from verifier.rows import check_text, read_json_lines
from verifier.values import Row, parse_hex, to_text

KEYS = "log/keys.jsonl"
CHECKPOINT = "log/checkpoint.txt"
EARLIER = "log/earlier-checkpoints.jsonl"

KEY = parse_layout("number:I name:T public_key:B valid_from:M cause:T")
EARLIER_CHECKPOINT = parse_layout("size:I root:B signed_at:M note:T")


def check_log(
    files: Files, leaves: Leaves, told: Sequence[Told], trusted: Trusted, report: Report
) -> list[Row]:
    """Hold every fact to the log that the checkpoint signs, and that to what was signed before.

    Returns the rows of the checkpoints before this one.
    """
    stated, key_digests = read_keys(files, trusted, report)
    checkpoint = read_checkpoint(files, trusted, stated, report)
    if checkpoint is None:
        return []
    earlier = read_earlier(files, checkpoint, [*trusted.keys, *stated], report)
    check_roots(leaves, checkpoint, earlier, trusted.checkpoint, report)
    of_log = [
        Told("ledger.log_key", KEYS, key_digests),
        Told("ledger.checkpoint", EARLIER, {str(row["size"]): row["digest"] for row in earlier}),
    ]
    for told_of_table in (*told, *of_log):
        check_told(leaves, told_of_table, report)
    note_untold(leaves, {each.source: len(each.digests) for each in (*told, *of_log)}, report)
    note_checkpoint(checkpoint, trusted, stated, report)
    return earlier


def read_checkpoint(
    files: Files, trusted: Trusted, stated: Sequence[Key], report: Report
) -> Checkpoint | None:
    """Return the checkpoint, held to the signature of a key that the reader or the file has."""
    with report.reading(CHECKPOINT):
        text = read_text(files, CHECKPOINT, report)
        checkpoint = parse_checkpoint(text)
        check_text(CHECKPOINT, write_note(checkpoint), text, report)
        check_signature(CHECKPOINT, checkpoint, trusted.keys or stated, report)
        return checkpoint
    return None


def note_checkpoint(
    checkpoint: Checkpoint, trusted: Trusted, stated: Sequence[Key], report: Report
) -> None:
    """Say what everything rests on, and what of it only the reader can check."""
    report.notes.append(
        f"Checkpoint of {checkpoint.origin}: {checkpoint.size} leaves, root {checkpoint.root.hex()}"
    )
    if not trusted.keys:
        keys = "".join(f"\n  {write_key(key)}" for key in stated)
        report.notes.append(
            "Its key is the one in the file: hold it to the one that the operator publishes "
            f"elsewhere, by --key{keys}"
        )


def read_keys(files: Files, trusted: Trusted, report: Report) -> tuple[list[Key], dict[str, str]]:
    """Return the keys that the file states, and the digests of their rows by number."""
    stated: list[Key] = []
    digests: dict[str, str] = {}
    for place, row in read_json_lines(files, KEYS, {**KEY, **DIGEST}, ("number",), report):
        with report.reading(KEYS, place):
            check_digest(KEYS, place, "tallystick.log-key.1", row, report)
            stated.append(make_key(to_text(row["name"]), parse_hex(row["public_key"])))
            digests[str(row["number"])] = row["digest"]
    for key in trusted.keys:
        if key not in stated:
            report.add(KEYS, "", f"the key {key.name} that was given", "others")
    return stated, digests


def read_earlier(
    files: Files, checkpoint: Checkpoint, keys: Sequence[Key], report: Report
) -> list[Row]:
    """Return the rows of the checkpoints before this one, each signed and of one log with it."""
    found: list[Row] = []
    for line, row in read_json_lines(
        files, EARLIER, {**EARLIER_CHECKPOINT, **DIGEST}, ("size",), report
    ):
        with report.reading(EARLIER, line):
            place = f"{line}, checkpoint of {row['size']} leaves"
            check_digest(EARLIER, line, "tallystick.checkpoint.1", row, report)
            earlier = parse_checkpoint(to_text(row["note"]))
            report.equal(EARLIER, place, "note, as it is written,", write_note(earlier),
                         row["note"])  # fmt: skip
            report.equal(EARLIER, place, "size and root of its note", (row["size"], row["root"]),
                         (earlier.size, earlier.root.hex()))  # fmt: skip
            report.equal(EARLIER, place, "origin", checkpoint.origin, earlier.origin)
            check_signature(EARLIER, earlier, keys, report)
            found.append(row)
    return found


def check_digest(file: str, place: str, tag: str, row: Row, report: Report) -> None:
    """Hash a row of the log again."""
    layout = KEY if "public_key" in row else EARLIER_CHECKPOINT
    found = leaf_hash(encode_row(tag, select_fields(layout, row))).hex()
    report.equal(file, place, "the row to have digest", row["digest"], found)


def check_roots(
    leaves: Leaves,
    checkpoint: Checkpoint,
    earlier: Sequence[Row],
    given: Checkpoint | None,
    report: Report,
) -> None:
    """Recompute the root of this checkpoint, of each before it, and of one that the reader kept."""
    sizes = {checkpoint.size, *(row["size"] for row in earlier), given.size if given else 0}
    roots = roots_at(leaves.hashes, sizes)
    report.equal(LEAVES, "", "leaves, as the checkpoint counts them,", checkpoint.size,
                 len(leaves.hashes))  # fmt: skip
    report.equal(LEAVES, "", "the root of the checkpoint", checkpoint.root,
                 roots.get(checkpoint.size))  # fmt: skip
    for row in earlier:
        place = f"checkpoint of {row['size']} leaves"
        what = "its root over the leaves that are the first of this log too,"
        found = roots.get(row["size"])
        report.equal(EARLIER, place, what, row["root"], None if found is None else found.hex())
        report.count("earlier checkpoints that this one extends")
    if given is not None:
        report.equal(CHECKPOINT, "--checkpoint", "origin", given.origin, checkpoint.origin)
        what = f"the root of the first {given.size} leaves"
        report.equal(LEAVES, "--checkpoint", what, given.root, roots.get(given.size))
