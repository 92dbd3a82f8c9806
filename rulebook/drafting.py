"""A draft of law as an amendment: laid over the law of any day, and checked there. Pure.

A draft is whole documents, and the law of one day that they were drawn from. On another day it
changes what it changes of that law, and leaves what has been law there beside it (`merging`).
"""

import dataclasses
import datetime as dt
import hashlib
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from common.refusals import Finding, Refused, shown
from rulebook.checks import check_document, check_law, side_by_side
from rulebook.days import day_start
from rulebook.digest import body_digest, canonical_bytes, document_body, document_digest
from rulebook.documents import Document, MarketRules
from rulebook.merging import ABSENT, Conflict, Edit, edits_between, merge, value_shown
from rulebook.publication import Placed, Request, request_findings
from rulebook.reading import document_of
from rulebook.resolve import PinnedVersion, RulePeriod, RuleSet
from rulebook.versions import instant_shown

DRAFT_PREFIX = b"tallystick/rulebook/draft/1\n"
"""Opens the bytes that the digest of a draft is taken over."""

NEVER_PUBLISHED = uuid.UUID(int=0)
"""Stands for the version of a document that no law has yet."""

_FIXED = ("time_zone", "interval_minutes", "currency")
"""What readings are placed and amounts are counted by: with another, no two sides compare."""


_OF_THE_TEXT = ("publication_date", "title")
"""What every amendment has anew: on days of older law, the draft's stands."""


@dataclass(frozen=True)
class Draft:
    """Documents as somebody would have them, and the digests of the law they were drawn from.

    Attributes:
        market: whose law it would change.
        documents: with the place that findings name each by.
        base: the body of each document that it was drawn from, by instrument; a document that is
            new has none.
        drawn_from: the instant whose law that is.
    """

    market: str
    documents: tuple[Placed, ...]
    base: Mapping[str, Mapping[str, Any]]
    drawn_from: dt.datetime

    @property
    def digest(self) -> bytes:
        """Return what names the draft: its texts, and those that they were drawn from."""
        texts = {document.instrument: document_digest(document).hex() for _, document in self}
        bases = {name: body_digest(body).hex() for name, body in self.base.items()}
        written = canonical_bytes({"market": self.market, "documents": texts, "base": bases})
        return hashlib.sha256(DRAFT_PREFIX + written).digest()

    @property
    def edits(self) -> dict[str, list[Edit]]:
        """Return what it changes of its base, by instrument; documents it leaves alone are absent.

        A document that is new is one edit, at the path "".
        """
        found = {}
        for _, document in self:
            before = self.base.get(document.instrument, ABSENT)
            changed = list(edits_between(before, document_body(document)))
            if changed:
                found[document.instrument] = changed
        return found

    def __iter__(self) -> Iterator[Placed]:
        """Yield each place and document."""
        return iter(self.documents)


def draft_of(
    market: str, documents: Sequence[tuple[str, Document]], base: RuleSet, drawn_from: dt.datetime
) -> Draft:
    """Return the draft of some documents that were drawn from the law of an instant."""
    bodies = {document.instrument: document_body(document) for document in base.documents}
    named = {document.instrument for _, document in documents}
    return Draft(
        market,
        tuple(Placed(place, document) for place, document in documents),
        {name: body for name, body in bodies.items() if name in named},
        drawn_from,
    )


def drawn_together(instants: Iterable[dt.datetime | None]) -> dt.datetime | None:
    """Return the instant whose law all of some drafts were drawn from; None for the present law.

    Raises:
        Refused: they were drawn from the law of several: laid over one, a draft would seem to
            change what changed since, or not to change what it does.
    """
    found = set(instants)
    if len(found) > 1:
        raise Refused(
            [
                Finding(
                    "drafts-drawn-apart",
                    "the drafts",
                    " and ".join(
                        sorted(instant_shown(each) if each else "the present law" for each in found)
                    ),
                    "drafts that are tried beside each other were drawn from one law",
                    "draw one of them anew, or try each by itself",
                )
            ]
        )
    return next(iter(found), None)


def draft_findings(
    market: str, documents: Sequence[tuple[str, Document]], known: dt.datetime
) -> list[Finding]:
    """Return what is wrong with the documents of a draft by themselves."""
    # What has no validity yet is not asked for any: known stands for both of its ends.
    request = Request(tuple(documents), known, None, known, "")
    return misplaced_findings(market, documents) or list(request_findings(request))


def misplaced_findings(market: str, documents: Sequence[tuple[str, Document]]) -> list[Finding]:
    """Return which documents are none of a market, and so of no draft of its law."""
    return [
        Finding(
            "draft-of-another-market",
            place,
            document.market,
            f"the draft is laid over the law of the market {market}",
            f"name the folder of {market}, or the market {document.market}",
        )
        for place, document in documents
        if document.market != market
    ]


def amended_periods(
    periods: Sequence[RulePeriod], draft: Draft, *, goes_on: bool = False
) -> tuple[list[RulePeriod], list[Finding]]:
    """Return the law of each period with a draft laid over it, or every reason why it cannot be.

    A finding of a period that its law has without the draft too is no reason.

    Args:
        periods: of which the last holds its last day, or where the law `goes_on`, all days after.
        draft: what is laid over each.
        goes_on: whether the law is looked at without an end, as publication looks at it.
    """
    amended: list[RulePeriod] = []
    findings: dict[Finding, None] = {}
    for number, period in enumerate(periods, start=1):
        is_open = goes_on and number == len(periods)
        rules, found = _amended(period, draft, is_open)
        findings.update(dict.fromkeys(found))
        amended.append(RulePeriod(period.first_day, period.last_day, rules))
    return amended, list(findings)


def _amended(period: RulePeriod, draft: Draft, is_open: bool) -> tuple[RuleSet, list[Finding]]:
    rules = period.rules
    of_law = {document.instrument: document for document in rules.documents}
    documents, findings = dict(of_law), []
    is_whole = True
    for place, document in draft:
        wanted, wrong = _laid_over(period, draft, place, document, of_law)
        findings += wrong
        if wanted is not None:
            documents[wanted.instrument] = wanted
        elif wrong:
            is_whole = False
    # Beside a document that nobody could lay there, the law would lack it, and for nothing.
    if not is_whole:
        return rules, findings
    findings += _fixed_findings(rules, documents.values(), draft)
    days = (period.first_day, None if is_open else period.last_day + dt.timedelta(days=1))
    places = {document.instrument: place for place, document in draft}
    known = set(check_law(side_by_side(of_law.values(), places, days)))
    findings += [
        finding
        for finding in check_law(side_by_side(documents.values(), places, days))
        if finding not in known
    ]
    return _rule_set(rules, documents, period.first_day), findings


def _laid_over(
    period: RulePeriod, draft: Draft, place: str, document: Document, of_law: Mapping[str, Document]
) -> tuple[Document | None, list[Finding]]:
    """Return a document of a draft as it would stand on the days of a period."""
    instrument = document.instrument
    base: Any = draft.base.get(instrument, ABSENT)
    law: Any = document_body(of_law[instrument]) if instrument in of_law else ABSENT
    body, found = merge(base, document_body(document), law)
    conflicts = []
    for conflict in found:
        if conflict.path in _OF_THE_TEXT:
            body[conflict.path] = conflict.draft
        else:
            conflicts.append(conflict)
    if conflicts:
        return None, [_conflict(period, place, conflict) for conflict in conflicts]
    if body is ABSENT:  # the law ended there what the draft leaves alone
        return None, []
    merged, wrong = document_of(body, place)
    if merged is None:
        return None, list(wrong)
    return merged, list(check_document(merged, place))


def _conflict(period: RulePeriod, place: str, conflict: Conflict) -> Finding:
    where = f"{place}: {conflict.path}" if conflict.path else place
    days = f"{period.first_day} to {period.last_day}"
    return Finding(
        "amendment-conflict",
        where,
        f"{value_shown(conflict.draft)}, drawn from {value_shown(conflict.base)}",
        f"the law of {days} has {value_shown(conflict.law)} there",
        "try it on other days, or draw the draft from the law of these days",
    )


def _fixed_findings(
    rules: RuleSet, documents: Iterable[Document], draft: Draft
) -> Iterator[Finding]:
    """Find a draft that changes what readings are placed by, or amounts are counted in."""
    places = {document.instrument: place for place, document in draft}
    for document in documents:
        if not isinstance(document, MarketRules):
            continue
        for name in _FIXED:
            wanted, found = getattr(document, name), getattr(rules.market_rules, name)
            if wanted != found:
                yield Finding(
                    "draft-not-comparable",
                    f"{places.get(document.instrument, document.instrument)}: {name}",
                    shown(wanted),
                    f"past days were metered and settled with {shown(found)}",
                    f"keep {shown(found)} in what is tried on days of the past",
                )


def _rule_set(rules: RuleSet, documents: Mapping[str, Document], first_day: dt.date) -> RuleSet:
    """Return a rule set with other documents, each pinned by its own digest."""
    pinned = {version.instrument: version for version in rules.versions}
    begins = day_start(first_day, rules.market_rules.time_zone)
    versions = []
    for instrument, document in sorted(documents.items()):
        digest = document_digest(document)
        version = pinned.get(instrument) or PinnedVersion(
            NEVER_PUBLISHED, instrument, digest, begins, None, begins
        )
        versions.append(dataclasses.replace(version, digest=digest))
    of_days = side_by_side(documents.values(), {}, (first_day, first_day))
    return dataclasses.replace(
        rules,
        versions=tuple(versions),
        market_rules=of_days.market_rules or rules.market_rules,
        grid_model=of_days.grid_model or rules.grid_model,
        allocation_policy=of_days.allocation_policy or rules.allocation_policy,
        registrations=_by_instrument(of_days.registrations),
        charge_lists=_by_instrument(of_days.charge_lists),
        settlement_terms=of_days.settlement_terms,
    )


def _by_instrument(documents: Iterable[Any]) -> tuple[Any, ...]:
    return tuple(sorted(documents, key=lambda document: str(document.instrument)))
