"""When each text of a document applies, over when that was known: as a chart with its table."""

import datetime as dt
from collections.abc import Sequence

from portal.amounts import short_digest
from portal.charts.areas import MOST_AREAS, Area, areas_chart
from portal.charts.chart import Chart, Table
from portal.charts.frame import Axis
from rulebook.days import day_of
from rulebook.standing import Record

KEY = "timeline"
MOST_ROWS = 200
ONE_DAY = dt.timedelta(days=1)
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
OPEN_END = "no end"
STILL = "still"


def timeline_chart(title: str, history: Sequence[Record], zone: str, now: dt.datetime) -> Chart:
    """Return when each text of a document applied, as known when.

    Read along a moment of knowledge, it tells what was law of which day, as was then known. Texts
    have letters, in the order in which they were first recorded. Of a long history, what was
    recorded last is drawn, and a little more of it is told.

    Args:
        history: every version of the document, at least one.
        zone: of the market.
    """
    in_order = sorted(history, key=lambda each: (each.recorded_from, each.valid_from))
    names = letters_of(in_order)
    shown = in_order[-MOST_AREAS:]
    areas = [
        Area(
            names[each.digest],
            day_of(each.valid_from, zone).toordinal(),
            None if each.valid_to is None else day_of(each.valid_to, zone).toordinal(),
            _minute(each.recorded_from),
            None if each.recorded_to is None else _minute(each.recorded_to),
        )
        for each in shown
    ]
    visible = [each for each in areas if each.high != each.low]
    left_out = len(in_order) - len(visible)
    note = f"The drawing has {len(visible)} of {len(in_order):,} versions." if left_out else ""
    rows = tuple(_row(each, names, zone) for each in in_order[-MOST_ROWS:][::-1])
    columns = ("Text", "Applies from", "Until", "Known from", "Known until")
    said = f"{len(in_order):,} versions of {len(names):,} texts. {note}".strip()
    table = Table(columns, rows, note)
    return areas_chart(KEY, title, visible, _axes(visible, zone, now), said, table)


def letters_of(in_order: Sequence[Record]) -> dict[bytes, str]:
    """Return the letter of each text, by digest, in the order in which they were recorded."""
    digests = dict.fromkeys(each.digest for each in in_order)
    return {digest: _letter(number) for number, digest in enumerate(digests)}


def _letter(number: int) -> str:
    """Return A to Z, then AA, AB and so on.

    >>> _letter(0), _letter(25), _letter(26), _letter(27)
    ('A', 'Z', 'AA', 'AB')
    """
    more, last = divmod(number, len(LETTERS))
    return (_letter(more - 1) if more else "") + LETTERS[last]


def _row(record: Record, names: dict[bytes, str], zone: str) -> tuple[str, ...]:
    last = record.valid_to and day_of(record.valid_to, zone) - ONE_DAY
    return (
        f"{names[record.digest]} {short_digest(record.digest)}",
        _day(day_of(record.valid_from, zone)),
        _day(last) if last else OPEN_END,
        _moment(record.recorded_from),
        _moment(record.recorded_to) if record.recorded_to else STILL,
    )


def _axes(areas: Sequence[Area], zone: str, now: dt.datetime) -> tuple[Axis, Axis]:
    days = sorted({day for each in areas for day in (each.left, each.right) if day is not None})
    days = sorted({*days, day_of(now, zone).toordinal()})
    span = max(days[-1] - days[0], 28)
    end = days[-1] + span // 8  # what has no end goes on beyond all that is named
    known = sorted({each.low for each in areas} | {each.high for each in areas if each.high})
    top = max(_minute(now), known[-1] + 1)
    top += max((top - known[0]) // 8, 1)
    along = Axis(
        days[0], end, tuple((day, _day(dt.date.fromordinal(day))) for day in days), "Applies on"
    )
    told = tuple((minute, _day(_of_minute(minute).date())) for minute in known)
    return along, Axis(known[0], top, told, "Known on")


def _minute(moment: dt.datetime) -> int:
    return int(moment.timestamp()) // 60


def _of_minute(minute: int) -> dt.datetime:
    return dt.datetime.fromtimestamp(minute * 60, dt.UTC)


def _day(day: dt.date) -> str:
    return f"{day.day} {day:%b %Y}"


def _moment(moment: dt.datetime) -> str:
    return f"{_day(moment.date())} {moment:%H:%M}Z"
