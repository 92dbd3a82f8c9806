"""What who runs a market is told of its log and its inbox, which are closed to pages.

An event says what power a unit has and what a supply point takes, so events are nobody's to read
but commands'. Who oversees a market as operator or auditor is told by `FUNCTIONS` how many
wait, what became of them, and which were kept apart, without what they say in figures.

Everybody is told by `FOR_EVERYBODY` whether somebody leads a market, since when what was handed in
waits, and of which day the law was that is named by a digest, as it was known when. All act as
their owner, and tell nothing else.
"""

from collections.abc import Mapping
from types import MappingProxyType

MOST_APART = 20
"""Events that are named; all are counted."""
_DEFINER = "STABLE SECURITY DEFINER PARALLEL RESTRICTED SET search_path = pg_catalog, pg_temp"
_MAY = "(SELECT people.sees_as('operator', 'auditor'))"


def _is_led(market: str) -> str:
    """Return the SQL of whether somebody leads a market: who does holds a lock.

    Its key is that of `market.leading.lock_key`.
    """
    return f"""EXISTS (
            SELECT FROM pg_locks
            WHERE locktype = 'advisory' AND granted AND objsubid = 1
                AND database = (
                    SELECT oid FROM pg_database WHERE datname = current_database())
                AND (classid::bigint << 32) | objid::bigint = (
                    'x' || encode(substr(sha256(convert_to(
                        'tallystick.market-leader.1:' || {market}, 'UTF8')), 1, 8), 'hex')
                )::bit(64)::bigint)"""


CREATE_WATCHED = f"""
CREATE FUNCTION market.watched(of_market text) RETURNS TABLE (
    waiting bigint, oldest_at timestamptz, newest_at timestamptz, epoch bigint, sequence bigint,
    sealed_up_to bigint, has_leader boolean)
LANGUAGE sql {_DEFINER}
BEGIN ATOMIC
    SELECT
        (SELECT count(*) FROM market.submission WHERE market = of_market),
        (SELECT min(submitted_at) FROM market.submission WHERE market = of_market),
        (SELECT event.submitted_at FROM market.event
            WHERE event.market = of_market AND event.sequence = held.sequence),
        held.epoch, held.sequence,
        (SELECT coalesce(max(last_sequence), 0) FROM market.sealed WHERE market = of_market),
        {_is_led("of_market")}
    FROM (SELECT) AS asked LEFT JOIN market.head AS held ON held.market = of_market
    WHERE {_MAY};
END
"""

CREATE_OUTCOMES = f"""
CREATE FUNCTION market.outcomes(of_market text, first_day date, last_day date) RETURNS TABLE (
    outcome text, events bigint)
LANGUAGE sql {_DEFINER}
BEGIN ATOMIC
    SELECT event.outcome, count(*) FROM market.event
    WHERE event.market = of_market AND event.day BETWEEN first_day AND last_day AND {_MAY}
    GROUP BY event.outcome;
END
"""

CREATE_KEPT_APART = f"""
CREATE FUNCTION market.kept_apart(of_market text, first_day date, last_day date) RETURNS TABLE (
    sequence bigint, kind text, entity text, at timestamptz, outcome text,
    submitted_at timestamptz, submitted_by text)
LANGUAGE sql {_DEFINER}
BEGIN ATOMIC
    SELECT event.sequence, event.kind, event.entity, event.at, event.outcome,
        event.submitted_at, event.submitted_by
    FROM market.event
    WHERE event.market = of_market AND event.day BETWEEN first_day AND last_day
        AND event.outcome <> 'taken' AND {_MAY}
    ORDER BY event.sequence DESC LIMIT {MOST_APART};
END
"""

FUNCTIONS: Mapping[str, str] = MappingProxyType(
    {
        "market.watched(text)": CREATE_WATCHED,
        "market.outcomes(text, date, date)": CREATE_OUTCOMES,
        "market.kept_apart(text, date, date)": CREATE_KEPT_APART,
    }
)

# The first in its turn is the oldest, and found by an index however many wait.
CREATE_LEADERSHIP = f"""
CREATE FUNCTION market.leadership() RETURNS TABLE (
    market text, has_leader boolean, waiting_since timestamptz)
LANGUAGE sql {_DEFINER}
BEGIN ATOMIC
    SELECT held.market, {_is_led("held.market")}, (
        SELECT first.submitted_at FROM market.submission AS first
        WHERE first.market = held.market ORDER BY first.number LIMIT 1)
    FROM market.head AS held ORDER BY held.market;
END
"""

# By the index of events of law, which are few. What it tells is what `market.law_book` asks for.
CREATE_LAW_TOLD = f"""
CREATE FUNCTION market.law_told(of_market text, of_law text) RETURNS TABLE (
    day date, known_at timestamptz)
LANGUAGE sql {_DEFINER}
BEGIN ATOMIC
    SELECT event.day, event.submitted_at FROM market.event
    WHERE event.market = of_market AND event.kind = 'rules' AND event.outcome = 'taken'
        AND event.words = ARRAY[of_law]
    ORDER BY event.sequence DESC LIMIT 1;
END
"""

FOR_EVERYBODY: Mapping[str, str] = MappingProxyType(
    {
        "market.leadership()": CREATE_LEADERSHIP,
        "market.law_told(text, text)": CREATE_LAW_TOLD,
    }
)
"""Made since 0042."""
