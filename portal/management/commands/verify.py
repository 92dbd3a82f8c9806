"""`manage.py verify`: prove the schema, and hash every stored row again."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError
from rich.console import Console
from sqlalchemy.orm import Session

import market.verification
from common.file_names import file_path
from common.outside_files import read_outside_text
from common.refusals import Finding
from database.session import snapshot, transaction
from ledger.log.kept import LARGEST_BYTES, KeptCheckpoint, parse_kept
from ledger.log.note import MalformedNote
from ledger.log.policy import LARGEST_POLICY_BYTES, Policy, parse_policy
from ledger.log.witness_verification import verify_quorum
from market.replay_verification import REPLAYS as DAYS_OF_MARKETS
from market.replay_verification import replay_check
from portal.management.arguments import CHECKPOINT, JSON, THREADS, argument, flag
from portal.management.base import BaseCommand, Options
from portal.management.console import refusal_text
from settlement.runs.run import Run
from settlement.verification import REPLAYS, Check, list_checks

QUORUM = "quorum of witnesses"
LEFT_OUT = f"{REPLAYS}, and {DAYS_OF_MARKETS}"


@dataclass
class Verified:
    """What came of a verification.

    Attributes:
        findings: what does not hold, by the name of the check.
        unreplayed: the posted runs of earlier versions of the engine that were left out.
    """

    findings: dict[str, list[Finding]] = field(default_factory=dict)
    unreplayed: list[Run] = field(default_factory=list)

    @property
    def found(self) -> list[Finding]:
        """Everything that does not hold."""
        return [finding for of_check in self.findings.values() for finding in of_check]


class Command(BaseCommand[Verified]):
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
        flag("--quick", f"leave out what takes as long as to settle: {LEFT_OUT}"),
        argument(
            "--leave-out-engine",
            action="append",
            default=[],
            metavar="VERSION",
            help="leave out the posted runs of an earlier version of the engine, which `verify` of "
            "a release of that version settled again; without it, each of them is a finding",
        ),
        THREADS,
        JSON,
    )

    def run(self, options: Options) -> Verified:
        kept = _read_checkpoint(options.checkpoint) if options.checkpoint else None
        policy = _read_policy(options.witness) if options.witness else None
        console = Console(stderr=True, quiet=options.json)
        outcome = Verified()
        threads = 0 if options.quick else options.threads
        checks = (
            *list_checks(
                kept,
                threads=threads,
                processes=options.threads,
                left_out=options.leave_out_engine,
                unreplayed=outcome.unreplayed,
            ),
        )
        if policy is not None:
            demand = partial(verify_quorum, policy=policy, kept=kept, now=options.now)
            checks = (*checks, Check(QUORUM, demand))
        with transaction() as session:
            _run(session, checks, outcome, console)
        # A market that is led goes on meanwhile: each of its tables is seen as of one moment.
        again = () if options.quick else (replay_check(),)
        with snapshot() as session:
            _run(session, (*market.verification.CHECKS, *again), outcome, console)
        if options.quick:
            console.print(f"{LEFT_OUT}: not checked, as --quick leaves it out")
        for run in outcome.unreplayed:
            console.print(_not_replayed(run))
        return outcome

    def as_json(self, outcome: Verified, options: Options) -> Any:
        return {
            "holds": not outcome.found,
            "not_checked": [
                *([REPLAYS, DAYS_OF_MARKETS] if options.quick else []),
                *map(_not_replayed, outcome.unreplayed),
            ],
            "checks": {
                name: [finding.as_dict() for finding in of_check]
                for name, of_check in outcome.findings.items()
            },
        }

    def lines(self, outcome: Verified, options: Options) -> list[str]:
        if outcome.found:
            return []
        others = "other " if outcome.unreplayed else ""
        return [
            "The schema is the one that the migrations make.",
            "Every row gives the digest that it was published with, and every penny has its cause.",
            f"Not checked: {LEFT_OUT}."
            if options.quick
            else f"Every {others}posted run, settled again, and every day of a market online, "
            "taken again, comes out as it is stored.",
            *map(_not_replayed, outcome.unreplayed),
            *(["The policy's quorum of witnesses co-signed this log."] if options.witness else []),
        ]

    def failure(self, outcome: Verified, options: Options) -> str | None:
        return refusal_text(outcome.found, "Verification failed:") if outcome.found else None


def _run(session: Session, checks: Iterable[Check], outcome: Verified, console: Console) -> None:
    """Run checks in turn, say what comes of each, and keep it."""
    for check in checks:
        with console.status(f"Verifying {check.name}"):
            outcome.findings[check.name] = check.run(session)
        count = len(outcome.findings[check.name])
        console.print(f"{check.name}: {'holds' if not count else f'{count} findings'}")


def _not_replayed(run: Run) -> str:
    """Return what is said of a run of an earlier version of the engine that was left out."""
    return (
        f"Not replayed: run {run.id} ({run.market} {run.kind}), made by version "
        f"{run.engine_version} of the engine; replay it with a release of that version."
    )


def _read_checkpoint(path: Path) -> KeptCheckpoint:
    try:
        return parse_kept(read_outside_text(path, LARGEST_BYTES))
    except OSError as error:
        raise CommandError(f"{file_path(path)} cannot be read: {error.strerror}") from None
    except (UnicodeDecodeError, MalformedNote) as error:
        raise CommandError(f"{file_path(path)} is no checkpoint: {error}") from None


def _read_policy(path: Path) -> Policy:
    try:
        text = read_outside_text(path, LARGEST_POLICY_BYTES)
    except OSError as error:
        raise CommandError(f"{file_path(path)} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise CommandError(f"{file_path(path)} is no policy: {error}") from None
    return parse_policy(text, file_path(path))
