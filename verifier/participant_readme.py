"""README.txt of the evidence of a participant."""

from verifier.archive import Files
from verifier.itself import EARLIER_VERIFIERS, own_digest
from verifier.kinds import PARTICIPANT_KINDS, README
from verifier.readme import list_kinds
from verifier.report import Report
from verifier.rows import check_text

PARTICIPANT_TEXT = """\
EVIDENCE OF A PARTICIPANT
=========================

Participant  {participant}
Market       {market}

This file holds every document that the market issued to the participant up to a checkpoint of the
operator's log, and for the months that it goes into what they follow from, down to the meter, so
that they can be checked without asking the operator.

HOW TO CHECK IT
---------------

    python verify.py FILE.zip        or the folder into which it was unpacked

verify.py is not in this file: whoever could forge the file could put another one into it. Get it
where the operator's public source is, or from someone who has it, and hold it to its SHA-256, in
that source in `verifier/verify.sha256`:

    {verifier}

Python 3.11 or later is enough. Exit status: 0 everything holds, 1 something does not, 2 not
understood or no zip of evidence. Hold the checkpoint's key to the one that the operator publishes
elsewhere (`--key`): whoever could forge the file could put another key into it.

WHAT IS RECOMPUTED
------------------

- That no document is missing before the last one here: participant_number counts your documents of
  all series from 1, is sealed into each, and each is proven to be in the log. That there is no
  later one no count can show: hold the last to what you received.
- Lines, rounding, net, tax and due of each document.
- That your name, address and bank account, those of the operator, and the payment term are those of
  a registration and of terms for its month that were published before it was issued.
- Of the months that the file goes into: that the lines are the sums of your results of each day, by
  the run that posted the day last of what is billed; that these results are in the digest of the
  run, and the run in the log; that the energy of lines is what your meters read, and the readings
  are among the run's inputs; your fuel as energy x your offer, your dynamic price as energy x the
  price of your node, your regulated recovery as the day's part of your own annual cost, and the
  lines of your bookings by the price at which each was booked beside the one that is charged.

WHAT IS ONLY COMMITTED TO
-------------------------

- What others metered, were paid and were charged: it stands here as roots over several values at
  once, the same for everybody (`depth` says where in the tree; how many values a root is over, no
  hash commits to and no file says). So also what a share is a share of: pots and costs that many
  bear, and the Shapley values of others. Whoever has the evidence of the run,
  an auditor or the regulator, recomputes them; the portal explains your own.
- The price of a node is a result like yours and in the digest of the run; how it came about, only
  the evidence of the run shows.
- That no later registration or terms had replaced these when a document was issued: only the
  evidence of a run holds every version.
- What lines are called, the clauses and rules that they name, and how much of a quantity is
  estimated. An auditor's `manage.py verify` drafts each document again.
- Interest, which rests on payments and no reading.

A root over one value alone could be guessed by trying values; roots here are over as many as the
tree allows, and docs/threat-model.md says what is left.

WHAT IS IN IT
-------------

{listing}

How things are written and digests are made is the same as in the evidence of a run, whose README
describes it, and the verifier's source with it.
"""


def write_participant_readme(market: str, participant: str, verifier: str) -> str:
    """Return README.txt of the evidence of a participant."""
    return PARTICIPANT_TEXT.format(
        market=market,
        participant=participant,
        verifier=verifier,
        listing=list_kinds(PARTICIPANT_KINDS),
    )


def check_participant_readme(files: Files, market: str, participant: str, report: Report) -> None:
    """Hold README.txt to what the verifier knows it to say, word for word."""
    with report.reading(README):
        text = files.read(README).decode()
        named = next((each for each in EARLIER_VERIFIERS if each in text), own_digest())
        check_text(README, write_participant_readme(market, participant, named), text, report)
        report.count("words for people written again")
