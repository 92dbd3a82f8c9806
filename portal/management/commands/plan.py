"""`manage.py plan FOLDER --valid-from DAY`: what files would change of the law."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from common.refusals import Refused
from database.session import snapshot
from portal.management.arguments import JSON, REASON, argument, flag, parse_day
from portal.management.base import BaseCommand, Options
from rulebook.comparison_words import MARKS, comparison_as_dict, comparison_lines
from rulebook.edit_words import How
from rulebook.folders import LeftOut, left_out_of
from settlement.enactment.planning import LawPlan, PlannedDocument, plan_law, whole_with_an_end
from settlement.enactment.reach import reach_as_dict, reach_lines

SOMETHING_TO_DO = 2


class Planned(NamedTuple):
    """What would change, and what in the folders is no law."""

    law: LawPlan
    left_out: tuple[LeftOut, ...]


class Command(BaseCommand[Planned]):
    help = (
        "Say what files would change of the law, were they proposed and approved now: added (+), "
        "changed (~) value by value and clause by clause, ended (-); which settled days and issued "
        "documents that touches; or everything that forbids it. Nothing is written, and nobody "
        "waits. It ends with status 0 where there is nothing to do, 2 where there is something, "
        "1 where it is refused."
    )
    usage_status = 1  # as 2 is an answer
    takes = (
        argument(
            "files", nargs="+", type=Path, metavar="FILE", help="YAML file, or a folder of them"
        ),
        argument(
            "--valid-from",
            type=parse_day,
            required=True,
            metavar="DAY",
            help="first day, YYYY-MM-DD",
        ),
        argument(
            "--valid-to",
            type=parse_day,
            metavar="DAY",
            help="first day on which they no longer apply; default: no end",
        ),
        REASON.with_settings(
            required=False,
            default="",
            help="why, as it would be proposed; needed where the validity begins in the past",
        ),
        flag("--whole", "the files are the whole law: what they do not hold would end on that day"),
        JSON,
    )

    def run(self, options: Options) -> Planned:
        if options.whole and options.valid_to:
            raise Refused([whole_with_an_end()])
        with snapshot() as session:
            law = plan_law(
                session,
                options.files,
                valid_from=options.valid_from,
                valid_to=options.valid_to,
                now=options.now,
                reason=options.reason,
                is_whole=options.whole,
            )
        return Planned(law, tuple(left_out_of(options.files)))

    def status(self, outcome: Planned, options: Options) -> int:
        return SOMETHING_TO_DO if outcome.law.is_needed else 0

    def as_json(self, outcome: Planned, options: Options) -> Any:
        law = outcome.law
        return {
            "market": law.market,
            "valid_from": law.first_day,
            "is_needed": law.is_needed,
            "documents": [_as_dict(each) for each in law.documents],
            "not_named": law.not_named,
            "touches": reach_as_dict(law.reach),
            "left_out": [each._asdict() for each in outcome.left_out],
        }

    def lines(self, outcome: Planned, options: Options) -> Iterator[str]:
        law = outcome.law
        yield f"{law.market} from {law.first_day}"
        for place, why in outcome.left_out:
            yield f"left out {place}: {why}"
        for document in law.documents:
            yield from _document_lines(document, law)
        if law.not_named:
            yield f"= {len(law.not_named)} documents that the files do not hold stay as they are"
        if not law.is_needed:
            yield "The law stands so already: nothing to do."
            return
        yield _totals(law)
        yield from reach_lines(law.reach)
        yield "Nothing was written. `manage.py propose law` proposes it."


def _document_lines(document: PlannedDocument, law: LawPlan) -> Iterator[str]:
    if not document.stretches:
        yield f"= {document.instrument}  {document.title}: stands so already"
    for stretch in document.stretches:
        first, *others = comparison_lines(stretch.comparison)
        ends = f" to {stretch.last_day}" if stretch.last_day else ""
        # Whose days are the same as those of the plan says nothing of them.
        is_all = stretch.first_day == law.first_day and not stretch.last_day
        yield first if is_all else f"{first}  [{stretch.first_day}{ends or ' on'}]"
        yield from others


def _totals(law: LawPlan) -> str:
    hows = [how_of(each) for each in law.documents]
    said = (
        (How.NEW, "to add"),
        (How.CHANGED, "to change"),
        (How.LEFT_OUT, "to end"),
    )
    return "Plan: " + ", ".join(f"{hows.count(how)} {words}" for how, words in said) + "."


def how_of(document: PlannedDocument) -> How | None:
    """Return what becomes of a document: changed, where it is so on any day; None where nothing."""
    hows = {stretch.comparison.how for stretch in document.stretches}
    if len(hows) > 1:
        return How.CHANGED
    return next(iter(hows), None)


def _as_dict(document: PlannedDocument) -> dict[str, Any]:
    how = how_of(document)
    return {
        "instrument": document.instrument,
        "title": document.title,
        "mark": MARKS[how] if how else "=",
        "stretches": [
            {
                "first_day": stretch.first_day,
                "last_day": stretch.last_day,
                **comparison_as_dict(stretch.comparison),
            }
            for stretch in document.stretches
        ],
    }
