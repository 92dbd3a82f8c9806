"""What files would change of the law, were they proposed: nothing is written."""

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.orm import Session

from common.refusals import Finding, Refused, refuse_any
from ledger.sealing import sealed_spans
from rulebook.comparing import law_at, read_version
from rulebook.comparison import Comparison, Text, compare
from rulebook.days import day_of
from rulebook.digest import document_digest
from rulebook.documents import Document
from rulebook.ending import EndingPlan, plan_end
from rulebook.publication import Change
from rulebook.publishing import Plan, plan
from rulebook.versions import Version
from settlement.enactment.payees import check_proposed
from settlement.enactment.reach import ProposedLaw, Reach
from settlement.enactment.reaching import reach_of_law


@dataclass(frozen=True)
class Stretch:
    """Days for which a document would be another text; `last_day` is None where there is no end."""

    first_day: dt.date
    last_day: dt.date | None
    comparison: Comparison


@dataclass(frozen=True)
class PlannedDocument:
    """A document that would be added, changed or ended; without a stretch it stands so already."""

    instrument: str
    title: str
    stretches: tuple[Stretch, ...]


@dataclass(frozen=True)
class LawPlan:
    """What would change of a market's law.

    Attributes:
        not_named: documents of the law of the first day that the files do not hold, and that stay.
        reach: the settled days whose law would change, and the documents that billed them.
    """

    market: str
    first_day: dt.date
    documents: tuple[PlannedDocument, ...]
    not_named: tuple[str, ...]
    reach: Reach

    @property
    def is_needed(self) -> bool:
        """Whether there is anything to do."""
        return any(each.stretches for each in self.documents)


def plan_law(
    session: Session,
    files: Sequence[Path],
    *,
    valid_from: dt.date,
    valid_to: dt.date | None = None,
    now: dt.datetime,
    reason: str = "",
    is_whole: bool = False,
) -> LawPlan:
    """Return what it would change of the law to propose files, and approve them, now.

    Args:
        session: sees one state of the database throughout; nothing is written, and nobody waits.
        files: files and folders, of one market.
        valid_from: first day of validity.
        valid_to: first day on which the documents no longer apply; None for no end.
        now: when.
        reason: why; must be stated where validity begins before `now`.
        is_whole: whether the files are the whole law, so that what they do not hold would end; as
            the law stands, before any of the files is law.

    Raises:
        Refused: with every finding, of the files and of what would end.
    """
    spans = sealed_spans(session)
    planned = plan(
        session, files, valid_from=valid_from, valid_to=valid_to, known=now, reason=reason,
        sealed=spans, locks=False,
    )  # fmt: skip
    findings = check_proposed(session, planned, now) if planned.is_needed else []
    law = law_at(session, planned.market, planned.start, now)
    named = {change.document.instrument for change in planned.changes}
    others = tuple(name for name in law.digests if name not in named)
    endings: list[EndingPlan] = []
    for name in others if is_whole else ():
        try:
            endings.append(
                plan_end(session, planned.market, name, valid_from, known=now, reason=reason,
                         sealed=spans, locks=False)
            )  # fmt: skip
        except Refused as refused:
            findings += refused.findings
    refuse_any(findings)
    zone, currency = law.zone, law.currency
    documents = [
        *(_planned(change, planned, zone, currency) for change in planned.changes),
        *(_ended(ending, zone, currency) for ending in endings),
    ]
    return LawPlan(
        planned.market,
        day_of(planned.start, zone),
        tuple(sorted(documents, key=lambda each: each.instrument)),
        () if is_whole else others,
        _reach(session, planned, endings, zone, now),
    )


def whole_with_an_end() -> Finding:
    """Return the finding that files are said to be the whole law, and to end."""
    return Finding(
        "whole-law-ends",
        "plan: --whole",
        "with --valid-to",
        "what the files do not hold would end, and could not begin again on a later day by them",
        "leave --valid-to out, or --whole",
    )


def _planned(change: Change, planned: Plan, zone: str, currency: str) -> PlannedDocument:
    document = change.document
    text = Text(document, _currency_of(document, currency))
    stretches = () if change.unchanged else _stretches(change, planned, text, zone)
    return PlannedDocument(document.instrument, document.title, tuple(stretches))


def _stretches(change: Change, planned: Plan, text: Text, zone: str) -> Iterator[Stretch]:
    """Yield the parts of the validity for which the text is another, in order."""
    digest = document_digest(change.document)
    reached: dt.datetime | None = planned.start
    for version in sorted(change.closes, key=lambda each: each.valid_from):
        begins = max(version.valid_from, planned.start)
        if reached is not None and reached < begins:  # nothing of the document applied before
            yield _stretch(reached, begins, None, text, zone)
        reached = _earlier(version.valid_to, planned.end)
        if version.digest != digest:
            old = _text_of(version, text.currency)
            yield _stretch(begins, reached, old, text, zone)
    if reached is not None and (planned.end is None or reached < planned.end):
        yield _stretch(reached, planned.end, None, text, zone)


def _ended(ending: EndingPlan, zone: str, currency: str) -> PlannedDocument:
    """Return what would end: each version of it that applies from the day on, or later."""
    stretches = []
    for version in sorted(ending.change.closes, key=lambda each: each.valid_from):
        begins = max(version.valid_from, ending.end)
        if version.valid_to is None or begins < version.valid_to:
            old = _text_of(version, currency)
            stretches.append(_stretch(begins, version.valid_to, old, None, zone))
    document = ending.change.document
    return PlannedDocument(document.instrument, document.title, tuple(stretches))


def _stretch(
    start: dt.datetime, end: dt.datetime | None, old: Text | None, new: Text | None, zone: str
) -> Stretch:
    last_day = None if end is None else day_of(end - dt.datetime.resolution, zone)
    return Stretch(day_of(start, zone), last_day, compare(old, new))


def _text_of(version: Version, currency: str) -> Text:
    document = read_version(version)
    return Text(document, _currency_of(document, currency))


def _currency_of(document: Document, currency: str) -> str:
    """Return the currency of a text: market rules say their own."""
    return str(getattr(document, "currency", currency))


def _earlier(one: dt.datetime | None, other: dt.datetime | None) -> dt.datetime | None:
    """Return the earlier of two ends, of which None is none."""
    return min((each for each in (one, other) if each is not None), default=None)


def _reach(
    session: Session, planned: Plan, endings: Iterable[EndingPlan], zone: str, now: dt.datetime
) -> Reach:
    documents = [change.document for change in planned.changes]
    texts: dict[str, bytes | None] = {each.instrument: document_digest(each) for each in documents}
    # Only a whole law ends anything, and that has no end itself.
    texts |= {ending.instrument: None for ending in endings}
    proposed = ProposedLaw(planned.start, planned.end, texts)
    return reach_of_law(session, planned.market, zone, proposed, documents, now)
