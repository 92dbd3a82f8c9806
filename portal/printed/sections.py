"""What `report.typ` sets, as JSON: title, facts, sections with tables and pictures. Pure."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from portal.charts.chart import Chart

Printed = dict[str, Any]


class Head(NamedTuple):
    """What stands before the sections, and at the foot of each page.

    Attributes:
        kicker: above the title, in small letters.
        facts: names and what they are; digests among them.
        footer: names the report on each page.
    """

    title: str
    lead: str
    kicker: str
    facts: Sequence[tuple[str, str]]
    footer: str


def report(
    head: Head,
    sections: Sequence[Printed],
    charts: Iterable[Chart] = (),
    signatures: Sequence[str] = (),
) -> Printed:
    """Return a report.

    Args:
        head: see `Head`.
        sections: see `section`.
        charts: under a heading of their own, after the sections.
        signatures: lines to be signed at the end, by what each is called.
    """
    return {
        **head._asdict(),
        "facts": list(head.facts),
        "sections": list(sections),
        "charts": pictures(charts),
        "signatures": list(signatures),
    }


def section(
    title: str,
    said: Iterable[str] = (),
    items: Iterable[str] = (),
    after: Iterable[str] = (),
    columns: Sequence[str] = (),
    rows: Sequence[Printed] = (),
    charts: Iterable[Chart] = (),
    level: int = 2,
    texts: Sequence[bool] = (),
) -> Printed:
    """Return a section: words, a list, words, a table and pictures, each where there is any.

    Args:
        title: of the section.
        said, after: paragraphs before and after the list.
        items: of the list.
        columns, rows: of the table; a row has `title`, `meaning` and `cells`.
        charts: pictures, each under its title.
        level: 2, or 3 of a section within the one before.
        texts: of each column of the table, whether it is words and read from the left; none is
            where this is empty.
    """
    return {
        "title": title,
        "said": [words for words in said if words],
        "items": list(items),
        "after": [words for words in after if words],
        "columns": list(columns),
        "rows": list(rows),
        "charts": pictures(charts),
        "level": level,
        "texts": list(texts) or [False] * len(columns),
    }


def pictures(charts: Iterable[Chart]) -> list[Printed]:
    """Return charts as `report.typ` sets them."""
    return [{"title": chart.title, "drawing": chart.printed} for chart in charts]
