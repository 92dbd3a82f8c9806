"""Law that is proposed without a change: a participant leaves by a form, and two people decide."""

import datetime as dt
import html
import re

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from common.refusals import Refused
from database.session import transaction
from ledger.people.store import proposals
from portal.acts.law_proposals import approve_law
from portal.models import Act, AuditEntry, WorkingCopy
from portal.queries.notices import title
from settlement.notices.derivation import derive_notices
from tests.portal.site import FIRST_DAY, GENERATOR, MARKET, SUPPLIER
from tests.worlds import people
from tests.worlds.drafted import law_in_a_copy
from tests.worlds.rolled_back import rolled_back

pytestmark = pytest.mark.django_db

LAST_DAY = "2090-03-31"
ENDING = f"/rules/end/{MARKET}/{SUPPLIER}/"


def shown(answer, status=200) -> str:
    assert answer.status_code == status
    return " ".join(html.unescape(answer.content.decode()).replace("\xa0", " ").split())


def propose(client, address=ENDING, **typed):
    form = {"last_day": LAST_DAY, "reason": "It leaves the market", **typed}
    return client.post(f"{address}propose/", form, follow=True)


def numbers() -> set[int]:
    with transaction() as session:
        return {each.number for each in proposals(session)}


def test_a_participant_leaves_by_a_form_and_another_person_approves(site, sign_in):
    operator, regulator, before = sign_in("operator"), sign_in("regulator"), numbers()
    page = shown(operator.get(f"/rules/{MARKET}/registration/{SUPPLIER}/?on=2024-03-30"))
    assert f'href="{ENDING}"' in page
    page = shown(operator.get(f"{ENDING}?last_day={LAST_DAY}"))
    assert "no supplier after" in page and "31 Mar 2090" in page and "It has no unit." in page
    # Points that nobody takes over are named, with every other reason.
    page = shown(propose(operator, reason=" "), 422)
    assert "a supply point has a supplier" in page and "a document is ended for a" in page
    assert "a supply point has a supplier" in shown(propose(operator), 422)
    page = shown(propose(operator, is_off="yes"), 422)
    assert "a supply point has a supplier" not in page and "link-unknown-supply-point" in page
    assert numbers() == before
    page = shown(propose(operator, f"/rules/end/{MARKET}/{GENERATOR}/"))
    (number,) = numbers() - before
    assert f"Proposal {number} of law" in page and "It leaves the market" in page
    assert "Approve</button>" not in page
    assert AuditEntry.objects.filter(action="law-proposed", account="operator").exists()
    page = shown(regulator.get(f"/rules/proposals/{number}/"))
    digest = re.search(r"[0-9a-f]{64}", page.replace(" ", ""))[0]
    assert "Approve</button>" in page and "1 Apr 2090" in page
    assert "It cannot be taken back, nor refused" in page, "what becomes of it is said"
    wrong = regulator.post(f"/rules/proposals/{number}/approve/", {"digest": "0" * 8}, follow=True)
    assert "the digest of what was read" in shown(wrong, 422)
    said = {"number": number, "digest": digest}
    with rolled_back(site.engine) as session:
        with people.acting_as(session, "grace"):
            done = approve_law(session, Act(arguments=said), timezone.now())
        assert done.where == ["law-proposal", str(number)]
        told = [each for each in derive_notices(session, timezone.now()) if each.sort == "ending"]
        with people.acting_as(session, "ada"), pytest.raises(Refused, match="proposal-not-open"):
            approve_law(session, Act(arguments=said), timezone.now())
    assert f"/rules/proposals/{number}/" in shown(regulator.get("/rules/changes/"))
    # The participant is told of both steps; remainders of law that changed are no end.
    last_day = dt.date.fromisoformat(LAST_DAY)
    assert [(each.subject, each.participant, each.days) for each in told] == [
        ("approved", GENERATOR, (last_day,)), ("proposed", GENERATOR, (last_day,)),
    ]  # fmt: skip
    assert [title(each) for each in told] == [
        f"The registration of {GENERATOR} ends",
        f"The end of the registration of {GENERATOR} was proposed",
    ]
    assert all(each.told for each in told), "by e-mail too"
    page = shown(operator.get(f"/notices/?participant={GENERATOR}"))
    assert "Its last day would be 31 March 2090" in page and "It leaves the market." in page
    assert "The end of the registration" not in shown(sign_in("outsider").get("/notices/"))


def proposed_copy(client, number, reason="As agreed"):
    return client.post(f"/drafts/{number}/propose/", {"reason": reason}, follow=True)


def test_a_change_of_supplier_in_mid_month_is_proposed_from_its_forms_alone(sign_in):
    operator, before = sign_in("operator"), numbers()
    begun = {"market": MARKET, "on": str(FIRST_DAY), "document": ""}
    copy = WorkingCopy.objects.get(
        pk=int(operator.post("/drafts/begin/", begun)["Location"].split("/")[2])
    )
    switch = {"do": "switch", "point": "N0-P1", "to": "commonweal-power", "on": "2090-03-17"}
    page = shown(operator.post(f"/drafts/{copy.pk}/change/", switch, follow=True))
    assert "Propose it now" in page
    page = shown(proposed_copy(operator, copy.pk))
    (number,) = numbers() - before
    assert f"Proposal {number} of law" in page and "17 Mar 2090" in page and "As agreed" in page
    assert f"{MARKET}/registration/commonweal-power" in page
    # What concerns everybody is decided in public.
    add = {"do": "add", "document": "market-rules"}
    operator.post(f"/drafts/{copy.pk}/change/", add)
    assert "Propose it now" not in shown(operator.get(f"/drafts/{copy.pk}/"))
    assert "law-of-everybody" in shown(proposed_copy(operator, copy.pk), 422)
    assert "2,000 characters" in shown(proposed_copy(operator, copy.pk, "x" * 2001), 422)
    assert numbers() == before | {number}


def test_a_copy_whose_law_became_another_is_not_proposed(sign_in):
    operator, before = sign_in("operator"), numbers()
    name = f"{MARKET}/registration/{SUPPLIER}"
    copy = law_in_a_copy(User.objects.get(username="operator"), f"registration.{SUPPLIER}")
    body = {**copy.bodies[name], "title": "Another"}
    WorkingCopy.objects.filter(pk=copy.pk).update(
        bodies={name: body}, base={name: {**copy.base[name], "title": "Never law"}}
    )
    page = shown(proposed_copy(operator, copy.pk), 422)
    assert "draft-base-unpublished" in page and "draft-base-moved" in page
    assert numbers() == before


def test_what_is_no_last_day_or_no_participant_is_said(sign_in):
    operator = sign_in("operator")
    for day in ("soon", "9999-12-31", ""):
        assert "is not a day" in shown(propose(operator, last_day=day), 422)
    assert "is not a day" in shown(operator.get(f"{ENDING}?last_day=x"), 422)
    assert "2,000 characters" in shown(propose(operator, reason="x" * 2001), 422)
    assert "ends-before-it-begins" in shown(propose(operator, last_day="1990-01-01"), 422)
    for name in ("nobody", "x" * 300):
        assert operator.get(f"/rules/end/{MARKET}/{name}/").status_code == 404
        assert propose(operator, f"/rules/end/{MARKET}/{name}/").status_code in (404, 422)


def test_a_generator_leaves_with_its_units(sign_in):
    page = shown(sign_in("operator").get(f"/rules/end/{MARKET}/{GENERATOR}/?last_day={LAST_DAY}"))
    assert "Units that leave with it" in page and "It has no supply point." in page
    assert "Nobody takes energy any more" not in page
