"""`manage.py log_key [rotate]`: the keys that sign the log, and their rotation."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, NamedTuple

from django.core.management.base import CommandError
from sqlalchemy.orm import Session

from database.session import transaction
from ledger.log.checkpoints import Published, next_signer, rotate_key
from ledger.log.keys import move_into_place, next_path
from ledger.log.rows import KeyRow
from ledger.log.store import key_rows
from portal.management.arguments import JSON, argument, flag
from portal.management.base import BaseCommand, Options
from portal.signing import log_key_file, log_signer

NO_KEY = "no key yet; the first checkpoint makes one"


class Keys(NamedTuple):
    """Every key that signs or signed, and the checkpoint of a rotation made now."""

    rows: list[KeyRow]
    rotation: Published | None


class Command(BaseCommand[Keys]):
    help = (
        "List the public keys that sign the log, or rotate them: the next key takes over with a "
        "checkpoint that both the old and the new key sign, and the old private key is destroyed."
    )
    takes = (
        argument(
            "action",
            nargs="?",
            choices=("list", "rotate"),
            default="list",
            help="default: %(default)s",
        ),
        flag("--lost", "rotate away from a key whose file is lost; the new key signs alone"),
        JSON,
    )

    def run(self, options: Options) -> Keys:
        if options.lost and options.action != "rotate":
            raise CommandError("--lost goes with rotate")
        rotation = None
        if options.action == "rotate":
            path = log_key_file()
            with transaction() as session:
                rotation = _rotate(session, options.now, is_lost=options.lost)
            # only now that the rotation is stored is the old private key overwritten
            if not options.lost and next_path(path).exists():
                move_into_place(path)
        with transaction() as session:
            return Keys([placed.row for placed in key_rows(session)], rotation)

    def as_json(self, outcome: Keys, options: Options) -> Any:
        return [{**row._asdict(), "verifier_key": str(row.key)} for row in outcome.rows]

    def lines(self, outcome: Keys, options: Options) -> Iterator[str]:
        for row in outcome.rows:
            since = f"{row.valid_from:%Y-%m-%d %H:%M:%S} UTC"
            yield f"{row.number}  from {since}  {row.cause:<8}  {row.key}"
        if outcome.rotation:
            size = outcome.rotation.checkpoint.size
            yield (
                f"Rotated, by the checkpoint of {size:,} leaves. The new key is in "
                f"{log_key_file()}."
            )
        elif not outcome.rows:
            yield NO_KEY


def _rotate(session: Session, now: datetime, *, is_lost: bool) -> Published:
    if not key_rows(session):
        raise CommandError(NO_KEY)
    old = None if is_lost else log_signer(session)[0]
    new = next_signer(session, log_key_file(), is_lost=is_lost)
    return rotate_key(session, old, new, now)
