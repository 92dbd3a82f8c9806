"""The rules of disputes; their numbers go on from those of the ledger and are as stable."""

from ledger.rules import LedgerRule, Rule


class DisputeRule(Rule):
    """The rules of opening a dispute and of each step in it."""

    DOCUMENT_IS_UNKNOWN = (
        201,
        "a dispute is opened on a document that was issued",
        "give the number as the document prints it",
    )
    LINE_IS_UNKNOWN = (
        202,
        "a dispute is opened on a line that the document has",
        "give the number of one of its lines",
    )
    PARTY_IS_WRONG = (
        203,
        "a step is taken by the party whose step it is: opening, escalating and withdrawing by the "
        "participant billed, answering and settling by the operator, deciding by the regulator",
        "let that party take the step",
    )
    RAISED_TOO_LATE = (
        204,
        "a line is disputed within the days that the terms allow after the document was issued",
        "raise it with the operator; a later settlement run may still correct the line",
    )
    LINE_IS_IN_DISPUTE = (
        205,
        "a line has one open dispute at a time",
        "follow the open dispute, or withdraw it first",
    )
    CLAIM_IS_MALFORMED = (
        206,
        "a claim is either an amount or a quantity, and above zero",
        "give the part of the line that is wrong, as an amount or as a quantity",
    )
    CLAIM_IS_ABOVE_LINE = (
        207,
        "a claim is at most what the line states",
        "claim at most the line's own amount, or its quantity",
    )
    REASON_IS_MALFORMED = (
        208,
        "a step says why, in 1 to 4,000 characters of text",
        "give a reason",
    )
    DISPUTE_IS_UNKNOWN = (
        209,
        "a step is taken in a dispute that was opened",
        "list the disputes of the market",
    )
    STEP_IS_NOT_ALLOWED = (
        210,
        "a step follows from the state that the dispute is in",
        "look at the dispute: its page names the steps that may come next",
    )
    STEP_IS_TOO_EARLY = (
        211,
        "a dispute is escalated once it is rejected, or once the day for an answer has passed",
        "wait for the answer or for that day",
    )
    DISPUTE_HAS_LAPSED = (
        212,
        "a dispute lapses when it is not escalated in time; nothing follows it",
        "open a new dispute if the line may still be disputed",
    )
    ACTS_FOR_BOTH_SIDES = (
        213,
        "who opened a dispute does not answer it, and who opened or answered it does not decide it",
        "let somebody else take the step",
    )
    AWARD_IS_ABOVE_CLAIM = (
        214,
        "what is upheld is of the claim's kind, above zero and at most the claim",
        "uphold the whole by giving nothing, or a part of what was claimed",
    )
    ATTACHMENT_IS_TOO_LARGE = (
        215,
        "an attachment holds 1 byte to 10 MB",
        "attach an extract, or a smaller scan",
    )
    ATTACHMENT_IS_OF_ANOTHER_TYPE = (
        216,
        "an attachment is a PDF, PNG, JPEG, XLSX, CSV or text file, by content and by name",
        "convert it, and keep the ending of its type",
    )
    RUN_IS_NOT_LATER = (
        217,
        "a dispute is settled by a run that was posted, after the disputed document, for days that "
        "the document bills",
        "settle and post the days again under a later kind of the calendar",
    )
    NOTE_IS_MISSING = (
        218,
        "where the run moved the disputed account, the note that bills the difference is linked",
        "issue the documents of the month, then link the note",
    )
    NOTE_IS_OF_ANOTHER = (
        219,
        "the note bills the run's journals to the same participant, for the same month and series",
        "link the credit or debit note that followed the run",
    )
    NOTE_LEAVES_THE_LINE = (
        220,
        "the note moves the line that is disputed",
        "link the note whose lines hold the disputed charge and subject",
    )
    MOMENT_IS_EARLIER = (
        221,
        "a step is not taken before the one it follows",
        "check the clock of the machine",
    )
    EVENT_IS_OUT_OF_ORDER = (
        222,
        "events of a market are gapless, and each names the digest before it in its dispute",
        "take steps through the ledger, which numbers them under a lock",
    )
    RUN_CORRECTS_NOTHING = (
        223,
        "where an amount is upheld, the run that settles the dispute moved the disputed account",
        "settle the days again once what is upheld is corrected, and name that run",
    )
    DISPUTE_HOLDS_TOO_MUCH = (
        224,
        "a dispute holds at most 8 attachments of 40 MB in sum",
        "say it in words, or attach one file in the place of several",
    )
    ACCOUNT_ATTACHED_TOO_MUCH = (
        225,
        "one person attaches at most 60 files of 200 MB in sum within 30 days",
        "attach an extract, or wait until the oldest of them is 30 days old",
    )


RULE_OF_CONSTRAINT: dict[str, Rule] = {
    "dispute_event_follows": DisputeRule.EVENT_IS_OUT_OF_ORDER,
    "dispute_follows": DisputeRule.EVENT_IS_OUT_OF_ORDER,
    "dispute_is_opened": DisputeRule.EVENT_IS_OUT_OF_ORDER,
    "pk_dispute": DisputeRule.EVENT_IS_OUT_OF_ORDER,
    "pk_dispute_event": DisputeRule.EVENT_IS_OUT_OF_ORDER,
    "dispute_step_is_allowed": DisputeRule.STEP_IS_NOT_ALLOWED,
    "dispute_has_two_sides": DisputeRule.ACTS_FOR_BOTH_SIDES,
    "acts_as_itself": LedgerRule.ACTS_AS_ANOTHER,
    "holds_role": LedgerRule.ROLE_IS_MISSING,
    "moment_is_present": LedgerRule.MOMENT_IS_ANOTHER,
}
"""The constraint or trigger of the database that speaks for a rule."""
