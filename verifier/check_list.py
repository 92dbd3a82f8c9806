"""The one list of what evidence is held to, check by check, and of who else holds to it.

The product has an implementation of its own of each check that can be made of its database, in a
check of `manage.py verify` that is named here: what an outsider would find in evidence, those who
run the market find before.
"""

from collections.abc import Mapping
from typing import NamedTuple


class Listed(NamedTuple):
    """A check.

    Attributes:
        says: what it holds the evidence to.
        verify: the check of `manage.py verify` that holds the database to the same; None where it
            is about the file alone.
    """

    says: str
    verify: str | None


CHECKS: Mapping[str, Listed] = {
    "manifest": Listed("every file is listed, has its digest, and is of a known kind", None),
    "leaves": Listed("the log has each fact once", "transparency log"),
    "law": Listed("versions and documents give their digests", "rules"),
    "remainders": Listed(
        "a version was published once, or is what a publication left of another",
        "rules against decisions",
    ),
    "run": Listed("the run gives its digest, and obeyed the law in force", "runs and results"),
    "readme": Listed("what people read first follows from the run", None),
    "readings": Listed("readings and their files give their digests", "readings"),
    "results": Listed("results give their digests, each once, and the run's", "runs and results"),
    "inputs": Listed("law and readings give the digest of the run's inputs", "runs and results"),
    "handed over": Listed(
        "the bookings that are settled are those that the market handed over",
        "what markets handed over",
    ),
    "fairness": Listed(
        "fairness reports of the run are there, give their digests, and what was delivered follows",
        "fairness reports",
    ),
    "published": Listed(
        "published prices of the run's days give their digests, and end as is sealed",
        "logs of markets",
    ),
    "ledger": Listed("accounts and journals give their digests, balance and follow", "ledger"),
    "documents": Listed("documents give their digests, follow and are counted", "ledger"),
    "scope": Listed("no posting and no line of a month is left out", "ledger"),
    "documents of law": Listed("whatever rules are named were published", "runs and results"),
    "causes": Listed("a journal has one cause, which stands before it", "transparency log"),
    "posted": Listed("journals move what the run comes to", "journals against results"),
    "sums": Listed("lines, rounding, tax and due dates add up", "ledger"),
    "billed": Listed(
        "documents bill what the journals moved that they cover",
        "documents against journals and law",
    ),
    "stated": Listed(
        "parties, accounts, terms, runs and quantities of documents follow from law and journals",
        "documents against journals and law",
    ),
    "log": Listed("facts are leaves, and checkpoints of one log signed them", "transparency log"),
}
"""Every check of the evidence of a run, by its name, in the order in which they are made."""
