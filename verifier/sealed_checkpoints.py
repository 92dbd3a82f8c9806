"""The checkpoint that each document seals: the newest one before it, by its place in the log."""

from bisect import bisect_left
from collections.abc import Sequence

from verifier.documents import INVOICES, Invoice, document_number
from verifier.leaves import Leaves
from verifier.report import Report
from verifier.values import Row, to_integer


def check_sealed_checkpoints(
    invoices: Sequence[Invoice], leaves: Leaves, earlier: Sequence[Row], report: Report
) -> None:
    """Hold size and root that a document seals to the last checkpoint whose leaf is before its own.

    Args:
        invoices: the documents.
        leaves: all leaves of the log; that of a checkpoint stands at the index that is its size.
        earlier: the rows of the checkpoints before the last.
        report: takes the findings.
    """
    roots = {to_integer(row["size"]): row["root"] for row in earlier}
    sizes = sorted(roots)
    for invoice in invoices:
        row, name = invoice.row, document_number(invoice.row)
        place = leaves.places.get(("ledger.invoice", name))
        if place is None:
            continue  # found where leaves are held to rows
        before = bisect_left(sizes, place)
        expected = (sizes[before - 1], roots[sizes[before - 1]]) if before else (None, None)
        found = (row["checkpoint_size"], row["checkpoint_root"])
        report.equal(INVOICES, name, "the newest checkpoint before it, size and root,", expected,
                     found)  # fmt: skip
        report.count("documents that seal the checkpoint before them")
