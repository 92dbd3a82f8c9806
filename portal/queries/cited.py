"""The clauses that a page cites, told apart where two versions of one document are cited."""

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from rulebook.clause_text import FilledText
from rulebook.tables import VersionRow
from settlement.explanations.tree import CitedClause

NEVER = dt.datetime.min.replace(tzinfo=dt.UTC)


@dataclass(frozen=True)
class CitedVersion:
    """A version of a document: its digest, and since when it is known where another is cited."""

    digest: bytes
    recorded_at: dt.datetime | None


@dataclass(frozen=True)
class CitedText:
    """The words of a clause, in the versions of its document that have them, latest first.

    `is_earlier` is set where a later version of the document, cited beside it, has other words.
    """

    anchor: str
    text: FilledText
    instrument: str
    versions: tuple[CitedVersion, ...]
    is_earlier: bool = False

    @property
    def digest(self) -> bytes:
        """That of the latest version that has these words."""
        return self.versions[0].digest


def first_recorded(session: Session, digests: Iterable[bytes]) -> dict[bytes, dt.datetime]:
    """Return since when each text is known: since the first time, where it was published twice."""
    query = (
        select(VersionRow.digest, func.min(func.lower(VersionRow.recorded)))
        .where(VersionRow.digest.in_(list(digests)))
        .group_by(VersionRow.digest)
    )
    return dict(session.execute(query).all())


def cite_once(
    clauses: Iterable[CitedClause], recorded: Mapping[bytes, dt.datetime]
) -> tuple[CitedText, ...]:
    """Return each clause once a wording, in the order in which clauses are cited first.

    A note that corrects a bill for a change of law rests on both laws, whose clauses mostly read
    alike. Wordings of one clause stand together, the latest first.

    Args:
        clauses: as often as they are cited.
        recorded: since when the versions are known, by digest.
    """
    distinct = {(clause.digest, clause.anchor): clause for clause in clauses}.values()
    versions: dict[str, set[bytes]] = {}
    of_clause: dict[tuple[str, str], list[CitedClause]] = {}
    for clause in distinct:
        versions.setdefault(clause.instrument, set()).add(clause.digest)
        of_clause.setdefault((clause.instrument, clause.anchor), []).append(clause)
    several = {digest for each in versions.values() if len(each) > 1 for digest in each}
    moments = {digest: at for digest, at in recorded.items() if digest in several}
    return tuple(text for wordings in of_clause.values() for text in _texts(wordings, moments))


def _texts(
    clauses: Sequence[CitedClause], moments: Mapping[bytes, dt.datetime]
) -> Iterator[CitedText]:
    """Yield the wordings of one clause, latest first; `moments` of versions to be told apart."""
    by_words: dict[FilledText, list[CitedVersion]] = {}
    for clause in sorted(clauses, key=lambda each: moments.get(each.digest, NEVER), reverse=True):
        version = CitedVersion(clause.digest, moments.get(clause.digest))
        by_words.setdefault(clause.text, []).append(version)
    of = clauses[0]
    for place, (text, versions) in enumerate(by_words.items()):
        yield CitedText(of.anchor, text, of.instrument, tuple(versions), is_earlier=place > 0)
