"""People: accounts and what they may do. Auditors read; operators and regulators act, two by two.

Every change is an act, which the worker does as whoever asked; a refusal stands beside the form.
"""

from collections.abc import Mapping, Sequence

from django.contrib.auth.models import User
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from database.session import transaction
from ledger.people import store
from ledger.people.roles import Role
from portal.access import SignedInRequest, Viewer, open_to
from portal.acts.answers import answer
from portal.acts.people import NEW_PERSON, SERVICE
from portal.acts.requests import ask
from portal.confirmation import confirms
from portal.form_alone import takes_form
from portal.models import Act
from portal.people import invitation_key
from portal.queries import people as queries
from portal.views.page_remedies import page_sentences

UNPROCESSABLE = 422
INVITED = "invited"
"""Of a session: the act whose invitation it has not been shown yet."""
LONGEST_NUMBER = 9
"""Digits of a number that is typed or sent; a longer one is none of ours."""


def sees_people(viewer: Viewer) -> bool:
    """Return whether accounts and rights are open to this user."""
    return viewer.sees_people


def manages_people(viewer: Viewer) -> bool:
    """Return whether this user acts on accounts and rights."""
    return viewer.manages_people


@require_safe
@open_to(sees_people)
def listing(request: SignedInRequest) -> HttpResponse:
    """Show what waits for approval, every account with its rights, and rights that ended."""
    return _listing(request)


def _listing(
    request: SignedInRequest,
    complaints: Sequence[str] = (),
    typed: Mapping[str, object] | None = None,
) -> HttpResponse:
    with transaction() as session:
        accounts = queries.shown_accounts(session)
        context = {
            "accounts": accounts,
            "ended": [(each, right) for each in accounts for right in each.ended],
            "proposals": queries.open_grants(session, request.user.get_username()),
            "law_waits": queries.open_law(session),
            "persons": store.people(session).items(),
            "complaints": complaints,
            "typed": typed or {"whose": NEW_PERSON},
            "section": "people",
        }
    return render(request, "people/listing.html", context, status=_status(complaints))


@takes_form
@open_to(manages_people)
@confirms("people")
def add(request: SignedInRequest) -> HttpResponse:
    """Make an account."""
    whose = request.POST.get("whose", "")
    is_known = whose in (NEW_PERSON, SERVICE) or _number(whose) is not None
    name = request.POST.get("name", "").strip()
    arguments = {
        "whose": whose if is_known else NEW_PERSON,
        "name": name if whose == NEW_PERSON else "",
        "is_another": bool(request.POST.get("another")),
    }
    account = request.POST.get("account", "").strip()
    act = ask(request.user, Act.Kind.ACCOUNT, account, arguments)
    return answer(request, act, show_refused_add)


def show_refused_add(request: SignedInRequest, act: Act) -> HttpResponse:
    """Show the form of an account that was not made, as it was filled in, with every reason."""
    return _listing(
        request, page_sentences(act.findings), {**act.arguments, "account": act.subject}
    )


@require_safe
@open_to(sees_people)
def page(request: SignedInRequest, account: str) -> HttpResponse:
    """Show an account: whose it is, its rights, and what an operator or a regulator may do."""
    return _page(request, account)


def _page(
    request: SignedInRequest,
    account: str,
    refused: str = "",
    complaints: Sequence[str] = (),
    typed: Mapping[str, object] | None = None,
) -> HttpResponse:
    with transaction() as session:
        found = queries.shown_account(session, account)
        if found is None:
            raise Http404("no such account")
        context = {
            "account": found,
            "owners": queries.participants(session),
            "roles": list(Role),
            "proposals": [
                each
                for each in queries.open_grants(session, request.user.get_username())
                if each.wanted.account == account
            ],
            "refused": refused,
            "complaints": complaints,
            "typed": typed or {},
            "section": "people",
        }
    return render(request, "people/account.html", context, status=_status(complaints))


@takes_form
@open_to(manages_people)
@confirms("people")
def invite(request: SignedInRequest, account: str) -> HttpResponse:
    """Let the person of an account set a password."""
    act = ask(request.user, Act.Kind.INVITE, account, {})
    request.session[INVITED] = act.pk
    return answer(request, act, show_refused_account)


@never_cache
@require_safe
@open_to(manages_people)
def invitation(request: SignedInRequest, act_number: int) -> HttpResponse:
    """Show whoever invited the link to hand on: once, and no table holds it."""
    acts = Act.objects.filter(user=request.user, kind=Act.Kind.INVITE, state=Act.State.DONE)
    act = get_object_or_404(acts, pk=act_number)
    is_new = request.session.get(INVITED) == act.pk
    context: dict[str, object] = {"account": act.subject, "section": "people"}
    if is_new:
        del request.session[INVITED]
        key = invitation_key(User.objects.get(username=act.subject))
        link = reverse("account_invitation", args=[act.subject, key])
        context |= {"key": key, "link": request.build_absolute_uri(link)}
    return render(request, "people/invitation.html", context)


@takes_form
@open_to(manages_people)
@confirms("people")
def propose(request: SignedInRequest, account: str) -> HttpResponse:
    """Propose that an account has a right."""
    role, owner = request.POST.get("role", ""), request.POST.get("owner", "")
    market, _, participant = owner.partition("/")
    arguments = {"role": role, "market": market, "participant": participant}
    complaint = _choice_complaint(role, owner)
    if complaint:
        return _page(request, account, Act.Kind.GRANT, (complaint,), arguments)
    act = ask(request.user, Act.Kind.GRANT, account, arguments)
    return answer(request, act, show_refused_account)


@takes_form
@open_to(manages_people)
@confirms("people")
def withdraw(request: SignedInRequest, account: str) -> HttpResponse:
    """Take a right of an account away."""
    arguments = {
        "grant": _number(request.POST.get("grant", "")) or 0,
        "reason": request.POST.get("reason", "").strip(),
    }
    act = ask(request.user, Act.Kind.WITHDRAW, account, arguments)
    return answer(request, act, show_refused_account)


def show_refused_account(request: SignedInRequest, act: Act) -> HttpResponse:
    """Show an account with the form that was refused, as it was filled in, with every reason."""
    return _page(request, act.subject, act.kind, page_sentences(act.findings), act.arguments)


@require_safe
@open_to(sees_people)
def proposal(request: SignedInRequest, number: int) -> HttpResponse:
    """Show a right that is proposed, whole, and the form by which another person approves it."""
    return _proposal(request, number)


def _proposal(
    request: SignedInRequest, number: int, complaints: Sequence[str] = (), typed: str = ""
) -> HttpResponse:
    with transaction() as session:
        found = queries.shown_proposal(session, number, request.user.get_username())
    if found is None:
        raise Http404("no such proposal of a right")
    context = {"proposal": found, "complaints": complaints, "typed": typed, "section": "people"}
    return render(request, "people/proposal.html", context, status=_status(complaints))


@takes_form
@open_to(manages_people)
@confirms("people")
def approve(request: SignedInRequest, number: int) -> HttpResponse:
    """Approve a right that another person proposed, by the digest of what was read."""
    arguments = {"number": number, "digest": "".join(request.POST.get("digest", "").split())}
    act = ask(request.user, Act.Kind.APPROVE, f"proposal {number}", arguments)
    return answer(request, act, show_refused_approval)


def show_refused_approval(request: SignedInRequest, act: Act) -> HttpResponse:
    """Show a proposal that was not approved, with every reason."""
    return _proposal(
        request, act.arguments["number"], page_sentences(act.findings), act.arguments["digest"]
    )


def _choice_complaint(role: str, owner: str) -> str:
    """Return what was not chosen, or chosen too much, in words of the page; empty if nothing."""
    if role not in set(Role):
        return "Choose a role."
    if role == Role.PARTICIPANT and not owner:
        return "Choose the participant for which it acts: that role is for one of them."
    if role != Role.PARTICIPANT and owner:
        return f"Choose no participant: the role of {role} is for the whole market."
    return ""


def _number(text: str) -> int | None:
    is_one = text.isascii() and text.isdecimal() and len(text) <= LONGEST_NUMBER
    return int(text) if is_one else None


def _status(complaints: Sequence[str]) -> int:
    return UNPROCESSABLE if complaints else 200
