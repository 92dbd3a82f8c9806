"""What README.txt of an evidence file says: what the file is, and how to check it."""

from settlement.runs.run import Run

TEXT = """\
EVIDENCE OF A SETTLEMENT RUN
============================

Run      {run.id}
Market   {run.market}
Kind     {run.kind}
Days     {run.first_day} to {run.last_day}
Digest   {digest}

This file holds what the run was computed from, what came out, what was posted of it, and who was
billed for it, so that anyone can check it without asking the operator.

HOW TO CHECK IT
---------------

    python verify.py                 in this folder, or
    python verify.py FILE.zip        without unpacking it

Python 3.11 or later is enough: no database, no network, nothing to install. verify.py hashes every
row again, adds up every sum, and follows every chain and proof to the signed checkpoint of the
operator's log. It prints how much it checked, and everything that does not hold: where, what was
expected and what was found. Exit status: 0 everything holds, 1 something does not, 2 not
understood. `python verify.py --help` lists what else it can do.

Two things only you can do. Hold the checkpoint's key to the one that the operator publishes
elsewhere (`--key`), as whoever could forge the file could put another key into it. And take
verify.py from the operator's public source if you do not trust the copy in this file.

verify.py is the operator's package `verifier/` in one file; in a checkout `python -m verifier
FILE.zip` does the same. There, `manage.py recompute FILE.zip` also settles the days again from the
rules and readings in this file and compares every result.

WHAT IS IN IT
-------------

manifest.json               every file with its size and SHA-256
run.json                    the run: what it is pinned to, and its digests
law/versions.jsonl          the rules that were in force, as they were published: when they apply,
                            when they were recorded, who wrote and who approved them. That a version
                            was replaced later is not told here.
law/INSTRUMENT/DIGEST.json  a document as canonical JSON (RFC 8785); its digest is over these bytes
law/INSTRUMENT/DIGEST.yaml  the same for reading; nothing rests on it
readings/DAY.csv            the readings of a day as they were known to the run. role says what of
                            them: settled (a reading of a day of the run), history (of a day
                            before, that Fair Play weighs), looked at (where an estimate was made,
                            whether it rests on it or passed it over), superseded (a later
                            revision took its place). All but the last are the run's inputs.
readings/files.csv          the files in which the readings came
results/DAY.csv             every result of a day
ledger/journals.jsonl       the journals that post the run, those that posted the same days before
                            it, those that the documents bill, and those of rounding and tax
ledger/postings.csv         their postings; + the holder of the account owes, - is owed
ledger/accounts.csv         the accounts that they move
ledger/journal-links.jsonl  the journals that stand before these in the chain, each with the Merkle
                            root over its postings
ledger/invoices.jsonl       the documents of the month that bill the run's journals, and those
                            before them
ledger/invoice-lines.jsonl  their lines, exact, in millionths of the currency unit, each with the
                            tax of the days that it bills
ledger/invoice-links.jsonl  the documents that stand before these in their series
log/checkpoint.txt          the log's root as the operator signed it (C2SP tlog-checkpoint): every
                            version, run, journal and document here is a leaf below it
log/proofs.jsonl            the proof of each (RFC 9162, section 2.1.3)
log/earlier-checkpoints.jsonl
                            the checkpoints before it, each with the proof that the log only grew
                            since (section 2.1.4). Hold one that you kept to them: --checkpoint FILE
log/keys.txt                the keys of the log, for convenience: trust those that you got elsewhere
study/overlay.json          of a study alone: what was laid over the rules and readings

A run that is not posted has no journals, and one that is not billed has no documents.

HOW THINGS ARE WRITTEN
----------------------

Everything has one writing, and verify.py names whatever is written in another: a column or key that
the format does not know or that stands twice, a name that is no plain relative path, a file that is
not listed above. Files of JSON lines hold a row a line, without spaces between its values; in CSV a
cell that is absent is empty, and a cell is quoted that holds a comma, a quote or the end of a line.
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
version    SHA-256("tallystick/rulebook/version/1\\n" and the canonical JSON of its columns)
reading    SHA-256("tallystick/reading/1\\n" and its columns)
input      root(leaf(fields(pin)) of each pin, digest of each reading of the inputs by day, measure
           and entity); of a study also of what was made for it
result     leaf(fields("tallystick.result.1", day, measure, entity, values))
day        root(results by measure and entity)
run        leaf(fields("tallystick.run.1", ...)), where result_digest is root(days)
posting    leaf(fields("tallystick.posting.1", ...))
journal    leaf(fields("tallystick.journal.1", ..., root(postings))); names the journal before it
line       leaf(fields("tallystick.invoice-line.4", ...))
document   leaf(fields("tallystick.invoice.3", ..., root(lines))); names the one before it in its
           series
log        root(leaf(fields("tallystick.leaf.1", table, key there, digest)) of every fact)
"""


def write_readme(run: Run) -> bytes:
    """Return README.txt."""
    return TEXT.format(run=run, digest=run.digest.hex()).encode()
