"""Notices: the page, what is read, the messages, and who may see whose."""

import datetime as dt
import html
import io
import json
import re

import pytest
from django.core import mail
from django.core.management import call_command
from django.core.management.base import CommandError
from django.test import Client
from django.utils import timezone

from common.quantities import with_unit
from database.session import transaction
from ledger.log.note import parse_note
from ledger.log.store import key_rows
from portal.models import NoticeRead, NoticeSent
from portal.queries.notices import notices, sentences, shown_notices
from settlement.billing.lines import account_title
from settlement.notices.notice import Sort
from tests.portal.site import GENERATOR, OUTSIDER, SUPPLIER


def text_of(client, address="/notices/"):
    answer = client.get(address)
    assert answer.status_code == 200
    return html.unescape(answer.content.decode())


@pytest.fixture
def own(site):
    """The notices of the supplier, in words."""
    with transaction() as session:
        found = [one for one in notices(session, timezone.now()) if one.participant == SUPPLIER]
        return shown_notices(session, found)


def unread_in_navigation(page: str) -> int:
    found = re.search(r'title="(\d+) unread"', page)
    return int(found[1]) if found else 0


def test_a_participant_sees_what_changed_for_it_and_nothing_of_others(sign_in, own):
    page = text_of(sign_in("owner"))
    assert len(own) >= 2
    for one in own:
        assert one.title in page
        assert all(sentence in page for sentence in one.sentences)
        assert all(f"/invoices/{number}/" in page for number in one.notice.documents)
        for change in one.notice.changes:
            assert account_title(change.commodity, change.account_kind) in page
            assert change.account_kind not in page or "." not in change.account_kind
    assert GENERATOR not in page
    assert OUTSIDER not in page
    assert "/runs/" not in page
    assert "is the participant that a notice names" not in page


def test_operators_see_all_and_may_choose_a_participant(sign_in, site):
    client = sign_in("operator")
    # Other tests of this market may have changed its law, of which there is a notice for each.
    page = text_of(client) + text_of(client, "/notices/?page=2")
    assert SUPPLIER in page
    assert f"/runs/{site.later_run}/" in page
    assert "“You” is the participant that a notice names" in page
    alone = text_of(client, f"/notices/?participant={GENERATOR}")
    assert f"gb12 · {SUPPLIER}" not in alone


def test_a_correction_says_whom_it_favours(site):
    """Of a generator, whom the market pays, too: it owes nothing that could be less."""
    with transaction() as session:
        found = [one for one in notices(session, timezone.now()) if one.sort is Sort.CORRECTION]
    moved = [one for one in found if any(micro for _, micro in one.money)]
    assert moved
    for one in moved:
        for currency, micro in one.money:
            amount = with_unit(abs(micro), "micro", currency)
            side = "against you" if micro > 0 else "in your favour"
            assert f"Your account changed by {amount} {side}." in sentences(one)


def test_a_notice_is_new_until_it_is_marked_as_read(sign_in, own):
    client = sign_in("owner")
    page = text_of(client)
    assert unread_in_navigation(page) == len(own) == page.count('class="badge">New')
    until = re.search(r'name="until" value="([^"]+)"', page)[1]
    assert client.post("/notices/read/", {"until": until})["Location"] == "/notices/"
    page = text_of(client)
    assert unread_in_navigation(page) == page.count('class="badge">New') == 0
    client.post("/notices/read/", {"until": until})
    assert NoticeRead.objects.count() == len(own)


def test_what_came_after_the_page_was_shown_stays_unread(sign_in, own):
    client = sign_in("owner")
    before = min(one.notice.at for one in own) - dt.timedelta(seconds=1)
    client.post("/notices/read/", {"until": before.isoformat()})
    assert unread_in_navigation(text_of(client)) == len(own)


@pytest.mark.parametrize("until", ["", "yesterday", "2024-05-01T09:00", "2024-99-99T00:00Z"])
def test_a_moment_that_is_none_marks_nothing(sign_in, until):
    client = sign_in("owner")
    assert client.post("/notices/read/", {"until": until}).status_code == 302
    assert not NoticeRead.objects.exists()


def test_reading_marks_are_a_users_own(sign_in, own):
    sign_in("owner").post("/notices/read/", {"until": "2030-01-01T00:00Z"})
    assert unread_in_navigation(text_of(sign_in("colleague"))) > 0


@pytest.mark.parametrize(
    ("who", "status"),
    [("signed out", 302), ("outsider", 302), ("regulator", 302), ("nobody", 403)],
)
def test_who_may_mark(sign_in, who, status):
    answer = sign_in(who).post("/notices/read/", {"until": "2030-01-01T00:00Z"})
    assert answer.status_code == status
    assert not NoticeRead.objects.filter(key__contains=SUPPLIER).exists()


def test_marking_needs_a_post_and_a_token(make_user):
    from ledger.people.roles import Role

    client = Client(enforce_csrf_checks=True)
    client.force_login(make_user("owner", Role.PARTICIPANT, SUPPLIER))
    assert client.get("/notices/read/").status_code == 405
    assert client.post("/notices/read/", {"until": "2030-01-01T00:00Z"}).status_code == 403


def test_a_participant_without_notices_is_told_so(sign_in):
    assert "Nothing has changed" in text_of(sign_in("unlinked participant"))


def test_the_command_lists_the_same(own, capsys):
    call_command("notices", SUPPLIER, "--json")
    listed = json.loads(capsys.readouterr().out)["notices"]
    assert [one["key"] for one in listed] == [one.notice.key for one in own]
    assert all(one["participant"] == SUPPLIER for one in listed)
    out = io.StringIO()
    call_command("notices", SUPPLIER, stdout=out)
    assert all(one.title in out.getvalue() for one in own)
    with pytest.raises(CommandError, match="one of gb12, found 'nowhere'; correct the name"):
        call_command("notices", SUPPLIER, "--market", "nowhere", stdout=out)


@pytest.mark.django_db
def test_each_participant_gets_one_message_once(own, site):
    call_command("send_notices", "--portal-url", "https://portal.example/", stdout=io.StringIO())
    to_supplier = [one for one in mail.outbox if f"To {SUPPLIER}," in one.body]
    assert len(to_supplier) == 1
    (message,) = to_supplier
    assert message.subject == f"gb12: {len(own)} notices for {SUPPLIER}"
    assert message.to
    for one in own:
        assert one.title in message.body
        assert all(sentence in message.body for sentence in one.sentences)
    assert "https://portal.example/notices/" in message.body
    assert GENERATOR not in message.body
    note = parse_note(message.body[message.body.index("tallystick.") :])
    with transaction(site.engine) as session:
        assert note.signed_by([placed.row.key for placed in key_rows(session)]), "to be kept"
    count = len(mail.outbox)
    out = io.StringIO()
    call_command("send_notices", stdout=out)
    assert "Every notice was sent before." in out.getvalue()
    assert len(mail.outbox) == count
    assert NoticeSent.objects.count() >= len(own)


@pytest.mark.django_db
def test_a_dry_run_sends_and_marks_nothing(capsys):
    call_command("send_notices", "--dry-run", "--json")
    messages = json.loads(capsys.readouterr().out)["messages"]
    assert {one["participant"] for one in messages} >= {SUPPLIER, GENERATOR}
    assert mail.outbox == []
    assert not NoticeSent.objects.exists()


@pytest.mark.django_db
def test_a_message_that_fails_is_not_marked_as_sent(monkeypatch):
    def fail(_message):
        raise ConnectionRefusedError("no mail server")

    monkeypatch.setattr("django.core.mail.EmailMessage.send", fail)
    with pytest.raises(CommandError, match="no mail server"):
        call_command("send_notices", stdout=io.StringIO())
    assert not NoticeSent.objects.exists()


@pytest.mark.parametrize("command", ["notices", "statement", "ageing"])
def test_a_misspelt_name_is_refused_and_not_an_empty_list(command):
    with pytest.raises(CommandError, match=r"hearth-enery.*; correct the name"):
        call_command(command, "hearth-enery")
