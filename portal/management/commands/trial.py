"""`manage.py trial MARKET --draft FOLDER --from DAY --to DAY`: a draft on days of the past."""

import json
from argparse import ArgumentTypeError
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from common.one_writing import canonical
from database.session import transaction
from ledger.people.roles import MANAGERS
from portal.management.arguments import (
    JSON,
    KNOWN_AT,
    MARKET,
    PERIOD,
    THREADS,
    argument,
    at_least,
    flag,
    parse_day,
)
from portal.management.base import BaseCommand, Options, table_row
from portal.management.console import progress_bar
from portal.management.draft_files import read_drafts
from portal.trials.words import (
    MODE_WORDS,
    changed_lines,
    class_key,
    class_words,
    difference_key,
    headline,
    money,
    total_rows,
)
from rulebook.folders import left_out_of
from settlement.trials.inputs import TrialRequest
from settlement.trials.records import AS_METERED, MADE_AGAIN
from settlement.trials.report import DRAFTS, LAW
from settlement.trials.trial import TrialOutcome, run_trial

NAME, COLUMN = 34, 22
PPM_PER_PERCENT, MOST_PERCENT = 10_000, 100


def parse_percent(text: str) -> int:
    """Return a whole number from 0 to 100; argparse shows the error."""
    percent = at_least(0)(text)
    if percent > MOST_PERCENT:
        raise ArgumentTypeError(f"{text} is more than {MOST_PERCENT}, all of a turnover")
    return percent


class Command(BaseCommand[TrialOutcome]):
    help = (
        "Settle days of the past under a draft of the law, and beside it under the law as it was: "
        "as metered, as if nobody had acted otherwise, or made again. What is posted stays as it "
        "is. A draft is the documents that change; each day has them on top of its own law."
    )
    appends_facts = True
    may_act = MANAGERS
    takes = (
        MARKET,
        argument(
            "--draft",
            type=Path,
            required=True,
            nargs="+",
            metavar="FILE",
            help="YAML files of the documents that change, or a folder of them; or the number of a "
            "proposal that waits, or change/NUMBER for the last revision of a change",
        ),
        argument(
            "--second",
            type=Path,
            nargs="+",
            default=[],
            metavar="FILE",
            help="another draft, to be compared with the first and the law",
        ),
        PERIOD,
        argument(
            "--drawn-from",
            type=parse_day,
            metavar="DAY",
            help="day whose law the drafts were drawn from, YYYY-MM-DD; default: the present "
            "law, or that which a change was drawn from",
        ),
        argument(
            "--threshold-percent",
            type=parse_percent,
            default=1,
            metavar="PERCENT",
            help="of its turnover, beyond which a participant gains or loses much; default: 1",
        ),
        flag(
            "--made-again",
            "make dispatch and Fair Play again on every side, as studies do: for drafts that "
            "change supply, service or the grid. Without it days are as metered",
        ),
        KNOWN_AT,
        THREADS,
        JSON,
    )

    def run(self, options: Options) -> TrialOutcome:
        named = [files for files in (options.draft, options.second) if files]
        for place, why in (each for files in named for each in left_out_of(files)):
            self.stderr.write(f"left out {place}: {why}")
        drafts, drawn_from = read_drafts(named)
        request = TrialRequest(
            options.market,
            options.first_day,
            options.last_day,
            drafts,
            options.known_at,
            options.threshold_percent * PPM_PER_PERCENT,
            options.drawn_from or drawn_from,
            MADE_AGAIN if options.made_again else AS_METERED,
        )
        with progress_bar("Trying", quiet=options.json) as progress:
            return run_trial(
                transaction,
                request,
                now=options.now,
                threads=options.threads,
                progress=progress,
            )

    def as_json(self, outcome: TrialOutcome, options: Options) -> Any:
        trial = outcome.trial
        # In one order, whether it was computed now or read from the database.
        report = json.loads(canonical(trial.report))
        return {
            "trial": trial.id,
            "market": trial.market,
            "first_day": trial.first_day,
            "last_day": trial.last_day,
            "known_at": trial.known_at,
            "mode": trial.mode,
            "input_digest": trial.input_digest,
            "engine_version": trial.engine_version,
            "is_new": outcome.is_new,
            "drafts": {draft["name"]: draft["digest"] for draft in trial.drafts},
            "sides": trial.sides_as_json,
            **report["totals"],
            **{name: report[name] for name in report if name not in ("totals", "format")},
        }

    def lines(self, outcome: TrialOutcome, options: Options) -> Iterator[str]:
        trial, report = outcome.trial, outcome.trial.report
        yield (
            f"Trial {trial.id} of {trial.market}, {trial.first_day} to {trial.last_day}; "
            f"{'new' if outcome.is_new else 'tried before, from the same inputs'}"
        )
        yield f"{MODE_WORDS[trial.mode]} Nothing is posted."
        for draft in trial.drafts:
            name = draft["name"]
            yield f"\n{name.capitalize()} {draft['digest'][:16]}"
            yield from (f"  {line}" for line in changed_lines(report, name))
            yield headline(trial, name)
        sides = [LAW, *(name for name in DRAFTS if name in report["totals"])]
        yield "\n" + table_row("In all", sides, NAME, COLUMN)
        for title, cells in total_rows(report, sides):
            yield table_row(f"  {title}", cells, NAME, COLUMN)
        for name in sides[1:]:
            yield from _participants(report, name)
        yield f"\nReplay it with: manage.py replay {trial.id}"


def _participants(report: Any, draft: str) -> Iterator[str]:
    """Yield what each participant receives, those who lose most first."""
    heads = ["law", draft, "difference"]
    yield "\n" + table_row("Received by participant", heads, NAME, COLUMN)
    difference = difference_key(draft)
    for row in sorted(report["participants"], key=lambda row: row[difference]):
        amounts = (row["law_micro"], row[f"{draft}_micro"], row[difference])
        cells = [money(micro, report) for micro in amounts]
        title = f"  {row['participant']}"
        yield f"{table_row(title, cells, NAME, COLUMN)}  {class_words(row[class_key(draft)])}"
