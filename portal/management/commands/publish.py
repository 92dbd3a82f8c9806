"""`manage.py publish`: documents become law, all or none."""

from pathlib import Path
from typing import Any

from database.session import transaction
from ledger.sealing import sealed_spans
from portal.management.arguments import JSON, REASON, argument, parse_day
from portal.management.base import BaseCommand, Options
from rulebook.documents import KINDS
from rulebook.folders import left_out_of
from rulebook.printing import published_as_dict, published_line
from rulebook.publishing import PublishedVersion, publish


class Command(BaseCommand[list[PublishedVersion]]):
    help = (
        f"Publish documents of one market ({', '.join(sorted(KINDS))}). All or none become law; "
        "a document that already stands so is left alone."
    )
    appends_facts = True
    takes = (
        argument(
            "files", nargs="+", type=Path, metavar="FILE", help="YAML file, or a folder of them"
        ),
        argument(
            "--valid-from",
            type=parse_day,
            required=True,
            metavar="DAY",
            help="first day, YYYY-MM-DD",
        ),
        argument(
            "--valid-to",
            type=parse_day,
            metavar="DAY",
            help="first day on which they no longer apply; default: no end",
        ),
        argument("--author", required=True, metavar="WHO", help="who wrote the documents"),
        argument(
            "--approver",
            required=True,
            metavar="WHO",
            help="who approved them; never the author",
        ),
        REASON.with_settings(
            required=False, default="", help="why; needed where the validity begins in the past"
        ),
        JSON,
    )

    def run(self, options: Options) -> list[PublishedVersion]:
        # Before anything is refused: a document that lies here by a wrong name may be what lacks.
        options.left_out = left_out_of(options.files)
        for place, why in options.left_out:
            self.stderr.write(f"left out {place}: {why}")
        with transaction() as session:
            return list(
                publish(
                    session,
                    options.files,
                    valid_from=options.valid_from,
                    valid_to=options.valid_to,
                    known=options.now,
                    author=options.author,
                    approver=options.approver,
                    reason=options.reason,
                    # The rulebook does not know the ledger; which days are sealed it must be told.
                    sealed=sealed_spans(session),
                )
            )

    def as_json(self, outcome: list[PublishedVersion], options: Options) -> Any:
        return {
            "published": [published_as_dict(version) for version in outcome],
            "left_out": [each._asdict() for each in options.left_out],
        }

    def lines(self, outcome: list[PublishedVersion], options: Options) -> list[str]:
        return [published_line(version) for version in outcome]
