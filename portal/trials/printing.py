"""A trial as a printed report: the words, tables and pictures of its page, in one order. Pure."""

import datetime as dt
import uuid
from collections.abc import Iterator, Sequence

from portal.amounts import local_time
from portal.printed.sections import Head, Printed, report, section
from portal.queries.uncounted import Uncounted
from portal.study_tables import Table
from portal.trials.reports import TrialPage
from portal.trials.seen import SeenTrial
from settlement.trials.records import MADE_AGAIN
from settlement.trials.seen import PublicTrial

POSTED = "Nothing of a trial is posted or billed."


def printed_trial(page: TrialPage) -> Printed:
    """Return a whole trial as `report.typ` sets it; as JSON."""
    summary, trial = page.summary, page.summary.trial
    zone = summary.zone
    facts = [
        *_facts(trial.first_day, trial.last_day, trial.known_at, page.estimated, zone),
        ("Inputs", trial.input_digest.hex()),
        *((draft.title, draft.digest) for draft in page.drafts),
        *((f"Results of {side.side}", side.result_digest.hex()) for side in trial.sides),
        ("Engine", f"version {trial.engine_version}"),
        ("Reproduce it", page.command),
    ]
    sections: list[Printed] = []
    nothing = f", and less than {page.least} in all is nothing" if page.least else ""
    for place, draft in enumerate(page.drafts):
        of_classes = ", ".join(f"{words}: {number}" for words, number in draft.classes)
        said = [
            "" if draft.names else draft.unnamed,
            draft.headline if place else "",  # that of the first is the title
            "Of the law from which it was drawn, it changes:",
        ]
        after = [
            "Participants by what changes for them, where more than "
            f"{page.threshold} of what they turned over under the law is much{nothing}: "
            f"{of_classes}.",
            " ".join(draft.evenness),
        ]
        sections.append(section(draft.heading, said, items=draft.changes, after=after))
    sections += [_of_table(table) for table in page.tables]
    sections.append(_uncounted(page.uncounted))
    head = _head(summary.headline, page, _kicker(trial.mode, trial.market), facts, trial.id)
    return report(head, sections, page.charts)


def printed_seen_trial(page: SeenTrial) -> Printed:
    """Return what a reader may know of a trial as `report.typ` sets it; as JSON."""
    summary = page.summary
    trial: PublicTrial = summary.trial
    facts = [
        *_facts(trial.first_day, trial.last_day, trial.known_at, page.estimated, summary.zone),
        ("Digest of the whole trial", trial.digest.hex()),
        *((draft.title, draft.digest) for draft in page.drafts),
        *((draft.title, name.words) for draft in page.drafts for name in draft.names),
        ("Engine", f"version {trial.engine_version}"),
    ]
    sections: list[Printed] = []
    for own in page.own:
        for table in own.tables:
            sections.append(_of_table(table, own.sentence))
    if page.withheld:
        sections.append(section("What is withheld", [page.withheld]))
    sections += [_of_table(table) for table in page.tables]
    sections.append(_uncounted(page.uncounted))
    head = _head(summary.headline, page, _kicker(trial.mode, trial.market), facts, trial.id)
    return report(head, sections, page.charts)


def _head(
    title: str,
    page: TrialPage | SeenTrial,
    kicker: str,
    facts: Sequence[tuple[str, str]],
    trial_id: uuid.UUID,
) -> Head:
    lead = " ".join([page.mode, *page.as_law, POSTED])
    return Head(title, lead, kicker, facts, f"Trial {trial_id}")


def _kicker(mode: str, market: str) -> str:
    return f"Trial {'made again' if mode == MADE_AGAIN else 'as metered'} · {market}"


def _facts(
    first_day: dt.date, last_day: dt.date, known_at: dt.datetime, estimated: str, zone: str
) -> Iterator[tuple[str, str]]:
    first, last = (f"{day.day} {day:%b %Y}" for day in (first_day, last_day))
    yield "Days", f"{first} to {last}"
    yield "Law and readings known at", local_time(known_at, zone)
    yield "Estimated readings", estimated


def _of_table(table: Table, sentence: str = "") -> Printed:
    rows = [
        {"title": row.title, "meaning": row.meaning, "cells": [cell.after for cell in row.cells]}
        for row in table.rows
    ]
    return section(table.title, [sentence, table.lead], columns=table.columns, rows=rows)


def _uncounted(uncounted: Sequence[Uncounted]) -> Printed:
    """Return what changes say that no trial counts, or that nothing is said."""
    said = []
    for each in uncounted:
        words = each.words or "Nothing is said yet: the text is not assessed."
        said.append(f"Change {each.change}, {each.title}: {words}")
    nothing = "Nothing is said, as no change of the law has this draft as its text."
    return section("What is not counted", said or [nothing])
