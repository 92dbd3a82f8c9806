"""A fairness report on paper: the words, tables and pictures of its page, in one order. Pure."""

from collections.abc import Iterator

from portal.amounts import local_time
from portal.fairness.pages import SIGNATURES, ReportPage
from portal.fairness.shown import DAYS, Section, Table
from portal.printed.sections import Head, Printed, report, section

ON_THE_PAGE = "They stand on the page of this report, /fairness/{page.market}/{page.period}/."


def printed_report(page: ReportPage) -> Printed:
    """Return a report as `report.typ` sets it; as JSON."""
    first, last = (f"{day.day} {day:%b %Y}" for day in (page.first_day, page.last_day))
    facts = (
        ("Days", f"{first} to {last}, {page.zone}"),
        ("Intervals", f"{page.intervals:,}"),
        ("Made", local_time(page.created_at, page.zone)),
        ("Digest", page.digest.hex()),
        ("Leaf of the log", "not in the log yet" if page.leaf is None else f"{page.leaf:,}"),
    )
    lead, *others = page.summary
    head = Head(
        f"Fairness of {page.words}",
        lead,
        f"Fairness report · {page.market}",
        facts,
        f"Fairness of {page.market}, {page.words} · {page.digest.hex()[:16]}",
    )
    return report(head, list(_sections(page, others)), signatures=SIGNATURES)


def _sections(page: ReportPage, others: list[str]) -> Iterator[Printed]:
    worse = [*others, page.worse_lead] if page.worse else [*others, page.no_worse]
    yield section("In short", worse, items=page.worse)
    for own in page.own:
        yield section(own.participant, own.said)
        yield from map(_table, own.tables)
    for each in page.sections:
        if each.key == DAYS:
            yield section(each.title, [*each.said, ON_THE_PAGE.format(page=page)])
            continue
        yield section(each.title, each.said, items=each.worse)
        yield from map(_table, each.tables)
        if each.charts:
            yield section("In pictures", charts=each.charts, level=3)
        yield _definitions(each)
    yield section("Check this report", [page.how_checked])
    yield from map(_table, page.proof)


def _table(table: Table) -> Printed:
    rows = [
        {"title": row.title, "meaning": row.meaning, "cells": list(row.cells)} for row in table.rows
    ]
    return section(
        table.title,
        [table.lead],
        columns=table.columns,
        rows=rows,
        level=3,
        texts=table.is_text,
    )


def _definitions(each: Section) -> Printed:
    items = [
        f"{figure.title}, in {figure.unit}: {figure.definition}. {figure.formula}. "
        f"Source: {figure.source}."
        for figure in each.definitions
    ]
    return section("How each figure is defined", items=items, level=3)
