"""The pages of changes of the law: the public record, and the steps that are taken from them."""

import datetime as dt
import html
from itertools import count

import pytest
from django.test import Client
from django.utils import timezone

from database.session import transaction
from ledger.people.store import rights_of
from portal.access import NOBODY
from portal.acts.law_changes import take_law_step
from portal.models import Act, AuditEntry, WorkingCopy
from portal.queries.law_changes import law_change_page
from rulebook.changes.steps import Kind, State
from rulebook.law import rules_at
from rulebook.store import last_recorded
from settlement.enactment.changes import Validity, determination_body, find
from tests.portal.conftest import PEOPLE
from tests.portal.site import MARKET, SUPPLIER
from tests.settlement.trial_cases import changed
from tests.worlds import changing, people
from tests.worlds.law import publish
from tests.worlds.rolled_back import rolled_back

ADDRESS = "/rules/changes/"
_days = count(40)
WHY = "For good reasons"
OPENING = {
    "market": MARKET, "title": "Pay later", "problem": "Bills come early",
    "objectives": "Bills come later", "do_nothing": "They stay early",
    "options": "A week later\n\nTwo weeks later", "urgency": "", "reason": "Cash is short",
}  # fmt: skip


def shown(answer, status=200) -> str:
    assert answer.status_code == status
    return " ".join(html.unescape(answer.content.decode()).replace("\xa0", " ").split())


def take(client, number, action, **typed):
    form = {"reason": WHY, "saw": "", **typed}
    return client.post(f"{ADDRESS}{number}/{action}/", form, follow=True)


def state_of(number) -> State:
    with transaction() as session:
        return find(session, number).state


@pytest.fixture
def urgent(site) -> int:
    """An urgent change in review, of a day to come that no other test changes the law of."""
    now = timezone.now() - dt.timedelta(hours=1)
    day = now.date() + dt.timedelta(days=next(_days))
    wanted = Validity(day, day + dt.timedelta(days=1))
    with transaction() as session:
        terms = rules_at(session, MARKET, now, now).settlement_terms
        number = changing.opened(session, at=now, market=MARKET, urgency="Prices hurt")
        changing.revised(session, number, [changed(terms, title="Terms of a day")], validity=wanted)
        changing.step(session, number, Kind.ASK_REVIEW, "ada")
    return number


def test_everybody_who_is_signed_in_reads_the_whole_record(site, sign_in):
    for who in PEOPLE:
        client = sign_in(who)
        page = shown(client.get(f"{ADDRESS}{site.law_change}/"))
        for words in (
            "Lower the price cap", "in consultation", "price cap: £6,000.00 per MWh",
            "The cap stays, and scarce hours", "Low enough for households", SUPPLIER,
            "asked for review", "Not answered yet.",
        ):  # fmt: skip
            assert words in page, (who, words)
        assert "Lower the price cap" in shown(client.get(ADDRESS))


def test_a_draft_is_its_authors_until_review_is_asked_for(site, sign_in):
    owner = sign_in("owner")
    page = shown(owner.post(f"{ADDRESS}open/", {**OPENING, "participant": SUPPLIER}, follow=True))
    assert "Pay later" in page and "What you may do" in page
    assert "It has no text yet." in page and "not open to you" not in page
    with transaction() as session:
        number = max(changing.numbers_of(session))
    assert f"Change {number} is open." in page
    outsider = sign_in("outsider")
    assert outsider.get(f"{ADDRESS}{number}/").status_code == 404
    assert "Pay later" not in shown(outsider.get(ADDRESS))
    assert "Pay later" in shown(sign_in("operator").get(f"{ADDRESS}{number}/"))
    entry = AuditEntry.objects.get(action="law-change")
    assert (entry.account, entry.subject) == ("owner", f"change {number}: opened the change")
    page = shown(take(owner, number, "withdraw"))
    assert "You withdrew the change." in page and state_of(number) is State.WITHDRAWN


def test_what_is_wrong_with_an_opening_is_said_with_what_was_typed(site, sign_in):
    typed = {**OPENING, "title": " ", "options": ""}
    page = shown(sign_in("operator").post(f"{ADDRESS}open/", typed, follow=True), 422)
    assert "options are weighed against doing nothing" in page
    assert "words, 200 characters at most" in page
    assert "Bills come early" in page


def test_a_participant_responds_and_the_regulator_answers(site, sign_in):
    number, owner = site.law_change, sign_in("owner")
    page = shown(take(owner, number, "respond", participant=SUPPLIER, reason="Still too high"))
    assert "Still too high" in page and "You responded." in page
    for other in ("lantern-supply", ""):
        page = shown(take(owner, number, "respond", participant=other), 422)
        assert "Refused; nothing was changed." in page and WHY in page
    with transaction() as session:
        said = find(session, number).unanswered(Kind.RESPOND)
    regulator = sign_in("regulator")
    for event in said:
        page = shown(take(regulator, number, "reply", answers=event.sequence, reason="We heard"))
    assert "We heard" in page and "Not answered yet." not in page
    assert "it is open until" in shown(take(regulator, number, "close"), 422)


def test_a_notice_leads_to_the_consultation(site, sign_in):
    page = shown(sign_in("owner").get("/notices/"))
    assert f"Law change {site.law_change} is open for responses" in page
    assert "Respond by 31 December 2090" in page
    assert f'href="{ADDRESS}{site.law_change}/"' in page


def test_those_who_oversee_are_told_each_step_once(site, urgent, sign_in):
    title = f"Law change {site.law_change} is open for responses"
    regulator = sign_in("regulator")
    for client in (regulator, sign_in("operator"), sign_in("auditor")):
        page = shown(client.get("/notices/"))
        assert page.count(title) == 1 and page.count(f"Law change {urgent} waits for review") == 1
        assert " unread" in page
    assert "invoice" not in shown(regulator.get("/notices/")).lower()
    until = timezone.now().isoformat()
    assert " unread" not in shown(regulator.post("/notices/read/", {"until": until}, follow=True))
    assert f"Law change {urgent} waits" not in shown(sign_in("owner").get("/notices/"))


def test_an_urgent_change_becomes_law_from_its_page(site, urgent, sign_in):
    """What is approved would stay law for other tests, so that alone is rolled back."""
    operator, regulator = sign_in("operator"), sign_in("regulator")
    assert "Give the day of the review" in shown(take(regulator, urgent, "accept"), 422)
    assert take(operator, urgent, "assess", uncounted="Habits").status_code == 422
    page = shown(take(regulator, urgent, "assess", uncounted="Habits of households"))
    assert "Habits of households" in page and "Frozen to" in page
    assert "accepted" in shown(take(regulator, urgent, "accept", day="2090-01-01"))
    assert "you proposed it" not in shown(operator.get(f"{ADDRESS}{urgent}/"))
    page = shown(take(regulator, urgent, "propose"))
    assert "“Approve”: you proposed it, so a regulator who did not approves it." in page
    assert "approve/" not in page
    page = shown(take(operator, urgent, "propose"))
    assert "Digest of proposal" in page and state_of(urgent) is State.WAITING
    assert "approve/" in shown(regulator.get(f"{ADDRESS}{urgent}/"))
    assert "digest of what was read" in shown(
        take(regulator, urgent, "approve", digest="0" * 8), 422
    )
    with rolled_back(site.engine) as session, people.acting_as(session, "grace"):
        said = {
            "number": urgent, "action": "approve", "reason": WHY,
            "digest": changing.digest_of(session, urgent),
        }  # fmt: skip
        done = take_law_step(session, Act(arguments=said), timezone.now())
        assert (
            done.where == ["law-change", str(urgent)] and "applies from its first day" in done.told
        )
        rights = rights_of(session, "grace")
        found = law_change_page(session, NOBODY, rights, urgent, timezone.now())
        assert found.life.events[-1].reason == WHY
        assert (found.state, found.status, found.steps) == (State.SCHEDULED, "good", ())
    page = shown(take(regulator, urgent, "reject", reason="On second thoughts"))
    assert '<span class="status bad">rejected</span>' in page and "Digest of proposal" not in page


def test_no_change_is_approved_whose_law_moved_while_it_waited(urgent, site):
    with rolled_back(site.engine) as session:
        changing.assess(session, urgent)
        at = find(session, urgent).events[-1].at
        body = determination_body(session, MARKET, at.date() + dt.timedelta(days=400), at)
        changing.step(session, urgent, Kind.ACCEPT, "grace", body=body)
        # Other tests publish in the same site, by clocks of their own.
        then = max(at + changing.MINUTE, last_recorded(session, MARKET) or at)
        changing.propose(session, urgent, at=then + dt.timedelta.resolution)
        rights, draft = rights_of(session, "grace"), find(session, urgent).revision
        now = max(timezone.now(), then + changing.MINUTE)
        before = law_change_page(session, NOBODY, rights, urgent, now)
        assert "approve" in [step.action for step in before.steps]
        terms = rules_at(session, MARKET, draft.valid_from, now).settlement_terms
        known = now + changing.MINUTE
        publish(
            session, [changed(terms, title="Another title")], valid_from=draft.valid_from,
            valid_to=draft.valid_to, known=known, reason="It came in between",
        )  # fmt: skip
        after = law_change_page(session, NOBODY, rights, urgent, known)
        assert after.is_moved and "approve" not in [step.action for step in after.steps]
        assert "rebase" in [step.action for step in after.steps]


def test_a_step_that_somebody_else_took_meanwhile_is_told(urgent, sign_in):
    regulator = sign_in("regulator")
    page = shown(take(regulator, urgent, "ask-changes", saw="2"), 422)
    assert "whoever moves a change has seen all of it" in page
    assert state_of(urgent) is State.IN_REVIEW


def test_law_that_did_not_move_needs_no_rebase(urgent, sign_in):
    page = shown(take(sign_in("operator"), urgent, "rebase"), 422)
    assert "drawn from law that is another by now" in page


def test_a_step_towards_law_is_confirmed_first(urgent, make_user):
    client = Client()
    client.force_login(make_user("regulator", *PEOPLE["regulator"]))
    answer = client.post(f"{ADDRESS}{urgent}/assess/", {"reason": WHY})
    assert answer.status_code == 302 and "/account/confirm/" in answer["Location"]
    asked = shown(client.get(answer["Location"]))
    assert "moves money, decides on law or on a dispute" in asked and "Before money" not in asked


def edited(client, number, **fields) -> WorkingCopy:
    """Begin a working copy of the last revision of a change, and write fields of its document."""
    answer = client.post(f"/drafts/begin/{number}/")
    copy = WorkingCopy.objects.get(pk=int(answer["Location"].split("/")[2]))
    (name,) = copy.bodies
    copy.bodies[name] |= fields
    copy.save()
    return copy


def save_revision(client, copy, parent):
    key = f"{copy.change}.{parent}"
    form = {"change": key, "reason": WHY, "ends": f"{key} in review"}
    return client.post(f"/drafts/{copy.pk}/revision/", form, follow=True)


def test_a_revision_is_edited_and_one_that_was_saved_meanwhile_is_brought_in(urgent, sign_in):
    operator, regulator = sign_in("operator"), sign_in("regulator")
    assert "Edit this revision" in shown(operator.get(f"{ADDRESS}{urgent}/"))
    theirs = edited(operator, urgent, title="Theirs")
    mine = edited(regulator, urgent, payee_change_delay_days=33)
    assert (mine.change, mine.revision) == (urgent, 1)
    assert "Revision 2 is saved." in shown(save_revision(operator, theirs, 1))
    page = shown(save_revision(regulator, mine, 1), 422)
    assert "nothing of the copy is lost" in page
    assert f"Revision 2 of law change {urgent} was saved meanwhile" in page
    bring = {"do": "bring-in"}
    page = shown(regulator.post(f"/drafts/{mine.pk}/change/", bring, follow=True))
    assert "was saved meanwhile" not in page
    mine.refresh_from_db()
    (body,) = mine.bodies.values()
    assert (mine.revision, body["title"], body["payee_change_delay_days"]) == (2, "Theirs", 33)
    page = shown(save_revision(regulator, mine, 2))
    assert "Revision 3 is saved." in page and state_of(urgent) is State.DRAFT
    compared = f"{ADDRESS}{urgent}/compared/3/"
    assert f"Revision 1, and revision 3 of law change {urgent}" in shown(
        regulator.get(f"{compared}?with=1")
    )
    page = shown(regulator.get(f"{compared}?with=1&document={MARKET}/settlement-terms"))
    assert "Theirs" in page and "33" in page
    assert "Theirs" in shown(regulator.get(f"{compared}?document={MARKET}/settlement-terms"))
    for odd in ("4", "x", "9" * 30):
        assert regulator.get(f"{compared}?with={odd}").status_code == 404
    # What both changed to different values is named, and nothing of either is lost.
    late = edited(operator, urgent, title="Mine")
    other = edited(regulator, urgent, title="Others'")
    shown(save_revision(regulator, other, 3))
    page = shown(operator.post(f"/drafts/{late.pk}/change/", bring, follow=True), 422)
    assert "revision 4 has" in page and "Others'" in page and "Mine" in page
    late.refresh_from_db()
    assert late.revision == 3 and "Mine" in str(late.bodies)


def test_a_revision_ends_a_consultation_only_by_a_tick_and_those_who_were_asked_are_told(
    site, sign_in
):
    now = timezone.now() - dt.timedelta(hours=1)
    wanted = Validity(now.date() + dt.timedelta(days=next(_days)))
    with transaction() as session:
        terms = rules_at(session, MARKET, now, now).settlement_terms
        number = changing.opened(session, at=now, market=MARKET)
        changing.revised(session, number, [changed(terms, title="Terms asked")], validity=wanted)
        changing.step(session, number, Kind.ASK_REVIEW, "ada")
        changing.consult(session, number, dt.date(2090, 11, 30))
    operator, owner = sign_in("operator"), sign_in("owner")
    copy = edited(operator, number, title="Terms anew")
    ends = f"Law change {number} is in consultation. A revision takes it back to a draft"
    page = shown(operator.get(f"/drafts/{copy.pk}/"))
    assert ends in page and "open until the end of 30 November 2090" in page
    key = f"{number}.1"
    form, address = {"change": key, "reason": WHY}, f"/drafts/{copy.pk}/revision/"
    for tick in (
        {},
        {"ends": f"{key} in review"},
        {"ends": f"{site.law_change}.1 in consultation"},
    ):
        page = shown(operator.post(address, form | tick), 422)
        assert f'value="{key}" selected' in page and f">{WHY}</textarea>" in page
    assert state_of(number) is State.IN_CONSULTATION
    form["ends"] = f"{key} in consultation"
    assert "Revision 2 is saved." in shown(operator.post(address, form, follow=True))
    page = shown(owner.get(f"{ADDRESS}{number}/"))
    assert "It was open from" in page and "<p>Open from" not in page
    assert "a revision was saved, which took the change back to a draft" in page
    assert "This is what revision 1 changes" in page and "Terms asked" in page
    assert "Terms anew" not in page and "No text that you may read yet" not in page
    title = f"Law change {number} is no longer open for responses"
    for client in (owner, sign_in("regulator")):
        assert shown(client.get("/notices/")).count(title) == 1
    fresh = WorkingCopy.objects.get(pk=begun(operator))
    fresh.bodies, fresh.base = copy.bodies, copy.base
    fresh.save()
    page = shown(operator.get(f"/drafts/{fresh.pk}/"))
    chooser = page.partition('name="change"')[2].partition("</select>")[0]
    assert "Choose one" in chooser and "selected" not in chooser


def begun(client) -> int:
    answer = client.post("/drafts/begin/", {"market": MARKET, "on": "2024-05-01", "document": ""})
    return int(answer["Location"].split("/")[2])


def test_a_text_is_edited_by_whoever_may_save_it_alone(site, urgent, sign_in):
    owner = sign_in("owner")
    assert "Edit this revision" not in shown(owner.get(f"{ADDRESS}{urgent}/"))
    page = shown(owner.post(f"/drafts/begin/{urgent}/", follow=True))
    assert f"The text of change {urgent} is not yours to write." in page
    assert owner.post("/drafts/begin/999999/").status_code == 404
    assert not WorkingCopy.objects.exists()


def test_what_is_no_step_of_a_page_is_not_found(site, sign_in):
    operator = sign_in("operator")
    for action in ("open", "revise", "bless"):
        assert take(operator, site.law_change, action).status_code == 404
    assert operator.get(f"{ADDRESS}999999/").status_code == 404
    assert take(sign_in("auditor"), site.law_change, "comment").status_code == 403
