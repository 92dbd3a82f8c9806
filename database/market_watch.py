"""What who runs a market is told of its log and its inbox, which are closed to pages.

An event says what power a unit has and what a supply point takes, so events are nobody's to read
but commands'. Who oversees a market as operator or auditor is told by `FUNCTIONS` how many
wait, what became of them, and which were kept apart, without what they say in figures.

Everybody is told by `FOR_EVERYBODY` whether somebody leads a market, or ever did, since when what
was handed in waits, and of which day the law was that is named by a digest, as it was known when.
All act as their owner, and tell nothing else.
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


# Here and below days are values of a statement that is planned for them: a plan that is kept for
# any days locks the partitions of all.
CREATE_WATCHED = f"""
CREATE FUNCTION market.watched(of_market text) RETURNS TABLE (
    waiting bigint, oldest_at timestamptz, newest_at timestamptz, epoch bigint, sequence bigint,
    sealed_up_to bigint, has_leader boolean)
LANGUAGE plpgsql {_DEFINER} AS $$
#variable_conflict use_column
DECLARE
    held market.head;
    last_days date[];
BEGIN
    IF NOT {_MAY} THEN
        RETURN;
    END IF;
    SELECT * INTO held FROM market.head WHERE market = of_market;
    last_days := ARRAY(
        SELECT day FROM market.written
        WHERE market = of_market AND parent = 'event' AND sequence = (
            SELECT max(sequence) FROM market.written
            WHERE market = of_market AND parent = 'event' AND sequence <= held.sequence));
    EXECUTE 'SELECT submitted_at FROM market.event '
        'WHERE market = $1 AND sequence = $2 AND day = ANY($3)'
        INTO newest_at USING of_market, held.sequence, last_days;
    RETURN QUERY SELECT
        (SELECT count(*) FROM market.submission WHERE market = of_market),
        (SELECT min(submitted_at) FROM market.submission WHERE market = of_market),
        newest_at, held.epoch, held.sequence,
        (SELECT coalesce(max(last_sequence), 0) FROM market.sealed WHERE market = of_market),
        {_is_led("of_market")};
END
$$
"""

CREATE_OUTCOMES = f"""
CREATE FUNCTION market.outcomes(of_market text, first_day date, last_day date) RETURNS TABLE (
    outcome text, events bigint)
LANGUAGE plpgsql {_DEFINER} AS $$
BEGIN
    IF {_MAY} THEN
        RETURN QUERY EXECUTE 'SELECT outcome, count(*) FROM market.event '
            'WHERE market = $1 AND day BETWEEN $2 AND $3 GROUP BY outcome'
            USING of_market, first_day, last_day;
    END IF;
END
$$
"""

CREATE_KEPT_APART = f"""
CREATE FUNCTION market.kept_apart(of_market text, first_day date, last_day date) RETURNS TABLE (
    sequence bigint, kind text, entity text, at timestamptz, outcome text,
    submitted_at timestamptz, submitted_by text)
LANGUAGE plpgsql {_DEFINER} AS $$
BEGIN
    IF {_MAY} THEN
        RETURN QUERY EXECUTE
            'SELECT sequence, kind, entity, at, outcome, submitted_at, submitted_by '
            'FROM market.event WHERE market = $1 AND day BETWEEN $2 AND $3 '
            'AND outcome <> ''taken'' ORDER BY sequence DESC LIMIT {MOST_APART}'
            USING of_market, first_day, last_day;
    END IF;
END
$$
"""

FUNCTIONS: Mapping[str, str] = MappingProxyType(
    {
        "market.watched(text)": CREATE_WATCHED,
        "market.outcomes(text, date, date)": CREATE_OUTCOMES,
        "market.kept_apart(text, date, date)": CREATE_KEPT_APART,
    }
)

# The first in its turn is the oldest, and found by an index however many wait. So is each market of
# which something waits, one after the other.
CREATE_LEADERSHIP = f"""
CREATE FUNCTION market.leadership() RETURNS TABLE (
    market text, was_led boolean, has_leader boolean, waiting_since timestamptz)
LANGUAGE sql {_DEFINER}
BEGIN ATOMIC
    WITH RECURSIVE waits (market) AS (
        SELECT min(submission.market) FROM market.submission
        UNION ALL
        SELECT (
            SELECT min(submission.market) FROM market.submission
            WHERE submission.market > waits.market)
        FROM waits WHERE waits.market IS NOT NULL
    ), named (market) AS (
        SELECT head.market FROM market.head
        UNION SELECT waits.market FROM waits WHERE waits.market IS NOT NULL
    )
    SELECT named.market, EXISTS (SELECT FROM market.head WHERE head.market = named.market),
        {_is_led("named.market")}, (
        SELECT first.submitted_at FROM market.submission AS first
        WHERE first.market = named.market ORDER BY first.number LIMIT 1)
    FROM named ORDER BY named.market;
END
"""

# What it tells is what `market.law_book` asks for: of the last event that named the law, which lies
# in the latest stretch of the log that has one.
CREATE_LAW_TOLD = f"""
CREATE FUNCTION market.law_told(of_market text, of_law text) RETURNS TABLE (
    day date, known_at timestamptz)
LANGUAGE plpgsql {_DEFINER} AS $$
DECLARE
    stretch record;
BEGIN
    FOR stretch IN
        SELECT written.sequence AS first, array_agg(written.day) AS days FROM market.written
        WHERE written.market = of_market AND written.parent = 'event'
        GROUP BY written.sequence ORDER BY written.sequence DESC
    LOOP
        RETURN QUERY EXECUTE 'SELECT day, submitted_at FROM market.event '
            'WHERE market = $1 AND kind = ''rules'' AND outcome = ''taken'' '
            'AND words = ARRAY[$2] AND sequence >= $3 AND day = ANY($4) '
            'ORDER BY sequence DESC LIMIT 1'
            USING of_market, of_law, stretch.first, stretch.days;
        IF FOUND THEN
            RETURN;
        END IF;
    END LOOP;
END
$$
"""

FOR_EVERYBODY: Mapping[str, str] = MappingProxyType(
    {
        "market.leadership()": CREATE_LEADERSHIP,
        "market.law_told(text, text)": CREATE_LAW_TOLD,
    }
)
"""Made since 0042."""
