"""What `manage.py check --deploy` asks of the database, and `serve` of itself."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error
from sqlalchemy.exc import ProgrammingError

from common.refusals import Finding

DEMONSTRATION_ID = "portal.E001"


def check_founding(app_configs: Any, **_: Any) -> list[CheckMessage]:
    """Find that the people of this database are a demonstration's, whose passwords are printed."""
    try:
        finding = find_demonstration()
    except ProgrammingError:  # it has no tables yet, and so no people
        return []
    return [Error(str(finding), id=DEMONSTRATION_ID)] if finding else []


def find_demonstration() -> Finding | None:
    """Return that a portal for others shows a demonstration, unless it says that it is one."""
    from portal.demo import is_demo  # most commands need no accounts

    if settings.DEMO_HAS_GRACE or settings.DEBUG or not is_demo():
        return None
    return Finding(
        "founded-as-demonstration",
        "this database",
        "a founding of a demonstration, whose passwords are printed",
        "the people of a market with real money are founded by `manage.py found`",
        "set DATABASE_URL to a database of its own, or TALLYSTICK_DEMO=1 to show a demonstration",
    )
