"""Every check of an evidence file, in order."""

from collections.abc import Sequence

from verifier.archive import MANIFEST, Files
from verifier.billing import check_billed, check_sums
from verifier.causes import check_causes
from verifier.documents import INVOICES, Invoice, check_invoices, document_number, is_of_market
from verifier.fairness import FAIRNESS, check_fairness
from verifier.handed import check_handed, handed_leaves
from verifier.law import VERSIONS, DocumentKey, Law, check_law, check_needed
from verifier.leaves import LEAVES, Told, read_leaves
from verifier.ledger import JOURNALS, Ledger, check_ledger
from verifier.log import check_log
from verifier.log_notes import NOTHING_TRUSTED, Trusted
from verifier.manifest import PARTICIPANT_FORMAT, check_manifest
from verifier.names import check_names
from verifier.participant import check_participant
from verifier.posting import check_posted
from verifier.published import check_published
from verifier.readings import READING_FILES, Readings, check_readings
from verifier.readme import check_readme
from verifier.remainders import check_remainders
from verifier.report import Report
from verifier.results import check_results
from verifier.runs import RUN, check_inputs, check_run, is_study_pin
from verifier.scope import check_scope
from verifier.sealed_checkpoints import check_sealed_checkpoints
from verifier.stated import check_stated, list_needed_law
from verifier.values import Row


def check_evidence(files: Files, report: Report, trusted: Trusted = NOTHING_TRUSTED) -> None:
    """Check everything that the evidence holds."""
    with report.checking("manifest"):
        stated, listed = check_manifest(files, report)
        check_names([*files.names(), *listed], report)
    if stated.get("format") == PARTICIPANT_FORMAT:
        check_participant(files, stated, trusted, report)
    else:
        check_run_evidence(files, stated, trusted, report)


def check_run_evidence(files: Files, stated: Row, trusted: Trusted, report: Report) -> None:
    """Check the evidence of a run."""
    with report.checking("leaves"):
        leaves = read_leaves(files, report)
    with report.checking("law"):
        law = check_law(files, report)
    with report.checking("remainders"):
        check_remainders(law, report)
    with report.checking("run"):
        run = check_run(files, law, report)
        if run and stated:
            report.equal(MANIFEST, "run", f"the run of {RUN},", run["id"], stated["run"])
    with report.checking("readme"):
        check_readme(files, run, report)
    with report.checking("readings"):
        readings = check_readings(files, run, report)
    with report.checking("results"):
        days = check_results(files, run, report)
    with report.checking("inputs"):
        made = [digest for day in days.values() for digest in day.made]
        check_inputs(files, run, readings.used, handed_leaves(files, run, report), made, report)
    with report.checking("handed over"):
        check_handed(files, run, law, days, report)
    with report.checking("fairness"):
        reports = check_fairness(files, run, law, days, report)
    with report.checking("published"):
        published = check_published(files, run, law, report)
    with report.checking("ledger"):
        book = check_ledger(files, report)
    with report.checking("documents"):
        invoices = check_invoices(files, law, report)
    with report.checking("scope"):
        check_scope(run, book, invoices, report)
    with report.checking("documents of law"), report.reading(VERSIONS):
        check_needed(files, list_needed(run, invoices, book, law), law, report)
    with report.checking("causes"):
        check_causes(book, leaves, report)
    with report.checking("posted"):
        check_posted(run, law, days, readings.metered, book, report)
    whole = [invoice for invoice in invoices if invoice.lines]
    with report.checking("sums"):
        check_sums(whole, book, report)
    with report.checking("billed"):
        check_billed(whole, book, report)
    with report.checking("stated"):
        check_stated(whole, law, book, report)
    with report.checking("log"), report.reading(LEAVES):
        told = list_told(law, run, readings, book, invoices)
        told += [Told("settlement.fairness_report", FAIRNESS, reports), published]
        earlier = check_log(files, leaves, told, trusted, report)
        check_sealed_checkpoints(invoices, leaves, earlier, report)


def list_needed(run: Row, invoices: Sequence[Invoice], book: Ledger, law: Law) -> set[DocumentKey]:
    """Return the documents of law that the run obeyed, lines name or parties follow from."""
    named = {
        digest for invoice in invoices for line in invoice.lines for digest in line["rule_digests"]
    }
    pins = run["pins"] if run else []
    journals = [book.journals[number] for number in sorted(book.journals)]
    return (
        {(pin["instrument"], pin["digest"]) for pin in pins if not is_study_pin(pin)}
        | {key for key in law.versions if key[1] in named}
        | list_needed_law(law, [each.row for each in invoices if each.lines], journals)
    )


def list_told(
    law: Law, run: Row, readings: Readings, book: Ledger, invoices: Sequence[Invoice]
) -> list[Told]:
    """Return the facts of the evidence, and of which tables it holds every one."""
    market = run.get("market", "")
    versions = {row["id"]: row["row_digest"] for rows in law.versions.values() for row in rows}
    received = readings.file_digests
    runs = {row["id"]: row["digest"] for row in (run,) if row}
    journals = {str(number): row["digest"] for number, row in book.journals.items()}
    documents = {document_number(each.row): each.row["digest"] for each in invoices}
    return [
        Told("rulebook.version", VERSIONS, versions),
        Told("settlement.run", RUN, runs, lambda key: key in runs),
        Told("settlement.reading_file", READING_FILES, received, lambda key: key in received),
        Told("ledger.journal", JOURNALS, journals),
        Told("ledger.invoice", INVOICES, documents, lambda key: is_of_market(market, key)),
    ]
