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
from portal.queries.rules import rule_on
from settlement.enactment.leaving import Choice, leaving, plan_leave
from settlement.enactment.propose import propose_publication
from settlement.enactment.verification import verify_enactment
from settlement.notices.derivation import derive_notices
from tests.portal.site import FIRST_DAY, GENERATOR, MARKET, OUTSIDER, SUPPLIER
from tests.worlds import people
from tests.worlds.drafted import law_in_a_copy
from tests.worlds.law import publish
from tests.worlds.rolled_back import rolled_back

pytestmark = pytest.mark.django_db

LAST_DAY = "2090-03-31"
ENDING = f"/rules/end/{MARKET}/{SUPPLIER}/"
LEAVER = "commonweal-power"
"""Whose notices no other test counts: what is proposed here stays."""
LEAVING = f"/rules/end/{MARKET}/{LEAVER}/"


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
    assert numbers() == before
    page = shown(propose(operator, f"/rules/end/{MARKET}/{GENERATOR}/"))
    (number,) = numbers() - before
    assert f"Proposal {number} of law" in page and "It leaves the market" in page
    assert "Approve</button>" not in page
    assert AuditEntry.objects.filter(action="law-proposed", account="operator").exists()
    page = shown(regulator.get(f"/rules/proposals/{number}/"))
    digest = re.search(r"[0-9a-f]{64}", page.replace(" ", ""))[0]
    assert "Approve</button>" in page and "1 Apr 2090" in page
    assert "Whoever proposed it may withdraw it" in page, "what becomes of it is said"
    assert "Reject the proposal</button>" in page and "Withdraw" not in page.split("<h2>")[-1]
    told = shown(sign_in("generator").get("/notices/"))
    assert f"The end of the registration of {GENERATOR} was proposed" in told, "before it is law"
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
    # Who proposed it takes it back; then nobody approves it, and whom it concerns is told.
    page = shown(operator.get(f"/rules/proposals/{number}/"))
    assert "Withdraw the proposal</button>" in page and "Reject the proposal" not in page
    give_up = f"/rules/proposals/{number}/give-up/"
    taken = {"outcome": "withdrawn", "reason": "It stays"}
    for typed, words in (
        ({**taken, "outcome": "blessed"}, "Choose: withdraw it, or reject it."),
        ({**taken, "reason": " "}, "text-malformed"),
        ({**taken, "reason": "x" * 2001}, "2,000 characters"),
        ({**taken, "outcome": "rejected"}, "another person rejects it"),
    ):
        page = shown(operator.post(give_up, typed, follow=True), 422)
        assert words in page and typed["reason"][:9].strip() in page, "what was typed stands"
    page = shown(operator.post(give_up, taken, follow=True))
    assert "withdrawn by operator" in page and "Why it was withdrawn It stays" in plain(page)
    assert "</button>" not in page.split("<h1")[1], "nothing is left to do"
    assert "proposal-not-open" in shown(operator.post(give_up, taken, follow=True), 422)
    page = shown(regulator.get("/notices/"))
    assert f"Proposal {number} of law was withdrawn" in page and "It stays." in page
    assert AuditEntry.objects.filter(action="proposal-ended", account="operator").count() == 1
    told = shown(sign_in("colleague").get("/notices/"))
    assert f"The end of the registration of {GENERATOR} was withdrawn" in told


def plain(page: str) -> str:
    return " ".join(re.sub("<[^>]*>", " ", page).split())


def test_a_regulator_rejects_what_another_proposed(sign_in):
    operator, regulator, before = sign_in("operator"), sign_in("regulator"), numbers()
    shown(propose(operator, f"/rules/end/{MARKET}/{GENERATOR}/"))
    (number,) = numbers() - before
    rejected = {"outcome": "rejected", "reason": "It is needed in winter"}
    address = f"/rules/proposals/{number}/give-up/"
    page = shown(regulator.post(address, rejected, follow=True))
    assert "rejected by regulator" in page and "It is needed in winter" in page
    page = shown(regulator.get("/rules/changes/"))
    assert f"/rules/proposals/{number}/" in page and "rejected" in page
    for who in ("owner", "outsider"):
        assert sign_in(who).post(address, rejected).status_code == 403


def digest_of(number: int) -> str:
    with transaction() as session:
        return next(p for p in proposals(session) if p.number == number).content_digest.hex()


def points_of(session, participant: str, on: str) -> list[str] | None:
    """Return the supply points of a registration on a day; None where there is none."""
    found = rule_on(session, f"{MARKET}/registration/{participant}", dt.date.fromisoformat(on))
    return None if found is None else [p.supply_point for p in found.document.supply_points]


def links_after(session, names, on="2090-04-01") -> list[str]:
    found = rule_on(session, f"{MARKET}/charge-list/isles-networks", dt.date.fromisoformat(on))
    return [
        link.supply_point
        for link in found.document.links
        if link.supply_point in names and (link.to_day is None or str(link.to_day) > on)
    ]


def approve_both(session, first: int, last: int):
    """Approve a handover and then the end that was proposed with it, and in no other order."""
    handed, ended = ({"number": one, "digest": digest_of(one)} for one in (first, last))
    with people.acting_as(session, "grace"), pytest.raises(Refused, match="handover-waits"):
        approve_law(session, Act(arguments=ended), timezone.now())
    with people.acting_as(session, "grace"):
        done = approve_law(session, Act(arguments=handed), timezone.now())
    assert done.where == ["law-proposal", str(last)], "the end is what comes next"
    with people.acting_as(session, "grace"):
        approve_law(session, Act(arguments=ended), timezone.now())


def test_whoever_leaves_hands_over_all_it_holds_by_one_page(site, sign_in):
    operator, before = sign_in("operator"), numbers()
    page = shown(operator.get(LEAVING))
    assert "TUOS" in page and "Contract" in page and "N30-P2" in page, "from the start"
    assert "goes on, and is owed by" not in page
    chosen = {"to": OUTSIDER, "taker.N31-P3": SUPPLIER, "last_day": LAST_DAY}
    page = shown(operator.post(LEAVING, chosen))
    assert "Nothing stands against it" in page and numbers() == before
    assert "goes on, and is owed by lantern-supply" in page
    assert "goes on, and is owed by hearth-energy" in page
    page = shown(propose(operator, LEAVING, **chosen))
    first, last = sorted(numbers() - before)
    assert f"Proposal {first} of law" in page and f"/rules/proposals/{last}/" in page
    assert "which is approved after this one" in page
    page = shown(sign_in("regulator").get(f"/rules/proposals/{last}/"))
    assert f"It can be approved once proposal {first} is" in page and "Approve</button>" not in page
    with rolled_back(site.engine) as session:
        held, taken = (points_of(session, name, LAST_DAY) for name in (LEAVER, OUTSIDER))
        approve_both(session, first, last)
        assert points_of(session, LEAVER, LAST_DAY) == held
        assert points_of(session, LEAVER, "2090-04-01") is None, "it is no participant any more"
        after = points_of(session, OUTSIDER, "2090-04-01")
        assert after == [*taken, *(name for name in held if name != "N31-P3")]
        assert "N31-P3" in points_of(session, SUPPLIER, "2090-04-01")
        assert set(links_after(session, held)) == set(held), "charges go on"
        assert not list(verify_enactment(session))


def test_of_two_who_propose_the_same_end_one_is_heard(site, sign_in):
    """As law, the second handover would register anew who has left."""
    operator, before = sign_in("operator"), numbers()
    for _ in range(2):
        shown(propose(operator, LEAVING, to=OUTSIDER))
    first, last, again, _ = sorted(numbers() - before)
    with rolled_back(site.engine) as session:
        approve_both(session, first, last)
        said = {"number": again, "digest": digest_of(again)}
        with people.acting_as(session, "grace"), pytest.raises(Refused, match="leaver-has-left"):
            approve_law(session, Act(arguments=said), timezone.now())


def end_by_both(operator) -> tuple[int, int]:
    """Propose that the supplier leaves, and return what it hands over and its end."""
    before = numbers()
    shown(propose(operator, LEAVING, to=OUTSIDER))
    first, last = sorted(numbers() - before)
    return first, last


def approved(session, number: int) -> None:
    with people.acting_as(session, "grace"):
        approve_law(
            session, Act(arguments={"number": number, "digest": digest_of(number)}), timezone.now()
        )


def with_point(session, participant: str, like: str, name: str, on: str):
    """Return a registration with one supply point more, as another of that day."""
    day = dt.date.fromisoformat(on)
    found = rule_on(session, f"{MARKET}/registration/{participant}", day).document
    of = rule_on(session, f"{MARKET}/registration/{like}", day).document
    point = of.supply_points[0].model_copy(update={"supply_point": name})
    return found.model_copy(update={"supply_points": (*found.supply_points, point)})


def test_what_is_handed_over_undoes_no_law_that_came_since(site, sign_in):
    first, _ = end_by_both(sign_in("operator"))
    with rolled_back(site.engine) as session:
        more = with_point(session, OUTSIDER, LEAVER, "N0-P9", "2090-04-01")
        publish(session, [more], valid_from=dt.date(2090, 2, 1), known=timezone.now())
        with pytest.raises(Refused, match="law-has-moved"):
            approved(session, first)


def test_a_page_says_that_the_law_moved_before_anybody_presses_approve(site, sign_in):
    """Of two that wait for one document, the second was made for law that is another by then."""
    # A day that is over and was not settled: what becomes law of it here stays.
    regulator, day, both = sign_in("regulator"), dt.date(2025, 6, 1), []
    with transaction() as session:
        terms = rule_on(session, f"{MARKET}/settlement-terms", day).document
        for term in (20, 21):
            with people.acting_as(session, "ada"):
                _, made = propose_publication(
                    session, [terms.model_copy(update={"payment_term_days": term})],
                    valid_from=day, valid_to=dt.date(2025, 6, 2), now=timezone.now(),
                    reason="Another term",
                )  # fmt: skip
            both.append(made.number)
    first, second = both
    for number in both:
        assert "Approve</button>" in shown(regulator.get(f"/rules/proposals/{number}/"))
    with transaction() as session:
        approved(session, first)
    page = shown(regulator.get(f"/rules/proposals/{second}/"))
    assert "You cannot approve it" in page and "Approve</button>" not in page
    assert f"proposal {first} made {MARKET}/settlement-terms another at" in page
    said = {"digest": digest_of(second)}
    page = shown(regulator.post(f"/rules/proposals/{second}/approve/", said, follow=True), 422)
    assert "law-has-moved" in page and "propose anew what is still wanted" in page


@pytest.mark.parametrize("day", ["2090-03-01", "2090-04-01"])
def test_no_end_leaves_a_point_that_came_since_without_a_supplier(site, sign_in, day):
    first, last = end_by_both(sign_in("operator"))
    with rolled_back(site.engine) as session:
        more = with_point(session, LEAVER, LEAVER, "N0-P9", LAST_DAY)
        approved(session, first)
        if day > LAST_DAY:
            more = with_point(session, LEAVER, OUTSIDER, "N0-P9", "2090-04-01")
        publish(
            session, [more], valid_from=dt.date.fromisoformat(day),
            valid_to=dt.date(2090, 4, 1) if day < LAST_DAY else None, known=timezone.now(),
        )  # fmt: skip
        with pytest.raises(Refused, match=r"N0-P9.*holds-more-since"):
            approved(session, last)


def test_of_an_end_and_what_it_hands_over_neither_is_law_once_the_other_is_given_up(sign_in):
    operator, regulator = sign_in("operator"), sign_in("regulator")
    for position, code in ((0, "waits"), (1, "end-given-up")):
        both = end_by_both(operator)
        given_up, left = both[position], both[1 - position]
        rejected = {"outcome": "rejected", "reason": "Not so"}
        shown(regulator.post(f"/rules/proposals/{given_up}/give-up/", rejected, follow=True))
        page = shown(regulator.get(f"/rules/proposals/{left}/"))
        assert "You cannot approve it" in page and "rejected by regulator" in page
        assert "Approve</button>" not in page and "It can be approved once" not in page
        if code == "waits":
            page = shown(regulator.get(f"/rules/proposals/{given_up}/"))
            assert "which is approved no more without this one" in page
        digest = {"digest": digest_of(left)}
        page = shown(regulator.post(f"/rules/proposals/{left}/approve/", digest, follow=True), 422)
        assert code in page and "propose the end again" in page


def test_charges_end_where_nobody_takes_energy_any_more(site, sign_in):
    operator, before = sign_in("operator"), numbers()
    shown(propose(operator, LEAVING, is_off="yes", to=SUPPLIER, **{"taker.N30-P2": "-"}))
    first, last = sorted(numbers() - before)
    with rolled_back(site.engine) as session:
        held = points_of(session, LEAVER, LAST_DAY)
        approve_both(session, first, last)
        assert set(links_after(session, held)) == set(held) - {"N30-P2"}
        assert "N30-P2" in links_after(session, held, LAST_DAY), "on its last day it is charged"
        assert "N30-P2" not in points_of(session, SUPPLIER, "2090-04-01")


def test_everything_against_an_end_is_said_at_once_and_what_was_chosen_stays(sign_in):
    operator, before = sign_in("operator"), numbers()
    wrong = {"to": LEAVER, "taker.N31-P3": "nobody-here", "taker.NO-SUCH": OUTSIDER}
    page = shown(propose(operator, LEAVING, reason=" ", **wrong), 422)
    for said in (f"'{LEAVER}'", "'nobody-here'", "'NO-SUCH'", "for a stated reason"):
        assert said in page, said
    page = shown(propose(operator, LEAVING, reason="", to=OUTSIDER, **{"taker.N31-P3": "-"}), 422)
    assert "supply-points-left" in page and "N31-P3" in page and "for a stated reason" in page
    assert f"<option selected>{OUTSIDER}</option>" in page
    assert '<option value="-" selected>' in page and f'value="{LAST_DAY}"' in page
    assert numbers() == before
    for who in ("owner", "auditor", "outsider"):
        assert sign_in(who).post(LEAVING, wrong).status_code == 403


def test_an_end_undoes_no_law_that_comes_later(site, sign_in):
    operator = sign_in("operator")
    with rolled_back(site.engine) as session:
        found = leaving(session, MARKET, LEAVER, dt.date(2090, 3, 31), timezone.now())
        taker = rule_on(session, f"{MARKET}/registration/{OUTSIDER}", FIRST_DAY).document
        later = taker.model_copy(update={"title": "As it will be"})
        publish(session, [later], valid_from=dt.date(2095, 1, 1), known=timezone.now())
        _, findings = plan_leave(
            session, found, dt.date(2090, 3, 31), Choice(OUTSIDER), timezone.now(), "It leaves"
        )
    assert [(each.code, each.place) for each in findings] == [
        ("law-changes-later", f"{MARKET}/registration/{OUTSIDER}")
    ]
    assert "2095-01-01" in findings[0].value
    assert "Nothing stands against it" in shown(
        operator.post(LEAVING, {"to": OUTSIDER, "last_day": LAST_DAY})
    )


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
    assert "ends-before-it-begins" in shown(operator.get(f"{ENDING}?last_day=1990-01-01"))
    for name in ("nobody", "x" * 300):
        assert operator.get(f"/rules/end/{MARKET}/{name}/").status_code == 404
        assert propose(operator, f"/rules/end/{MARKET}/{name}/").status_code in (404, 422)


def test_a_generator_leaves_with_its_units(sign_in):
    page = shown(sign_in("operator").get(f"/rules/end/{MARKET}/{GENERATOR}/?last_day={LAST_DAY}"))
    assert "Units that leave with it" in page and "It has no supply point." in page
    assert "Nobody takes energy any more" not in page
