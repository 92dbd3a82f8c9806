"""What a schema holds of a day's partitions: what it holds of the model's, under another name.

The manifest names the partitions of a day that no market has; a live database has one for each day
on which something happened. Each is held to the model, object by object, so that a guard that is
missing on a single day is found, and so is what stands beside it.
"""

import datetime as dt
import re
from collections.abc import Iterator

from database.catalogue.manifest import Description
from database.market_log import MODEL_DAY, PARTITION

_MODEL = dt.date.fromisoformat(MODEL_DAY)
_DAY = dt.timedelta(days=1)


def with_partitions(expected: Description, found: Description) -> Description:
    """Return what is expected of a schema that has these partitions, beside what is of any.

    >>> model = {"market.event child market.event_18991231": "FOR VALUES FROM ('1899-12-31')"}
    >>> with_partitions(model, {"market.event_20240229": "table"})
    {'market.event child market.event_18991231': "FOR VALUES FROM ('1899-12-31')", \
'market.event child market.event_20240229': "FOR VALUES FROM ('2024-02-29')"}
    """
    added: dict[str, str] = {}
    for table, day in _partitions(found):
        model = f"{table}_{_MODEL:%Y%m%d}"
        for place, described in expected.items():
            if re.search(rf"\bmarket\.{model}", place):
                added[_of_day(place, table, day)] = _of_day(described, table, day)
    return {**expected, **added}


def _partitions(found: Description) -> Iterator[tuple[str, dt.date]]:
    """Yield the table and day of each partition, by its name; what is no day's is no partition."""
    for place in found:
        schema, _, name = place.partition(".")
        named = PARTITION.fullmatch(name) if schema == "market" else None
        if named is None:
            continue
        try:
            day = dt.datetime.strptime(named[2], "%Y%m%d").date()  # noqa: DTZ007 - a day has no zone
        except ValueError:
            continue
        if day != _MODEL:
            yield named[1], day


def _of_day(words: str, table: str, day: dt.date) -> str:
    named = words.replace(f"{table}_{_MODEL:%Y%m%d}", f"{table}_{day:%Y%m%d}")
    # The bounds of the model meet those of no other: replaced at once, a day is not moved twice.
    bounds = {f"'{_MODEL}'": f"'{day}'", f"'{_MODEL + _DAY}'": f"'{day + _DAY}'"}
    return re.sub("|".join(bounds), lambda bound: bounds[bound[0]], named)
