"""`manage.py verifier`: what checks evidence, as one file, and the digest by which it is known."""

from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from portal.management.arguments import FORCE, JSON, OUT, flag
from portal.management.base import BaseCommand, Options
from portal.management.output import write_file
from settlement.evidence.verifier_file import recorded_digest, verifier_digest, verifier_file


class Command(BaseCommand[str]):
    help = (
        "Print the SHA-256 of verify.py, which checks evidence with nothing but Python, and with "
        "--out write it: the same bytes on every machine. Needs no database."
    )
    takes = (
        OUT.with_settings(help="file to write, such as verify.py"),
        FORCE,
        flag("--record", "keep the digest in this checkout, where the verifier was changed"),
        JSON,
    )

    def run(self, options: Options) -> str:
        """Return the digest."""
        out: Path | None = options.out
        if out is not None:
            write_file(out, verifier_file(), force=options.force)
        digest = verifier_digest()
        if options.record:
            try:
                recorded_digest().write_text(f"{digest}\n")
            except OSError as error:
                raise CommandError(f"{recorded_digest()}: {error.strerror}") from None
        return digest

    def as_json(self, outcome: str, options: Options) -> Any:
        return {"sha256": outcome, "file": options.out and str(options.out)}

    def lines(self, outcome: str, options: Options) -> list[str]:
        return [f"{outcome}  {options.out or 'verify.py'}"]
