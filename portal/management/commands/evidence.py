"""`manage.py evidence RUN --out FILE.zip`: all that an outsider needs to check a run."""

import os
import shlex
import uuid
from contextlib import suppress
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from database.session import transaction
from portal.management.console import print_json, progress_bar, refusals_as_errors
from settlement.evidence.service import write_evidence
from settlement.runs.store import find_run


class Command(BaseCommand):
    help = (
        "Write the evidence of a run as a zip: rules, readings, results, journals and documents, "
        "with a verifier that needs nothing but Python. The same facts give the same bytes."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("run", type=uuid.UUID, help="identifier of the run")
        parser.add_argument("--out", type=Path, required=True, help="the zip to write")
        parser.add_argument("--force", action="store_true", help="replace a file that is there")
        parser.add_argument("--json", action="store_true", help="print the outcome as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        out, quiet = options["out"], options["json"]
        if out.exists() and not options["force"]:
            raise CommandError(f"{out} is there already; --force replaces it")
        part = out.with_name(f".{out.name}.{os.getpid()}.part")
        try:
            self._write(options["run"], part, quiet=quiet)
            part.replace(out)
        except OSError as error:
            raise CommandError(f"{out} cannot be written: {error.strerror}") from None
        finally:
            with suppress(OSError):
                part.unlink(missing_ok=True)
        size_bytes = out.stat().st_size
        if quiet:
            print_json({"run": options["run"], "file": str(out), "bytes": size_bytes})
        else:
            file = shlex.quote(str(out))
            check = f"unzip -p {file} verify.py > verify.py && python3 verify.py {file}"
            self.stdout.write(f"{out}: {size_bytes:,} bytes. Check it: {check}")

    def _write(self, run_id: uuid.UUID, part: Path, *, quiet: bool) -> None:
        with (
            refusals_as_errors(as_json=quiet),
            transaction() as session,
            progress_bar("Exporting", quiet=quiet) as progress,
        ):
            run = find_run(session, run_id)
            if run is None:
                raise CommandError(f"no run {run_id}; the runs page lists them")
            with part.open("xb") as sink:
                write_evidence(session, run, sink, progress)
