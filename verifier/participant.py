"""The evidence of a participant: every document of theirs, down to their meters.

What is theirs is recomputed from values; what is others' stands there by roots alone, so that it
is the same for everybody and shown to nobody else.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from verifier.archive import Files, parse_json, read_text
from verifier.billing import check_sums
from verifier.documents import INVOICES, Invoice, check_counts, document_number, read_invoices
from verifier.encoding import parse_layout
from verifier.law import DocumentKey, Law, check_law, check_needed
from verifier.ledger import DIGEST, JOURNAL, JOURNALS, POSTINGS_ROOT, check_header
from verifier.log import CHECKPOINT, note_checkpoint, read_checkpoint, read_keys
from verifier.log_notes import Trusted
from verifier.merkle_tree import merkle_root
from verifier.own_booked import check_own_booked
from verifier.own_bookings import OWN_BOOKINGS, OwnBookings, read_own_bookings
from verifier.own_days import OwnDay, read_own_day
from verifier.own_money import check_own_money
from verifier.own_readings import read_own_readings
from verifier.participant_readme import check_participant_readme
from verifier.proofs import check_proofs
from verifier.readings import Energy
from verifier.report import Report
from verifier.rows import check_text, read_csv_rows, read_json_lines
from verifier.runs import is_study_pin, read_run_row, run_digest, write_run
from verifier.scope import MONTH
from verifier.stated import REGISTRATION, TERMS, check_own_stated
from verifier.values import Row, list_days, parse_hex, to_integer, to_text

RUNS, DAYS = "runs.jsonl", "days.csv"
DAY = parse_layout("run_id:U settlement_day:D digest:B")
OWN_LAW = ("market-rules", "allocation-policy")
"""What a participant's amounts are recomputed by, beside their own registration."""


@dataclass
class Subject:
    """Whose evidence it is, and what of it was read.

    Attributes:
        posted: the last journal that posts a day, up to the last that a document takes into
            account, by day; only of the months that the file goes into.
        runs: the runs of those journals, by identity.
        days: what the participant has in the results of a day, by day.
        metered: the readings of their meters, by run.
        booked: their bookings that documents name.
    """

    market: str
    participant: str
    invoices: list[Invoice] = field(default_factory=list)
    posted: dict[str, Row] = field(default_factory=dict)
    runs: dict[str, Row] = field(default_factory=dict)
    days: dict[str, OwnDay] = field(default_factory=dict)
    metered: dict[str, Energy] = field(default_factory=dict)
    booked: OwnBookings = field(default_factory=OwnBookings)


def check_participant(files: Files, stated: Row, trusted: Trusted, report: Report) -> None:
    """Check the evidence of a participant."""
    subject = Subject(stated["market"], stated["participant"])
    check_participant_readme(files, subject.market, subject.participant, report)
    law = check_law(files, report)
    journals: dict[int, Row] = {}
    with report.reading(INVOICES):
        subject.invoices = read_own_invoices(files, subject, law, report)
        journals = read_headers(files, subject, report)
    with report.reading(RUNS):
        read_runs(files, subject, report)
        read_days(files, subject, law, report)
        check_needed(files, list_own_law(subject, law), law, report)
        check_own_stated(subject.invoices, law, list_own_parties(subject), report)
        check_own_money(subject.invoices, subject.days, subject.metered, report)
    with report.reading(OWN_BOOKINGS):
        whose = (subject.market, subject.participant)
        subject.booked = read_own_bookings(files, *whose, report)
        check_own_booked(subject.days, subject.booked, report)
    with report.reading(CHECKPOINT):
        check_own_log(files, subject, journals, law, trusted, report)


def read_own_invoices(files: Files, subject: Subject, law: Law, report: Report) -> list[Invoice]:
    """Hash the participant's documents; none may be left out before the last of them."""
    invoices = read_invoices(files, law, report)
    for invoice in invoices:
        row, name = invoice.row, document_number(invoice.row)
        whose = (subject.market, subject.participant)
        report.equal(INVOICES, name, "market and participant", whose,
                     (row["market"], row["participant"]))  # fmt: skip
        if not invoice.lines:
            report.add(INVOICES, name, "its lines", None)
    check_counts(invoices, report)
    check_sums(invoices, None, report)
    if not invoices:
        report.notes.append("There is no document of the participant up to the checkpoint")
    return invoices


def read_headers(files: Files, subject: Subject, report: Report) -> dict[int, Row]:
    """Hash the headers of journals; find which run posted each day last of what is billed."""
    billed: dict[str, int] = {}
    for invoice in subject.invoices:
        month = to_text(invoice.row["billing_month"])[:MONTH]
        billed[month] = max(billed.get(month, 0), to_integer(invoice.row["last_journal_number"]))
    journals: dict[int, Row] = {}
    columns = {**JOURNAL, **POSTINGS_ROOT, **DIGEST}
    for place, row in read_json_lines(files, JOURNALS, columns, ("number",), report):
        with report.reading(JOURNALS, place):
            check_header(row, place, report)
            journals[row["number"]] = row
            day = to_text(row["settlement_day"])
            up_to = billed.get(day[:MONTH], 0)
            if row["market"] != subject.market or row["run_id"] is None or row["number"] > up_to:
                report.add(JOURNALS, place, "a journal that a run posted and a document takes into "
                           "account", "another")  # fmt: skip
            subject.posted[day] = row
    return journals


def read_runs(files: Files, subject: Subject, report: Report) -> None:
    """Hash the runs that posted the days last; there is no other."""
    text = read_text(files, RUNS, report)
    written = ""
    # Not splitlines: a text may hold what Unicode calls a line separator.
    lines = text.removesuffix("\n").split("\n") if text else []
    for number, line in enumerate(lines, start=1):
        with report.reading(RUNS, f"line {number}"):
            stated = parse_json(line)
            written += write_run(stated)
            row = read_run_row(stated, RUNS, f"line {number}, ", report)
            report.equal(RUNS, f"line {number}", "the row to have digest", row["digest"],
                         run_digest(row))  # fmt: skip
            if row["id"] <= max(subject.runs, default=""):
                report.add(RUNS, f"line {number}", "each run once, in order", "another")
            subject.runs[row["id"]] = row
    check_text(RUNS, written, text, report)
    wanted = sorted({row["run_id"] for row in subject.posted.values()})
    report.equal(RUNS, "", "the runs that posted days last,", wanted, list(subject.runs))


def read_days(files: Files, subject: Subject, law: Law, report: Report) -> None:
    """Hold what the participant has of results and readings to the digests of the runs."""
    digests: dict[tuple[str, str], str] = {}
    for _, row in read_csv_rows(files, DAYS, DAY, ("run_id", "settlement_day"), report):
        digests[row["run_id"], row["settlement_day"]] = row["digest"]
    wanted = {
        (run["id"], day)
        for run in subject.runs.values()
        for day in list_days(run["first_day"], run["last_day"])
    }
    report.equal(DAYS, "", "each day of each run,", sorted(wanted), sorted(digests))
    known = {JOURNALS}
    for run in subject.runs.values():
        days = list_days(run["first_day"], run["last_day"])
        found = merkle_root(parse_hex(digests[run["id"], day]) for day in days).hex()
        report.equal(RUNS, run["id"], "result_digest, over its days,", run["result_digest"], found)
        name = f"readings/{run['id']}.csv"
        known.add(name)
        subject.metered[run["id"]] = read_own_readings(files, name, run, report)
    for day, journal in subject.posted.items():
        run = subject.runs[journal["run_id"]]
        name = f"results/{run['id']}/{day}.csv"
        known.add(name)
        own = read_own_day(files, name, run, day, law, subject.participant, report)
        report.equal(DAYS, f"{run['id']} {day}", "the digest of the day", own.settled.digest.hex(),
                     digests[run["id"], day])  # fmt: skip
        subject.days[day] = own
    for name in files.names():
        if name.startswith(("results/", "readings/")) and name not in known:
            report.add(name, "", "a day or a run that posted it last", "another")


def list_own_law(subject: Subject, law: Law) -> set[DocumentKey]:
    """Return the documents of the law that are here: those amounts follow from, and lines name."""
    instruments = {f"{subject.market}/{kind}" for kind in OWN_LAW}
    instruments.add(f"{subject.market}/registration/{subject.participant}")
    named = {
        digest
        for invoice in subject.invoices
        for line in invoice.lines
        for digest in line["rule_digests"]
    }
    pinned = {
        (pin["instrument"], pin["digest"])
        for run in subject.runs.values()
        for pin in run["pins"]
        if not is_study_pin(pin) and pin["instrument"] in instruments
    }
    parties = list_own_parties(subject).values()
    return pinned | {key for key in law.versions if key[1] in named or key[0] in parties}


def list_own_parties(subject: Subject) -> Mapping[str, str]:
    """Return the instruments that the parties of the participant's documents follow from."""
    own = f"{subject.market}/{REGISTRATION}/{subject.participant}"
    return {TERMS: f"{subject.market}/{TERMS}", REGISTRATION: own}


def check_own_log(
    files: Files,
    subject: Subject,
    journals: Mapping[int, Row],
    law: Law,
    trusted: Trusted,
    report: Report,
) -> None:
    """Prove every fact to be in the log that the checkpoint signs."""
    stated, keys = read_keys(files, trusted, report)
    checkpoint = read_checkpoint(files, trusted, stated, report)
    if checkpoint is None:
        return
    versions = [row for rows in law.versions.values() for row in rows]
    facts = {
        **{("ledger.log_key", number): digest for number, digest in keys.items()},
        **{("ledger.journal", str(number)): row["digest"] for number, row in journals.items()},
        **{("settlement.run", row["id"]): row["digest"] for row in subject.runs.values()},
        **subject.booked.facts,
        **{("rulebook.version", row["id"]): row["row_digest"] for row in versions},
        **{
            ("ledger.invoice", document_number(each.row)): each.row["digest"]
            for each in subject.invoices
        },
    }
    check_proofs(files, checkpoint, facts, report)
    if trusted.checkpoint is not None and trusted.checkpoint.size == checkpoint.size:
        report.equal(CHECKPOINT, "--checkpoint", "root", trusted.checkpoint.root, checkpoint.root)
    elif trusted.checkpoint is not None:
        report.notes.append(
            f"The checkpoint that was given has {trusted.checkpoint.size} leaves: only evidence of "
            "a run, or a consistency proof of the portal, shows whether this log extends it"
        )
    note_checkpoint(checkpoint, trusted, stated, report)
