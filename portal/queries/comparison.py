"""Law beside law, as pages show it: which documents differ, and one of them whole."""

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from ledger.people import proposals
from ledger.people.roles import Kind
from ledger.people.store import StoredProposal
from portal.access import Viewer
from portal.charts.chart import Chart
from portal.curve_view import compared_curves
from portal.grid_view import grid_chart
from portal.holarchy_view import holarchy_chart
from portal.law_access import is_open, withheld_from
from rulebook.comparing import Law, compare_laws, law_at, texts_by_digest, with_draft
from rulebook.comparison import Comparison, Text, compare, differing
from rulebook.documents import Document, GridModel, MarketRules
from rulebook.edit_words import FieldChange
from settlement.enactment.content import read_ending, read_publication


@dataclass(frozen=True)
class Laws:
    """Two laws of a market, and the documents of which they have other texts.

    Attributes:
        pairs: digests of each such document, by instrument; None where it is no law.
    """

    before: Law
    after: Law
    pairs: dict[str, tuple[bytes | None, bytes | None]]

    def visible_to(self, viewer: Viewer) -> "Laws":
        """Return them without the registrations that a user may not read."""
        shown = {name: pair for name, pair in self.pairs.items() if is_open(name, viewer)}
        return Laws(self.before, self.after, shown)


class Differences:
    """The documents that differ, a part of which is read at a time."""

    def __init__(self, session: Session, laws: Laws, viewer: Viewer) -> None:
        self._session, self._laws, self._viewer = session, laws, viewer
        self._names = list(laws.pairs)

    def __len__(self) -> int:
        return len(self._names)

    def __getitem__(self, part: slice, /) -> Sequence[Comparison]:
        names = self._names[part]
        withheld = {name: withheld_from(name, self._viewer) for name in names}
        return compare_laws(self._session, self._laws.before, self._laws.after, names, withheld)


def folded(changes: Iterable[FieldChange]) -> list[FieldChange]:
    """Return changes, those that are alike but for the part that they stand in as one."""
    alike: dict[FieldChange, list[str]] = {}
    for each in changes:
        alike.setdefault(each._replace(members=()), []).append(each.member)
    return [
        change._replace(members=tuple(dict.fromkeys(members))) for change, members in alike.items()
    ]


class Values:
    """What differs in the values of a document, a part of which is put in words at a time."""

    def __init__(self, comparison: Comparison) -> None:
        self._comparison = comparison

    def __len__(self) -> int:
        return len(self._comparison.edits)

    def __getitem__(self, part: slice, /) -> Sequence[FieldChange]:
        return folded(self._comparison.value_changes(part.start or 0, part.stop))


def laws_of(
    session: Session,
    market: str,
    before: tuple[dt.date, dt.datetime],
    after: tuple[dt.date, dt.datetime],
) -> Laws:
    """Return the law of two days, each as it was known at a moment."""
    first, last = (law_at(session, market, *each) for each in (before, after))
    return Laws(first, last, differing(first.digests, last.digests))


def laws_of_proposal(session: Session, number: int, now: dt.datetime) -> Laws:
    """Return the law on the first day of a proposal that waits, as it is, and as it would be.

    Raises:
        Refused: there is no such proposal, it was approved, or a text of it was altered.
        LookupError: it changes no law.
    """
    stored = proposals.find_open(session, number)
    if stored.market is None:
        raise LookupError(f"proposal {number} is of kind {stored.kind.value}")
    start, documents, ended = _proposed(stored)
    before = law_at(session, stored.market, start, now)
    after = with_draft(before, documents, ended)
    return Laws(before, after, differing(before.digests, after.digests))


def _proposed(
    stored: StoredProposal,
) -> tuple[dt.date | dt.datetime, list[Document], list[str]]:
    if stored.kind is Kind.ENDING:
        ending = read_ending(stored.content)
        return ending.day, [], [ending.instrument]
    wanted = read_publication(stored.number, stored.content, stored.texts)
    return wanted.valid_from, [placed.document for placed in wanted.documents], []


def comparison_of(
    session: Session, laws: Laws, instrument: str, viewer: Viewer
) -> Comparison | None:
    """Return a document beside itself; None where it is law on neither side, or not open."""
    known = laws.before.digests.keys() | laws.after.digests.keys()
    if instrument not in known or not is_open(instrument, viewer):
        return None
    withheld = {instrument: withheld_from(instrument, viewer)}
    (found,) = compare_laws(session, laws.before, laws.after, [instrument], withheld)
    return found


def versions_compared(session: Session, before: bytes, after: bytes, viewer: Viewer) -> Comparison:
    """Return two versions beside each other.

    Raises:
        Refused: one was never published, or they are of two kinds.
        LookupError: one is not open to the viewer.
    """
    old, new = texts_by_digest(session, [before, after])
    names = [text.document.instrument for text in (old, new)]
    if not all(is_open(name, viewer) for name in names):
        raise LookupError("not open to this user")
    withheld = {field for name in names for field in withheld_from(name, viewer)}
    return compare(old, new, withheld)


def charts_of(comparison: Comparison) -> list[Chart]:
    """Return the curves that changed laid over each other, or the grid with what moved."""
    old, new = (
        text.document if isinstance(text, Text) else None
        for text in (comparison.before, comparison.after)
    )
    if isinstance(old, MarketRules) and isinstance(new, MarketRules):
        return list(compared_curves(old, new))
    if isinstance(old, GridModel) and isinstance(new, GridModel):
        is_nested_anew = (old.layers, old.holons) != (new.layers, new.holons)
        nested = holarchy_chart(new, old) if is_nested_anew else None
        drawn = grid_chart(new, old) if is_nested_anew or old.lines != new.lines else None
        return [each for each in (drawn, nested) if each]
    return []
