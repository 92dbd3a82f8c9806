"""The pages of people: what an operator and a regulator do there together, and neither alone."""

import html
from itertools import count

import pytest
from django.contrib.auth.models import User
from django.test import Client

from database.session import transaction
from ledger.people import store
from ledger.people.roles import Role
from portal.access import viewer_of
from portal.acts.requests import ask
from portal.models import Act, AuditEntry
from portal.people import invitation_key, open_invitation
from tests.portal.site import SUPPLIER
from tests.worlds import people
from tests.worlds.second_factor import confirm, give_second_factor

NEW = "k4d-q8mz-7tru-birch"
NUMBERS = count(1)


@pytest.fixture
def operator(sign_in):
    return sign_in("operator")


@pytest.fixture
def regulator(sign_in):
    return sign_in("regulator")


@pytest.fixture
def account():
    """The name of an account that is not there: what tests make stays, as in any market."""
    return f"clerk-{next(NUMBERS)}"


@pytest.fixture
def made(account, db):
    with transaction() as session:
        people.add(session, account)
    return account


def shown(answer, status=200) -> str:
    assert answer.status_code == status
    return " ".join(html.unescape(answer.content.decode()).replace("\xa0", " ").split())


def add(client, account, name="", whose="new", **more):
    form = {"account": account, "name": name, "whose": whose, **more}
    return client.post("/people/add/", form, follow=True)


def address_of(account: str, deed: str = "") -> str:
    return f"/people/accounts/{account}/{f'{deed}/' if deed else ''}"


def rights_of(account: str):
    with transaction() as session:
        return store.rights_of(session, account)


def last_proposal():
    with transaction() as session:
        return store.proposals(session)[0]


def trail() -> list[tuple[str, str, str]]:
    kept = AuditEntry.objects.order_by("id").values_list("account", "action", "subject")
    return [entry for entry in kept if entry[1] not in ("sign-in", "reading")]


def test_an_account_is_made_and_may_do_nothing(operator, account):
    page = shown(add(operator, account, "Clara Clerk", another="yes"))
    assert f"The account {account} is there, and may do nothing yet." in page
    assert "Clara Clerk" in page and "not invited" in page
    assert rights_of(account).roles == frozenset()
    assert trail() == [("operator", "account-made", account)]
    assert account in shown(operator.get("/people/"))


def test_an_account_of_a_person_who_has_one_or_of_nobody(operator, account, made):
    person = rights_of(made).person
    add(operator, f"{account}-2", whose=str(person))
    assert rights_of(f"{account}-2").person == person
    assert "none, a service" in shown(add(operator, f"{account}-timer", whose="service"))
    assert rights_of(f"{account}-timer").person is None


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ({"account": "Bad Name", "name": "N. Ewcomer"}, "account-name"),
        ({"account": "operator", "name": "N. Ewcomer"}, "account-taken"),
        ({"account": "clerk-new", "name": ""}, "name-missing"),
        ({"account": "clerk-new", "name": "a. drafter (DEMONSTRATION)"}, "person-alike"),
        ({"account": "clerk-new", "name": "", "whose": "999999"}, "person-unknown"),
    ],
)
def test_why_no_account_is_made_stands_beside_the_form_with_what_was_typed(operator, typed, code):
    page = shown(add(operator, **typed), 422)
    assert f"[{code}]" in page and "nothing was changed" in page
    assert f'value="{typed["account"]}"' in page and f'value="{typed["name"]}"' in page


def test_a_right_is_proposed_by_one_person_and_approved_by_another(operator, regulator, made):
    form = {"role": "participant", "owner": f"gb12/{SUPPLIER}"}
    page = shown(operator.post(address_of(made, "propose"), form, follow=True))
    proposal = last_proposal()
    assert f"Proposal {proposal.number} waits for another person" in page
    assert "who is the same person" in page and 'name="digest"' not in page
    address = f"/people/proposals/{proposal.number}/"
    digest = proposal.content_digest.hex()
    assert rights_of(made).roles == frozenset()

    refused = shown(operator.post(f"{address}approve/", {"digest": digest}, follow=True), 422)
    assert "[two-people]" in refused
    assert f"Proposal {proposal.number}" in shown(regulator.get("/people/"))
    refused = regulator.post(f"{address}approve/", {"digest": "00000000"}, follow=True)
    assert "[digest-differs]" in shown(refused, 422) and 'value="00000000"' in shown(refused, 422)
    typed = f"{digest[:4]} {digest[4:8]}"  # as the page shows it
    page = shown(regulator.post(f"{address}approve/", {"digest": typed}, follow=True))
    words = f"{made} as participant of {SUPPLIER} in gb12"
    assert f"Approved: {words}." in page
    assert rights_of(made).participants == {("gb12", SUPPLIER)}
    again = regulator.post(f"{address}approve/", {"digest": digest}, follow=True)
    assert "[proposal-not-open]" in shown(again, 422)
    assert trail() == [
        ("operator", "grant-proposed", words), ("regulator", "grant-approved", words),
    ]  # fmt: skip


def test_nobody_approves_a_right_of_their_own(operator, regulator):
    operator.post(address_of("regulator", "propose"), {"role": "auditor", "owner": ""})
    proposal = last_proposal()
    assert "it grants a right to regulator" in shown(
        regulator.get(f"/people/proposals/{proposal.number}/")
    )
    form = {"digest": proposal.content_digest.hex()}
    answer = regulator.post(f"/people/proposals/{proposal.number}/approve/", form, follow=True)
    assert "[two-people]" in shown(answer, 422)


@pytest.mark.parametrize(
    ("role", "owner", "words"),
    [
        ("", "", "Choose a role."),
        ("owner", "", "Choose a role."),
        ("participant", "", "Choose the participant"),
        ("auditor", f"gb12/{SUPPLIER}", "Choose no participant"),
    ],
)
def test_what_was_not_chosen_is_said_and_stays_chosen(operator, made, role, owner, words):
    page = shown(operator.post(address_of(made, "propose"), {"role": role, "owner": owner}), 422)
    assert words in page
    if owner:
        assert f'<option value="{owner}" selected>' in page
    assert not Act.objects.exists()


def test_law_is_not_approved_on_the_page_of_rights(operator, regulator):
    with transaction() as session:
        law = next(each for each in store.proposals(session) if each.kind != "grant")
    assert regulator.get(f"/people/proposals/{law.number}/").status_code == 404
    form = {"digest": law.content_digest.hex()}
    answer = regulator.post(f"/people/proposals/{law.number}/approve/", form, follow=True)
    assert answer.status_code == 404
    assert [each.code for each in Act.objects.get().findings] == ["proposal-not-of-a-grant"]


def test_one_person_takes_a_right_away_for_a_reason(regulator, account, db):
    with transaction() as session:
        people.add(session, account, Role.AUDITOR)
        grant = store.grants(session)[-1].number
    address = address_of(account, "withdraw")
    refused = shown(regulator.post(address, {"grant": grant, "reason": " "}, follow=True), 422)
    assert "[reason-missing]" in refused
    refused = regulator.post(address, {"grant": "9" * 30, "reason": "Gone"}, follow=True)
    assert "[grant-unknown]" in shown(refused, 422)
    page = shown(regulator.post(address, {"grant": grant, "reason": "It left"}, follow=True))
    assert f"Taken away: {account} as auditor." in page and "It left" in page
    assert rights_of(account).roles == frozenset()
    assert trail()[-1] == ("regulator", "right-withdrawn", f"{account} as auditor")
    assert "It left" in shown(regulator.get("/people/"))


def invitation(client, account) -> str:
    page = shown(client.post(address_of(account, "invite"), follow=True))
    return page.partition("http://testserver")[2].partition("<")[0]


def test_an_invitation_is_shown_once_and_sets_a_password_once(operator, made, settings):
    with transaction() as session:
        people.add(session, made, Role.AUDITOR)
    link = invitation(operator, made)
    key = link.rstrip("/").rpartition("/")[2]
    assert f"manage.py login {made} --invitation {key}" not in shown(
        operator.get(f"/people/invitations/{Act.objects.get().pk}/")
    )
    assert key not in str(list(Act.objects.values()))
    newcomer = Client()
    assert f"You are invited to the account <strong>{made}</strong>" in shown(newcomer.get(link))
    differ = newcomer.post(link, {"password": NEW, "again": "another"})
    assert "The two passwords differ" in shown(differ, 422)
    weak = newcomer.post(link, {"password": "12345678", "again": "12345678"})
    assert "too common" in shown(weak, 422) and "12345678" not in shown(weak, 422)
    page = shown(newcomer.post(link, {"password": NEW, "again": NEW}, follow=True))
    assert f"The password of {made} is set. Sign in with it." in page
    assert "does not hold" in shown(newcomer.get(link), 404)
    assert "does not hold" in shown(newcomer.post(link, {"password": NEW, "again": NEW}), 404)
    settings.DEMO_HAS_GRACE = False
    newcomer.post("/account/sign-in/", {"login": made, "password": NEW})
    assert newcomer.get("/runs/")["Location"] == "/account/two-factor/"
    assert trail() == [("operator", "invited", made), (made, "first-password", "")]


def test_an_invitation_of_another_is_not_shown_and_none_is_made_by_looking(
    operator, regulator, made
):
    operator.post(address_of(made, "invite"))
    address = f"/people/invitations/{Act.objects.get().pk}/"
    assert regulator.get(address).status_code == 404


def test_a_key_of_another_account_or_a_changed_one_sets_no_password(operator, made, regulator):
    link = invitation(operator, made)
    key = link.rstrip("/").rpartition("/")[2]
    stranger = Client()
    for account, tried in (("regulator", key), (made, f"{key}x"), (made, "x-y"), ("nobody", key)):
        address = f"/account/invitation/{account}/{tried}/"
        assert stranger.get(address).status_code == 404
        assert stranger.post(address, {"password": NEW, "again": NEW}).status_code == 404
    assert not User.objects.get(username=made).has_usable_password()


def test_who_invites_cannot_become_an_account_that_has_a_password(operator, sign_in):
    sign_in("owner")
    answer = operator.post(address_of("owner", "invite"), follow=True)
    assert "[invitation-taken]" in shown(answer, 422)


def test_who_lost_the_password_of_an_account_with_a_second_factor_still_needs_that(make_user):
    user = make_user("forgetful", Role.AUDITOR, second_factor=False)
    give_second_factor(user)
    key = invitation_key(open_invitation("forgetful"))
    client = Client()
    client.post(f"/account/invitation/forgetful/{key}/", {"password": NEW, "again": NEW})
    answer = client.post("/account/sign-in/", {"login": "forgetful", "password": NEW})
    assert answer["Location"] == "/account/two-factor/authenticate/"
    assert client.get("/runs/").status_code == 302


def test_the_page_says_who_signs_in_by_two(operator, make_user):
    user = make_user("forgetful", Role.AUDITOR, second_factor=False)
    assert "second factor" not in shown(operator.get(address_of("forgetful")))
    give_second_factor(user)
    assert "by password and second factor" in shown(operator.get(address_of("forgetful")))


def test_a_service_is_not_invited(operator, account):
    add(operator, account, whose="service")
    answer = operator.post(address_of(account, "invite"), follow=True)
    assert "[account-not-invited]" in shown(answer, 422)


def test_an_auditor_reads_and_is_offered_no_form(sign_in, made):
    auditor = sign_in("auditor")
    for address in ("/people/", address_of(made)):
        page = shown(auditor.get(address))
        assert page.count("<form") == 1  # of signing out
    assert "People</a>" in page


def test_who_lost_the_role_since_does_nothing_as_the_worker_asks_again(make_user, account):
    user = make_user("former", Role.OPERATOR)
    client = Client()
    client.force_login(user)
    confirm(client, user)
    seen = viewer_of(user)
    with transaction() as session:
        people.add_holding(session, "former", ())
    assert seen.manages_people and not viewer_of(user).manages_people
    assert client.post("/people/add/", {"account": account, "whose": "service"}).status_code == 403
    act = ask(
        user, Act.Kind.ACCOUNT, account, {"whose": "service", "name": "", "is_another": False}
    )
    assert [each.code for each in act.findings] == ["role-missing"]
