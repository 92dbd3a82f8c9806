"""One writing of every value: what a file says in other words than the product's is a finding."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from verifier.encoding import Layout, parse_uuid
from verifier.report import UNREADABLE, Report
from verifier.values import (
    VECTOR,
    Row,
    format_moment,
    parse_day,
    parse_hex,
    parse_moment,
    parse_vector,
    to_integer,
    to_text,
)

FORMS = {
    "I": "an integer, in digits without zeros before them",
    "T": "a text",
    "B": "bytes, in hexadecimal digits of lower case",
    "D": "a day, as 2024-03-01",
    "M": "a moment, as 2024-03-01T09:00:00.000000Z",
    "U": "a UUID, in lower case with its dashes",
    "V": "integers with one space between them",
}
LONGEST_SHOWN = 200


def shorten(value: object) -> str:
    """Return a value as findings print it: every sign visible, and not without end."""
    shown = repr(value)
    return shown if len(shown) <= LONGEST_SHOWN else f"{shown[:LONGEST_SHOWN]}..."


def write_vector(value: object) -> str:
    """Return a day vector as a cell holds it."""
    if VECTOR.fullmatch(to_text(value)):
        return to_text(value)
    return " ".join(map(str, parse_vector(value)))


WRITERS: dict[str, Callable[[Any], Any]] = {
    "I": to_integer,
    "T": to_text,
    "B": lambda value: parse_hex(value).hex(),
    "D": lambda value: parse_day(value).isoformat(),
    "M": lambda value: format_moment(parse_moment(to_text(value))),
    "U": lambda value: str(parse_uuid(value)),
    "V": write_vector,
}


def write_again(kind: str, value: Any) -> Any:
    """Return what the product writes for a value, which is read however it is written."""
    if kind[0] != "L":
        return WRITERS[kind[0]](value)
    if type(value) is not list:
        raise ValueError(f"{value!r} is no list")
    return [write_again(kind[1:], member) for member in value]


def describe_form(kind: str) -> str:
    """Return how values of a kind are written."""
    return FORMS.get(kind[0]) or f"a list, and in it each {FORMS[kind[1]]}"


def check_columns(
    found: Sequence[str], layout: Layout, file: str, place: str, report: Report
) -> bool:
    """Hold the names of columns to a layout; return whether each of its own is there once."""
    twice = sorted({column for column in found if found.count(column) > 1})
    for column in twice:
        report.add(file, f"{place}, {shorten(column)}", "one column of this name", "several")
    for column in sorted(set(found) - layout.keys()):
        report.add(file, f"{place}, {shorten(column)}", "only columns that the format knows",
                   "one that it does not know")  # fmt: skip
    missing = [column for column in layout if column not in found]
    for column in missing:
        report.add(file, f"{place}, {column}", "the column", None)
    if len(found) == len(layout) and not missing and list(found) != list(layout):
        report.add(file, place, f"the columns in the order {' '.join(layout)}", "another order")
    return not twice and not missing


def check_values(
    row: Mapping[str, Any], layout: Layout, file: str, place: str, report: Report, *, cells: bool
) -> Row | None:
    """Hold each value to the one writing of its kind.

    Args:
        cells: whether integers stand there as text, as they do in CSV.

    Returns:
        The row with each value as the product writes it, so that values and not writings are
        compared; None where one cannot be read.
    """
    written: Row = {}
    for column, kind in layout.items():
        value = row[column]
        if value is None and kind.endswith("?"):
            written[column] = None
            continue
        try:
            again = written[column] = write_again(kind, value)
        except UNREADABLE:
            report.add(file, f"{place}, {column}", describe_form(kind), shorten(value))
            continue
        if (str(again) if cells else again) != value:
            expected = f"{describe_form(kind)}: {shorten(again)}"
            report.add(file, f"{place}, {column}", expected, shorten(value))
    return written if len(written) == len(layout) else None


def check_object(value: Any, layout: Layout, file: str, place: str, report: Report) -> Row | None:
    """Hold an object of JSON to a layout; return what of it can be read, as `check_values` does."""
    if type(value) is not dict:
        report.add(file, place, "an object of JSON", shorten(value))
        return None
    if not check_columns(list(value), layout, file, place, report):
        return None
    return check_values(value, layout, file, place, report, cells=False)
