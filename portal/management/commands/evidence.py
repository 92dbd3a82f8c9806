"""`manage.py evidence RUN --out FILE.zip`: all that an outsider needs to check a run.

With `--participant` instead of a run: all that a participant needs to check its own documents.
"""

import shlex
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from database.session import transaction
from ledger.payments.account_queries import markets_of
from market.evidence_part import opened_part
from market.own_part import own_part
from portal.management.arguments import (
    FORCE,
    IN_MARKET,
    JSON,
    MONTH,
    OUT,
    RUN,
    argument,
    sole_market,
)
from portal.management.base import BaseCommand, Options
from portal.management.console import progress_bar
from portal.management.output import written_whole
from settlement.evidence.export import write_evidence
from settlement.evidence.participant import write_participant_evidence
from settlement.evidence.verifier_file import verifier_digest
from settlement.runs.store import find_run


class Command(BaseCommand[int]):
    help = (
        "Write the evidence of a run as a zip: rules, readings, results, journals and documents, "
        "and every leaf of the log. With --participant: a participant's documents, "
        "down to their own meters, and nothing of others. `verifier` writes what checks both; the "
        "same checkpoint gives the same bytes."
    )
    takes = (
        RUN.with_settings(nargs="?"),
        argument(
            "--participant",
            metavar="PARTICIPANT",
            help="instead of a run: the documents of one, such as hearth-energy",
        ),
        IN_MARKET,
        MONTH.with_settings(help="go down to the meter in this month alone; default: in every one"),
        OUT.with_settings(required=True, help="the zip to write"),
        FORCE,
        JSON,
    )

    def run(self, options: Options) -> int:
        """Return the size of the file in bytes."""
        if (options.run is None) == (options.participant is None):
            raise CommandError("name a run, or --participant with whose documents they are")
        if options.participant is None and (options.month or options.market):
            raise CommandError("--month and --market go with --participant; leave them out")
        out: Path = options.out
        with written_whole(out, force=options.force) as part:
            _export(part, options)
        return out.stat().st_size

    def as_json(self, outcome: int, options: Options) -> Any:
        of = "run" if options.run else "participant"
        return {of: getattr(options, of), "file": str(options.out), "bytes": outcome}

    def lines(self, outcome: int, options: Options) -> list[str]:
        file = shlex.quote(str(options.out))
        get = "manage.py verifier --out verify.py"
        return [
            f"{options.out}: {outcome:,} bytes. Check it: {get} && python3 verify.py {file}",
            f"Whoever gets it takes verify.py from elsewhere, of SHA-256 {verifier_digest()}",
        ]


def _export(part: Path, options: Options) -> None:
    with transaction() as session, progress_bar("Exporting", quiet=options.json) as progress:
        if options.participant is not None:
            participant = options.participant
            market = options.market or sole_market(markets_of(session, participant), participant)
            with part.open("xb") as sink:
                write_participant_evidence(
                    session, market, participant, options.month, sink, progress, [own_part]
                )
            return
        run = find_run(session, options.run)
        if run is None:
            raise CommandError(f"no run {options.run}; the runs page lists them")
        with part.open("xb") as sink:
            write_evidence(session, run, sink, progress, parts=[opened_part])
