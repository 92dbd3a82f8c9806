"""The rules of the ledger: a numbered catalogue, from which a refusal takes its words.

The numbers are stable: a rule is never renumbered, nor its number given to another. Refusals stand
in the order of the numbers. Some rules are checked in Python and once more by PostgreSQL;
`ledger.constraint_rules` says which constraint or trigger speaks for which rule.
"""

from enum import Enum

from common.refusals import Finding


class Rule(Enum):
    """A rule: its number, what it asks for, and what to do about a breach; its name is the code.

    Parts of the ledger keep rules of their own, and number on from these.
    """

    def __init__(self, number: int, limit: str, remedy: str) -> None:
        self.number = number
        self.limit = limit
        self.remedy = remedy

    def finding(self, place: str, value: str) -> Finding:
        """Return the breach of this rule by `value`, found at `place`."""
        return Finding(self.name, place, value, self.limit, self.remedy, self.number)


class LedgerRule(Rule):
    """The rules of journals, documents, payments, seals and the log."""

    KEY_IS_EMPTY = (
        1,
        "a journal has an idempotency key",
        "name what is posted, such as market, day and run kind",
    )
    KEY_IS_REPEATED = (
        2,
        "a key appears once in a batch",
        "merge the journals or give each its own key",
    )
    REASON_IS_EMPTY = (3, "a journal says why it was posted", "give a reason")
    DIGEST_IS_MALFORMED = (4, "a digest is 32 bytes", "pass the SHA-256 digest itself")
    RUN_IS_HALF_NAMED = (
        5,
        "a journal of a run names the run, its kind and the settlement day",
        "give all three, or neither run nor kind",
    )
    NAME_IS_MALFORMED = (
        6,
        "a name is letters, digits and . _ / - and starts with a letter or a digit",
        "rename it; a colon or a space would make account codes ambiguous",
    )
    ACCOUNT_IS_OF_ANOTHER_MARKET = (
        7,
        "a journal posts to accounts of its own market",
        "post a journal for each market",
    )
    AMOUNT_IS_NOT_AN_INTEGER = (
        8,
        "an amount is a Python int",
        "convert with int(); never round a float into the ledger",
    )
    AMOUNT_IS_ZERO = (9, "a posting moves something", "leave postings of zero out")
    AMOUNT_IS_OUT_OF_RANGE = (
        10,
        "an amount fits a signed 64-bit integer",
        "check the units: micro of the currency, or Wh",
    )
    JOURNAL_IS_UNBALANCED = (
        11,
        "a journal sums to zero in each commodity",
        "post the counterpart of every movement",
    )
    KEY_HAS_OTHER_INPUT = (
        12,
        "a key is posted once; the same key with the same input returns the original",
        "post a correction under its own key",
    )
    RUN_IS_ALREADY_POSTED = (
        13,
        "a market's settlement day is posted once a run kind",
        "post the difference under a later run kind",
    )
    JOURNAL_IS_INCOMPLETE = (
        14,
        "a journal's postings arrive in one statement, lines 1 to its posting count",
        "post a new journal instead of adding to an old one",
    )
    JOURNAL_IS_OUT_OF_ORDER = (
        15,
        "journal numbers are gapless and each journal names the digest before it",
        "post through the ledger, which numbers under a lock",
    )
    TABLE_IS_APPEND_ONLY = (
        16,
        "no row of the ledger is changed or deleted",
        "post a correction that names what it corrects",
    )
    ROW_IS_MALFORMED = (
        17,
        "a row keeps the constraints of its table",
        "post through the ledger",
    )
    RUN_IS_A_STUDY = (
        18,
        "a run of a study is never posted",
        "settle the days under a run kind of the settlement calendar, and post that run",
    )
    DAY_IS_SEALED = (
        19,
        "nothing is posted to a sealed settlement day",
        "open a dispute of the document, or adjust a later period",
    )
    SEAL_IS_UNFOUNDED = (
        20,
        "a seal names its days, who seals, why, and the last journal of each day",
        "name them, and seal a day once its last run is posted",
    )
    CAUSE_IS_UNKNOWN = (
        21,
        "a journal names one published cause: a run, a document, an allocation, interest or a seal",
        "publish what moves the money first, and name it as the log does",
    )
    CAUSE_IS_TAKEN = (
        22,
        "a cause moves money once, and a run once a settlement day",
        "post the difference under a cause of its own, such as a later run",
    )
    CAUSE_IS_ANOTHER = (
        23,
        "a journal and its cause name each other: a run by identity, kind, market and day, all "
        "else by the journal's number",
        "post through the use case that makes the cause",
    )
    ACCOUNT_IS_OF_ANOTHER_CAUSE = (
        24,
        "allocations alone move what is paid, documents rounding and tax, interest its accounts, "
        "and runs all others",
        "post what each cause moves in a journal of its own",
    )
    ACTS_AS_ANOTHER = (
        25,
        "who a row says did it is the account that acts",
        "sign in as that account: manage.py login ACCOUNT",
    )
    ROLE_IS_MISSING = (
        26,
        "an account does what its roles allow",
        "let somebody do it who may, or have the role granted: manage.py propose grant",
    )
    TWO_PEOPLE_DECIDE = (
        27,
        "what one person proposes another approves",
        "have somebody else approve it",
    )
    DECISION_IS_MISSING = (
        28,
        "law and rights rest on an approved proposal that says so",
        "propose it, and have another person approve it",
    )
    MOMENT_IS_ANOTHER = (
        29,
        "decisions, documents, steps of a dispute, seals and checkpoints state the present moment",
        "set the clock of this machine right, and do it again",
    )
    MONTH_IS_MALFORMED = (
        30,
        "a billing month is written as its first day",
        "pass the first day of the month",
    )
    CURRENCY_IS_UNKNOWN = (
        31,
        "an invoice is in a currency of ISO 4217 that has at most two decimals",
        "pass a currency that documents can be written in",
    )
    PAYMENT_TERM_IS_OUT_OF_RANGE = (
        32,
        "a payment term is 0 to 366 days",
        "pass the days between issue and payment",
    )
    TAX_IS_UNKNOWN = (
        33,
        "a tax category is one of EN 16931, and only category S has a rate",
        "pass a category such as AE (reverse charge) with rate 0",
    )
    LINE_IS_INCOMPLETE = (
        34,
        "an invoice line has a description, words about its tax, and a quantity with its unit",
        "give a description and a tax note, and both quantity and unit, or neither",
    )
    DRAFT_IS_REPEATED = (
        35,
        "a participant gets one document of a family, month and currency at a time, and one more "
        "for what is not subject to tax",
        "merge the drafts",
    )
    LINES_DIFFER_FROM_LEDGER = (
        36,
        "a participant's lines come to what each account moved since its last document",
        "draft the lines again from the ledger's unbilled movements",
    )
    INVOICE_IS_INCOMPLETE = (
        37,
        "an invoice's lines arrive in one statement, 1 to its line count, and sum to its amount",
        "issue a credit or debit note instead of adding to an old invoice",
    )
    INVOICE_IS_OUT_OF_ORDER = (
        38,
        "invoice numbers of a series are gapless and each names the digest before it",
        "issue through the ledger, which numbers under a lock",
    )
    QUALITY_IS_UNKNOWN = (
        39,
        "a line has a known quality, and an estimated part only of a quantity that was metered",
        "give the estimated part with a quantity and its quality, or give none",
    )
    PARTY_IS_INCOMPLETE = (
        40,
        "a document names its seller and its buyer in full",
        "complete the registration, or the operator of the settlement terms",
    )
    TAX_STANDS_ALONE = (
        41,
        "lines that are not subject to tax, category O, share no document with others (EN 16931, "
        "BR-O-11)",
        "draft a document for them, and one for the others",
    )
    INVOICE_DIFFERS_FROM_LINES = (
        42,
        "an invoice's net and tax are what its lines come to, rounded once for each tax of a month",
        "issue through the ledger, which sums and rounds the lines",
    )
    STATEMENT_IS_UNREADABLE = (
        60,
        "bank statements come as camt.053 of ISO 20022, alone or in a zip or gzip file, of at most "
        "1,000 files and 20 MB unpacked, and without a document type",
        "ask the bank for camt.053 and pass the file as it came",
    )
    STATEMENT_FIELD_IS_MISSING = (
        61,
        "a statement has identification, account, booked opening and closing balances, and entries "
        "with amount, side and date",
        "ask the bank for the statement of the whole day, as booked; nothing is guessed",
    )
    STATEMENT_IS_OF_ANOTHER_ACCOUNT = (
        62,
        "a statement is of the operator's account in the settlement terms",
        "import it where it belongs, or publish the new account first",
    )
    STATEMENT_CURRENCY_DIFFERS = (
        63,
        "balances and entries are in the market's currency",
        "let the bank convert before it books",
    )
    STATEMENT_DOES_NOT_ADD_UP = (
        64,
        "the opening balance and the entries come to the closing balance",
        "ask the bank for the whole statement",
    )
    ENTRY_IS_NOT_BOOKED = (
        65,
        "every entry that the balances count is booked",
        "import the statement of the day on which the bank booked it",
    )
    ENTRY_DOES_NOT_ADD_UP = (
        66,
        "the payments of a batch, less the charges that are stated, come to its entry",
        "ask the bank for the amounts of the payments and of its charges",
    )
    STATEMENT_HAS_OTHER_CONTENT = (
        67,
        "a statement is imported once; again and unchanged, it is skipped",
        "ask the bank which of the two is right; a correction comes as a later statement",
    )
    STATEMENT_IS_OUT_OF_SEQUENCE = (
        68,
        "a statement opens with the balance that the one before it closed with, and on no earlier "
        "day",
        "import what lies between first: any statement of the bank does, whatever its days and its "
        "number, that opens with that balance; where the bank has none, go on with --missing and "
        "the reason, which puts the difference into the queue",
    )
    STATEMENT_LACKS_PAGES = (
        69,
        "all pages of a statement come in one file, each once",
        "put the files of all its pages into one zip file, and import that",
    )
    TRANSACTION_IS_UNKNOWN = (
        70,
        "what is allocated is a transaction of an imported statement",
        "name it as the queue does, such as gb12-bank-000001/3",
    )
    DOCUMENT_IS_UNKNOWN = (
        71,
        "a payment is allocated to documents of its market and currency",
        "copy the number from the document",
    )
    ALLOCATION_IS_TOO_MUCH = (
        72,
        "what is allocated has the sign of the payment, is no more than it, and leaves what is "
        "paid of each document between nothing and what it asks for",
        "allocate less, and leave the rest in the queue",
    )
    ALLOCATION_CHANGES_NOTHING = (
        73,
        "a new allocation differs from the one before",
        "leave it as it stands",
    )
    DECISION_IS_NOT_SIGNED = (
        74,
        "a person who allocates gives a name and a reason",
        "say who and why",
    )
    ALLOCATION_IS_BUILT_UPON = (
        75,
        "what is paid of a document lies between nothing and what it asks for, whichever payment "
        "is moved away",
        "return first to the queue what others paid of the document or took back on top of this "
        "payment; manage.py payments list names them",
    )
    ALLOCATION_TAKES_FROM_OTHERS = (
        76,
        "what a payment gives to each participant, over all of their documents, has its sign",
        "set off documents of one participant alone; what is owed to another is paid to them",
    )
    BANK_ACCOUNT_IS_OF_ANOTHER_MARKET = (
        77,
        "the statements of a bank account are imported to one market, so that each payment counts "
        "once",
        "give each market an account of its own in its settlement terms",
    )
    STATEMENT_IS_OF_THE_FUTURE = (
        78,
        "a statement tells of no day more than one after its import, for none of an earlier "
        "day could follow it",
        "ask the bank for the statement with the days on which it booked; where they are right, "
        "set the clock right",
    )
    LOG_KEY_IS_EXPOSED = (
        80,
        "the file of a private key is readable by its owner alone",
        "rotate the key if others may have read it; then chmod 600 the file",
    )
    LOG_KEY_IS_UNREADABLE = (
        81,
        "the file of a private key holds an Ed25519 key as PEM, without a password",
        "restore the file; that of the log is var/log_key, or what TALLYSTICK_LOG_KEY_FILE names",
    )
    LOG_KEY_IS_ANOTHER = (
        82,
        "checkpoints are signed by the log's present key",
        "restore its file; only if it is lost: manage.py log_key rotate --lost",
    )
    LOG_NAME_IS_MALFORMED = (
        83,
        "a log's name is printable and has no space and no plus",
        "set TALLYSTICK_LOG_NAME to such as energy.example/log",
    )
    LOG_HAS_NO_CHECKPOINT = (
        84,
        "a proof leads to a checkpoint",
        "make one: manage.py checkpoint",
    )
    FACT_IS_NOT_COVERED = (
        85,
        "a fact can be proven once a checkpoint covers it",
        "make one: manage.py checkpoint",
    )
    FACT_IS_UNKNOWN = (
        86,
        "a proof is of a fact that the log holds",
        "give the number or the short code as the document prints it",
    )
    CHECKPOINT_IS_UNKNOWN = (
        87,
        "consistency is proven between two published checkpoints, the older first",
        "give the sizes of two of them; manage.py checkpoint --list shows them",
    )
    LOG_IS_DAMAGED = (
        88,
        "a proof leads to the published root",
        "find the damage by manage.py verify, and restore what it names from a backup",
    )
