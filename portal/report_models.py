"""Fairness reports that people ask for on a page: how far each is, and what came of it."""

from django.conf import settings
from django.db import models

from common.refusals import Finding


class AskedReport(models.Model):
    """A fairness report of a settled month or year that a page asked for.

    What it came to is a fact of its own, and is found by its market and its days.
    """

    class State(models.TextChoices):
        """How far it is."""

        RUNNING = "running", "Being made"
        DONE = "done", "Made"
        REFUSED = "refused", "Refused"
        FAILED = "failed", "Failed"

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    market = models.CharField(max_length=100)
    first_day = models.DateField()
    last_day = models.DateField()
    asked_at = models.DateTimeField()
    state = models.CharField(max_length=12, choices=State.choices, default=State.RUNNING)
    finished_at = models.DateTimeField(null=True)
    found = models.JSONField(default=list)
    error = models.TextField(blank=True)
    job_number = models.BigIntegerField(null=True)
    done = models.PositiveIntegerField(default=0, db_default=0)
    total = models.PositiveIntegerField(default=0, db_default=0)

    class Meta:
        """Order and indexes."""

        ordering = ("-asked_at", "-id")
        indexes = (models.Index(fields=["state", "asked_at"], name="asked_reports_by_state"),)

    def __str__(self) -> str:
        return f"Fairness report of {self.market} asked for: {self.get_state_display()}"

    @property
    def is_running(self) -> bool:
        """Whether the outcome is still to come."""
        return self.state == self.State.RUNNING

    @property
    def findings(self) -> list[Finding]:
        """Every reason for which it was refused."""
        return [Finding(**finding) for finding in self.found]
