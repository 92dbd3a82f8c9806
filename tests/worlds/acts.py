"""Acts that are done at once, in the process and the transaction of a test."""

from collections.abc import Callable
from typing import Any

import pytest

from portal import jobs, signing, tasks
from portal.acts import requests
from portal.models import Act
from tests.worlds.as_portal import as_worker

AT_ONCE = {"act": tasks.do_act, "explain": tasks.explain, "open": tasks.open_trial}
"""What a page waits for."""


def do_acts_at_once(patch: pytest.MonkeyPatch) -> None:
    """Let no worker be needed: what a test asks for is rolled back, and no other could see it.

    The request is in Django's transaction, so the domain's cannot take it and mark it; that it
    does so with rows that are committed, `tests/portal/test_acts.py` shows.
    """
    queue: Callable[[str, int], int] = jobs.defer
    wait: Callable[..., Any] = jobs.wait_for
    queued: list[tuple[str, int]] = []

    def defer(task: str, number: int) -> int:
        job = queue(task, number)
        if task in AT_ONCE:
            queued.append((task, number))
        return job

    def wait_for(read: Callable[[], Any]) -> Any:
        while queued:
            task, number = queued.pop(0)
            with as_worker():
                AT_ONCE[task](number)
        return wait(read)

    def take(_session: object, number: int) -> bool:
        return Act.objects.filter(pk=number, state=Act.State.ASKED).exists()

    def mark(_session: object, number: int, state: str, outcome: object, now: object) -> None:
        Act.objects.filter(pk=number).update(
            state=state, outcome=outcome, finished_at=now, content=None
        )

    patch.setattr(jobs, "defer", defer)
    patch.setattr(jobs, "wait_for", wait_for)
    # The log is committed, and other tests of the same database count its checkpoints.
    patch.setattr(signing, "sign_after", lambda _now: None)
    patch.setattr(requests, "take", take)
    patch.setattr(requests, "mark", mark)
