"""The command line: what is asked, what is printed, and the exit status."""

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from verifier.archive import Files, open_evidence
from verifier.checks import check_evidence
from verifier.itself import own_digest
from verifier.leaves import LEAVES
from verifier.log import CHECKPOINT
from verifier.log_notes import Key, Trusted, note_of_kept, parse_checkpoint, parse_key
from verifier.outside_files import is_there, read_named_text
from verifier.report import UNREADABLE, Report, reason_of
from verifier.witnesses import check_quorum, parse_policy

PROGRAM = "python -m verifier" if __package__ else "verify.py"
"""How it was started: as a package, or as one file."""


class NotUnderstood(ValueError):
    """What was named is no evidence, no key or no checkpoint."""


def make_parser() -> argparse.ArgumentParser:
    """Return what understands the command line."""
    parser = argparse.ArgumentParser(
        prog=PROGRAM,
        description="Check an evidence file of Tallystick from its bytes alone.",
        epilog="Exit status: 0 everything holds, 1 something does not, 2 not understood.",
    )
    parser.add_argument(
        "path",
        type=Path,
        help="the zip, or the folder into which it was unpacked",
    )
    add_options(parser)
    return parser


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that everyone has who checks evidence."""
    parser.add_argument(
        "--key",
        action="append",
        default=[],
        help="verifier key of the log, or a file with such keys, that you have from elsewhere",
    )
    parser.add_argument(
        "--checkpoint",
        type=Path,
        help="a checkpoint of the log that you have from before, the file or its note alone: the "
        "log must extend it",
    )
    parser.add_argument(
        "--witness",
        type=Path,
        help="a policy of your own: a quorum of witnesses must have co-signed the checkpoint of "
        "the evidence, or the one that --checkpoint names",
    )
    parser.add_argument("--json", action="store_true", help="print the outcome as JSON")


def read_trusted(keys: Sequence[str], checkpoint: Path | None, wrong: list[str]) -> Trusted:
    """Return what the reader has from elsewhere; `wrong` takes what of it cannot be read."""
    known = list[Key]()
    for key in keys:
        with understood("--key", wrong):
            text = read_named_text(Path(key)) if is_there(key) else key
            known += map(parse_key, text.split())
    held = None
    with understood("--checkpoint", wrong):
        held = parse_checkpoint(note_of_kept(read_named_text(checkpoint))) if checkpoint else None
    return Trusted(tuple(known), held)


@contextmanager
def understood(option: str, wrong: list[str]) -> Iterator[None]:
    """Note that what an option names cannot be read, and go on to the next."""
    try:
        yield
    except UNREADABLE as error:
        wrong.append(f"{option} cannot be read: {reason_of(error)}")


def find_evidence(path: Path) -> Files:
    """Return the evidence at a path.

    Raises:
        ValueError: there is none.
    """
    try:
        files = open_evidence(path)
    except ValueError as error:
        raise ValueError(f"{path}: no evidence: {error}") from None
    if files is None:
        raise ValueError(
            f"{path}: no evidence: name its zip, or the folder that holds its manifest.json"
        )
    return files


def check_path(
    path: Path, keys: Sequence[str], checkpoint: Path | None, policy: Path | None = None
) -> Report:
    """Check the evidence at a path.

    Raises:
        NotUnderstood: there is none, or a key, the checkpoint or the policy cannot be read; it
            names all of them.
    """
    wrong, files, wanted = list[str](), None, None
    try:
        files = find_evidence(path)
    except ValueError as error:
        wrong.append(str(error))
    trusted = read_trusted(keys, checkpoint, wrong)
    with understood("--witness", wrong):
        wanted = parse_policy(read_named_text(policy)) if policy else None
    if wrong or files is None:
        raise NotUnderstood("\n".join(wrong))
    report = Report()
    report.notes.append(f"This verifier has SHA-256 {own_digest()}")
    check_evidence(files, report, trusted)
    if wanted is not None:
        with report.reading(CHECKPOINT):
            own = parse_checkpoint(files.read(CHECKPOINT).decode())
            given = [trusted.checkpoint] if trusted.checkpoint else []
            # Without all leaves nothing shows that a checkpoint of another size is of this log.
            is_whole = LEAVES in files.names()
            held = [each for each in given if is_whole or each.size == own.size]
            check_quorum([own, *held], wanted, report)
    return report


def print_outcome(report: Report, path: Path, *, as_json: bool) -> None:
    """Print what was checked and what was found."""
    if as_json:
        outcome = {
            "holds": not report.findings,
            "checked": report.counts,
            "notes": report.notes,
            "findings": [finding._asdict() for finding in report.findings],
        }
        print(json.dumps(outcome, indent=2))
        return
    print(f"Checked {path}:")
    for what, count in report.counts.items():
        print(f"{count:>10,} {what}")
    for note in report.notes:
        print(note)
    if not report.findings:
        print("Everything holds.")
        return
    print(f"{len(report.findings)} findings:", file=sys.stderr)
    for finding in report.findings:
        print(f"  {finding}", file=sys.stderr)


def main(arguments: Sequence[str]) -> int:
    """Check what the command line names, print the outcome, and return the exit status."""
    options = make_parser().parse_args(arguments)
    try:
        report = check_path(options.path, options.key, options.checkpoint, options.witness)
    except NotUnderstood as error:
        print(error, file=sys.stderr)
        return 2
    print_outcome(report, options.path, as_json=options.json)
    return 1 if report.findings else 0
