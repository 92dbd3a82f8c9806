"""Clauses of all versions by their words, best first: asked of PostgreSQL's full text.

A clause is found in the words of its own text. Names in braces are words too, so `price cap` finds
`{price_cap}`; the figures that stand for them on pages do not, as each version has its own. The
same words over other figures are another reading, which is found apart.
"""

import datetime as dt
import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from database.clause_words import WORDS_OF_CLAUSES
from rulebook.standing import Span

REGISTRATION = "registration"
NO_WORD = ("", "T")
"""What PostgreSQL makes of a query that asks for no word, or only for such as are left out."""

_ASKED = text("SELECT querytree(websearch_to_tsquery('english', :words))")
# What is the same is looked at once: a text that is recorded many times, and a clause that many
# texts hold with the same values of the fields that it names by their first step. Only of the
# clauses that are left are the words made, which is what takes time.
_FOUND = text(f"""
    WITH asked AS MATERIALIZED (
        SELECT websearch_to_tsquery('english', :words) AS query,
               querytree(websearch_to_tsquery('english', :words))::tsquery AS any_of_it
    ), hit AS (
        SELECT instrument, digest,
               (array_agg(id ORDER BY upper_inf(recorded) DESC, lower(recorded) DESC, id DESC))[1]
                   AS id,
               range_agg(valid) FILTER (WHERE upper_inf(recorded)) AS standing,
               range_agg(valid) AS ever, max(lower(recorded)) AS since
        FROM rulebook.version
        WHERE id IN (
                SELECT rulebook.public_versions_with(asked.any_of_it) FROM asked
                UNION ALL
                SELECT id FROM rulebook.version, asked
                WHERE kind = :registration AND (:sees_all OR instrument = ANY(:own))
                  AND {WORDS_OF_CLAUSES} @@ asked.any_of_it)
          AND (CAST(:market AS text) IS NULL OR market = :market)
        GROUP BY instrument, digest
    ), clause AS (
        SELECT hit.instrument, entry ->> 'anchor' AS anchor, entry ->> 'text' AS said,
               (array_agg(hit.id ORDER BY hit.standing IS NULL, hit.since DESC, hit.id DESC))[1]
                   AS id,
               range_agg(hit.standing) AS standing, range_agg(hit.ever) AS ever
        FROM hit JOIN rulebook.version ON version.id = hit.id
            CROSS JOIN LATERAL jsonb_array_elements(version.body -> 'clauses') AS entry
            LEFT JOIN LATERAL (
                SELECT jsonb_object_agg(field.key, field.value) AS filled
                FROM jsonb_each(version.body) AS field
                WHERE EXISTS (
                    SELECT
                    FROM regexp_matches(entry ->> 'text', '[{{]([^{{}}.]+)', 'g') AS named(step)
                    WHERE starts_with(field.key, step[1]))
            ) AS of_version ON strpos(entry ->> 'text', '{{') > 0
        GROUP BY hit.instrument, anchor, said, of_version.filled
    ), worded AS MATERIALIZED (
        SELECT clause.*, to_tsvector('english', said) AS words FROM clause
    )
    SELECT instrument, anchor, said, id, standing, ever, count(*) OVER ()
    FROM worded, asked
    WHERE words @@ query
    ORDER BY standing IS NULL, ts_rank_cd(words, query) DESC, instrument, anchor, said, id
    LIMIT :count OFFSET :start
""")


@dataclass(frozen=True)
class FoundClause:
    """A clause in one wording, with the same figures filled in.

    Attributes:
        version: one that holds it, which stands if any does; else that recorded last.
        spans: the valid times for which it stands; of one that is superseded, those that it had.
        stands: whether it is law for any time, by what is known now.
    """

    instrument: str
    anchor: str
    text: str
    version: uuid.UUID
    spans: tuple[Span, ...]
    stands: bool


def asks_for_a_word(session: Session, words: str) -> bool:
    """Return whether a query asks for any word that clauses could hold."""
    return session.execute(_ASKED, {"words": words}).scalar_one().strip() not in NO_WORD


def find_clauses(
    session: Session,
    words: str,
    *,
    market: str | None,
    own: Collection[str] | None,
    start: int = 0,
    count: int,
) -> tuple[int, list[FoundClause]]:
    """Return how many clauses there are in all, and some of them: what stands first, best first.

    Args:
        words: as people write them for a search: `or`, "phrases" and -words mean what they mean
            there. It asks for a word.
        market: of this one alone, if one is named.
        own: the registrations that may be found; None for all of them.
        start, count: which of them.
    """
    asked = {
        "words": words, "market": market, "registration": REGISTRATION, "sees_all": own is None,
        "own": list(own or ()), "start": start, "count": count,
    }  # fmt: skip
    rows = session.execute(_FOUND, asked).all()
    return (rows[0][6] if rows else 0), [_clause(row) for row in rows]


def _clause(row: Sequence[Any]) -> FoundClause:
    instrument, anchor, said, version, standing, ever, _ = row
    spans = tuple((_start(each.lower), each.upper) for each in standing or ever)
    return FoundClause(instrument, anchor, said, version, spans, bool(standing))


def _start(lower: dt.datetime | None) -> dt.datetime:
    if lower is None:
        raise ValueError("a version has a range without beginning")
    return lower
