"""Time zones: the names that mean the same everywhere, and their clocks by the pinned data alone.

Which day an instant falls in decides which law applies and what is billed. The zones of a system
are as old as the system, and it has names of its own: `localtime` is another zone on another
machine, `right/Europe/London` counts leap seconds. So Python is told, once for the whole process,
to look nowhere but in the wheel `tzdata`, which the lock file pins with its hash. Each package that
knows zones opens with the import of this module, so that none is read before.
"""

import zoneinfo
from functools import cache

zoneinfo.reset_tzpath(to=())
# A zone that was read before, by whatever was imported first, would stay as the system has it.
zoneinfo.ZoneInfo.clear_cache()

_STAND_INS = {"Factory"}
"""What the IANA list has for a clock that nobody has set."""


@cache
def zone_names() -> frozenset[str]:
    """Return the names of the IANA list; links such as `GB` are among them."""
    return frozenset(zoneinfo.available_timezones() - _STAND_INS)


def is_zone(name: str) -> bool:
    """Return whether the IANA list has a time zone of exactly this name.

    >>> is_zone("Europe/London"), is_zone("europe/london"), is_zone("localtime")
    (True, False, False)
    """
    return name in zone_names()
