"""Every route of the portal by every visitor: what is answered, and what the trail keeps of it.

A route without a row in the matrix fails here, and so does a row without a route.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import URLPattern, get_resolver, resolve
from django.utils import timezone

from database.session import transaction
from ledger.log.store import last_checkpoint
from ledger.people import store
from portal import readings_kept
from portal.audit import Action
from portal.models import Act, AskedReport, AskedTrial, AuditEntry, Export, ReplayRequest
from portal.queries.market_now import last_of_now
from portal.queries.people import participants
from portal.queries.rules import rule_on
from portal.trials import opening
from tests.browser.test_every_page import PAGES
from tests.portal.access_matrix import BOTH, BY_ROLE, GET, MATRIX, POST, VISITORS, Row
from tests.portal.site import FIRST_DAY, MARKET, SUPPLIER
from tests.worlds.drafted import law_in_a_copy

OF_THE_ACCOUNT = ("account_", "mfa_")
SOME_ID = "00000000-0000-4000-8000-000000000000"


def names_of_router(patterns=None) -> Iterator[str]:
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        if isinstance(pattern, URLPattern):
            yield pattern.name
        else:
            yield from names_of_router(pattern.url_patterns)


def test_every_route_has_one_row_and_every_row_a_route():
    assert Counter(row.route for row in MATRIX) == Counter(names_of_router())


def test_every_row_leads_to_its_route(things):
    found = {row.route: resolve(path_of(row, things)).url_name for row in MATRIX}
    assert found == {row.route: row.route for row in MATRIX}


def test_every_page_is_walked_by_the_browser_or_the_matrix_says_why_not():
    some = {
        "run": SOME_ID,
        "study": SOME_ID,
        "transition": SOME_ID,
        "trial": SOME_ID,
        "seen_trial": SOME_ID,
        "fairness": "2024-03",
        "number": "gb12-invoice-000001",
        "proposal": 1,
        "change": 1,
        "law": 1,
        "draft": 1,
    }
    paths = (path.partition("?")[0].format(**some) for path, _ in PAGES.values())
    walked = {resolve(path).url_name for path in paths}
    assert walked == {row.route for row in MATRIX if not row.unwalked}


@pytest.fixture
def owners(sign_in) -> dict[str, Client]:
    """The browsers of those to whom things belong."""
    return {who: sign_in(who) for who in ("owner", "operator")}


@pytest.fixture
def visit(owners, sign_in) -> Callable[[str], Client]:
    """Return a function from a visitor to their browser."""
    return lambda who: owners.get(who) or sign_in(who)


@pytest.fixture
def things(site, documents, owners) -> dict[str, object]:
    """What the addresses name."""
    now, number = timezone.now(), documents[SUPPLIER][0].number
    owner, operator = (User.objects.get(username=who) for who in ("owner", "operator"))
    with transaction() as session:
        grants = [each for each in store.proposals(session) if each.kind == "grant"]
        registration = rule_on(session, f"{MARKET}/registration/{SUPPLIER}", FIRST_DAY)
        size = last_checkpoint(session).size
    file = Export.objects.create(
        user=owner, kind="intervals", subject={"document": number}, asked_at=now, state="ready",
        finished_at=now, expires_at=now, file_name="intervals.csv", media_type="text/csv",
    )  # fmt: skip
    ask = {"subject": "operator", "arguments": {}, "asked_at": now}
    act = Act.objects.create(user=owner, kind="dispute", **ask)
    invitation = Act.objects.create(
        user=operator, kind="invite", state="done", finished_at=now, **ask
    )
    asked = AskedTrial.objects.create(
        user=operator, market=MARKET, first_day=FIRST_DAY, last_day=FIRST_DAY, drafts=[],
        threshold_ppm=0, asked_at=now,
    )  # fmt: skip
    asked_report = AskedReport.objects.create(
        user=operator, market=MARKET, first_day=FIRST_DAY, last_day=FIRST_DAY, asked_at=now
    )
    draft = law_in_a_copy(owner, "market-rules")
    with transaction() as session:
        last = last_of_now(session, MARKET)
    market_law = "" if last is None else last.law
    replay = ReplayRequest.objects.create(run_id=site.first_run, requested_at=now)
    return {
        "number": number, "owner": SUPPLIER, "run": site.first_run, "study": site.study,
        "transition": site.transition,
        "trial": site.seen_trial, "asked": asked.pk,
        "fairness": site.fairness, "asked_report": asked_report.pk,
        "registration": registration.digest.hex(), "size": size,
        "file": file.pk, "act": act.pk, "invitation": invitation.pk,
        "replay": replay.pk, "proposal": grants[0].number,
        "change": site.change, "law": site.law_change, "draft": draft.pk, "never": 999_999_999,
        "market_law": market_law,
    }  # fmt: skip


def path_of(row: Row, things) -> str:
    return row.address.format(**things).partition("?")[0]


def entries() -> list[tuple[str, str]]:
    kept = AuditEntry.objects.filter(action__in=(Action.READING, Action.EXPORT))
    return list(kept.order_by("id").values_list("action", "subject"))


@pytest.fixture(scope="session")
def names(site) -> list[bytes]:
    with transaction(site.engine) as session:
        return [name.encode() for _, name in participants(session)]


@pytest.fixture(scope="module")
def opened_once() -> Iterator[None]:
    """Settle what is opened of a trial once for all visitors; what each is shown is their own."""
    with pytest.MonkeyPatch.context() as patch:
        for opened in (opening.open_day, opening.open_rows):
            patch.setattr(opening, opened.__name__, _remembering(opened))
        yield


def _remembering(opened: Callable) -> Callable:
    known: dict[tuple, object] = {}

    def remembered(where, trial, what, **options):
        key = trial.id, str(what)
        if key not in known:
            known[key] = opened(where, trial, what, **options)
        return known[key]

    return remembered


@pytest.mark.usefixtures("opened_once")
@pytest.mark.parametrize("who", VISITORS)
def test_who_may_open_what_and_what_the_trail_keeps(who, visit, things, names, monkeypatch):
    monkeypatch.setattr(readings_kept, "ONCE_IN", readings_kept.ONCE_IN * 0)
    client, found, complaints = visit(who), {}, []
    for row in MATRIX:
        before = len(entries())
        ask = client.post if row.method == POST else client.get
        answer = ask(row.address.format(**things))
        content = b"".join(answer.streaming_content) if answer.streaming else answer.content
        led_in = answer.status_code == 302 and answer["Location"].startswith("/account/sign-in/")
        found[row.route] = "in" if led_in else str(answer.status_code)
        if answer.status_code == 200:
            kept = entries()[before:]
            complaints += complaints_about(row, who, answer, content, kept, names)
    position = VISITORS.index(who)
    assert found == {row.route: row.answers.split()[position] for row in MATRIX}
    assert "\n".join(complaints) == ""


def complaints_about(row, who, answer, content, kept, names) -> Iterator[str]:
    """Say what the trail should hold of an answer, and does not; or holds, and should not."""
    read = {subject for action, subject in kept if action == Action.READING}
    expected = {row.reads} if row.reads and who in {*BY_ROLE} - {row.spared} else set()
    if read != expected:
        yield f"{row.route}: {who} left {read} and not {expected}"
    is_file = answer.headers.get("Content-Disposition", "").startswith("attachment")
    is_public = row.answers.endswith("200")
    exported = [subject for action, subject in kept if action == Action.EXPORT]
    if len(exported) != (is_file and not is_public):
        yield f"{row.route}: {who} took a file, and the trail says {exported}"
    shows_others = who in BY_ROLE and any(name in content for name in names)
    if shows_others and not (kept or row.names or is_public):
        yield f"{row.route}: {who} is shown participants, and the trail says nothing"


def test_one_entry_says_it_for_an_hour(sign_in, things, monkeypatch):
    auditor, address = sign_in("auditor"), f"/invoices/{things['number']}/"
    for _ in range(3):
        auditor.get(address)
    assert entries() == [("reading", f"{MARKET}/{SUPPLIER}")]
    monkeypatch.setattr(readings_kept, "ONCE_IN", readings_kept.ONCE_IN * 0)
    auditor.get(address)
    assert len(entries()) == 2
    assert AuditEntry.objects.filter(action="reading", account="auditor").count() == 2


def test_pages_refuse_methods_that_write(owners, things):
    """Those that take a form refuse the others; those of the account are allauth's own."""
    for row in MATRIX:
        if not row.route.startswith(OF_THE_ACCOUNT):
            takes = {"post"} if row.method in (POST, BOTH) else set()
            for method in {"post", "put", "patch", "delete"} - takes:
                answer = getattr(owners["operator"], method)(path_of(row, things))
                assert answer.status_code == 405, (row.route, method)


def test_what_takes_a_form_alone_says_so_and_leads_to_a_page(owners, things):
    methods = {row.route: row.method for row in MATRIX}
    for row in MATRIX:
        if row.method == POST:
            answer = owners["operator"].get(path_of(row, things))
            assert (answer.status_code, answer["Allow"]) == (405, "POST"), row.route
            content = answer.content.decode()
            assert "This address takes a form" in content, row.route
            (address,) = re.findall('<a href="([^"]+)">To the page of the form', content)
            assert path_of(row, things).startswith(address), row.route
            assert methods[resolve(address).url_name] in (GET, BOTH), row.route
    assert {*methods.values()} == {GET, POST, BOTH}
