"""The kinds of files that evidence holds: the one list of what may lie where."""

import re
from collections.abc import Mapping
from typing import NamedTuple

from verifier.archive import MANIFEST

README = "README.txt"

PARTS = {
    "INSTRUMENT": "[A-Za-z0-9_.-]+(?:/[A-Za-z0-9_.-]+)*",
    "DIGEST": "[0-9a-f]{64}",
    "DAY": "[0-9]{4}-[0-9]{2}-[0-9]{2}",
    "RUN": "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}",
}
"""The words in capitals of a place that stand for what differs from file to file."""


class Kind(NamedTuple):
    """A kind of file.

    Attributes:
        place: its path; the words of `PARTS` stand for what differs from file to file.
        says: what it is, in lines as README.txt prints them.
        is_required: whether evidence without it is not whole, be the file empty.
    """

    place: str
    says: str
    is_required: bool = True

    @property
    def is_one(self) -> bool:
        """Whether there is one place for it, and so one file."""
        return not any(part in self.place for part in PARTS)

    def is_at(self, path: str) -> bool:
        """Return whether a path is a place of this kind."""
        pattern = re.escape(self.place)
        for part, form in PARTS.items():
            pattern = pattern.replace(part, form)
        return re.fullmatch(pattern, path) is not None


KINDS: Mapping[str, Kind] = {
    "manifest": Kind(MANIFEST, "every file with its kind, size and SHA-256"),
    "readme": Kind(README, "this text, which the verifier writes again and compares"),
    "run": Kind("run.json", "the run: what it is pinned to, and its digests"),
    "overlay": Kind(
        "study/overlay.json",
        "of a study alone: what was laid over the rules and readings",
        is_required=False,
    ),
    "versions": Kind(
        "law/versions.jsonl",
        """\
every version of every rule that was published up to the checkpoint:
when it applies, when it was recorded, who wrote and who approved it,
and which versions it replaced. So the law in force on each day of the
run, as it knew it, follows, and is what the run obeyed.""",
    ),
    "document": Kind(
        "law/INSTRUMENT/DIGEST.json",
        """\
a document that the run obeyed, a line names, or the parties of a
document follow from, as canonical JSON (RFC 8785); its digest is over
these bytes""",
    ),
    "readable document": Kind(
        "law/INSTRUMENT/DIGEST.yaml",
        """\
the same for reading, by the rule of verifier/readable.py: the verifier
writes it again from the JSON and compares""",
    ),
    "readings": Kind(
        "readings/DAY.csv",
        """\
the readings of a day that are inputs of the run, each in the revision
that was known to it: of the run's days those that it settles; of other
days what estimates looked at, whether they rest on it or passed it
over""",
    ),
    "reading files": Kind("readings/files.csv", "the files in which the readings came"),
    "contracts": Kind(
        "contracts.json",
        """\
where the law of the run serves contracts, what its first day begins
with: what is owed, by the interval in which it is due, and what was
due, promised of it by the law of each day, delivered, missed, by the
price of each day, and taken since the month began. It is an input of the
run; the readings of earlier days, from which it follows, are not""",
        is_required=False,
    ),
    "handed over": Kind(
        "online/DAY.json",
        """\
where the market is online by the law of a day of the run, and anything
was booked or published prices are charged: what its log handed over,
the mean of what was published at each node in each interval and who had
booked what, at which price. It is an input of the run""",
        is_required=False,
    ),
    "results": Kind("results/DAY.csv", "every result of a day"),
    "fairness": Kind(
        "fairness.jsonl",
        """\
the header of every fairness report up to the checkpoint, where there is
any, and the content of those that are of the run: what was delivered and
refused follows from the results""",
        is_required=False,
    ),
    "sealed stretches": Kind(
        "market/sealed.jsonl",
        """\
where the market is online by the law of the run, the stretches of its
log that are leaves up to the checkpoint, each with the ends of the
chains of its events, which are not here, and of what it published""",
        is_required=False,
    ),
    "published": Kind(
        "market/published/DAY.jsonl",
        """\
what the market published from the beginning of a day by its own clock
up to the next, before it what it knew then, and in their places the
digests of what became of bookings, with what each says where the reader
may have it: from the last day before the run up to the last sealed
stretch, or the first after no reading of the run's days could come any
more""",
        is_required=False,
    ),
    "journals": Kind(
        "ledger/journals.jsonl",
        """\
the header of every journal of the ledger up to the checkpoint, with the
Merkle root over its postings""",
    ),
    "postings": Kind(
        "ledger/postings.csv",
        """\
the postings of the market's journals of the months of the run, and of
those that post rounding and tax of the documents; + the holder of the
account owes, - is owed""",
    ),
    "accounts": Kind("ledger/accounts.csv", "the accounts that they move"),
    "documents of participants": Kind(
        "ledger/invoices.jsonl",
        """\
the header of every document of the market up to the checkpoint, with
the Merkle root over its lines""",
    ),
    "lines": Kind(
        "ledger/invoice-lines.jsonl",
        """\
the lines of those of the months of the run, exact, in millionths of the
currency unit, each with the tax of the days that it bills""",
    ),
    "checkpoint": Kind(
        "log/checkpoint.txt",
        """\
the log's root as the operator signed it (C2SP tlog-checkpoint)""",
    ),
    "leaves": Kind(
        "log/leaves.csv",
        """\
every leaf of the log up to the checkpoint, in order: the table and key
of each published fact, and its digest. Their root is the checkpoint's.""",
    ),
    "earlier checkpoints": Kind(
        "log/earlier-checkpoints.jsonl",
        """\
the checkpoints before it: each root is that of the first leaves of the
same list. Hold one that you kept to them, of any size: --checkpoint""",
    ),
    "keys": Kind(
        "log/keys.jsonl",
        "the keys of the log, for convenience: trust those that you got elsewhere",
    ),
}
"""Every kind of file of the evidence of a run, by its name in the manifest."""


PARTICIPANT_KINDS: Mapping[str, Kind] = {
    "manifest": KINDS["manifest"],
    "readme": KINDS["readme"],
    "documents of participants": Kind(
        "ledger/invoices.jsonl", "your documents, every one, by your own count of them"
    ),
    "lines": Kind("ledger/invoice-lines.jsonl", "their lines, exact"),
    "journals": Kind(
        "ledger/journals.jsonl",
        """\
the headers of the journals by which runs were posted on days of the
months that the file goes into; their postings are told by root alone""",
    ),
    "runs": Kind("runs.jsonl", "those runs: what each is pinned to, and its digests"),
    "days": Kind("days.csv", "the digest of the results of every day of those runs"),
    "own results": Kind(
        "results/RUN/DAY.csv",
        """\
your results of a day, and the price at your nodes, with their values;
those of others as roots over several at once""",
    ),
    "own readings": Kind(
        "readings/RUN.csv",
        """\
the readings of your meters among the inputs of a run, with their
values; those of others as roots over several at once""",
    ),
    "own bookings": Kind(
        "market/bookings.jsonl",
        """\
where your documents name bookings, what each says as it was left last,
and the chain of what the market published from there to the end of the
stretch that is sealed; what others booked stands in it by digests alone""",
        is_required=False,
    ),
    "sealed stretches": Kind(
        "market/sealed.jsonl",
        "those stretches of the market's log, each a leaf of the log of the ledger",
        is_required=False,
    ),
    "versions": Kind(
        "law/versions.jsonl", "the versions of the rules of those days that you may read"
    ),
    "document": KINDS["document"],
    "readable document": KINDS["readable document"],
    "checkpoint": KINDS["checkpoint"],
    "proofs": Kind(
        "log/proofs.jsonl",
        """\
that each document, journal, run, version and key is a leaf of the log
(RFC 9162, section 2.1.3)""",
    ),
    "keys": KINDS["keys"],
}
"""Every kind of file of the evidence of a participant."""


def kind_of(path: str, kinds: Mapping[str, Kind] = KINDS) -> str | None:
    """Return the name of the kind whose place a path is; None where there is none.

    >>> kind_of("law/gb12/market-rules/versions.json"), kind_of("results/2024-01-31.csv")
    (None, 'results')
    """
    # One place is looked for first: no other file may pass for it.
    in_order = sorted(kinds.items(), key=lambda named: not named[1].is_one)
    return next((name for name, kind in in_order if kind.is_at(path)), None)
