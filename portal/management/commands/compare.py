"""`manage.py compare MARKET --after DAY`: the law of two moments, or law beside a draft."""

import datetime as dt
from argparse import ArgumentTypeError
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from django.core.management.base import CommandError
from sqlalchemy.orm import Session

from common.known_at import refuse_future
from common.refusals import Finding, refuse_any
from database.session import snapshot
from portal.management.arguments import (
    JSON,
    MARKET,
    Argument,
    ExclusiveGroup,
    argument,
    parse_day,
    parse_instant,
)
from portal.management.base import BaseCommand, Options
from portal.management.draft_files import Documents, read_drafts
from rulebook.comparing import Law, compare_laws, law_at, texts_by_digest, with_draft
from rulebook.comparison import Comparison, compare, differing
from rulebook.comparison_words import comparison_as_dict, comparison_lines
from rulebook.drafting import misplaced_findings
from rulebook.folders import left_out_of
from rulebook.publication import repeated_findings

DIGEST_BYTES = 32


def parse_digest(text: str) -> bytes:
    """Return a digest in hexadecimal, whole; argparse shows the error."""
    try:
        digest = bytes.fromhex(text)
    except ValueError:
        digest = b""
    if len(digest) != DIGEST_BYTES:
        raise ArgumentTypeError(
            f"{text[:70]!r} is not the digest of a version, 64 hexadecimal digits"
        )
    return digest


def _known(name: str, of: str) -> Argument:
    return Argument(
        name,
        {
            "type": parse_instant,
            "metavar": "INSTANT",
            "help": f"the law {of}, as it was known then; default: now",
        },
    )


class Compared(NamedTuple):
    """What was compared, as a sentence names it, and the documents that differ."""

    before: str
    after: str
    comparisons: tuple[Comparison, ...]


class Command(BaseCommand[Compared]):
    help = (
        "Compare the law of a market on two days, each as known now or then, or a draft with the "
        "law of a day, or two versions: which documents are new (+), changed (~) or left out (-), "
        "clause by clause and value by value, in people's units."
    )
    takes = (
        MARKET,
        argument(
            "--before",
            type=parse_day,
            metavar="DAY",
            help="whose law is compared; default: today",
        ),
        _known("--before-known", "of --before"),
        _known("--after-known", "of --after"),
        ExclusiveGroup(
            (
                argument(
                    "--after",
                    type=parse_day,
                    metavar="DAY",
                    help="with the law of which day; default: that of --before",
                ),
                argument(
                    "--draft",
                    nargs="+",
                    type=Path,
                    metavar="FILE",
                    help="with the same law under a draft: YAML files, a folder of them, or the "
                    "number of a proposal that waits",
                ),
                argument(
                    "--versions",
                    nargs=2,
                    type=parse_digest,
                    metavar="DIGEST",
                    help="two versions of one kind of document, whatever their days",
                ),
            )
        ),
        argument("--document", metavar="DOCUMENT", help="of this alone, such as market-rules"),
        JSON,
    )

    def run(self, options: Options) -> Compared:
        for known in (options.before_known, options.after_known):
            if known is not None:
                refuse_future(known, options.now)
        for place, why in left_out_of(options.draft or ()):
            self.stderr.write(f"left out {place}: {why}")
        drafts = read_drafts([options.draft])[0] if options.draft else []
        refuse_any(_draft_findings(options.market, drafts))
        with snapshot() as session:
            if options.versions:
                old, new = texts_by_digest(session, options.versions)
                first, second = (digest.hex()[:16] for digest in options.versions)
                return Compared(first, second, (compare(old, new),))
            before, said = _law(session, options, "before", options.now.date())
            if drafts:
                after = with_draft(before, [document for _, document in drafts[0]])
                return _compared(session, options, before, after, (said, "a draft laid over it"))
            other, later = _law(session, options, "after", options.before or options.now.date())
            return _compared(session, options, before, other, (said, later))

    def as_json(self, outcome: Compared, options: Options) -> Any:
        return {
            "market": options.market,
            "before": outcome.before,
            "after": outcome.after,
            "documents": [comparison_as_dict(each) for each in outcome.comparisons],
        }

    def lines(self, outcome: Compared, options: Options) -> Iterator[str]:
        yield f"{outcome.before}, compared with {outcome.after}"
        for each in outcome.comparisons:
            yield from comparison_lines(each)
        if not outcome.comparisons:
            yield "No document differs."


def _draft_findings(market: str, drafts: Sequence[Documents]) -> Iterator[Finding]:
    """Find documents that could not stand beside the others: of another market, or of one name."""
    for documents in drafts:
        yield from misplaced_findings(market, documents)
        yield from repeated_findings(documents)


def _law(session: Session, options: Options, side: str, day: dt.date) -> tuple[Law, str]:
    """Return the law of a side, and how a sentence names it."""
    day = getattr(options, side) or day
    known = getattr(options, f"{side}_known")
    law = law_at(session, options.market, day, known or options.now)
    return law, f"the law of {day}" + (f" as known at {known:%Y-%m-%dT%H:%MZ}" if known else "")


def _compared(
    session: Session, options: Options, before: Law, after: Law, said: tuple[str, str]
) -> Compared:
    names = differing(before.digests, after.digests)
    if options.document:
        wanted = f"{options.market}/{options.document.removeprefix(f'{options.market}/')}"
        if wanted not in before.digests.keys() | after.digests.keys():
            raise CommandError(f"--document: {wanted} is no document of either law")
        names = {name: pair for name, pair in names.items() if name == wanted}
    return Compared(*said, tuple(compare_laws(session, before, after, names)))
