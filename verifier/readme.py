"""README.txt: what an evidence file is and how to check it, in words that follow from the run."""

from collections.abc import Mapping

from verifier.archive import Files
from verifier.documents import INVOICE_LINE_TAG, INVOICE_TAG
from verifier.itself import EARLIER_VERIFIERS, own_digest
from verifier.kinds import KINDS, README, Kind
from verifier.ledger import JOURNAL_TAG
from verifier.report import Report
from verifier.rows import check_text
from verifier.values import Row
from verifier.zip_file import MOST_BYTES, MOST_BYTES_OF_A_FILE, MOST_FILES

TEXT = """\
EVIDENCE OF A SETTLEMENT RUN
============================

Run      {id}
Market   {market}
Kind     {kind}
Days     {first_day} to {last_day}
Digest   {digest}

This file holds what the run was computed from, what came out, what was posted of it, and who was
billed for it, so that anyone can check it without asking the operator.

HOW TO CHECK IT
---------------

    python verify.py FILE.zip        or the folder into which it was unpacked

verify.py is not in this file: whoever could forge the file could put another one into it. Get it
where the operator's public source is, or from someone who has it, and hold it to its SHA-256, in
that source in `verifier/verify.sha256`:

    {verifier}

In a checkout `manage.py verifier --out verify.py` writes it, the same bytes on every machine, and
`python -m verifier FILE.zip` does the same without it. The portal sends it too, under Proof.

Python 3.11 or later is enough: no database, no network, nothing to install. verify.py hashes every
row again, adds up every sum, and follows every chain to the signed checkpoint of the operator's
log. It prints how much it checked, and everything that does not hold: where, what was expected and
what was found. Exit status: 0 everything holds, 1 something does not, 2 not understood or no zip
of evidence. `python verify.py --help` lists what else it can do.

Two things only you can do. Hold verify.py to the SHA-256 of the public source, for this text is of
the file that it checks. And hold the checkpoint's key to the one that the operator publishes
elsewhere (`--key`), as whoever could forge the file could put another key into it. If you kept a
checkpoint of before, of any size, hold the log to it: `--checkpoint FILE`.

In a checkout of a release with the run's engine_version, `manage.py recompute FILE.zip` also
settles the days again from the rules and readings in this file and compares every result. Without
that, nothing shows that the results follow from them.

WHAT IS IN IT
-------------

{listing}

WHAT IS COMPLETE, AND WHAT IS NOT HERE
--------------------------------------

The log has a leaf for every version of the law, run, journal and document. All leaves are listed,
and their root is what the operator signed, so none can be left out. Of these tables every leaf must
be a row of this file, by digest:

rulebook.version    all, with every column; documents only where the run obeyed them, a line of a
                    document names them, or its parties and term follow from them
ledger.journal      all, with every column; postings where the journal is of the market and of a
                    month in which the run has a day, or closes a document of such a month
ledger.invoice      all of the market, with every column; lines where the month is one of the run's
market.sealed       all of the market, with every column, where its rules have the part `online`
ledger.log_key, ledger.checkpoint
                    all, with every column

Whether a journal or document is of those months stands in its own row, which its leaf seals. So an
evidence file from which a journal, a document or a version is left out does not hold, nor one that
says of a posted run that it is not posted. Of other tables, of documents of other markets and of
other runs the file holds the digests alone; verify.py says of how many.

WHAT IS PROVEN OF DOCUMENTS, AND WHAT IS NOT
--------------------------------------------

Of each document of the months of the run: its lines bill what the journals moved, and rounding, tax
and due date follow; both parties, their bank accounts and the payment term are those of the terms
and the registration in force on the last settled day of its month, as known when it was issued; it
names the run that posted last. What lines count is what the journals moved, where one version alone
of the market rules and of each charge list touches the month; else verify.py says of how many lines
it is not recomputed.

Not proven: what lines and their tax are called, how good the readings behind them are and how much
of a quantity is estimated, which clauses and rules a line rests on, but for those rules being
published, and how a day is shared by lines of several taxes. Of bank statements, payments,
allocations and interest the file holds no more than leaves: that they were published. That a
version was published once by its approval, or is what one left of another, is proven; who proposed
and approved it, the file names, and proves nothing of. `manage.py verify`
holds the operator's database to all of these.

Rows name people: parties of every document of the market, authors and approvers. This file is for
the operator, the regulator and auditors; participants get one of their own.

HOW THINGS ARE WRITTEN
----------------------

Everything has one writing, and verify.py names whatever is written in another: a column or key that
the format does not know or that stands twice, a name that is no plain relative path, a file that is
of no kind listed above, an entry of the zip with anything beside a name and deflated bytes. A zip
holds at most {most_files:,} files, of {most_bytes_of_a_file:,} bytes each, {most_bytes:,} in all.
Files of JSON lines hold a row a line, without spaces between its values; in CSV a cell that is
absent is empty, and a cell is quoted that holds a comma, a quote or the end of a line.
Every line ends with a line feed. Integers have no zeros before them (12), UUIDs are in lower case
with dashes, days are 2024-03-01. Digests are SHA-256 in hexadecimal of lower case. Moments are UTC
to the microsecond (2024-03-01T09:00:00.000000Z), money in millionths of the currency unit
(..._micro) or in its minor unit (..._minor), energy in Wh, power in W. A day vector is its integers
with a space between them, one an interval of the local day. In quality, a letter an interval: M
measured, E estimated by the meter operator, X missing; small where it was found implausible.

HOW DIGESTS ARE MADE
--------------------

leaf(x) = SHA-256(00 x), node(l, r) = SHA-256(01 l r), and root() is the Merkle tree hash of RFC
6962 over digests. fields(...) writes a tag and then the columns in the order in which verify.py
lists them, each as type (1 byte: N absent, I integer, T text, B bytes, D day, M moment, U identity,
L list), length (4 bytes, big-endian) and payload.

document   SHA-256("tallystick/rulebook/document/1\\n" and its canonical JSON)
version    SHA-256("tallystick/rulebook/version/2\\n" and the canonical JSON of its columns)
reading    SHA-256("tallystick/reading/1\\n" and its columns)
input      root(leaf(fields(pin)) of each pin, digest of each reading of the inputs by day, measure
           and entity; what contracts begin with, and what was handed over of each day, as
           leaf(fields("tallystick.online-day.1", text))); of a study also of what was made for it
result     leaf(fields("tallystick.result.1", day, measure, entity, values))
day        root(results by measure and entity)
run        leaf(fields("tallystick.run.1", ...)), where result_digest is root(days)
published  SHA-256(02, the digest before, fields("tallystick.market-publication.2", market, ...))
           of a market online; an opening likewise, as "tallystick.market-opening.1", and a booking
           as "tallystick.market-booking.2", over its content_digest, which is
           leaf(fields("tallystick.market-booking-content.1", participant, record))
sealed     leaf(fields("tallystick.market-sealed.1", ...))
posting    leaf(fields("tallystick.posting.1", ...))
journal    leaf(fields("{journal_tag}", ..., root(postings))); names the journal before it
line       leaf(fields("{line_tag}", ...))
document   leaf(fields("{invoice_tag}", ..., root(lines))); names the one before it in its
           series
log        root(leaf(fields("tallystick.leaf.1", table, key there, digest)) of every fact)
"""


def list_kinds(kinds: Mapping[str, Kind]) -> str:
    """Return where each kind of file lies and what it is, a line or more each."""
    listed: list[str] = []
    for kind in kinds.values():
        first, *more = kind.says.splitlines()
        # A place that reaches into the column of the words has them on the lines below it.
        head = f"{kind.place:<28}" if len(kind.place) < 28 else f"{kind.place}\n{'':28}"
        listed += [head + first, *(f"{'':28}{line}" for line in more)]
    return "\n".join(listed)


def write_readme(run: Row, verifier: str) -> str:
    """Return README.txt of the evidence of a run.

    Args:
        run: the columns of its row.
        verifier: the SHA-256 of the verify.py that the evidence is written for.
    """
    return TEXT.format(
        verifier=verifier,
        listing=list_kinds(KINDS),
        journal_tag=JOURNAL_TAG,
        line_tag=INVOICE_LINE_TAG,
        invoice_tag=INVOICE_TAG,
        most_files=MOST_FILES,
        most_bytes_of_a_file=MOST_BYTES_OF_A_FILE,
        most_bytes=MOST_BYTES,
        **{name: run[name] for name in ("id", "market", "kind", "first_day", "last_day", "digest")},
    )


def check_readme(files: Files, run: Row, report: Report) -> None:
    """Hold README.txt to the run, word for word: people act on what it says."""
    with report.reading(README):
        text = files.read(README).decode()
        named = next((each for each in EARLIER_VERIFIERS if each in text), own_digest())
        check_text(README, write_readme(run, named), text, report)
        report.count("words for people written again")
