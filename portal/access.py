"""Who may see what: what an account sees follows from the roles that it was granted."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Concatenate, ParamSpec, cast

from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import AnonymousUser, User
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponseBase
from django_htmx.middleware import HtmxDetails

from database.session import transaction
from ledger.people.roles import MANAGERS, Role
from ledger.people.store import rights_of
from portal.audit import record_file

P = ParamSpec("P")


SEES_ALL_INVOICES = {Role.OPERATOR, Role.AUDITOR}
SEES_RUNS = {Role.OPERATOR, Role.AUDITOR}
SEES_STUDIES = {Role.OPERATOR, Role.AUDITOR, Role.REGULATOR}
"""A study states what every participant would be paid, so participants do not see it."""
SEES_AUDIT = {Role.AUDITOR}
SEES_PEOPLE = {Role.OPERATOR, Role.AUDITOR, Role.REGULATOR}
KEEPS_TRAIL = {Role.OPERATOR, Role.AUDITOR, Role.REGULATOR}
"""Who keeps checkpoints with the links of the trail, each a hash that others might guess at."""
SEES_ALL_DISPUTES = {Role.OPERATOR, Role.AUDITOR, Role.REGULATOR}
DECIDES_DISPUTES = {Role.REGULATOR}
"""Who decides reads what is disputed: the line, its explanation and its readings, and no more."""
SEES_REGISTRATIONS = {Role.OPERATOR, Role.AUDITOR, Role.REGULATOR}
SEES_PAYMENTS = {Role.OPERATOR, Role.AUDITOR}
ALLOCATES_PAYMENTS = {Role.OPERATOR}
SEES_ALL_CREDIT = {Role.OPERATOR, Role.AUDITOR, Role.REGULATOR}
WRITES_LAW = {Role.OPERATOR, Role.REGULATOR, Role.PARTICIPANT}
"""Who drafts law and proposes it; auditors look at what others do."""
HOME_OF_ROLE = {
    Role.OPERATOR: "runs",
    Role.AUDITOR: "runs",
    Role.PARTICIPANT: "invoices",
    Role.REGULATOR: "rules",
}


@dataclass(frozen=True)
class Viewer:
    """What a user may see, read once a request.

    `participants` holds (market, participant); None means every participant. `acts_for` holds
    those that the account acts for, which is less than to see their affairs.
    """

    roles: frozenset[Role]
    participants: frozenset[tuple[str, str]] | None
    acts_for: frozenset[tuple[str, str]] = frozenset()

    @property
    def sees_invoices(self) -> bool:
        """Whether there are any invoices for this user to see."""
        return self.participants is None or Role.PARTICIPANT in self.roles

    @property
    def sees_notices(self) -> bool:
        """Whether this user is told of anything: of its participants, or of what it oversees."""
        return self.sees_invoices or self.sees_people

    @property
    def sees_runs(self) -> bool:
        """Whether runs and their replays are open to this user."""
        return bool(self.roles & SEES_RUNS)

    @property
    def sees_studies(self) -> bool:
        """Whether stress studies are open to this user."""
        return bool(self.roles & SEES_STUDIES)

    @property
    def sees_audit(self) -> bool:
        """Whether the audit trail of the portal is open to this user."""
        return bool(self.roles & SEES_AUDIT)

    @property
    def sees_people(self) -> bool:
        """Whether accounts, and who may do what, are open to this user."""
        return bool(self.roles & SEES_PEOPLE)

    @property
    def sees_changes(self) -> bool:
        """Whether there are changes of who is paid for this user to see."""
        return self.sees_people or Role.PARTICIPANT in self.roles

    @property
    def takes_law_steps(self) -> bool:
        """Whether this user opens changes of the law, and comments on them or decides."""
        return bool(self.roles & {*MANAGERS, Role.PARTICIPANT})

    @property
    def manages_people(self) -> bool:
        """Whether this user makes accounts, and proposes, approves and takes away rights."""
        return bool(self.roles & MANAGERS)

    @property
    def keeps_trail(self) -> bool:
        """Whether the checkpoints that this user keeps hold the links of the trail."""
        return bool(self.roles & KEEPS_TRAIL)

    @property
    def sees_all_disputes(self) -> bool:
        """Whether everybody's disputes are open to this user, with reasons and attachments."""
        return bool(self.roles & SEES_ALL_DISPUTES)

    @property
    def sees_disputes(self) -> bool:
        """Whether there are any disputes for this user to see."""
        return self.sees_all_disputes or Role.PARTICIPANT in self.roles

    @property
    def decides_disputes(self) -> bool:
        """Whether this user decides disputes, and so reads why a disputed line is what it is."""
        return bool(self.roles & DECIDES_DISPUTES)

    @property
    def sees_explanations(self) -> bool:
        """Whether there are lines whose explanation is open to this user."""
        return self.sees_invoices or self.decides_disputes

    @property
    def sees_payments(self) -> bool:
        """Whether bank statements and the queue of payments are open to this user."""
        return bool(self.roles & SEES_PAYMENTS)

    @property
    def allocates_payments(self) -> bool:
        """Whether this user imports bank statements and decides about payments."""
        return bool(self.roles & ALLOCATES_PAYMENTS)

    @property
    def sees_all_credit(self) -> bool:
        """Whether the exposure of every participant is open to this user."""
        return bool(self.roles & SEES_ALL_CREDIT)

    @property
    def sees_credit(self) -> bool:
        """Whether any exposure is open to this user."""
        return self.sees_all_credit or self.sees_invoices

    @property
    def tries_drafts(self) -> bool:
        """Whether this user has drafts of law tried on days of the past."""
        return bool(self.roles & MANAGERS)

    @property
    def writes_law(self) -> bool:
        """Whether this user keeps working copies of the law."""
        return bool(self.roles & WRITES_LAW)

    @property
    def home(self) -> str | None:
        """Name of the page where this user starts; None without a role."""
        return next((page for role, page in HOME_OF_ROLE.items() if role in self.roles), None)

    @property
    def sees_registrations(self) -> bool:
        """Whether every registration is open to this user, so that none can be hidden."""
        return bool(self.roles & SEES_REGISTRATIONS)

    def may_read_registration(self, market: str, participant: str) -> bool:
        """Return whether a registration, with its costs and contacts, is open to this user."""
        return self.sees_registrations or self.may_see(market, participant)

    def may_see(self, market: str, participant: str) -> bool:
        """Return whether the affairs of a participant are open to this user."""
        return self.participants is None or (market, participant) in self.participants


NOBODY = Viewer(frozenset(), frozenset())


class SignedInRequest(HttpRequest):
    """The request of a view that `open_to` guards: somebody is signed in, and may enter."""

    user: User
    viewer: Viewer
    htmx: HtmxDetails


View = Callable[Concatenate[HttpRequest, P], HttpResponseBase]
GuardedView = Callable[Concatenate[SignedInRequest, P], HttpResponseBase]


def roles_of(user: User) -> frozenset[Role]:
    """Return what a user comes to do, whether or not they may do it yet."""
    with transaction() as session:
        return rights_of(session, user.get_username()).roles


def viewer_of(user: User | AnonymousUser) -> Viewer:
    """Return what `user` may see; someone who is not signed in sees what is public."""
    if not user.is_authenticated or not user.is_active:
        return NOBODY
    with transaction() as session:
        rights = rights_of(session, user.get_username())
    sees_all = rights.holds_any(frozenset(SEES_ALL_INVOICES))
    return Viewer(rights.roles, None if sees_all else rights.participants, rights.participants)


def viewer_in(request: HttpRequest) -> Viewer:
    """Return what the user of a request may see, as the middleware read it for the request."""
    found: Viewer | None = getattr(request, "viewer", None)
    return found or viewer_of(request.user)


def open_to(may_enter: Callable[[Viewer], bool]) -> Callable[[GuardedView[P]], View[P]]:
    """Return a decorator: sign in first, then 403 unless `may_enter`; files leave an entry."""

    def decorate(view: GuardedView[P]) -> View[P]:
        @login_required
        @wraps(view)
        def guarded(request: HttpRequest, /, *args: P.args, **named: P.kwargs) -> HttpResponseBase:
            # `login_required` let only users in, and our middleware and htmx's saw the request.
            signed_in = cast(SignedInRequest, request)
            if not may_enter(signed_in.viewer):
                raise PermissionDenied
            answer = view(signed_in, *args, **named)
            record_file(signed_in, answer)
            return answer

        return guarded

    return decorate
