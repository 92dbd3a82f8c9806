"""All leaves of the log, so that what an evidence file leaves out is missed.

The list is that of the whole log up to the checkpoint, of every table and market. Its root is
recomputed, so it holds no leaf too few; and of the tables that the file tells in full, each leaf
must be a row of the file, and each row a leaf.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from verifier.archive import Files
from verifier.encoding import encode_row, parse_layout
from verifier.merkle_tree import leaf_hash
from verifier.report import Report
from verifier.rows import read_csv_rows

LEAVES = "log/leaves.csv"
LEAF = parse_layout("source:T key:T digest:B")


@dataclass
class Leaves:
    """The leaves of the log: digest and place of each fact by table and key, hashes in order."""

    digests: dict[str, dict[str, str]] = field(default_factory=dict)
    places: dict[tuple[str, str], int] = field(default_factory=dict)
    hashes: list[bytes] = field(default_factory=list)


class Told(NamedTuple):
    """What an evidence file tells of a table of facts.

    Attributes:
        source: the table.
        file: where its rows stand.
        digests: the digest of each row, by its key.
        is_told: whether the fact of a key must stand in the file.
    """

    source: str
    file: str
    digests: Mapping[str, str]
    is_told: Callable[[str], bool] = lambda key: True


def read_leaves(files: Files, report: Report) -> Leaves:
    """Read and hash every leaf; no fact may stand there twice."""
    leaves = Leaves()
    for place, row in read_csv_rows(files, LEAVES, LEAF, (), report):
        of_source = leaves.digests.setdefault(row["source"], {})
        if row["key"] in of_source:
            report.add(LEAVES, f"{place}, {row['source']} {row['key']}", "each fact once", "again")
        of_source[row["key"]] = row["digest"]
        leaves.places[row["source"], row["key"]] = len(leaves.hashes)
        fields = [(kind, row[name]) for name, kind in LEAF.items()]
        leaves.hashes.append(leaf_hash(encode_row("tallystick.leaf.1", fields)))
        report.count("leaves of the log")
    return leaves


def check_told(leaves: Leaves, told: Told, report: Report) -> None:
    """Hold the rows of a table to its leaves: none may be changed, invented or left out."""
    of_source = leaves.digests.get(told.source, {})
    expected = {key for key in of_source if told.is_told(key)}
    for key in sorted(expected - told.digests.keys()):
        report.add(told.file, f"{told.source} {key}", "the row, as the log has its leaf", None)
    for key, digest in told.digests.items():
        what = f"a leaf of the log with digest {digest}, for {told.source} {key}; of it"
        report.equal(told.file, key, what, digest, of_source.get(key))
    report.count("facts that are leaves of the log, none of them left out", len(told.digests))


def note_untold(leaves: Leaves, told: Mapping[str, int], report: Report) -> None:
    """Say how many leaves are of facts that the file does not hold.

    Args:
        told: how many rows of each table the file holds.
    """
    untold = {
        source: len(of_source) - told.get(source, 0)
        for source, of_source in sorted(leaves.digests.items())
    }
    listed = ", ".join(f"{count:,} of {source}" for source, count in untold.items() if count > 0)
    if listed:
        report.notes.append(
            f"Leaves of the log whose facts are not in this file, but for their digests: {listed}"
        )
