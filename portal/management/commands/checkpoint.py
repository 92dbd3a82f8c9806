"""`manage.py checkpoint`: sign the log as it is, or list the checkpoints."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from database.session import transaction
from ledger.log.rows import CheckpointRow
from ledger.log.store import checkpoints
from portal.management.console import print_json, refusals_as_errors, utc_now
from portal.signing import sign_log


class Command(BaseCommand):
    help = (
        "Sign a checkpoint of the transparency log: its size, its root and a signature, as a note "
        "that others can keep. Run it daily, and after a publication. With nothing new since the "
        "last one, says so and makes none."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--list", action="store_true", help="list the checkpoints, make none")
        parser.add_argument("--out", type=Path, metavar="FILE", help="also write the note to FILE")
        parser.add_argument("--json", action="store_true", help="print the outcome as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["list"]:
            self._list(as_json=options["json"])
            return
        with refusals_as_errors(as_json=options["json"]), transaction() as session:
            published, said = sign_log(session, utc_now())
        if said:
            self.stderr.write(said)
        made = published.checkpoint
        if options["out"]:
            options["out"].write_text(made.note, encoding="utf-8")
        if options["json"]:
            print_json({**_plain(made), "is_new": published.is_new})
        elif published.is_new:
            self.stdout.write(f"Signed at {made.signed_at:%Y-%m-%d %H:%M:%S} UTC:\n\n{made.note}")
        else:
            self.stdout.write(
                f"Nothing was published since the checkpoint of {made.size:,} leaves, signed at "
                f"{made.signed_at:%Y-%m-%d %H:%M:%S} UTC; none is made."
            )

    def _list(self, *, as_json: bool) -> None:
        with transaction() as session:
            found = checkpoints(session)
        if as_json:
            print_json([_plain(one) for one in found])
            return
        self.stdout.write(f"{'leaves':>12}  {'signed (UTC)':<19}  root")
        for one in found:
            self.stdout.write(
                f"{one.size:>12,}  {one.signed_at:%Y-%m-%d %H:%M:%S}  {one.root.hex()}"
            )
        if not found:
            self.stdout.write("no checkpoint yet; manage.py checkpoint makes one")


def _plain(row: CheckpointRow) -> dict[str, Any]:
    return {"size": row.size, "root": row.root, "signed_at": row.signed_at, "note": row.note}
