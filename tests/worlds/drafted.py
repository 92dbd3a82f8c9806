"""Working copies of law, as their authors begin them on pages."""

import datetime as dt

from django.contrib.auth.models import User
from django.utils import timezone

from database.session import transaction
from portal.models import WorkingCopy
from portal.queries.rules import rule_on, start_of_day
from rulebook.digest import document_body
from tests.portal.site import FIRST_DAY, MARKET

ZONE = "Europe/London"


def law_in_a_copy(
    user: User, *keys: str, day: dt.date = FIRST_DAY, number: int | None = None
) -> WorkingCopy:
    """Return a working copy with documents of the law of a day, as it stands there."""
    with transaction() as session:
        names = [f"{MARKET}/{key.replace('.', '/')}" for key in keys]
        bodies = {name: document_body(rule_on(session, name, day).document) for name in names}
    return WorkingCopy.objects.create(
        pk=number,
        user=user,
        market=MARKET,
        law_day=day,
        drawn_from=start_of_day(day, ZONE),
        wanted_from=day,
        base=bodies,
        bodies=bodies,
        begun_at=timezone.now(),
        changed_at=timezone.now(),
    )
