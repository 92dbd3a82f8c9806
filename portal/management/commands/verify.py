"""`manage.py verify`: prove the schema, and hash every stored row again."""

from functools import partial
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError
from rich.console import Console

from common.file_names import file_path
from common.refusals import Finding
from database.session import transaction
from ledger.log.kept import KeptCheckpoint, parse_kept
from ledger.log.note import MalformedNote
from ledger.log.policy import MalformedPolicy, Policy, parse_policy
from ledger.log.witness_verification import verify_quorum
from portal.management.arguments import CHECKPOINT, JSON, THREADS, argument, flag
from portal.management.base import BaseCommand, Options
from portal.management.console import refusal_text
from settlement.verification import REPLAYS, Check, list_checks

QUORUM = "quorum of witnesses"
Findings = dict[str, list[Finding]]
"""What does not hold, by the name of the check."""


class Command(BaseCommand[Findings]):
    help = (
        "Prove the schema and every stored row from the facts alone. Exit status 1 when anything "
        "does not hold, with every object and row that does not named."
    )
    takes = (
        CHECKPOINT,
        argument(
            "--witness",
            type=Path,
            metavar="FILE",
            help="also demand the quorum of witnesses that a policy of your own names, by keys "
            "that you have from them; docs/transparency-log.md says how it is written",
        ),
        flag("--quick", f"leave out what takes as long as to settle: {REPLAYS}"),
        THREADS,
        JSON,
    )

    def run(self, options: Options) -> Findings:
        kept = _read_checkpoint(options.checkpoint) if options.checkpoint else None
        policy = _read_policy(options.witness) if options.witness else None
        console = Console(stderr=True, quiet=options.json)
        found = {}
        checks = list_checks(kept, threads=0 if options.quick else options.threads)
        if policy is not None:
            demand = partial(verify_quorum, policy=policy, kept=kept, now=options.now)
            checks = (*checks, Check(QUORUM, demand))
        with transaction() as session:
            for check in checks:
                with console.status(f"Verifying {check.name}"):
                    found[check.name] = check.run(session)
                count = len(found[check.name])
                console.print(f"{check.name}: {'holds' if not count else f'{count} findings'}")
        if options.quick:
            console.print(f"{REPLAYS}: not checked, as --quick leaves it out")
        return found

    def as_json(self, outcome: Findings, options: Options) -> Any:
        return {
            "holds": not any(outcome.values()),
            "not_checked": [REPLAYS] if options.quick else [],
            "checks": {
                name: [finding.as_dict() for finding in of_check]
                for name, of_check in outcome.items()
            },
        }

    def lines(self, outcome: Findings, options: Options) -> list[str]:
        if any(outcome.values()):
            return []
        return [
            "The schema is the one that the migrations make.",
            "Every row gives the digest that it was published with, and every penny has its cause.",
            f"Not checked: {REPLAYS}."
            if options.quick
            else "Every posted run, settled again, comes out as it is stored.",
            *(["The policy's quorum of witnesses co-signed this log."] if options.witness else []),
        ]

    def failure(self, outcome: Findings, options: Options) -> str | None:
        findings = [finding for of_check in outcome.values() for finding in of_check]
        return refusal_text(findings, "Verification failed:") if findings else None


def _read_checkpoint(path: Path) -> KeptCheckpoint:
    try:
        return parse_kept(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise CommandError(f"{file_path(path)} cannot be read: {error.strerror}") from None
    except (UnicodeDecodeError, MalformedNote) as error:
        raise CommandError(f"{file_path(path)} is no checkpoint: {error}") from None


def _read_policy(path: Path) -> Policy:
    try:
        return parse_policy(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise CommandError(f"{file_path(path)} cannot be read: {error.strerror}") from None
    except (UnicodeDecodeError, MalformedPolicy) as error:
        raise CommandError(f"{file_path(path)} is no policy: {error}") from None
