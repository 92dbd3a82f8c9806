"""`manage.py witness URL|FILE`: watch a log, as somebody else than its operator."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from django.core.management.base import CommandError

from common.file_names import file_path
from common.outside_files import read_outside_text
from common.refusals import Refused
from ledger.log.kept import LARGEST_BYTES
from ledger.log.note import VerifierKey
from portal.management.arguments import JSON, argument, flag
from portal.management.base import BaseCommand, Options
from portal.management.console import refusal_text
from portal.management.witness_arguments import WITNESS, told_keys
from witness.cosigning import Cosigned, cosign_kept
from witness.fetching import fetch, post
from witness.folder import open_folder


class Outcome(NamedTuple):
    """What was co-signed by whom, and why the portal did not take it, if so."""

    key: VerifierKey
    cosigned: Cosigned
    is_posted: bool
    refusal: Refused | None


class Command(BaseCommand[Outcome]):
    help = (
        "Be a witness of a log: fetch its newest checkpoint from a portal, or read it from a file, "
        "hold it to the last one that was kept, co-sign it, keep it with its leaf hashes, and post "
        "the co-signature back. Never co-signs a smaller or another tree. Needs no database; run "
        "it once a day, from a machine that the operator of the log cannot reach."
    )
    takes = (
        argument(
            "source",
            metavar="URL|FILE",
            help="of the portal, such as https://portal.example, or a checkpoint's file",
        ),
        *WITNESS,
        flag("--no-post", "do not post the co-signature to the portal"),
        JSON,
    )

    def run(self, options: Options) -> Outcome:
        told = told_keys(options.log_key)
        folder = open_folder(options.folder, options.name)
        is_address = "://" in options.source
        base = options.source.rstrip("/")
        text = (
            fetch(f"{base}/proof/checkpoint/newest/kept/")
            if is_address
            else _read(Path(options.source))
        )
        cosigned = cosign_kept(folder, text, told, options.now)
        key = folder.witness.key
        if not is_address or options.no_post:
            return Outcome(key, cosigned, is_posted=False, refusal=None)
        try:
            post(
                f"{base}/proof/checkpoint/{cosigned.checkpoint.size}/cosignatures/",
                cosigned.line.text,
            )
        except Refused as refused:
            return Outcome(key, cosigned, is_posted=False, refusal=refused)
        return Outcome(key, cosigned, is_posted=True, refusal=None)

    def as_json(self, outcome: Outcome, options: Options) -> Any:
        checkpoint = outcome.cosigned.checkpoint
        return {
            "witness_key": str(outcome.key),
            "origin": checkpoint.origin,
            "size": checkpoint.size,
            "root": checkpoint.root,
            "old_size": outcome.cosigned.old_size,
            "cosignature": outcome.cosigned.line.text,
            "is_posted": outcome.is_posted,
        }

    def lines(self, outcome: Outcome, options: Options) -> Iterator[str]:
        cosigned = outcome.cosigned
        checkpoint, old_size = cosigned.checkpoint, cosigned.old_size
        before = (
            f"it begins with the {old_size:,} leaves co-signed before"
            if old_size
            else "the first that this witness has seen of it, which it takes as it is"
        )
        yield f"Co-signed {checkpoint.size:,} leaves of {checkpoint.origin}: {before}."
        yield f"Witness key, for the operator and for policies: {outcome.key}"
        yield f"\n{cosigned.line.text}"
        if outcome.is_posted:
            yield "The portal has taken it."

    def failure(self, outcome: Outcome, options: Options) -> str | None:
        if outcome.refusal is None:
            return None
        opening = "Co-signed and kept, but the portal did not take the co-signature:"
        return refusal_text(outcome.refusal.findings, opening)


def _read(path: Path) -> str:
    try:
        return read_outside_text(path, LARGEST_BYTES)
    except OSError as error:
        raise CommandError(f"{file_path(path)} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise CommandError(f"{file_path(path)} is no checkpoint: it is no text") from None
