"""The table of trials that pages ask for: how far each is, and what came of it."""

from django.conf import settings
from django.db import models

from common.refusals import Finding


class AskedTrial(models.Model):
    """A trial of drafts that a page asked for: how far it is, and what came of it.

    `drafts` names each by where it comes from (`portal.draft_sources`).
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
