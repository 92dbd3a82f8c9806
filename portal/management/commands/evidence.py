"""`manage.py evidence RUN --out FILE.zip`: all that an outsider needs to check a run."""

import shlex
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from database.session import transaction
from portal.management.arguments import FORCE, JSON, OUT, RUN
from portal.management.base import BaseCommand, Options
from portal.management.console import progress_bar
from portal.management.output import written_whole
from settlement.evidence.export import write_evidence
from settlement.evidence.verifier_file import verifier_digest
from settlement.runs.store import find_run


class Command(BaseCommand[int]):
    help = (
        "Write the evidence of a run as a zip: rules, readings, results, journals and documents, "
        "and every leaf of the log. `verifier` writes what checks it; the same checkpoint "
        "gives the same bytes."
    )
    takes = (
        RUN,
        OUT.with_settings(required=True, help="the zip to write"),
        FORCE,
        JSON,
    )

    def run(self, options: Options) -> int:
        """Return the size of the file in bytes."""
        out: Path = options.out
        with written_whole(out, force=options.force) as part:
            _export(part, options)
        return out.stat().st_size

    def as_json(self, outcome: int, options: Options) -> Any:
        return {"run": options.run, "file": str(options.out), "bytes": outcome}

    def lines(self, outcome: int, options: Options) -> list[str]:
        file = shlex.quote(str(options.out))
        get = "manage.py verifier --out verify.py"
        return [
            f"{options.out}: {outcome:,} bytes. Check it: {get} && python3 verify.py {file}",
            f"Whoever gets it takes verify.py from elsewhere, of SHA-256 {verifier_digest()}",
        ]


def _export(part: Path, options: Options) -> None:
    with transaction() as session, progress_bar("Exporting", quiet=options.json) as progress:
        run = find_run(session, options.run)
        if run is None:
            raise CommandError(f"no run {options.run}; the runs page lists them")
        with part.open("xb") as sink:
            write_evidence(session, run, sink, progress)
