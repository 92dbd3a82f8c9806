"""`manage.py checkpoint`: sign the log as it is, or list the checkpoints."""

from collections.abc import Iterator
from typing import Any

from django.core.management.base import CommandError
from sqlalchemy.orm import Session

from database.session import transaction
from ledger.log.checkpoints import Published, keep_checkpoint
from ledger.log.rows import CheckpointRow
from ledger.log.store import checkpoints
from portal.management.arguments import FORCE, JSON, OUT, flag
from portal.management.base import BaseCommand, Options
from portal.management.output import refuse_unwritable, write_file
from portal.signing import sign_log


class Command(BaseCommand[Published | list[CheckpointRow]]):
    help = (
        "Sign a checkpoint of the transparency log: its size, its root and a signature, as a note "
        "that others can keep, with the hashes of its leaves, which name what changes later. "
        "The first makes the key; from then on one follows all that is published, posted or "
        "issued. With nothing new since the last one, says so and makes none."
    )
    takes = (
        flag("--list", "list the checkpoints, make none"),
        OUT.with_settings(
            help="also write it to this file for others to keep: note and leaf hashes"
        ),
        flag("--note-only", "with --out: the note alone, without the leaf hashes"),
        FORCE,
        JSON,
    )

    def run(self, options: Options) -> Published | list[CheckpointRow]:
        if options.list:
            with transaction() as session:
                return list(checkpoints(session))
        if options.note_only and not options.out:
            raise CommandError("--note-only goes with --out")
        if options.out:
            refuse_unwritable(options.out, force=options.force)  # before anything is signed
        with transaction() as session:
            published, key_notice = sign_log(session, options.now)
            content = _content(session, published.checkpoint, options) if options.out else ""
        if key_notice:
            self.stderr.write(key_notice)
        if options.out:
            write_file(options.out, content.encode(), force=options.force)
        return published

    def as_json(self, outcome: Published | list[CheckpointRow], options: Options) -> Any:
        if isinstance(outcome, list):
            return [_row_as_json(row) for row in outcome]
        return {**_row_as_json(outcome.checkpoint), "is_new": outcome.is_new}

    def lines(self, outcome: Published | list[CheckpointRow], options: Options) -> Iterator[str]:
        if isinstance(outcome, list):
            yield f"{'leaves':>12}  {'signed (UTC)':<19}  root"
            for row in outcome:
                yield f"{row.size:>12,}  {row.signed_at:%Y-%m-%d %H:%M:%S}  {row.root.hex()}"
            if not outcome:
                yield "no checkpoint yet; manage.py checkpoint makes one"
            return
        checkpoint = outcome.checkpoint
        if outcome.is_new:
            yield f"Signed at {checkpoint.signed_at:%Y-%m-%d %H:%M:%S} UTC:\n\n{checkpoint.note}"
        else:
            yield (
                f"Nothing was published since the checkpoint of {checkpoint.size:,} leaves, signed "
                f"at {checkpoint.signed_at:%Y-%m-%d %H:%M:%S} UTC; none is made."
            )


def _content(session: Session, row: CheckpointRow, options: Options) -> str:
    return row.note if options.note_only else keep_checkpoint(session, row)


def _row_as_json(row: CheckpointRow) -> dict[str, Any]:
    return {"size": row.size, "root": row.root, "signed_at": row.signed_at, "note": row.note}
