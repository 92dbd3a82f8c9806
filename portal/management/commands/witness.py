"""`manage.py witness URL|FILE`: watch a log, as somebody else than its operator."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from django.core.management.base import CommandError

from common.file_names import file_path
from common.refusals import Refused
from ledger.log.note import MalformedNote, VerifierKey, parse_key
from portal.management.arguments import JSON, PORT, argument, flag
from portal.management.base import BaseCommand, Options, utc_now
from portal.management.console import refusal_text
from witness.cosigning import Cosigned, cosign_kept
from witness.fetching import fetch, post
from witness.folder import open_folder
from witness.server import WitnessServer


class Outcome(NamedTuple):
    """What was co-signed by whom, and why the portal did not take it, if so."""

    key: VerifierKey
    cosigned: Cosigned
    is_posted: bool
    refusal: Refused | None


class Command(BaseCommand[Outcome | None]):
    help = (
        "Be a witness of a log: fetch its newest checkpoint from a portal, or read it from a file, "
        "hold it to the last one that was kept, co-sign it, keep it with its leaf hashes, and post "
        "the co-signature back. Never co-signs a smaller or another tree. Needs no database; run "
        "it once a day, from a machine that the operator of the log cannot reach."
    )
    takes = (
        argument(
            "source",
            nargs="?",
            metavar="URL|FILE",
            help="of the portal, such as https://portal.example, or a checkpoint's file",
        ),
        argument(
            "--folder",
            type=Path,
            required=True,
            metavar="PATH",
            help="where the witness keeps its key and what it saw; made if there is none",
        ),
        argument(
            "--name", metavar="NAME", help="of the witness, where it is made: energy.example/w"
        ),
        argument(
            "--log-key",
            action="append",
            default=[],
            metavar="KEY",
            help="verifier key of the log, which you have from elsewhere; told once, it is kept",
        ),
        flag("--no-post", "do not post the co-signature to the portal"),
        flag("--serve", "answer add-checkpoint of C2SP tlog-witness instead, until stopped"),
        PORT,
        JSON,
    )

    def run(self, options: Options) -> Outcome | None:
        if bool(options.source) == options.serve:
            raise CommandError("name the portal's URL or a checkpoint's FILE, or give --serve")
        told = [_parsed_key(text) for text in options.log_key]
        folder = open_folder(options.folder, options.name)
        if options.serve:
            for key in told:
                folder.log(key.name).trust([key])
            return None
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

    def as_json(self, outcome: Outcome | None, options: Options) -> Any:
        if outcome is None:
            return {}
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

    def lines(self, outcome: Outcome | None, options: Options) -> Iterator[str]:
        if outcome is None:
            return
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

    def failure(self, outcome: Outcome | None, options: Options) -> str | None:
        if outcome is None or outcome.refusal is None:
            return None
        opening = "Co-signed and kept, but the portal did not take the co-signature:"
        return refusal_text(outcome.refusal.findings, opening)

    def go_on(self, outcome: Outcome | None, options: Options) -> None:
        if outcome is not None:
            return
        folder = open_folder(options.folder, options.name)
        try:
            server = WitnessServer(folder, "127.0.0.1", options.port, utc_now)
        except (OSError, OverflowError) as error:
            raise CommandError(f"--port {options.port}: {error}; name another") from None
        with server:
            self.stdout.write(
                f"{folder.witness.key} answers at http://127.0.0.1:{server.server_port}/"
                "add-checkpoint (stop it with Ctrl-C)"
            )
            self.stdout.flush()
            server.serve_forever()


def _parsed_key(text: str) -> VerifierKey:
    try:
        return parse_key(text)
    except MalformedNote as error:
        raise CommandError(f"--log-key: {error}") from None


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise CommandError(f"{file_path(path)} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise CommandError(f"{file_path(path)} is no checkpoint: it is no text") from None
