"""`manage.py settle MARKET KIND --month 2024-01`: settle days, then post the difference."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from common.quantities import plural
from common.refusals import Finding, Refused
from database.session import transaction
from market.settling import settle_with_market
from portal.management.arguments import (
    JSON,
    KNOWN_AT,
    MARKET,
    PERIOD,
    THREADS,
    argument,
    flag,
)
from portal.management.base import BaseCommand, Options
from portal.management.console import progress_bar, refusal_text
from settlement.billing.post import post
from settlement.runs.findings import run_findings
from settlement.runs.settle import Settled


class SettledAndPosted(NamedTuple):
    """A run, what it found, and how much of it was posted now."""

    settled: Settled
    findings: list[Finding]
    journals_posted: int
    refused: Sequence[Finding] = ()


class Command(BaseCommand[SettledAndPosted]):
    help = (
        "Settle the days of a market under a run kind of its calendar, and post what differs from "
        "what is posted. Equal inputs are settled once; a day is posted once a kind."
    )
    appends_facts = True
    takes = (
        MARKET,
        argument("kind", metavar="KIND", help="run kind of the settlement calendar, such as II"),
        PERIOD,
        KNOWN_AT,
        flag("--no-post", "settle and store, post nothing"),
        THREADS,
        JSON,
    )

    def run(self, options: Options) -> SettledAndPosted:
        with (
            transaction() as session,
            progress_bar(f"Settling {options.kind}", quiet=options.json) as progress,
        ):
            settled = settle_with_market(
                session,
                options.market,
                options.kind,
                options.first_day,
                options.last_day,
                known_at=options.known_at,
                now=options.now,
                threads=options.threads,
                progress=progress,
            )
        with transaction() as session:
            findings = list(run_findings(session, settled.run))
        if options.no_post:
            return SettledAndPosted(settled, findings, 0)
        # By itself: where posting is refused, the run stands, and may be posted later.
        try:
            with transaction() as session:
                posted = post(session, settled.run, now=self.now())
        except Refused as refused:
            return SettledAndPosted(settled, findings, 0, refused.findings)
        journals_posted = sum(not journal.is_repeat for journal in posted)
        return SettledAndPosted(settled, findings, journals_posted)

    def as_json(self, outcome: SettledAndPosted, options: Options) -> Any:
        run = outcome.settled.run
        return {
            "run": run.id,
            "market": run.market,
            "kind": run.kind,
            "first_day": run.first_day,
            "last_day": run.last_day,
            "known_at": run.known_at,
            "input_digest": run.input_digest,
            "result_digest": run.result_digest,
            "is_new": outcome.settled.is_new,
            "journals_posted": outcome.journals_posted,
            "findings": [finding.as_dict() for finding in outcome.findings],
        } | (
            {"refused": [finding.as_dict() for finding in outcome.refused]}
            if outcome.refused
            else {}
        )

    def lines(self, outcome: SettledAndPosted, options: Options) -> Iterator[str]:
        settled, run = outcome.settled, outcome.settled.run
        yield f"Run {run.id} ({run.kind}) of {run.market}, {run.first_day} to {run.last_day}"
        yield f"  results {run.result_digest.hex()}"
        yield (
            f"  {'settled now' if settled.is_new else 'settled before, from the same inputs'}; "
            f"{plural(outcome.journals_posted, 'journal')} posted"
        )
        for finding in outcome.findings:
            yield f"  {finding}"

    def failure(self, outcome: SettledAndPosted, options: Options) -> str | None:
        if not outcome.refused:
            return None
        return refusal_text(outcome.refused, "The run stands; nothing of it was posted:")
