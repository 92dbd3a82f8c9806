"""`manage.py log_key [rotate]`: the keys that sign the log, and their rotation."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from sqlalchemy.orm import Session

from database.session import transaction
from ledger.log.keys import move_into_place, next_path
from ledger.log.service import Published, next_signer, rotate_key
from ledger.log.store import key_rows
from portal.management.console import print_json, refusals_as_errors, utc_now
from portal.signing import log_key_file, log_signer


class Command(BaseCommand):
    help = (
        "List the public keys that sign the log, or rotate them: the next key takes over with a "
        "checkpoint that both the old and the new key sign, and the old private key is destroyed."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("action", nargs="?", choices=("list", "rotate"), default="list")
        parser.add_argument(
            "--lost",
            action="store_true",
            help="rotate away from a key whose file is lost; the new key signs alone",
        )
        parser.add_argument("--json", action="store_true", help="print as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["lost"] and options["action"] != "rotate":
            raise CommandError("--lost goes with rotate")
        said = ""
        if options["action"] == "rotate":
            path = log_key_file()
            with refusals_as_errors(as_json=options["json"]), transaction() as session:
                published = self._rotate(session, is_lost=options["lost"])
            if not options["lost"] and next_path(path).exists():
                move_into_place(path)
            size = published.checkpoint.size
            said = f"Rotated, by the checkpoint of {size:,} leaves. The new key is in {path}."
        with transaction() as session:
            rows = [placed.row for placed in key_rows(session)]
        if options["json"]:
            print_json([{**row._asdict(), "verifier_key": str(row.key)} for row in rows])
            return
        for row in rows:
            since = f"{row.valid_from:%Y-%m-%d %H:%M:%S} UTC"
            self.stdout.write(f"{row.number}  from {since}  {row.cause:<8}  {row.key}")
        self.stdout.write(said or ("" if rows else "no key yet; the first checkpoint makes one"))

    def _rotate(self, session: Session, *, is_lost: bool) -> Published:
        if not key_rows(session):
            raise CommandError("no key yet; the first checkpoint makes one")
        old = None if is_lost else log_signer(session)[0]
        new = next_signer(session, log_key_file(), is_lost=is_lost)
        return rotate_key(session, old, new, utc_now())
