"""The pages on which a participant gives its word on a change of who is paid, and the messages."""

import datetime as dt
import html
import io

import pytest
from django.core import mail
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from common.refusals import Refused
from database.session import transaction
from portal.models import AuditEntry
from portal.queries.rules import rule_on
from portal.readings_kept import EVERYBODY
from rulebook.documents import Registration
from settlement.enactment.approve import approve
from settlement.enactment.payee_rules import in_fours
from settlement.enactment.propose import propose_publication
from tests.portal.conftest import PEOPLE
from tests.portal.site import FIRST_DAY, GENERATOR, MARKET, OUTSIDER, SHORT_DAY
from tests.worlds import people

ELSEWHERE = "GB82WEST12345698765432"
ITS_OWN = "outsider"
"""The visitor who acts for the participant that the change concerns."""


@pytest.fixture
def proposal(site):
    """A change of the account and of the contacts of a participant, which others do not look at."""
    now = timezone.now()
    with transaction() as session:
        before = rule_on(session, f"{MARKET}/registration/{OUTSIDER}", FIRST_DAY).document
        contacts = [{"name": "New desk", "email": "desk@fraud.example"}]
        changed = before.model_dump() | {"iban": ELSEWHERE, "contacts": contacts}
        with people.acting_as(session, "ada"):
            _, made = propose_publication(
                session, [Registration.model_validate(changed)],
                valid_from=now.date() + dt.timedelta(days=20), now=now, reason="By letter",
            )  # fmt: skip
    assert made is not None
    return made


@pytest.fixture
def old_contacts(site) -> list[str]:
    with transaction() as session:
        document = rule_on(session, f"{MARKET}/registration/{OUTSIDER}", FIRST_DAY).document
    return [contact.email for contact in document.contacts]


def shown(answer, status=200) -> str:
    assert answer.status_code == status
    return " ".join(html.unescape(answer.content.decode()).replace("\xa0", " ").split())


def say(client, made, word, digest=None):
    typed = {"word": word, "digest": digest or made.content_digest.hex()[:12]}
    return client.post(f"/changes/{made.number}/answer/", typed, follow=True)


def approve_it(made):
    with transaction() as session, people.acting_as(session, "grace"):
        approve(session, made.number, made.content_digest.hex(), timezone.now())


def test_its_people_see_what_waits_and_others_do_not(proposal, sign_in):
    owner = sign_in(ITS_OWN)
    page = shown(owner.get(f"/changes/{proposal.number}/"))
    # The account stands whole: one that ends as theirs is easily had.
    for words in (in_fours(ELSEWHERE), "ada", "By letter", "If you did not ask for this, object"):
        assert words in page
    assert proposal.content_digest.hex()[:8] in page
    listed = shown(owner.get("/changes/"))
    assert "it waits for your word" in listed and "Would apply from" in listed
    assert f'href="/changes/{proposal.number}/"' in shown(owner.get("/notices/"))
    for who in ("owner", "colleague"):
        assert sign_in(who).get(f"/changes/{proposal.number}/").status_code == 404
    for who in ("operator", "regulator", "auditor"):
        assert "Your word" not in shown(sign_in(who).get(f"/changes/{proposal.number}/"))


@pytest.fixture
def takeover(site):
    """A unit that another generator is to have from the first settled day on."""
    with transaction() as session:
        giver, taker = (
            rule_on(session, f"{MARKET}/registration/{name}", FIRST_DAY).document.model_dump()
            for name in (GENERATOR, "highland-power")
        )
        *giver["units"], sold = giver["units"]
        taker["units"] = [*taker["units"], sold]
        with people.acting_as(session, "ada"):
            _, made = propose_publication(
                session, [Registration.model_validate(each) for each in (giver, taker)],
                valid_from=FIRST_DAY, valid_to=SHORT_DAY, now=timezone.now(), reason="Sold",
            )  # fmt: skip
    return made


def test_whoever_decides_is_shown_what_a_change_of_the_past_touches(takeover, sign_in, documents):
    page = shown(sign_in("operator").get(f"/changes/{takeover.number}/"))
    for words in ("30 Mar 2024", "II, SF", "R1", "What it touches of what is settled"):
        assert words in page
    numbers = [each.number for of_one in documents.values() for each in of_one]
    assert numbers
    for number in numbers:
        assert f'href="/invoices/{number}/"' in page
    regulator = shown(sign_in("regulator").get(f"/changes/{takeover.number}/"))
    assert numbers[0] in regulator and f'href="/invoices/{numbers[0]}/"' not in regulator
    assert AuditEntry.objects.filter(
        account="regulator", action="reading", subject=EVERYBODY
    ).exists(), "it names who was billed"
    own = shown(sign_in("generator").get(f"/changes/{takeover.number}/"))
    assert "What it touches" not in own and numbers[0] not in own


def test_what_lies_ahead_touches_nothing(proposal, sign_in):
    page = shown(sign_in("operator").get(f"/changes/{proposal.number}/"))
    assert "It touches no settled day." in page


def test_days_are_those_of_the_market(site, sign_in):
    """As mail says them: in summer a day of the market begins on another of UTC."""
    assert "1 Jun 2024, 00:00 BST" in shown(sign_in(ITS_OWN).get(f"/changes/{site.change}/"))


def test_what_it_objects_to_is_not_approved(proposal, sign_in):
    page = shown(say(sign_in(ITS_OWN), proposal, "object"))
    assert f"You objected for {OUTSIDER}." in page
    with pytest.raises(Refused, match="payee-change-objected"):
        approve_it(proposal)


def test_whoever_oversees_the_market_gives_no_word_for_a_participant(proposal, sign_in):
    for who, status in (("operator", 403), ("regulator", 403), ("owner", 404)):
        assert say(sign_in(who), proposal, "confirm").status_code == status


def test_nothing_is_said_before_who_is_signed_in_confirms_it(proposal, make_user):
    client = Client()
    client.force_login(make_user(ITS_OWN, *PEOPLE[ITS_OWN]))
    answer = client.post(f"/changes/{proposal.number}/answer/", {"word": "confirm"})
    assert answer.status_code == 302 and "/account/confirm/" in answer["Location"]


def test_the_old_contacts_get_a_message_with_accounts_shortened(proposal, old_contacts, db):
    call_command("send_notices", stdout=io.StringIO())
    title = f"A change of who {OUTSIDER} is, or where it is paid, was proposed"
    (message,) = [one for one in mail.outbox if title in one.body]
    assert set(old_contacts) <= set(message.to)
    assert "desk@fraud.example" not in message.to
    assert "GB··5432" in message.body and ELSEWHERE not in message.body


def test_it_is_confirmed_by_its_digest_and_then_approved(proposal, sign_in):
    """The last, as what is approved stays law."""
    owner = sign_in(ITS_OWN)
    with pytest.raises(Refused):
        approve_it(proposal)
    page = shown(say(owner, proposal, "confirm", "00000000"), 422)
    assert "digest of what was read" in page
    assert "Choose: confirm it, or object to it." in shown(say(owner, proposal, "maybe"), 422)
    page = shown(say(owner, proposal, "confirm"))
    assert f"Confirmed for {OUTSIDER}." in page and "Your word" not in page
    entry = AuditEntry.objects.get(action="change-confirmed")
    assert (entry.account, entry.subject) == (ITS_OWN, f"proposal {proposal.number}")
    approve_it(proposal)
    listed, page = shown(owner.get("/changes/")), shown(owner.get(f"/changes/{proposal.number}/"))
    assert "approved by grace" in listed and "Applies from" in listed
    assert "Applies from" in page and "Would apply from" not in page, "it is law by now"
    told = shown(owner.get("/notices/"))
    assert f"proposal {proposal.number}, approved by grace, and applies from" in told
    assert f"proposal {proposal.number}, proposed by ada, and would apply from" in told
