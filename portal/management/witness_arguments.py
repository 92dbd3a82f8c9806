"""What both commands of a witness are told: its folder, its name, and the keys of logs."""

from pathlib import Path

from django.core.management.base import CommandError

from ledger.log.note import MalformedNote, VerifierKey, parse_key
from portal.management.arguments import argument

WITNESS = (
    argument(
        "--folder",
        type=Path,
        required=True,
        metavar="PATH",
        help="where the witness keeps its key and what it saw; made if there is none",
    ),
    argument("--name", metavar="NAME", help="of the witness, where it is made: energy.example/w"),
    argument(
        "--log-key",
        action="append",
        default=[],
        metavar="KEY",
        help="verifier key of the log, which you have from elsewhere; told once, it is kept",
    ),
)


def told_keys(texts: list[str]) -> list[VerifierKey]:
    """Return the keys of logs that a witness is told.

    Raises:
        CommandError: a text is none.
    """
    try:
        return [parse_key(text) for text in texts]
    except MalformedNote as error:
        raise CommandError(f"--log-key: {error}") from None
