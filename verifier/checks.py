"""Every check of an evidence file, in order."""

from collections.abc import Sequence

from verifier.archive import MANIFEST, Files
from verifier.billing import check_billed, check_sums
from verifier.documents import Invoice, check_invoices, document_number
from verifier.law import Law, check_law
from verifier.ledger import Ledger, check_ledger
from verifier.log import PROOFS, Fact, check_log
from verifier.log_notes import NOTHING_TRUSTED, Trusted
from verifier.manifest import check_manifest
from verifier.names import check_format, check_names
from verifier.posting import check_posted
from verifier.readings import check_readings
from verifier.report import Report
from verifier.results import check_results
from verifier.runs import RUN, check_inputs, check_run
from verifier.values import Row


def check_evidence(files: Files, report: Report, trusted: Trusted = NOTHING_TRUSTED) -> None:
    """Check everything that the evidence holds."""
    stated, listed = check_manifest(files, report)
    check_names([*files.names(), *listed], report)
    law = check_law(files, report)
    run = check_run(files, law, report)
    if run and stated:
        report.equal(MANIFEST, "run", f"the run of {RUN},", run["id"], stated)
    check_format(files, run, report)
    readings, metered = check_readings(files, run, report)
    days = check_results(files, run, report)
    made = [digest for day in days.values() for digest in day.made]
    check_inputs(files, run, readings, made, report)
    book = check_ledger(files, report)
    check_posted(run, law, days, metered, book, report)
    invoices = check_invoices(files, law, report)
    check_sums(invoices, book, report)
    check_billed(invoices, book, report)
    with report.reading(PROOFS):
        check_log(files, list_facts(law, run, book, invoices), trusted, report)


def list_facts(law: Law, run: Row, book: Ledger, invoices: Sequence[Invoice]) -> list[Fact]:
    """Return every fact of the evidence that the log must hold."""
    return [
        *(
            ("rulebook.version", row["id"], row["row_digest"])
            for rows in law.versions.values()
            for row in rows
        ),
        *([("settlement.run", row["id"], row["digest"]) for row in (run,) if row]),
        *(("ledger.journal", str(number), row["digest"]) for number, row in book.journals.items()),
        *(
            ("ledger.invoice", document_number(invoice.row), invoice.row["digest"])
            for invoice in invoices
        ),
    ]
