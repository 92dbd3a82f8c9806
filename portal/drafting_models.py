"""Tables of who writes law: what they draft, and the trials that they ask for."""

from django.conf import settings
from django.db import models

from common.refusals import Finding


class AskedTrial(models.Model):
    """A trial of drafts that a page asked for: how far it is, and what came of it.

    `drafts` names each by where it comes from (`portal.trials.sources`).
    """

    class State(models.TextChoices):
        """How far it is."""

        RUNNING = "running", "Being tried"
        DONE = "done", "Tried"
        REFUSED = "refused", "Refused"
        CANCELLED = "cancelled", "Cancelled"
        FAILED = "failed", "Failed"

    class Wish(models.TextChoices):
        """What whoever asked would have the worker do meanwhile."""

        GO_ON = "", "Go on"
        PAUSE = "pause", "Pause"
        CANCEL = "cancel", "Cancel"

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    market = models.CharField(max_length=100)
    first_day = models.DateField()
    last_day = models.DateField()
    drafts = models.JSONField()
    threshold_ppm = models.PositiveIntegerField()
    mode = models.CharField(max_length=12, default="as-metered")
    asked_at = models.DateTimeField()
    state = models.CharField(max_length=12, choices=State.choices, default=State.RUNNING)
    wish = models.CharField(max_length=8, choices=Wish.choices, blank=True, default=Wish.GO_ON)
    trial_id = models.UUIDField(null=True)
    finished_at = models.DateTimeField(null=True)
    found = models.JSONField(default=list)
    error = models.TextField(blank=True)
    job_number = models.BigIntegerField(null=True)
    done = models.PositiveIntegerField(default=0, db_default=0)
    total = models.PositiveIntegerField(default=0, db_default=0)

    class Meta:
        """Order and indexes."""

        ordering = ("-asked_at", "-id")
        indexes = (models.Index(fields=["state", "asked_at"], name="asked_trials_by_state"),)

    def __str__(self) -> str:
        return f"Trial of {self.market} asked for: {self.get_state_display()}"

    @property
    def is_running(self) -> bool:
        """Whether the outcome is still to come."""
        return self.state == self.State.RUNNING

    @property
    def is_paused(self) -> bool:
        """Whether it rests until who asked for it lets it go on."""
        return self.is_running and self.wish == self.Wish.PAUSE

    @property
    def findings(self) -> list[Finding]:
        """Every reason for which it was refused."""
        return [Finding(**finding) for finding in self.found]


class WorkingCopy(models.Model):
    """Law as a person would have it, while they write it: theirs alone, and no law.

    `base` and `bodies` hold documents by instrument: those it was drawn from, and as they were
    edited; a document that is new has no base. `version` counts the times that it was saved.
    `change` and `revision` name the text that it was begun from, or saved as; none of the law's.
    """

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    market = models.CharField(max_length=48)
    law_day = models.DateField()
    drawn_from = models.DateTimeField()
    wanted_from = models.DateField()
    base = models.JSONField(default=dict)
    bodies = models.JSONField(default=dict)
    change = models.BigIntegerField(null=True)
    revision = models.BigIntegerField(null=True)
    version = models.PositiveIntegerField(default=1)
    begun_at = models.DateTimeField()
    changed_at = models.DateTimeField()

    class Meta:
        """Order and indexes."""

        ordering = ("-changed_at", "-id")
        indexes = (models.Index(fields=["user", "changed_at"], name="copies_by_account"),)

    def __str__(self) -> str:
        return f"Working copy {self.pk} of {self.market}"
