"""The refusal of a day whose quantities have no room in sums of 64 bits."""

import datetime as dt

from common.refusals import Finding


def quantities_too_large(day: dt.date, error: OverflowError) -> Finding:
    """Return the finding that names a day of which some sum could pass int64."""
    return Finding(
        "quantities-too-large",
        f"settlement of {day}",
        str(error),
        "what a day is settled by, summed over its market, is whole numbers of 64 bits",
        "look for readings of it in another unit, such as mWh for Wh, or for such a price or cost, "
        "and correct them",
    )
