"""CPU time of every page of the portal, each address of its URL configuration, on a real database.

Run alone with ``python -m benchmarks.pages``, on a database that `make demo` filled, best with the
real year: ``make demo SERVE=0 DATA=../shared/data/gb12``. Every page is asked for as an auditor and
an operator in one, first once, so that what is imported at first use counts for nobody, then a few
times; the table shows the least of them. The page's share is the CPU of this process, the
database's the one of its own processes, where they are on this machine. Users are rolled back.
"""

import contextlib
import datetime as dt
import logging
import os
import re
import sys
import uuid
from collections.abc import Callable, Iterator, Mapping
from time import process_time
from typing import NamedTuple

import psutil
from sqlalchemy import text

from database.session import ensure_server, transaction

MOST_MS = 200
TIMES = 3
IS_NO_HTML = re.compile(r"\.(csv|json|py)$|invoice\.<|evidence/$|/file/|/checkpoint/")
"""Addresses that send files or words; what they cost grows with what they send."""
ANSWERS_FORMS = {
    "notices-read", "payments-import", "payment-decide", "ask-for-replay", "replay", "dispute-step",
}  # fmt: skip
"""Addresses that take a form, or answer to one."""

# What the parameters of addresses stand for: the largest of each kind, as it costs most.
VALUES = {
    "digest": "SELECT encode(digest, 'hex') FROM rulebook.version ORDER BY length(body::text) DESC",
    "instrument": "SELECT instrument FROM rulebook.version ORDER BY length(body::text) DESC",
    "number": (
        "SELECT series || '-' || lpad(number::text, 6, '0') FROM ledger.invoice "
        "ORDER BY line_count DESC, number DESC"
    ),
    "run_id": "SELECT id FROM settlement.run ORDER BY last_day - first_day DESC, created_at DESC",
    "market": "SELECT market FROM settlement.run",
    "participant": (
        "SELECT participant FROM ledger.invoice GROUP BY participant ORDER BY count(*) DESC"
    ),
    "day": "SELECT first_day FROM settlement.run ORDER BY last_day - first_day DESC",
    "statement": "SELECT market || '-bank-000001' FROM ledger.bank_statement",
}


class Cost(NamedTuple):
    """What a page costs; times in ms, of the process and of the database."""

    name: str
    path: str
    status: int
    page_ms: float
    database_ms: float
    size: int


def addresses() -> Iterator[tuple[str, str]]:
    """Yield name and route of every page of the URL configuration."""
    from django.urls import URLPattern, URLResolver, get_resolver

    def walk(patterns: list[object], before: str) -> Iterator[tuple[str, str]]:
        for pattern in patterns:
            if isinstance(pattern, URLResolver):
                yield from walk(pattern.url_patterns, before + str(pattern.pattern))
            elif isinstance(pattern, URLPattern):
                yield str(pattern.name), before + str(pattern.pattern)

    for name, route in walk(get_resolver().url_patterns, ""):
        if name not in ANSWERS_FORMS and not IS_NO_HTML.search(route):
            yield name, route


def values() -> dict[str, str]:
    """Return what each parameter of an address stands for, where the database has such a thing."""
    found = {"line": "1", "interval": "1", "action": "comment"}
    for name, query in VALUES.items():
        try:
            with transaction() as session:
                value = session.scalar(text(f"{query} LIMIT 1"))
        except Exception as error:
            print(f"no {name}: {error}", file=sys.stderr)
            continue
        if value is not None:
            found[name] = str(value)
    return found


def filled(route: str, known: Mapping[str, str]) -> str | None:
    """Return the path of a route, or None where the database lacks what it is about."""
    names = re.findall(r"<(?:\w+:)?(\w+)>", route)
    # A dispute is named by market and number; everything else that has a number is a document.
    known = {**known, "number": "1"} if route.startswith("disputes/") else known
    if set(names) - known.keys():
        return None
    return "/" + re.sub(r"<(?:\w+:)?(\w+)>", lambda named: known[named[1]], route)


def database_seconds() -> float:
    """Return the CPU time that this process's connections have had of a server on this machine."""
    with transaction() as session:
        found = session.scalars(
            text("SELECT pid FROM pg_stat_activity WHERE application_name = :name"),
            {"name": os.environ["PGAPPNAME"]},
        ).all()
    spent = 0.0
    for number in found:
        with contextlib.suppress(psutil.Error):
            times = psutil.Process(number).cpu_times()
            spent += times.user + times.system
    return spent


def measured(name: str, path: str, get: Callable[[str], object]) -> Cost:
    """Return what a page costs at best."""
    answer = get(path)
    best: list[tuple[float, float]] = []
    for _ in range(TIMES):
        before, database_before = process_time(), database_seconds()
        answer = get(path)
        spent = process_time() - before
        best.append((1_000 * spent, 1_000 * (database_seconds() - database_before)))
    page_ms = min(page for page, _ in best)
    database_ms = min(database for _, database in best)
    size = 0 if answer.streaming else len(answer.content)  # type: ignore[attr-defined]  # of Django
    return Cost(name, path, answer.status_code, page_ms, database_ms, size)  # type: ignore[attr-defined]  # the same


def costs() -> Iterator[Cost]:
    """Yield the cost of every page."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    os.environ["PGAPPNAME"] = f"benchmarks.pages (process {os.getpid()})"
    ensure_server()
    import django

    django.setup()
    from django.contrib.auth.models import User
    from django.db import transaction as django_transaction
    from django.test import Client

    from ledger.people.roles import Role
    from portal.demo_people import demo_people

    # Not Django's test environment: it keeps a copy of what each template is given.
    logging.disable(logging.WARNING)  # pages that this user may not open are in the table
    known = values()
    with django_transaction.atomic():
        account = "who-measures-pages"
        people = demo_people(dt.datetime.now(dt.UTC))
        with people.acting_as("operator") as session:
            for role in (Role.AUDITOR, Role.OPERATOR):
                people.ensure(session, account, "Who measures", role)
        user = User.objects.create_user(account, password=str(uuid.uuid4()))
        client = Client(raise_request_exception=False, SERVER_NAME="localhost")
        client.force_login(user)
        for name, route in addresses():
            path = filled(route, known)
            if path is None:
                print(f"{name}: the database has nothing of the kind", file=sys.stderr)
                continue
            yield measured(name, path, client.get)
        django_transaction.set_rollback(True)


def main() -> None:
    """Print the table, and end with 1 where a page takes longer than it may."""
    print(f"{'page':<24}{'status':>7}{'page, ms':>10}{'database, ms':>14}{'KiB':>8}  address")
    slow = 0
    for cost in costs():
        mark = "  over" if cost.page_ms > MOST_MS else ""
        slow += cost.page_ms > MOST_MS
        print(
            f"{cost.name:<24}{cost.status:>7}{cost.page_ms:>10.0f}{cost.database_ms:>14.0f}"
            f"{cost.size / 1024:>8.0f}  {cost.path}{mark}",
            flush=True,
        )
    print(f"{slow} pages take more than {MOST_MS} ms" if slow else f"all within {MOST_MS} ms")
    sys.exit(1 if slow else 0)


if __name__ == "__main__":
    main()
