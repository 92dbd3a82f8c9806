"""The portal's own tables, in the schema `portal`: what was done, asked for, read and sent."""

from django.conf import settings
from django.db import models

from common.refusals import Finding
from portal.drafting_models import AskedTrial, WorkingCopy
from portal.export_subjects import DocumentIntervals, OwnEvidence, RunEvidence, Subject, subject_of
from portal.report_models import AskedReport

__all__ = ["AskedReport", "AskedTrial", "WorkingCopy"]  # Django finds them here


class AuditEntry(models.Model):
    """One deed, kept for ever: who, when, what and why. The database refuses to change it.

    Who did it is an account, or none that is known; what commands did stands in `people.deed`.
    """

    class Action(models.TextChoices):
        """What was done."""

        SIGN_IN = "sign-in", "Signed in"
        SIGN_OUT = "sign-out", "Signed out"
        SIGN_IN_REFUSED = "sign-in-refused", "Sign-in refused"
        SESSION_REFUSED = "session-refused", "Refused a session that was not the portal's"
        PASSWORD = "password", "Changed the password"
        APP_ADDED = "app-added", "Added a second factor"
        APP_REMOVED = "app-removed", "Removed a second factor"
        FACTOR_REFUSED = "factor-refused", "Second factor refused"
        CODE_USED = "recovery-code", "Used a recovery code"
        CODES_MADE = "recovery-codes", "Made new recovery codes"
        CONFIRMED = "confirmed", "Confirmed who they are"
        REPLAY = "replay", "Asked for a replay"
        TRIAL = "trial", "Asked for a trial"
        REPORT = "report", "Asked for a fairness report"
        DISPUTE = "dispute", "Took a step in a dispute"
        SETTLED = "settled", "Settled and posted days"
        ISSUED = "issued", "Issued documents"
        STATEMENT = "statement-imported", "Imported a bank statement"
        ALLOCATION = "payment-allocated", "Allocated a payment"
        RETURN = "payment-returned", "Returned a payment to the queue"
        EVIDENCE = "evidence", "Downloaded evidence"  # before every file was an export
        EXPORT = "export", "Took a file"
        READING = "reading", "Read another's data"
        INVITED = "invited", "Invited an account"
        FIRST_PASSWORD = "first-password", "Set a password by an invitation"
        ACCOUNT_MADE = "account-made", "Made an account"
        GRANT_PROPOSED = "grant-proposed", "Proposed a right"
        GRANT_APPROVED = "grant-approved", "Approved a right"
        RIGHT_WITHDRAWN = "right-withdrawn", "Took a right away"
        CHANGE_CONFIRMED = "change-confirmed", "Confirmed a change of who is paid"
        CHANGE_OBJECTED = "change-objected", "Objected to a change of who is paid"
        LAW_CHANGE = "law-change", "Took a step of a change of the law"
        LAW_PROPOSED = "law-proposed", "Proposed law"
        LAW_APPROVED = "law-approved", "Approved law"
        PROPOSAL_ENDED = "proposal-ended", "Gave up a proposal"
        BOOKING = "booking", "Asked a market for energy"
        DEMO_SIGN_IN = "demo-sign-in", "Demo sign-in made"

    at = models.DateTimeField(db_index=True)
    account = models.CharField(max_length=150, blank=True)
    action = models.CharField(max_length=24, choices=Action.choices)
    subject = models.CharField(max_length=200, blank=True)
    reason = models.CharField(max_length=500, blank=True)

    class Meta:
        """Order and constraints."""

        ordering = ("-at", "-id")

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M} {self.account}: {self.get_action_display()}"


class ReplayRequest(models.Model):
    """A request to compute a run again, and how it ended."""

    class State(models.TextChoices):
        """How far it is."""

        RUNNING = "running", "Running"
        SAME = "same", "Identical"
        DIFFERENT = "different", "Different"
        FAILED = "failed", "Failed"

    run_id = models.UUIDField(db_index=True)
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    requested_at = models.DateTimeField()
    state = models.CharField(max_length=12, choices=State.choices, default=State.RUNNING)
    finished_at = models.DateTimeField(null=True)
    stored_digest = models.BinaryField(null=True)
    recomputed_digest = models.BinaryField(null=True)
    first_difference = models.TextField(blank=True)
    seconds = models.FloatField(null=True)
    error = models.TextField(blank=True)
    job_number = models.BigIntegerField(null=True)
    done = models.PositiveIntegerField(default=0, db_default=0)
    total = models.PositiveIntegerField(default=0, db_default=0)

    class Meta:
        """Order and constraints."""

        ordering = ("-requested_at", "-id")
        constraints = (
            models.UniqueConstraint(
                fields=["run_id"],
                condition=models.Q(state="running"),
                name="one_replay_of_a_run_at_a_time",
            ),
        )

    def __str__(self) -> str:
        return f"Replay of {self.run_id}: {self.get_state_display()}"

    @property
    def is_running(self) -> bool:
        """Whether the outcome is still to come."""
        return self.state == self.State.RUNNING


class NoticeRead(models.Model):
    """A user has read a notice; the notice itself is derived, and known by its key."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="notices_read"
    )
    key = models.CharField(max_length=250)

    class Meta:
        """Order and constraints."""

        constraints = (models.UniqueConstraint(fields=["user", "key"], name="notice_is_read_once"),)

    def __str__(self) -> str:
        return f"{self.user} has read {self.key}"


class NoticeSent(models.Model):
    """A notice was sent to the contacts of its participant."""

    key = models.CharField(max_length=250, unique=True)
    sent_at = models.DateTimeField()
    sent_to = models.TextField()

    def __str__(self) -> str:
        return f"{self.key} sent to {self.sent_to}"


class Use(models.Model):
    """An account asked for something that is counted; kept for an hour."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    kind = models.CharField(max_length=12)
    at = models.DateTimeField()

    class Meta:
        """Order and constraints."""

        indexes = (models.Index(fields=["user", "kind", "at"], name="uses_by_account"),)

    def __str__(self) -> str:
        return f"{self.user} used {self.kind} at {self.at:%Y-%m-%d %H:%M}"


class Attempt(models.Model):
    """A password or a code that was tried in vain, or a code that was used, in place of an address.

    Kept for an hour; it tells nobody's name.
    """

    kind = models.CharField(max_length=8)
    account = models.CharField(max_length=64)
    address = models.CharField(max_length=64)
    at = models.DateTimeField(db_index=True)

    class Meta:
        """Order and constraints."""

        indexes = (
            models.Index(fields=["kind", "account", "at"], name="attempts_by_account"),
            models.Index(fields=["kind", "address", "at"], name="attempts_by_address"),
        )

    def __str__(self) -> str:
        return f"An attempt of kind {self.kind} at {self.at:%Y-%m-%d %H:%M}"


class Export(models.Model):
    """A file that a person asked for and the worker makes; theirs alone, and kept for a day."""

    class Kind(models.TextChoices):
        """What is in it."""

        EVIDENCE = RunEvidence.kind, "Evidence of a run"
        INTERVALS = DocumentIntervals.kind, "Intervals of a document"
        OWN = OwnEvidence.kind, "Evidence of one's own documents"

    class State(models.TextChoices):
        """How far it is."""

        RUNNING = "running", "Being made"
        READY = "ready", "Ready"
        REFUSED = "refused", "Refused"
        FAILED = "failed", "Failed"

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    kind = models.CharField(max_length=12, choices=Kind.choices)
    subject = models.JSONField()
    asked_at = models.DateTimeField()
    state = models.CharField(max_length=12, choices=State.choices, default=State.RUNNING)
    finished_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True)
    file_name = models.CharField(max_length=200, blank=True)
    media_type = models.CharField(max_length=100, blank=True)
    size_bytes = models.BigIntegerField(default=0)
    error = models.TextField(blank=True)
    found = models.JSONField(default=list)
    job_number = models.BigIntegerField(null=True)
    done = models.PositiveIntegerField(default=0, db_default=0)
    total = models.PositiveIntegerField(default=0, db_default=0)

    class Meta:
        """Order and constraints."""

        ordering = ("-asked_at", "-id")
        constraints = (
            models.UniqueConstraint(
                fields=["user", "kind", "subject"],
                condition=models.Q(state="running"),
                name="a_file_is_made_once_at_a_time",
            ),
        )

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.of}: {self.get_state_display()}"

    @property
    def of(self) -> Subject:
        """What it is of; in words, where it is written."""
        return subject_of(self.kind, self.subject)

    @property
    def is_running(self) -> bool:
        """Whether the outcome is still to come."""
        return self.state == self.State.RUNNING

    @property
    def is_ready(self) -> bool:
        """Whether the file is there."""
        return self.state == self.State.READY

    @property
    def findings(self) -> list[Finding]:
        """Every reason for which it was refused, but for a right that its asker lacks."""
        return [Finding(**finding) for finding in self.found]


class ExplanationRequest(models.Model):
    """What somebody asks of a line, and the page that the worker made of it; kept for an hour.

    `document` is the number of a document, or names a row of a trial and `line` a line of its day.
    `day` and `interval` are empty where the line, or the whole day, is asked for. `rights` are
    those by which it was made: whoever has others asks anew. `content` is the page, and while it is
    being made, how many days of how many are settled, where that is told.
    """

    class State(models.TextChoices):
        """How far it is."""

        RUNNING = "running", "Being worked out"
        READY = "ready", "Ready"
        NOTHING = "nothing", "Nothing to explain"
        FAILED = "failed", "Failed"

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    rights = models.JSONField()
    document = models.CharField(max_length=100)
    line = models.PositiveIntegerField()
    day = models.DateField(null=True)
    interval = models.PositiveIntegerField(null=True)
    asked_at = models.DateTimeField()
    state = models.CharField(max_length=12, choices=State.choices, default=State.RUNNING)
    content = models.TextField(blank=True)
    job_number = models.BigIntegerField(null=True)

    class Meta:
        """Order and indexes."""

        ordering = ("-asked_at", "-id")
        indexes = (models.Index(fields=["user", "document", "line"], name="explanations_by_line"),)

    def __str__(self) -> str:
        return f"Explanation of {self.document} line {self.line}: {self.get_state_display()}"

    @property
    def is_running(self) -> bool:
        """Whether the outcome is still to come."""
        return self.state == self.State.RUNNING

    @property
    def days_settled(self) -> tuple[int, int] | None:
        """How many days of how many are settled, while it is made; None where that is untold."""
        done, _, total = self.content[:20].partition(" ")
        if not (self.is_running and done.isdecimal() and total.isdecimal()):
            return None
        return int(done), int(total)


class Act(models.Model):
    """What a person asked for, done once by the worker; kept a day, as what it did is a fact."""

    class Kind(models.TextChoices):
        """What is to be done."""

        IMPORT = "import", "Import a bank statement"
        ALLOCATE = "allocate", "Allocate a payment"
        RETURN = "return", "Return a payment to the queue"
        DISPUTE = "dispute", "Open a dispute"
        STEP = "step", "Take a step in a dispute"
        ACCOUNT = "account", "Make an account"
        INVITE = "invite", "Invite an account"
        GRANT = "grant", "Propose a right"
        APPROVE = "approve", "Approve a right"
        WITHDRAW = "withdraw", "Take a right away"
        ANSWER = "answer", "Answer a change of who is paid"
        SETTLE = "settle", "Settle and post days"
        ISSUE = "issue", "Issue documents"
        CHANGE = "change", "Open a change of the law"
        CHANGE_STEP = "change-step", "Take a step of a change of the law"
        REVISE = "revise", "Save a revision of a change"
        END = "end", "End a registration"
        PROPOSE_LAW = "propose-law", "Propose law"
        APPROVE_LAW = "approve-law", "Approve law"
        GIVE_UP = "give-up", "Give up a proposal"
        QUOTE = "quote", "Quote energy"
        BOOK = "book", "Book energy"
        REBOOK = "rebook", "Change a booking"
        CANCEL = "cancel", "Cancel a booking"

    class State(models.TextChoices):
        """How far it is."""

        ASKED = "asked", "Being done"
        DONE = "done", "Done"
        REFUSED = "refused", "Refused"
        FAILED = "failed", "Failed"

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    kind = models.CharField(max_length=12, choices=Kind.choices)
    subject = models.TextField()
    arguments = models.JSONField()
    content = models.BinaryField(null=True)
    asked_at = models.DateTimeField()
    state = models.CharField(max_length=12, choices=State.choices, default=State.ASKED)
    outcome = models.JSONField(default=dict)
    finished_at = models.DateTimeField(null=True)
    job_number = models.BigIntegerField(null=True)

    class Meta:
        """Order and indexes."""

        ordering = ("-asked_at", "-id")
        indexes = (models.Index(fields=["state", "finished_at"], name="acts_by_state"),)

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.subject}: {self.get_state_display()}"

    @property
    def is_running(self) -> bool:
        """Whether the outcome is still to come."""
        return self.state == self.State.ASKED

    @property
    def findings(self) -> list[Finding]:
        """Every reason for which it was refused."""
        return [Finding(**finding) for finding in self.outcome.get("findings", ())]


class ExportPart(models.Model):
    """A piece of a file, so that no process holds the whole of it in memory."""

    export = models.ForeignKey(Export, on_delete=models.CASCADE, related_name="parts")
    number = models.PositiveIntegerField()
    content = models.BinaryField()

    class Meta:
        """Order and constraints."""

        ordering = ("number",)
        constraints = (
            models.UniqueConstraint(fields=["export", "number"], name="a_part_stands_once"),
        )

    def __str__(self) -> str:
        return f"Part {self.number} of {self.export_id}"
