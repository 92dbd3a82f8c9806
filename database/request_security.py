"""What the web process may ask of the worker: requests that nobody answered yet, and their jobs.

What comes of a request the worker alone says. The queue is read by everybody, as it names rows by
their number; a job is queued for a row that whoever acts asked for.
"""

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import NamedTuple

from database.row_security import ME, OWN_POLICIES

ASKED: Mapping[str, str] = MappingProxyType(
    {
        "portal.portal_act": "state = 'asked' AND outcome = '{}' AND finished_at IS NULL",
        "portal.portal_export": (
            "state = 'running' AND file_name = '' AND media_type = '' AND size_bytes = 0 "
            "AND error = '' AND found = '[]' AND finished_at IS NULL AND expires_at IS NULL"
        ),
        "portal.portal_explanationrequest": "state = 'running' AND content = ''",
        "portal.portal_replayrequest": (
            f"state = 'running' AND requested_by_id = {ME} AND stored_digest IS NULL "
            "AND recomputed_digest IS NULL AND first_difference = '' AND seconds IS NULL "
            "AND error = '' AND finished_at IS NULL"
        ),
        "portal.portal_askedtrial": (
            f"state = 'running' AND user_id = {ME} AND trial_id IS NULL AND wish = '' "
            "AND error = '' AND found = '[]' AND finished_at IS NULL AND done = 0"
        ),
        "portal.portal_askedreport": (
            f"state = 'running' AND user_id = {ME} AND error = '' AND found = '[]' "
            "AND finished_at IS NULL AND done = 0"
        ),
    }
)
"""By table of what people ask the worker for, how a row is that nobody answered: what comes of it,
such as that a replay gave the same, the worker alone says. The web process may say that it failed,
where no worker is left to."""

QUEUE = "portal.procrastinate_jobs"
_NUMBER = "(args ->> 'number')::bigint"


class _Task(NamedTuple):
    """How jobs of a task are queued, and by what table the row that each does is asked for."""

    priority: int
    lanes: int
    table: str


_TASKS: Mapping[str, _Task] = MappingProxyType(
    {
        "act": _Task(20, 0, "portal.portal_act"),
        "explain": _Task(15, 2, "portal.portal_explanationrequest"),
        "export": _Task(10, 2, "portal.portal_export"),
        "replay": _Task(0, 1, "portal.portal_replayrequest"),
        "trial": _Task(0, 1, "portal.portal_askedtrial"),
        "report": _Task(0, 1, "portal.portal_askedreport"),
    }
)
FIRST_TASKS = ("act", "explain", "export", "replay")
"""Those of migration 0020 of the portal; each later one widens the policy by its task."""


def _job(task: str) -> str:
    """Return the branch of a job that does what a row asks for, of those that whoever acts sees."""
    priority, lanes, table = _TASKS[task]
    # Not the operator: a driver takes a per cent sign for a place of a value.
    lock = f"lock = '{task}-' || mod({_NUMBER}, {lanes})" if lanes else "lock IS NULL"
    return (
        f"WHEN '{task}' THEN priority = {priority} AND {lock} AND EXISTS (SELECT FROM {table} "
        f"AS asked WHERE asked.id = {_NUMBER} AND asked.state IN ('asked', 'running'))"
    )


def queued(tasks: Iterable[str]) -> str:
    """Return which jobs of some tasks the web process may queue: those of `portal.jobs.defer`.

    A moment that no clock has ended every worker, and a job of another's lock kept that lock for
    ever.
    """
    branches = "\n    ".join(_job(task) for task in tasks)
    return f"""
status = 'todo' AND NOT abort_requested AND worker_id IS NULL AND attempts = 0
AND scheduled_at IS NULL AND queueing_lock IS NULL AND queue_name = 'default'
AND args = jsonb_build_object('number', {_NUMBER})
AND CASE task_name
    {branches}
    ELSE false END
AND NOT EXISTS (
    SELECT FROM portal.procrastinate_jobs AS other
    WHERE other.status = 'todo' AND other.task_name = procrastinate_jobs.task_name
        AND other.args = procrastinate_jobs.args)
"""


LOST = """
status = 'doing' AND NOT EXISTS (
    SELECT FROM portal.procrastinate_workers AS worker
    WHERE worker.id = worker_id AND worker.last_heartbeat >= now() - interval '60 seconds')
"""
"""A job whose worker is gone: `portal.jobs.HEART`."""


def secure_requests(execute: Callable[[str], object]) -> None:
    """Let the web process ask for what the worker does, and say nothing of what came of it.

    Of what it asked for when the queue came to be; see `secure_request` for the others.
    """
    for task in FIRST_TASKS:
        execute(f"DROP POLICY reads ON {_TASKS[task].table}")
        secure_request(execute, _TASKS[task].table)
    execute(f"ALTER TABLE {QUEUE} ENABLE ROW LEVEL SECURITY")
    execute(f"CREATE POLICY reads ON {QUEUE} FOR SELECT USING (true)")
    execute(f"CREATE POLICY asks ON {QUEUE} FOR INSERT WITH CHECK ({queued(FIRST_TASKS)})")
    execute(
        f"CREATE POLICY gives_up ON {QUEUE} FOR UPDATE USING ({LOST}) "
        "WITH CHECK (status = 'failed')"
    )


def secure_request(execute: Callable[[str], object], table: str) -> None:
    """Let the web process ask by a table for what the worker does, and for nothing to be said."""
    own = OWN_POLICIES[table]
    under_way = f"{own} AND state IN ('asked', 'running')"
    execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    execute(f"CREATE POLICY reads ON {table} FOR SELECT USING ({own})")
    execute(f"CREATE POLICY asks ON {table} FOR INSERT WITH CHECK ({own} AND {ASKED[table]})")
    execute(
        f"CREATE POLICY gives_up ON {table} FOR UPDATE USING ({under_way}) "
        f"WITH CHECK ({own} AND state IN ('asked', 'running', 'failed'))"
    )


def unsecure_request(execute: Callable[[str], object], table: str) -> None:
    """Undo `secure_request`."""
    for policy in ("reads", "asks", "gives_up"):
        execute(f"DROP POLICY {policy} ON {table}")
    execute(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY")


def widen_queue(execute: Callable[[str], object], tasks: Iterable[str]) -> None:
    """Let the web process queue jobs of these tasks, and of no others."""
    execute(f"ALTER POLICY asks ON {QUEUE} WITH CHECK ({queued(tasks)})")


def unsecure_requests(execute: Callable[[str], object]) -> None:
    """Undo `secure_requests`."""
    for policy in ("gives_up", "asks", "reads"):
        execute(f"DROP POLICY {policy} ON {QUEUE}")
    execute(f"ALTER TABLE {QUEUE} DISABLE ROW LEVEL SECURITY")
    for task in FIRST_TASKS:
        table = _TASKS[task].table
        unsecure_request(execute, table)
        execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        execute(f"CREATE POLICY reads ON {table} USING ({OWN_POLICIES[table]})")
