"""What the inbox of a market lets in: checks that PostgreSQL holds every row to, whoever writes it.

Python's checks (`market.inbox`) are of the same limits, and name what is wrong before a row is
written. Whether numbers and words are those of its kind is for the machine to say, which keeps the
event with that outcome.
"""

from collections.abc import Mapping
from types import MappingProxyType

from common.calendar_years import EARLIEST_DAY, LATEST_DAY
from database.market_log import MOST_LISTED, MOST_TEXT, UNPRINTABLE
from market.core.events import Kind
from market.moments import EARLIEST_US, LATEST_US, moment_of

_KINDS = ", ".join(f"'{kind}'" for kind in Kind)
_UTC_DAY = "(at AT TIME ZONE 'UTC')::date"

CHECKS: Mapping[str, str] = MappingProxyType(
    {
        "day_is_counted": f"day BETWEEN '{EARLIEST_DAY}' AND '{LATEST_DAY}'",
        # Whatever the zone; a reading is of a day that may be long over.
        "day_is_near_its_moment": f"day <= {_UTC_DAY} + 1 "
        f"AND (kind = '{Kind.READING}' OR day >= {_UTC_DAY} - 1)",
        "kind_is_one": f"kind IN ({_KINDS})",
        "lists_are_whole": f"cardinality(numbers) <= {MOST_LISTED} "
        f"AND cardinality(words) <= {MOST_LISTED} "
        "AND coalesce(array_ndims(numbers), 1) = 1 AND coalesce(array_ndims(words), 1) = 1 "
        "AND array_position(numbers, NULL) IS NULL AND array_position(words, NULL) IS NULL",
        "moment_is_counted": f"at >= '{moment_of(EARLIEST_US)}' AND at < '{moment_of(LATEST_US)}'",
        "submitted_at_is_counted": f"submitted_at >= '{moment_of(EARLIEST_US)}' "
        f"AND submitted_at < '{moment_of(LATEST_US)}'",
        "texts_are_printable": "market || key || entity || submitted_by || "
        f"array_to_string(words, '') !~ '{UNPRINTABLE}'",
        "texts_are_short": "least(length(market), length(key), length(submitted_by)) >= 1 AND "
        "greatest(length(market), length(key), length(entity), length(submitted_by)) "
        f"<= {MOST_TEXT}",
        # Together they are short nearly always, and then none is looked at by itself.
        "words_are_short": f"length(array_to_string(words, '')) <= {MOST_TEXT} "
        f"OR array_to_string(words, chr(10)) !~ '[^\\n]{{{MOST_TEXT + 1}}}'",
    }
)
"""By the name of the constraint of `market.submission`."""
